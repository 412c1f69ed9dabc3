/** What each resource answers. */
import { encodeBundle, maxBundleLength } from '#verifier/abi/bundle.ts';
import type { Channel } from '#verifier/abi/report-data.ts';
import { serviceId } from '#verifier/abi/service.ts';
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import {
  answerClosure,
  type ClosureRequest,
  type ServedClosure,
  servedClosure,
} from '../closure/served.ts';
import { type CollateralStatus, collateralStatus } from '../collateral.ts';
import { type Devices, labelText, noDevices } from '../devices/devices.ts';
import { AgentError } from '../errors.ts';
import { type EventLog, noEventLog } from '../event-log.ts';
import { makeBundle, refuseFullLog } from '../evidence.ts';
import { historyDocument, proofDocument } from '../http-history.ts';
import type { Metrics } from '../metrics.ts';
import { openapiDocument } from '../openapi.ts';
import type { GuardedSource } from '../source.ts';
import type { AgentState } from '../state.ts';
import { agentVersion } from '../version.ts';
import { maxHeaderBytes, maxUrlLength, type RouteId } from './routes.ts';

export type Context = {
  /** null until the closure is computed. */
  readonly state: () => AgentState | null;
  /** null until the device is opened. */
  readonly source: () => GuardedSource | null;
  /** Of the configuration, once the device is opened. Default: none. */
  readonly devices?: () => Devices;
  /** The same. */
  readonly eventLog?: () => EventLog;
  /** The guest's clock, Unix seconds. */
  readonly now: () => UnixTime;
  /** Random bytes that nobody can foresee. */
  readonly random: (length: number) => Bytes;
  readonly metrics: Metrics;
  /** This layer has no way to compress. */
  readonly gzip: (bytes: Bytes) => Bytes;
};

/** Headers of the request that count, and for /closure alone. */
export type Preferences = ClosureRequest;

export type Reply = {
  readonly body: string | Bytes;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 200. */
  readonly status?: 200 | 304;
};

export type Answer = (
  context: Context & { readonly channel: Channel },
  parameters: Readonly<Record<string, string>>,
  preferences: Preferences,
) => string | Reply | Promise<string | Reply>;

/** By the table's route; text alone is a 200 of the route's media type. */
export const answers: Record<RouteId, Answer> = {
  async attestation(context, { nonce }) {
    const bundle = await makeBundle({
      ...context,
      state: stateOf(context),
      source: sourceOf(context),
      devices: devicesOf(context),
      eventLog: eventLogOf(context),
      nonce: nonce === undefined ? null : fromHex(nonce, 'nonce', 32),
    });
    return withinLimit(encodeBundle(bundle));
  },
  services: (context) => JSON.stringify(describeServices(stateOf(context))),
  proof: (context, { name = '', root }) => proofDocument(stateOf(context), name, root),
  history: (context) => historyDocument(stateOf(context)),
  closure: (context, _, preferences) => replyWithClosure(context, preferences),
  'event-log': async (context) => {
    sourceOf(context);
    const log = await eventLogOf(context).read();
    if (log === null) throw new AgentError('event-log-missing', 'there is no event log');
    return { body: log.bytes };
  },
  info: async (context) =>
    JSON.stringify({ ...describe(context), collateral: await collateralOf(context) }),
  healthz: () => JSON.stringify({ status: 'ok' }),
  async readyz(context) {
    assertReady(context);
    const devices = describeDevices(context);
    return JSON.stringify({ status: 'ready', devices, collateral: await collateralOf(context) });
  },
  async metrics(context) {
    const collateral = context.source() === null ? null : await collateralOf(context);
    return context.metrics.render({ ...gaugesOf(context), collateral });
  },
  openapi: () => openapiDocument(),
};

const served = new WeakMap<Bytes, ServedClosure>();

/** Compressed at the first request; the states of one closure share its manifest. */
function replyWithClosure(context: Context, preferences: Preferences): Reply {
  const state = stateOf(context);
  let closure = served.get(state.manifest);
  if (closure === undefined) {
    closure = servedClosure(state, context.gzip);
    served.set(state.manifest, closure);
  }
  const { body, headers, status } = answerClosure(closure, preferences);
  return { body: body ?? '', headers, status };
}

export function stateOf({ state }: Pick<Context, 'state'>): AgentState {
  const found = state();
  if (found === null) throw new AgentError('not-ready', 'the closure is not computed yet');
  return found;
}

/** Evidence is ASCII: as many bytes as characters. @throws AgentError `bundle-too-large` */
function withinLimit(bundle: string): string {
  if (bundle.length <= maxBundleLength) return bundle;
  throw new AgentError('bundle-too-large', `the bundle would have ${bundle.length} bytes`);
}

const devicesOf = ({ devices }: Pick<Context, 'devices'>) => devices?.() ?? noDevices;
const eventLogOf = ({ eventLog }: Pick<Context, 'eventLog'>) => eventLog?.() ?? noEventLog;

function sourceOf({ source }: Pick<Context, 'source'>): GuardedSource {
  const found = source();
  if (found === null) throw new AgentError('not-ready', 'the device is not opened yet');
  return found;
}

/** @throws AgentError `not-ready`, `log-full`, `device-hanging` */
export function assertReady(context: Pick<Context, 'state' | 'source' | 'devices'>): void {
  refuseFullLog(stateOf(context));
  const { answered, hanging, abandoned } = sourceOf(context).status();
  if (hanging) throw new AgentError('device-hanging', `${abandoned} calls have not ended`);
  if (!answered) throw new AgentError('not-ready', 'the device has not answered yet');
  for (const device of devicesOf(context).status()) {
    const what = labelText(device);
    if (device.state === 'hanging') {
      throw new AgentError('device-hanging', `${what} is asked no more`, { device });
    }
    if (!device.answered) {
      throw new AgentError('not-ready', `${what} has not answered yet`, { device });
    }
  }
}

function describeDevices(context: Context) {
  const described = devicesOf(context).status();
  return described.map(({ index, kind, name, state }) => ({ index, kind, source: name, state }));
}

function isReady(context: Context): boolean {
  try {
    assertReady(context);
    return true;
  } catch {
    return false;
  }
}

/** Of a source that knows nothing of it, all kinds are missing until the device says otherwise. */
async function collateralOf(context: Context): Promise<CollateralStatus> {
  const source = sourceOf(context);
  const carried = (await source.carried?.()) ?? { items: [], leftOut: [], folder: null };
  return collateralStatus(source.platform, carried, context.now());
}

function gaugesOf(context: Context) {
  const status = context.source()?.status();
  const state = context.state();
  return {
    ready: isReady(context),
    queued: status?.queued ?? 0,
    abandoned: status?.abandoned ?? 0,
    closureAge: state === null ? null : ageOf(state, context.now()),
    devices: devicesOf(context).status(),
  };
}

/** The host sets the guest's clock: it may have gone back. */
function ageOf({ closureTime }: AgentState, now: UnixTime): number {
  return Math.max(0, now - closureTime);
}

function describe(context: Context) {
  const state = stateOf(context);
  const { platform, name, provider = null, limits } = sourceOf(context);
  return {
    version: 1,
    agent: agentVersion,
    platform,
    source: name,
    provider,
    devices: describeDevices(context),
    eventLog: eventLogOf(context).files.map(({ path }) => path),
    closure: {
      digest: toHex(state.closureDigest),
      paths: state.pathCount,
      computed: state.closureTime,
      ageSeconds: ageOf(state, context.now()),
    },
    treeRoot: toHex(fieldToBytes(state.tree.root)),
    services: state.services.length,
    limits: {
      urlLength: maxUrlLength,
      headerBytes: maxHeaderBytes,
      bodyBytes: 0,
      nonceBytes: 32,
      queue: limits.queue,
      requestMilliseconds: limits.timeoutMs,
      deviceMilliseconds: limits.hangMs,
      abandonedCalls: limits.abandoned,
    },
  };
}

/**
 * `version` 1 · `treeRoot` · `services`: what the tree holds, and the store path that each NAR hash
 * is of.
 */
function describeServices({ tree, services }: AgentState) {
  return {
    version: 1,
    treeRoot: toHex(fieldToBytes(tree.root)),
    services: services.map(({ name, narHash, publicKey, storePath }) => ({
      name,
      id: toHex(serviceId(name)),
      narHash: toHex(narHash),
      publicKey: toHex(publicKey),
      storePath,
    })),
  };
}
