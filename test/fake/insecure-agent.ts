/**
 * INSECURE: the production agent's app on a simulated AMD processor. It proves nothing about any
 * machine; a verifier accepts it only when it is handed the simulator's root. For demos and tests.
 */
import { writeFileSync } from 'node:fs';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type Koa from 'koa';
import yargs from 'yargs';
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
} from '#agent/cli.ts';
import { withCollateral } from '#agent/collateral.ts';
import type { AgentService } from '#agent/config.ts';
import { AgentError, type Logger } from '#agent/errors.ts';
import { type EvidenceSource, oneAtATime, type QueueLimits } from '#agent/source.ts';
import { type AgentState, bootState } from '#agent/state.ts';
import { type CollateralItem, type CollateralKind, collateralKinds } from '#verifier/abi/bundle.ts';
import type { ClosurePath } from '#verifier/abi/closure.ts';
import { type ReportVersion, reportVersions } from '#verifier/abi/snp.ts';
import { type SnpProduct, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type AmdHierarchy, createAmdHierarchy } from './amd.ts';
import { createSnpDevice, type SnpDevice, type SnpFields } from './snp-device.ts';

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

export type InsecureAgentOptions = {
  /** Default Milan. */
  product?: SnpProduct;
  /** Default: one of its own, made for `now`. */
  hierarchy?: AmdHierarchy;
  /** Of every report; a `signingKey` of `vlek` makes the bundle carry VLEK and ASVK. */
  fields?: Partial<SnpFields>;
  /** Kinds that the bundle leaves out. */
  noCollateral?: readonly CollateralKind[];
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

export type InsecureAgent = {
  app: Koa;
  hierarchy: AmdHierarchy;
  device: SnpDevice;
  source: EvidenceSource;
  state: AgentState;
  /** Of the demo's services; empty when a state was given. */
  secretKeys: Record<string, Bytes>;
};

export async function createInsecureAgent(
  options: InsecureAgentOptions = {},
): Promise<InsecureAgent> {
  const clock = options.now ?? now;
  const hierarchy =
    options.hierarchy ??
    (await createAmdHierarchy({ product: options.product ?? 'Milan', now: clock() }));
  const device = createSnpDevice(hierarchy, options.fields);
  const simulated = simulatedSource(hierarchy, device, options, clock);
  const source = oneAtATime(
    withCollateral(options.source ?? simulated, options.collateral ?? []),
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
    logger: options.logger ?? consoleLogger,
  });
  const secretKeys = options.state === undefined ? demo.secretKeys : {};
  return { app, hierarchy, device, source, state, secretKeys };
}

function simulatedSource(
  hierarchy: AmdHierarchy,
  device: SnpDevice,
  { fields = {}, noCollateral = [] }: InsecureAgentOptions,
  clock: () => UnixTime,
): EvidenceSource {
  const vlek = fields.signingKey === 'vlek';
  const data: Record<CollateralKind, Bytes> = {
    vek: (vlek ? hierarchy.vlek : hierarchy.vcek).der,
    ask: (vlek ? hierarchy.asvk : hierarchy.ask).der,
    ark: hierarchy.ark.der,
    'ark-crl': hierarchy.crl.der,
  };
  const kinds = collateralKinds.filter((kind) => !noCollateral.includes(kind));
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
  INSECURE AGENT: a simulated AMD processor with keys made just now.
  Its evidence says nothing about any machine. Never trust its root outside a test.

`;

async function main(args: readonly string[]): Promise<number> {
  const options = await yargs(args)
    .scriptName('insecure-agent')
    .usage('$0 --port N --out-roots FILE [options]')
    .parserConfiguration({ 'boolean-negation': false, 'duplicate-arguments-array': false })
    .options({
      port: { type: 'number', demandOption: true, describe: 'port to listen on, 0 for any' },
      host: { type: 'string', default: '127.0.0.1', describe: 'address to listen on' },
      'out-roots': {
        type: 'string',
        demandOption: true,
        describe: "file to write the simulator's root (ARK, PEM) to",
      },
      config: { type: 'string', describe: 'agent configuration; without it, a built-in demo' },
      product: { choices: snpProducts, default: 'Milan' as SnpProduct, describe: 'AMD product' },
      'report-version': {
        type: 'number',
        choices: reportVersions,
        default: 5 as ReportVersion,
        describe: 'version of the attestation report',
      },
      'no-collateral': {
        array: true,
        choices: collateralKinds,
        default: [] as CollateralKind[],
        describe: 'kinds that the bundle leaves out',
      },
    })
    .check(({ port }) => {
      if (Number.isInteger(port) && port >= 0 && port <= 65535) return true;
      throw new Error('--port: expected a number from 0 to 65535');
    })
    .strict()
    .version(false)
    .fail((message, error) => {
      process.stderr.write(`insecure-agent: ${message ?? error.message} (see --help)\n`);
      process.exit(2);
    })
    .parse();
  process.stderr.write(banner);
  try {
    const loaded = options.config === undefined ? null : await loadConfig(options.config);
    const { app, hierarchy, source, state } = await createInsecureAgent({
      product: options.product,
      fields: { version: options.reportVersion },
      noCollateral: options.noCollateral,
      ...(loaded && { state: loaded.state, collateral: loaded.collateral }),
    });
    writeFileSync(options.outRoots, hierarchy.rootsPem());
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
