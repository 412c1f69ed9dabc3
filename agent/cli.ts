/** `affidavit agent run`: reads the files, finds the device, listens. */
import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { pino } from 'pino';
import type { CollateralItem, CollateralKind } from '#verifier/abi/bundle.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { createAccessLog } from './access-log.ts';
import { createApp } from './app.ts';
import { gzip } from './closure/gzip.ts';
import { loadClosure } from './closure/load.ts';
import {
  configuredSource,
  type FolderView,
  readCollateralData,
  splitByPlatform,
  withCollateral,
} from './collateral.ts';
import { openCollateralFolder } from './collateral-folder.ts';
import { type Config, parseConfig, toServices } from './config.ts';
import { openConfigfs } from './configfs.ts';
import { type Attached, attach, configuredLabels } from './devices/attach.ts';
import { noDevices } from './devices/devices.ts';
import { AgentError, type Logger } from './errors.ts';
import { noEventLog } from './event-log.ts';
import { kernelFacts, processOwners, readAll, readText, tsmFiles } from './files.ts';
import { createHistory, type History } from './history.ts';
import { followHistory } from './history-io.ts';
import { keyFileReader } from './key-files.ts';
import { readServiceKeys } from './keys.ts';
import { type AgentTls, type Server, serve, stopSignal } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { systemdNotifier } from './notify.ts';
import { deviceObserver, devicesObserver, firstAnswer, tellCollateral } from './readiness.ts';
import { type EvidenceSource, type GuardedSource, oneAtATime } from './source.ts';
import { type AgentState, bootState } from './state.ts';

export const exitCodes = { ok: 0, fault: 1, badConfiguration: 2, noTee: 30 } as const;

const megabyte = 1024 * 1024;
const limits = { config: 8 * megabyte, collateral: megabyte };
export const deviceLimits = { queue: 64, timeoutMs: 10_000, hangMs: 12_000, abandoned: 2 } as const;

export const now = (): number => Math.floor(Date.now() / 1000);
export const random = (length: number): Bytes => new Uint8Array(randomBytes(length));

/** Standard output is for the lines that say what was bound; all else goes to standard error. */
export const consoleLogger: Logger = {
  info: (message) => void process.stdout.write(`affidavit agent: ${message}\n`),
  warn: (message, cause) => writeError(`warning: ${message}`, cause),
  error: (message, cause) => writeError(message, cause),
};

function writeError(message: string, cause?: unknown): void {
  const why = cause === undefined ? '' : `: ${describe(cause)}`;
  process.stderr.write(`affidavit agent: ${message}${why}\n`);
}

/** One line: the message, and those of what caused it. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = error.cause === undefined ? '' : ` (${describe(error.cause)})`;
  return `${error.message}${why}`.replaceAll('\n', ' ');
}

/**
 * Runs until SIGTERM or SIGINT. It listens at once, and answers `not-ready` until the closure is
 * computed and the device has been asked.
 * @returns the exit code: 0 stopped, 2 bad configuration, 30 no TEE, 1 a fault of the program
 */
export async function runAgent(options: { config: string }): Promise<number> {
  const log = pino.destination({ dest: 1, sync: false, maxLength: maxLogBuffer });
  // Nobody reads standard output any more: that is no reason to stop answering.
  log.on('error', () => {});
  const notify = systemdNotifier(consoleLogger);
  let server: Server | undefined;
  let following: { close(): Promise<void> } | undefined;
  try {
    const config = await readConfig(options.config);
    let history: History | null = null;
    let source: GuardedSource | null = null;
    let attached: Attached = { devices: noDevices, eventLog: noEventLog };
    const metrics = createMetrics(configuredLabels(config));
    const tls = await tlsOf(config, consoleLogger);
    const app = createApp({
      state: () => history?.state() ?? null,
      source: () => source,
      devices: () => attached.devices,
      eventLog: () => attached.eventLog,
      channelOf: tls?.channelOf ?? (() => null),
      now,
      random,
      logger: consoleLogger,
      metrics,
      gzip,
      access: createAccessLog({ level: config.accessLog ?? 'info', to: log, clock }),
    });
    server = await serve(app, config.listen, tls);
    const loaded = await loadConfig(options.config);
    const device = await openDevice({ privlevel: config.privlevel ?? 0, logger: consoleLogger });
    const refreshed = collateralFolderOf(config, consoleLogger);
    const own = withOwnCollateral(device, loaded.collateral, consoleLogger, refreshed);
    attached = await attach(config, options.config, {
      platform: device.platform,
      logger: consoleLogger,
      observer: devicesObserver(metrics, consoleLogger, clock),
    });
    source = oneAtATime(own, deviceLimits, deviceObserver(metrics, consoleLogger, clock));
    history = createHistory(loaded.state, { now, logger: consoleLogger });
    await warnOfRoot(consoleLogger);
    announce(consoleLogger, server.url, source, loaded.state);
    consoleLogger.info(loaded.closureSummary);
    const folder = dirname(resolve(options.config));
    following = await followHistory({ config, folder, history, logger: consoleLogger });
    const stop = new AbortController();
    const stopped = stopSignal().then(() => stop.abort());
    notify.watch(() => source?.status().hanging !== true, stop.signal);
    if (await firstAnswer(source, stop.signal, consoleLogger, attached.devices)) {
      notify.ready();
      tellCollateral(source, { now, logger: consoleLogger, signal: stop.signal });
    }
    await stopped;
    consoleLogger.info('stopping');
    notify.stopping();
    return exitCodes.ok;
  } catch (error) {
    return explain(error);
  } finally {
    await following?.close();
    await server?.close();
    await notify.end();
    log.flushSync();
  }
}

/** As pino's buffer may grow when nobody reads standard output: after that, lines are dropped. */
const maxLogBuffer = 1024 * 1024;
/** Milliseconds that never go back. */
export const clock = (): number => performance.now();

/** null for plain HTTP. Loaded here: without TLS nothing pays for certificates. */
export async function tlsOf(
  { tls }: { tls?: Config['tls'] | undefined },
  logger: Logger,
): Promise<AgentTls | null> {
  if (!tls) return null;
  const { openTls } = await import('./tls.ts');
  return openTls({ ...tls, now, random, logger });
}

/** configfs-tsm of this machine. */
export async function openDevice(options: {
  privlevel: number;
  logger: Logger;
}): Promise<EvidenceSource> {
  const owners = await processOwners();
  return openConfigfs({ ...options, files: tsmFiles, random, now, owners, kernel: kernelFacts });
}

/**
 * Files of configfs are root's, for root alone, whoever made the entry: an agent is root, or may override
 * permissions. As root it needs no capability, and has none under the unit of docs/guest.md.
 */
async function warnOfRoot(logger: Logger): Promise<void> {
  const status = (await readText('/proc/self/status')) ?? '';
  const effective = /^CapEff:\s*([0-9a-f]{16})$/m.exec(status)?.[1];
  if (effective === undefined || BigInt(`0x${effective}`) === 0n) return;
  if (process.getuid?.() !== 0) return;
  logger.warn('runs as root with capabilities, and needs none (docs/agent-http.md)');
}

/** As `withCollateral`, without what the platform's evidence has no use for; a line says so. */
export function withOwnCollateral(
  source: EvidenceSource,
  configured: readonly CollateralItem[],
  logger: Logger,
  folder: FolderView | null = null,
): EvidenceSource {
  const { own, foreign } = splitByPlatform(source.platform, configured);
  if (foreign.length > 0) {
    const kinds = foreign.join(', ');
    logger.info(`configured collateral is left out, not being of ${source.platform}: ${kinds}`);
  }
  return withCollateral(source, own, folder);
}

/** Null where the configuration names none. */
export function collateralFolderOf(
  { collateral: { folder } }: Pick<Config, 'collateral'>,
  logger: Logger,
): FolderView | null {
  return folder ? openCollateralFolder({ folder, logger, clock }) : null;
}

/** What the agent speaks for, so that an operator can compare it with the build machine's. */
export function announce(
  logger: Logger,
  url: string,
  source: EvidenceSource,
  state: AgentState,
): void {
  const provider = source.provider === undefined ? '' : `, provider ${source.provider}`;
  logger.info(`listening on ${url} (${source.platform} via ${source.name}${provider})`);
  logger.info(`closure digest ${toHex(state.closureDigest)} (${count(state.pathCount, 'path')})`);
  const root = toHex(fieldToBytes(state.tree.root));
  logger.info(`tree root ${root} (${count(state.services.length, 'service')})`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

export function explain(error: unknown): number {
  if (error instanceof AgentError && error.code === 'tee-missing') {
    writeError(`no TEE: ${describe(error)}. ${error.remedy}`);
    return exitCodes.noTee;
  }
  if (error instanceof AgentError || error instanceof AttestationError) {
    writeError(`${describe(error)}. ${error.remedy}`);
    return exitCodes.badConfiguration;
  }
  writeError('fault of the program', error);
  return exitCodes.fault;
}

/** @throws AgentError `config-invalid`; AttestationError as `parseConfig` */
export async function readConfig(file: string): Promise<Config> {
  return parseConfig(await readInput(file, 'the configuration', limits.config));
}

export type LoadedConfig = {
  config: Config;
  state: AgentState;
  /** Of the configuration's own files. */
  collateral: CollateralItem[];
  /** How the closure was computed, for the log. */
  closureSummary: string;
};

/**
 * The configuration and the files that it names, relative to its folder. The closure is computed here.
 * @throws AgentError `config-invalid`, `closure-unreadable`, `closure-differs`; AttestationError for
 *   malformed files
 */
export async function loadConfig(
  file: string,
  { collateral: wanted = true }: { collateral?: boolean } = {},
): Promise<LoadedConfig> {
  const config = await readConfig(file);
  const folder = dirname(resolve(file));
  const { paths, summary } = await loadClosure(config.closure, { folder });
  const services = await readServiceKeys(config.services, keyFileReader(folder));
  const state = bootState(paths, toServices(services, paths), now());
  const collateral = wanted ? await readCollateral(folder, config.collateral) : [];
  return { config, state, collateral, closureSummary: summary };
}

type CollateralMember = Exclude<keyof Config['collateral'], 'folder'>;

export async function readCollateral(
  folder: string,
  files: Config['collateral'],
): Promise<CollateralItem[]> {
  const wanted: [CollateralKind, CollateralMember][] = [
    ['vek', 'vek'],
    ['ask', 'ask'],
    ['ark', 'ark'],
    ['ark-crl', 'arkCrl'],
    ['tcb-info', 'tcbInfo'],
    ['tcb-signing', 'tcbSigning'],
    ['qe-identity', 'qeIdentity'],
    ['qe-identity-signing', 'qeIdentitySigning'],
    ['pck-crl', 'pckCrl'],
    ['intel-root-crl', 'intelRootCrl'],
    ['intel-root', 'intelRoot'],
    ['nvidia-rim', 'nvidiaRims'],
    ['nvidia-ocsp', 'nvidiaOcsp'],
  ];
  const items: CollateralItem[] = [];
  for (const [kind, member] of wanted) {
    for (const name of [files[member] ?? []].flat()) {
      const what = `the file of collateral.${member}`;
      const bytes = await readInput(resolve(folder, name), what, limits.collateral);
      const data = readCollateralData(kind, bytes, what);
      items.push({ kind, data, source: configuredSource, fetched: now() });
    }
  }
  return items;
}

async function readInput(path: string, what: string, limit: number): Promise<Bytes> {
  try {
    return await readAll(path, limit);
  } catch (cause) {
    if (cause instanceof AttestationError) throw cause;
    throw new AgentError('config-invalid', `${what} cannot be read`, { cause });
  }
}
