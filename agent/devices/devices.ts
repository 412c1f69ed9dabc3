/**
 * Evidence of other devices than the secure processor: `devices` of a bundle, in the order of the configuration. Each entry
 * answers a nonce of its own; one that fails, is slow or answers another nonce ends the whole request.
 */
import type { Device } from '#verifier/abi/report-data.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AgentError, type DeviceLabel } from '../errors.ts';
import {
  createQueue,
  type DeviceOutcome,
  type Queue,
  type QueueLimits,
  type QueueObserver,
} from '../queue.ts';

export const deviceKinds = ['nvidia', 'tpm', 'nitro-tpm'] as const;
export type DeviceKind = (typeof deviceKinds)[number];

export type DeviceEvidence = {
  /** As a bundle carries it. */
  readonly evidence: Bytes;
  /** What no other device of the kind has; null where there can be one alone. */
  readonly identity: string | null;
};

/** One entry of the configuration: one device, or several of a kind that one command asks. */
export type DeviceSource = {
  readonly kind: DeviceKind;
  /** For people: a command, or a file. */
  readonly name: string;
  /** Entries of the bundle that it makes, 1 at least. */
  readonly count: number;
  /** From the request on, waiting included. */
  readonly timeoutMs: number;
  /** Calls that may be left behind at a time, where a device hangs. */
  readonly abandoned: number;
  /**
   * Evidence over this nonce, made now.
   * @param place of the device among `count`, from 0
   * @throws AgentError `device-failed`, `device-timeout`; any other error counts as `device-failed`
   */
  evidence(nonce: Bytes, place: number): Promise<DeviceEvidence>;
};

/** `waiting`: never answered · `failing`: the last call failed · `hanging`: asked no more. */
export type DeviceState = 'ready' | 'waiting' | 'failing' | 'hanging';

export type DeviceStatus = DeviceLabel & {
  readonly name: string;
  readonly state: DeviceState;
  /** Whether it has ever answered. */
  readonly answered: boolean;
  /** Requests that wait for it, and calls that were given up: of all devices of its command. */
  readonly queued: number;
  readonly abandoned: number;
};

/** Counts and logs. */
export type DevicesObserver = {
  called(device: DeviceLabel): (outcome: DeviceOutcome) => void;
  abandoned(device: DeviceLabel, count: number, limit: number): void;
  ended(device: DeviceLabel, count: number, limit: number): void;
};

export type Devices = {
  readonly labels: readonly DeviceLabel[];
  /**
   * Evidence of all, each over its own nonce; several at a time, but one at a time of a command.
   * @throws AgentError `device-failed`, `device-busy`, `device-timeout`, `device-hanging`, each with its device
   */
  collect(nonceOf: (index: number) => Bytes): Promise<Device[]>;
  /** Evidence of one. @throws AgentError as `collect`; RangeError for an index that there is not */
  ask(index: number, nonce: Bytes): Promise<Bytes>;
  status(): readonly DeviceStatus[];
};

const unobserved: DevicesObserver = { called: () => () => {}, abandoned() {}, ended() {} };

/** As many may wait for a device as for the secure processor. */
const queueLength = 64;
/** After its time limit a call has a fifth of that to end, before it is abandoned. */
const hangFactor = 1.2;

type Call = { readonly label: DeviceLabel; readonly place: number; readonly nonce: Bytes };
type Group = { readonly source: DeviceSource; readonly queue: Queue<Call, DeviceEvidence> };
type Member = { readonly label: DeviceLabel; readonly place: number; readonly group: Group };

export const noDevices: Devices = guardDevices([]);

/** A place in a bundle's `devices` for each. */
export function labelsOf(sources: readonly Pick<DeviceSource, 'kind' | 'count'>[]): DeviceLabel[] {
  return sources
    .flatMap(({ kind, count }) => Array.from({ length: count }, () => kind))
    .map((kind, index) => ({ index, kind }));
}

export function guardDevices(
  sources: readonly DeviceSource[],
  observer: DevicesObserver = unobserved,
): Devices {
  const labels = labelsOf(sources);
  const states = labels.map(() => ({ answered: false, failed: false }));
  const members: Member[] = [];
  for (const source of sources) {
    const first = labels[members.length] as DeviceLabel;
    const group = { source, queue: queueOf(source, first, observer, record) };
    for (let place = 0; place < source.count; place++) {
      members.push({ label: labels[members.length] as DeviceLabel, place, group });
    }
  }

  function record({ index }: DeviceLabel, outcome: DeviceOutcome): void {
    const state = states[index] as (typeof states)[number];
    state.failed = outcome !== 'answered';
    if (outcome === 'answered') state.answered = true;
  }

  async function askMember({ label, place, group }: Member, nonce: Bytes): Promise<DeviceEvidence> {
    try {
      return await group.queue.ask({ label, place, nonce });
    } catch (cause) {
      throw named(label, group.source, cause);
    }
  }

  /** In order, so that one command runs at a time. */
  async function collectGroup(group: Group, nonceOf: (index: number) => Bytes) {
    const found: DeviceEvidence[] = [];
    for (const member of members.filter((one) => one.group === group)) {
      found.push(await askMember(member, nonceOf(member.label.index)));
    }
    return found;
  }

  return {
    labels,
    async collect(nonceOf) {
      const groups = [...new Set(members.map(({ group }) => group))];
      const found = await Promise.all(groups.map((group) => collectGroup(group, nonceOf)));
      const all = found.flat();
      refuseTwice(labels, all);
      return all.map(({ evidence }, index) => ({
        kind: (labels[index] as DeviceLabel).kind,
        evidence,
      }));
    },
    async ask(index, nonce) {
      const member = members[index];
      if (member === undefined) throw new RangeError(`there is no device ${index}`);
      return (await askMember(member, nonce)).evidence;
    },
    status: () =>
      members.map(({ label, group }) => {
        const { queued, abandoned, hanging } = group.queue.status();
        const { answered, failed } = states[label.index] as (typeof states)[number];
        const known = !answered ? 'waiting' : failed ? 'failing' : 'ready';
        const state = hanging ? 'hanging' : known;
        return { ...label, name: group.source.name, state, answered, queued, abandoned };
      }),
  };
}

function queueOf(
  source: DeviceSource,
  first: DeviceLabel,
  observer: DevicesObserver,
  record: (label: DeviceLabel, outcome: DeviceOutcome) => void,
): Queue<Call, DeviceEvidence> {
  const { timeoutMs, abandoned } = source;
  const limits: QueueLimits = {
    queue: queueLength,
    timeoutMs,
    hangMs: Math.ceil(hangFactor * timeoutMs),
    abandoned,
  };
  const watch: QueueObserver<Call> = {
    called({ label }) {
      const finish = observer.called(label);
      return (outcome) => {
        record(label, outcome);
        finish(outcome);
      };
    },
    abandoned: (count, limit) => observer.abandoned(first, count, limit),
    ended: (count, limit) => observer.ended(first, count, limit),
  };
  const call = ({ nonce, place }: Call) => source.evidence(nonce, place);
  return createQueue(source.name, call, limits, watch);
}

/** The same code, and which device it was. */
function named(device: DeviceLabel, { name }: DeviceSource, cause: unknown): AgentError {
  const known = cause instanceof AgentError;
  const why = known ? cause.message : `${name} gave no evidence`;
  const inner = known ? cause.cause : cause;
  return new AgentError(known ? cause.code : 'device-failed', `${labelText(device)}: ${why}`, {
    cause: inner,
    device,
  });
}

/** `device 2 (nvidia)` */
export function labelText({ index, kind }: DeviceLabel): string {
  return `device ${index} (${kind})`;
}

/** One device under two places would count twice. */
function refuseTwice(labels: readonly DeviceLabel[], found: readonly DeviceEvidence[]): void {
  const seen = new Map<string, number>();
  found.forEach(({ identity }, index) => {
    const label = labels[index] as DeviceLabel;
    if (identity === null) return;
    const key = `${label.kind} ${identity}`;
    const first = seen.get(key);
    if (first !== undefined) {
      throw new AgentError(
        'device-failed',
        `${labelText(label)}: it is the same as device ${first}, expected another`,
        { device: label },
      );
    }
    seen.set(key, index);
  });
}
