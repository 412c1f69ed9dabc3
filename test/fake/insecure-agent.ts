/**
 * INSECURE: the production agent's app on a simulated AMD or Intel processor. It proves nothing
 * about any machine; a verifier accepts it only when it is handed the simulator's root. For demos and tests.
 */
import { writeFileSync } from 'node:fs';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type Koa from 'koa';
import { hideBin } from 'yargs/helpers';
import { createApp } from '#agent/app.ts';
import {
  announce,
  consoleLogger,
  deviceLimits,
  loadConfig,
  now,
  random,
  serve,
  stopSignal,
  withOwnCollateral,
} from '#agent/cli.ts';
import type { AgentService } from '#agent/config.ts';
import { AgentError, type Logger } from '#agent/errors.ts';
import { type EvidenceSource, oneAtATime, type QueueLimits } from '#agent/source.ts';
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
  /** Stands in for the simulated processor. */
  source?: EvidenceSource;
  limits?: QueueLimits;
  now?: () => UnixTime;
  logger?: Logger;
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
  source: EvidenceSource;
  state: AgentState;
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
  const { now: clock = now, logger = consoleLogger } = options;
  const source = oneAtATime(
    withOwnCollateral(options.source ?? simulated, options.collateral ?? [], logger),
    options.limits ?? deviceLimits,
  );
  const closure = demoClosure();
  const demo = demoServices(closure);
  const state = options.state ?? bootState(closure, demo.services, clock());
  const app = createApp({
    state: () => state,
    source,
    channelOf: () => null,
    now: clock,
    random,
    logger,
  });
  const secretKeys = options.state === undefined ? demo.secretKeys : {};
  return { app, source, state, secretKeys };
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

async function main(args: readonly string[]): Promise<number> {
  const options = await readOptions(args);
  process.stderr.write(banner);
  try {
    const loaded = options.config === undefined ? null : await loadConfig(options.config);
    const { app, source, state, rootsPem } = await agentOf(options.machine, {
      ...(loaded && { state: loaded.state, collateral: loaded.collateral }),
    });
    writeFileSync(options.outRoots, rootsPem());
    const server = await serve(app, options);
    announce(consoleLogger, server.url, source, state);
    consoleLogger.info(`simulated root in ${options.outRoots}`);
    await stopSignal();
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
