/** What changes while the guest runs: services restart with new keys, and its root adds events. */
import { maxLogEntries } from '#verifier/abi/log.ts';
import { type Bytes, equalBytes, toHex, utf8 } from '#verifier/bytes.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import { AgentError, type Logger } from './errors.ts';
import { type AgentState, type ServedTree, withEvent, withKeys } from './state.ts';

export type History = {
  /** The snapshot of now. */
  state(): AgentState;
  /**
   * A new tree and its entry, when any key is another than before.
   * @param keys by the service's place
   * @throws AgentError `log-full`; AttestationError `signature-malformed`
   */
  setKeys(keys: readonly Bytes[]): void;
  /**
   * @param name as `isEventName` takes it
   * @param digest 32 bytes
   * @returns the log's digest with it
   * @throws AgentError `log-full`; RangeError for a name or digest that is none
   */
  addEvent(name: string, digest: Bytes): Bytes;
};

/** Bytes of an entry's text: 4,096 of them still leave room in a bundle. */
const maxTextLength = 255;

/** 1 to 255 bytes of UTF-8 without control characters: it is shown to people. */
export function isEventName(name: string): boolean {
  const length = utf8(name).length;
  return length > 0 && length <= maxTextLength && name.isWellFormed() && !/\p{Cc}/u.test(name);
}

/** @param now the guest's clock, Unix seconds */
export function createHistory(
  boot: AgentState,
  { now, logger }: { now: () => UnixTime; logger: Logger },
): History {
  let state = boot;

  /** What does not fit must not be left out: from then on there is no evidence. */
  function refuseFull(what: string): void {
    if (state.log.length < maxLogEntries) return;
    state = { ...state, logFull: true };
    const problem = `the log holds its ${maxLogEntries} entries, and ${what} is not among them`;
    const error = new AgentError('log-full', problem);
    logger.error(`not ready: ${problem}. ${error.remedy}`);
    throw error;
  }

  return {
    state: () => state,
    setKeys(keys) {
      const changed = state.services.filter(
        ({ publicKey }, i) => !equalBytes(publicKey, keys[i] ?? publicKey),
      );
      if (changed.length === 0) return;
      const reason = reasonOf(changed.map(({ name }) => name));
      refuseFull(reason);
      state = withKeys(state, keys, { reason, now: now() });
      const root = toHex(fieldToBytes(state.tree.root));
      logger.info(`tree root ${root} (${reason}; entry ${state.log.length} of the log)`);
    },
    addEvent(name, digest) {
      if (!isEventName(name)) throw new RangeError('this is no name of an event');
      refuseFull(`event ${name}`);
      state = withEvent(state, { name, digest, now: now() });
      logger.info(`event ${name} (entry ${state.log.length} of the log)`);
      return state.logDigest;
    },
  };
}

/** Names them all, where they fit. */
function reasonOf(names: readonly string[]): string {
  const listed = `service${names.length === 1 ? '' : 's'} ${names.join(', ')} restarted`;
  return listed.length <= maxTextLength ? listed : `${names.length} services restarted`;
}

/**
 * The tree of this boot with this root.
 * @throws AgentError `tree-gone` when it is no longer kept, `tree-unknown` when there was none
 */
export function treeOf(state: AgentState, root: Field): ServedTree {
  const found = state.trees.findLast(({ tree }) => tree.root === root);
  if (found !== undefined) return found;
  if (state.goneRoots.has(root)) {
    throw new AgentError('tree-gone', 'this tree is older than those kept');
  }
  throw new AgentError('tree-unknown', 'no tree of this boot has this root');
}
