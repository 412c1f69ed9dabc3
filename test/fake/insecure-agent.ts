/**
 * INSECURE: the production agent's app on a simulated AMD or Intel processor. It proves nothing
 * about any machine; a verifier accepts it only when it is handed the simulator's root. For demos and tests.
 */
import { writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type Koa from 'koa';
import { hideBin } from 'yargs/helpers';
import { type AppDependencies, createApp } from '#agent/app.ts';
import {
  announce,
  clock,
  collateralFolderOf,
  consoleLogger,
  deviceLimits,
  loadConfig,
  now,
  random,
  tlsOf,
  withOwnCollateral,
} from '#agent/cli.ts';
import { gzip } from '#agent/closure/gzip.ts';
import type { FolderView } from '#agent/collateral.ts';
import type { AgentService, Config } from '#agent/config.ts';
import { type DeviceSource, type Devices, guardDevices, labelsOf } from '#agent/devices/devices.ts';
import { openDevices } from '#agent/devices/open.ts';
import { AgentError, type Logger } from '#agent/errors.ts';
import { type EventLog, eventLogFiles, eventLogOf, noEventLog } from '#agent/event-log.ts';
import { readAll } from '#agent/files.ts';
import { createHistory, type History } from '#agent/history.ts';
import { followHistory } from '#agent/history-io.ts';
import { serve, stopSignal } from '#agent/listen.ts';
import { createMetrics } from '#agent/metrics.ts';
import type { QueueLimits } from '#agent/queue.ts';
import { deviceObserver, devicesObserver, firstAnswer } from '#agent/readiness.ts';
import { type EvidenceSource, type GuardedSource, oneAtATime } from '#agent/source.ts';
import { type AgentState, bootState } from '#agent/state.ts';
import {
  type AmdCollateralKind,
  amdCollateralKinds,
  type CollateralItem,
  type IntelCollateralKind,
} from '#verifier/abi/bundle.ts';
import type { ClosurePath } from '#verifier/abi/closure.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type AmdHierarchy, createAmdHierarchy } from './amd.ts';
import { type InsecureOptions, readOptions } from './insecure-options.ts';
import { createIntel, type Intel } from './intel.ts';
import { createSnpDevice, type SnpDevice, type SnpFields } from './snp-device.ts';
import { createTdxDevice, simulatedTdx, type TdxDevice, type TdxFields } from './tdx-device.ts';

/** A closure of a few paths, the same on every run, so that its digest is too. */
export function demoClosure(): ClosurePath[] {
  const names = ['echo-cpp-1.0', 'echo-node-1.0', 'echo-rust-1.0', 'glibc-2.40', 'nodejs-24.21.0'];
  return [...names, 'nixos-system-demo-25.11'].map((name) => {
    const narHash = sha256(utf8(`contents of ${name}`));
    const digits = Array.from(narHash, (byte) => '0123456789abcdfghijklmnpqrsvwxyz'[byte % 32]);
    return { path: `/nix/store/${digits.join('')}-${name}`, narHash };
  });
}

export type DemoServices = {
  services: AgentService[];
  /** secp256k1, 32 bytes, by name. */
  secretKeys: Record<string, Bytes>;
};

/** echo-node, echo-cpp and echo-rust with new keys. */
export function demoServices(closure: readonly ClosurePath[]): DemoServices {
  const secretKeys: Record<string, Bytes> = {};
  const services = ['echo-node', 'echo-cpp', 'echo-rust'].map((name) => {
    const found = closure.find(({ path }) => path.endsWith(`-${name}-1.0`));
    if (found === undefined) throw new RangeError(`the closure has no ${name}`);
    const { secretKey } = secp256k1.keygen();
    secretKeys[name] = secretKey;
    const publicKey = secp256k1.getPublicKey(secretKey, false).slice(1);
    return { name, storePath: found.path, publicKey, narHash: found.narHash };
  });
  return { services, secretKeys };
}

type AgentOptions = {
  /** Default: the demo's closure and services. */
  state?: AgentState;
  /** Collateral of the configuration's own files. */
  collateral?: readonly CollateralItem[];
  /** That a refresher writes. */
  folder?: FolderView | null;
  /** Stands in for the simulated processor. */
  source?: EvidenceSource;
  limits?: QueueLimits;
  /** Default: none. */
  devices?: readonly DeviceSource[];
  /** Default: none. */
  eventLog?: EventLog;
  now?: () => UnixTime;
  logger?: Logger;
  access?: AppDependencies['access'];
  /** Default: plain HTTP, whose channel is none. */
  channelOf?: AppDependencies['channelOf'];
};

export type InsecureAgentOptions = AgentOptions & {
  /** Default Milan. */
  product?: SnpProduct;
  /** Default: one of its own, made for `now`. */
  hierarchy?: AmdHierarchy;
  /** Of every report; a `signingKey` of `vlek` makes the bundle carry VLEK and ASVK. */
  fields?: Partial<SnpFields>;
  /** Kinds that the bundle leaves out. */
  noCollateral?: readonly AmdCollateralKind[];
};

export type InsecureTdxAgentOptions = AgentOptions & {
  /** Default: one of its own, made for `now`. */
  intel?: Intel;
  /** Of every quote. */
  fields?: Partial<TdxFields>;
  /** Kinds that the bundle leaves out. */
  noCollateral?: readonly IntelCollateralKind[];
};

type Agent = {
  app: Koa;
  source: GuardedSource;
  devices: Devices;
  /** At the boot. */
  state: AgentState;
  history: History;
  /** Of the demo's services; empty when a state was given. */
  secretKeys: Record<string, Bytes>;
};
export type InsecureAgent = Agent & { hierarchy: AmdHierarchy; device: SnpDevice };
export type InsecureTdxAgent = Agent & { intel: Intel; device: TdxDevice };

export async function createInsecureAgent(
  options: InsecureAgentOptions = {},
): Promise<InsecureAgent> {
  const clock = options.now ?? now;
  const hierarchy =
    options.hierarchy ??
    (await createAmdHierarchy({ product: options.product ?? 'Milan', now: clock() }));
  const device = createSnpDevice(hierarchy, options.fields);
  const simulated = simulatedSnp(hierarchy, device, options, clock);
  return { ...agentOn(simulated, options), hierarchy, device };
}

export function createInsecureTdxAgent(options: InsecureTdxAgentOptions = {}): InsecureTdxAgent {
  const clock = options.now ?? now;
  const intel = options.intel ?? createIntel({ now: clock() });
  const device = createTdxDevice(intel, options.fields);
  const { noCollateral = [] } = options;
  const simulated = simulatedTdx({ intel, device, noCollateral, now: clock });
  return { ...agentOn(simulated, options), intel, device };
}

function agentOn(simulated: EvidenceSource, options: AgentOptions): Agent {
  const { now: time = now, logger = consoleLogger } = options;
  const metrics = createMetrics(labelsOf(options.devices ?? []));
  const devices = guardDevices(options.devices ?? [], devicesObserver(metrics, logger, clock));
  const source = oneAtATime(
    withOwnCollateral(
      options.source ?? simulated,
      options.collateral ?? [],
      logger,
      options.folder ?? null,
    ),
    options.limits ?? deviceLimits,
    deviceObserver(metrics, logger, clock),
  );
  const closure = demoClosure();
  const demo = demoServices(closure);
  const state = options.state ?? bootState(closure, demo.services, time());
  const history = createHistory(state, { now: time, logger });
  const app = createApp({
    state: history.state,
    source: () => source,
    devices: () => devices,
    eventLog: () => options.eventLog ?? noEventLog,
    channelOf: options.channelOf ?? (() => null),
    now: time,
    random,
    logger,
    metrics,
    gzip,
    ...(options.access && { access: options.access }),
  });
  const secretKeys = options.state === undefined ? demo.secretKeys : {};
  return { app, source, devices, state, history, secretKeys };
}

function simulatedSnp(
  hierarchy: AmdHierarchy,
  device: SnpDevice,
  { fields = {}, noCollateral = [] }: InsecureAgentOptions,
  clock: () => UnixTime,
): EvidenceSource {
  const vlek = fields.signingKey === 'vlek';
  const data: Record<AmdCollateralKind, Bytes> = {
    vek: (vlek ? hierarchy.vlek : hierarchy.vcek).der,
    ask: (vlek ? hierarchy.asvk : hierarchy.ask).der,
    ark: hierarchy.ark.der,
    'ark-crl': hierarchy.crl.der,
  };
  const kinds = amdCollateralKinds.filter((kind) => !noCollateral.includes(kind));
  return {
    platform: 'sev-snp',
    name: 'INSECURE simulated AMD processor',
    async report(reportData) {
      const collateral = kinds.map((kind) => ({
        kind,
        data: data[kind],
        source: 'simulated AMD hierarchy',
        fetched: clock(),
      }));
      return { evidence: device.report(reportData), collateral };
    },
  };
}

const banner = `
  INSECURE AGENT: a simulated processor with keys made just now.
  Its evidence says nothing about any machine. Never trust its root outside a test.

`;

async function agentOf(
  machine: InsecureOptions['machine'],
  options: AgentOptions,
): Promise<Agent & { rootsPem: () => string }> {
  if (machine.platform === 'tdx') {
    const fields = { version: machine.version };
    const agent = createInsecureTdxAgent({
      ...options,
      fields,
      noCollateral: machine.noCollateral,
    });
    return { ...agent, rootsPem: agent.intel.rootsPem };
  }
  const { product } = machine;
  const fields = { version: machine.version };
  const agent = await createInsecureAgent({
    ...options,
    product,
    fields,
    noCollateral: machine.noCollateral,
  });
  return { ...agent, rootsPem: agent.hierarchy.rootsPem };
}

/** Devices and event log that the configuration names: the kernel's own log is of no simulated machine. */
async function namedIn(config: Config, { config: file = '', machine }: InsecureOptions) {
  const devices = await openDevices(config.devices ?? [], dirname(resolve(file)));
  const kinds = devices.map(({ kind }) => kind);
  const files = eventLogFiles(config.eventLog ?? null, machine.platform, kinds);
  const named = files.filter((one) => one.named);
  return { devices, eventLog: eventLogOf(named, readAll, consoleLogger) };
}

async function main(args: readonly string[]): Promise<number> {
  const options = await readOptions(args);
  process.stderr.write(banner);
  try {
    const loaded = options.config === undefined ? null : await loadConfig(options.config);
    const configured = { tls: options.tls ? { certificateLifetime: 1 } : loaded?.config.tls };
    const tls = await tlsOf(configured, consoleLogger);
    const { app, source, devices, state, history, rootsPem } = await agentOf(options.machine, {
      ...(loaded && {
        state: loaded.state,
        collateral: loaded.collateral,
        folder: collateralFolderOf(loaded.config, consoleLogger),
        ...(await namedIn(loaded.config, options)),
      }),
      ...(tls && { channelOf: tls.channelOf }),
    });
    writeFileSync(options.outRoots, rootsPem());
    const server = await serve(app, options, tls);
    announce(consoleLogger, server.url, source, state);
    consoleLogger.info(`simulated root in ${options.outRoots}`);
    const stop = new AbortController();
    const stopped = stopSignal().then(() => stop.abort());
    const following =
      loaded &&
      (await followHistory({
        config: loaded.config,
        folder: dirname(resolve(options.config ?? '')),
        history,
        logger: consoleLogger,
      }));
    await firstAnswer(source, stop.signal, consoleLogger, devices);
    await stopped;
    await following?.close();
    await server.close();
    return 0;
  } catch (error) {
    const known = error instanceof AgentError || error instanceof AttestationError;
    consoleLogger.error(
      known ? `${error.message}. ${error.remedy}` : 'cannot start',
      known ? error.cause : error,
    );
    return known || (error as { code?: unknown }).code !== undefined ? 2 : 1;
  }
}

if (import.meta.main) process.exitCode = await main(hideBin(process.argv));
