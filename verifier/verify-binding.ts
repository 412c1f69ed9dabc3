/** Stage binding: every digest of a bundle recomputed, and both halves of REPORT_DATA (protocol, "What is bound"). */
import type { Bundle } from './abi/bundle.ts';
import { type LogEntry, logDigest, parseLog } from './abi/log.ts';
import { bindingOf, type Channel, deviceDigest, freshnessOf } from './abi/report-data.ts';
import { type Bytes, equalBytes, toHex } from './bytes.ts';
import { type Checklist, unreadable } from './checklist.ts';
import { AttestationError } from './errors.ts';
import type { Connection } from './evidence.ts';
import { fieldToBytes } from './field.ts';
import type { LogClaims } from './verified.ts';

/**
 * Makes every check of stage binding.
 * @param reportData the signed 64 bytes, null when no report could be read
 * @returns what the log tells; nothing unless it is the one that is bound
 */
export function verifyBinding(
  list: Checklist,
  bundle: Bundle,
  reportData: Bytes | null,
  nonce: Bytes | null,
  connection: Connection,
): LogClaims {
  const { bound, devices } = bundle;
  compare(
    list,
    'binding.devices',
    bound.deviceDigest,
    deviceDigest(devices),
    'the devices given are not those bound',
  );
  const logged = checkLog(list, bundle);

  if (reportData === null) {
    list.skip('binding.report-data', 'a readable report');
    list.skip('binding.freshness', 'a readable report');
  } else {
    const first = reportData.subarray(0, 32);
    compare(
      list,
      'binding.report-data',
      first,
      bindingOf(bound),
      'the report signed other digests than these',
    );
    const fresh = freshnessOf(bundle.nonce, bundle.channel, bundle.epoch);
    const second = reportData.subarray(32);
    compare(
      list,
      'binding.freshness',
      second,
      fresh,
      'the report signed another nonce, channel or epoch than these',
    );
  }

  if (nonce !== null) {
    compare(
      list,
      'binding.nonce',
      bundle.nonce,
      nonce,
      'the evidence was made for another nonce: a replay',
    );
  }
  if (connection !== null) checkChannel(list, bundle.channel, connection.channel);
  return logged;
}

const nothing: LogClaims = { trees: [], events: [] };

/** Replays the log. */
function checkLog(list: Checklist, { bound, log }: Bundle): LogClaims {
  try {
    const { entries, treeRoot } = parseLog(log);
    const digest = logDigest(log);
    if (equalBytes(digest, bound.logDigest) && treeRoot !== bound.treeRoot) {
      list.fail('binding.log', {
        expected: `last tree ${toHex(fieldToBytes(bound.treeRoot))}`,
        actual: `last tree ${toHex(fieldToBytes(treeRoot))}`,
        reason: 'the last tree of the log is not the tree that is bound',
      });
      return nothing;
    }
    compare(list, 'binding.log', bound.logDigest, digest, 'the log given is not the one bound');
    return equalBytes(digest, bound.logDigest) ? toClaims(entries) : nothing;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail('binding.log', unreadable(error, `a log of digest ${toHex(bound.logDigest)}`));
    return nothing;
  }
}

/** Frozen: whoever shows a verification may not change what it found. */
function toClaims(entries: readonly LogEntry[]): LogClaims {
  const trees = entries.flatMap((entry) => {
    if (entry.kind !== 'tree') return [];
    const { time, treeRoot, reason } = entry;
    return [Object.freeze({ time, treeRoot: toHex(fieldToBytes(treeRoot)), reason })];
  });
  const events = entries.flatMap((entry) => {
    if (entry.kind !== 'event') return [];
    const { time, name, digest } = entry;
    return [Object.freeze({ time, name, digest: toHex(digest) })];
  });
  return { trees: Object.freeze(trees), events: Object.freeze(events) };
}

/**
 * The bundle never says what this verifier's end is. Where that end has a key, another's is a relay; evidence that binds
 * none is as good as over a connection that has none, and says so.
 */
function checkChannel(
  list: Checklist,
  claimed: Channel,
  own: NonNullable<Connection>['channel'],
): void {
  const id = 'binding.channel';
  if (claimed === null && own !== null && (own === 'unknown' || isList(own))) {
    return list.pass(id, { actual: 'none: this evidence can be relayed' });
  }
  if (own === 'unknown') {
    return list.skip(id, `this verifier's own end of the ${claimed?.kind} channel`);
  }
  const ends = isList(own) ? own : [own];
  const expected = ends.find((end) => end?.kind === claimed?.kind) ?? ends[0] ?? null;
  list.decide(id, show(claimed) === show(expected), {
    expected: show(expected),
    actual: show(claimed),
    reason: 'the evidence was made for another connection than this one',
  });
}

function isList<T extends object | null>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function show(channel: Channel): string {
  return channel === null ? 'none' : `${channel.kind} ${toHex(channel.hash)}`;
}

function compare(
  list: Checklist,
  id:
    | 'binding.devices'
    | 'binding.log'
    | 'binding.report-data'
    | 'binding.freshness'
    | 'binding.nonce',
  actual: Bytes,
  expected: Bytes,
  reason: string,
): void {
  list.decide(id, equalBytes(actual, expected), {
    expected: toHex(expected),
    actual: toHex(actual),
    reason,
  });
}
