/** `affidavit agent run`: reads the files, finds the device, listens. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, resolve } from 'node:path';
import type Koa from 'koa';
import type { CollateralItem, CollateralKind } from '#verifier/abi/bundle.ts';
import { openSignedJson } from '#verifier/abi/intel-json.ts';
import { pemLabelOf, readDerObject } from '#verifier/abi/pem.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { createApp } from './app.ts';
import { splitByPlatform, withCollateral } from './collateral.ts';
import { type Config, parseConfig, toServices } from './config.ts';
import { openConfigfs } from './configfs.ts';
import { AgentError, type Logger } from './errors.ts';
import { readAll, tsmFiles } from './files.ts';
import { parseRegistration } from './registration.ts';
import { type EvidenceSource, oneAtATime } from './source.ts';
import { type AgentState, bootState } from './state.ts';

const exitCodes = { ok: 0, fault: 1, badConfiguration: 2, noTee: 30 } as const;

const megabyte = 1024 * 1024;
const limits = { config: 8 * megabyte, registration: 64 * megabyte, collateral: megabyte };
export const deviceLimits = { queue: 64, timeoutMs: 10_000 } as const;

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
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = error.cause === undefined ? '' : ` (${describe(error.cause)})`;
  return `${error.message}${why}`.replaceAll('\n', ' ');
}

/**
 * Runs until SIGTERM or SIGINT.
 * @returns the exit code: 0 stopped, 2 bad configuration, 30 no TEE, 1 a fault of the program
 */
export async function runAgent(options: { config: string }): Promise<number> {
  try {
    const { config, state, collateral } = await loadConfig(options.config);
    const device = await openConfigfs({ files: tsmFiles, random, now, logger: consoleLogger });
    const source = oneAtATime(withOwnCollateral(device, collateral, consoleLogger), deviceLimits);
    const app = createApp({
      state: () => state,
      source,
      channelOf: () => null,
      now,
      random,
      logger: consoleLogger,
    });
    const server = await serve(app, config.listen);
    announce(consoleLogger, server.url, source, state);
    await stopSignal();
    consoleLogger.info('stopping');
    await server.close();
    return exitCodes.ok;
  } catch (error) {
    return explain(error);
  }
}

/** As `withCollateral`, without what the platform's evidence has no use for; a line says so. */
export function withOwnCollateral(
  source: EvidenceSource,
  configured: readonly CollateralItem[],
  logger: Logger,
): EvidenceSource {
  const { own, foreign } = splitByPlatform(source.platform, configured);
  if (foreign.length > 0) {
    const kinds = foreign.join(', ');
    logger.info(`configured collateral is left out, not being of ${source.platform}: ${kinds}`);
  }
  return withCollateral(source, own);
}

/** What the agent speaks for, so that an operator can compare it with the build machine's. */
export function announce(
  logger: Logger,
  url: string,
  source: EvidenceSource,
  state: AgentState,
): void {
  logger.info(`listening on ${url} (${source.platform} via ${source.name})`);
  logger.info(`closure digest ${toHex(state.closureDigest)} (${count(state.pathCount, 'path')})`);
  const root = toHex(fieldToBytes(state.tree.root));
  logger.info(`tree root ${root} (${count(state.services.length, 'service')})`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function explain(error: unknown): number {
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

export type LoadedConfig = {
  config: Config;
  state: AgentState;
  /** Of the configuration's own files. */
  collateral: CollateralItem[];
};

/**
 * The configuration and the files that it names, relative to its folder.
 * @throws AgentError `config-invalid`; AttestationError for malformed files
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const config = parseConfig(await readInput(file, 'the configuration', limits.config));
  const folder = dirname(resolve(file));
  const closure = parseRegistration(
    await readInput(
      resolve(folder, config.closure.registration),
      'the registration file (closure.registration)',
      limits.registration,
    ),
  );
  const state = bootState(closure, toServices(config.services, closure), now());
  return { config, state, collateral: await readCollateral(folder, config.collateral) };
}

async function readCollateral(
  folder: string,
  files: Config['collateral'],
): Promise<CollateralItem[]> {
  const wanted: [CollateralKind, keyof Config['collateral']][] = [
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
  ];
  const items: CollateralItem[] = [];
  for (const [kind, member] of wanted) {
    const name = files[member] ?? null;
    if (name === null) continue;
    const what = `the file of collateral.${member}`;
    const bytes = await readInput(resolve(folder, name), what, limits.collateral);
    const data = collateralData(kind, bytes, what);
    items.push({ kind, data, source: 'agent configuration', fetched: now() });
  }
  return items;
}

/** A signed document goes out byte for byte, once it has the form of one. */
function collateralData(kind: CollateralKind, bytes: Bytes, what: string): Bytes {
  if (kind !== 'tcb-info' && kind !== 'qe-identity') {
    return readDerObject(bytes, pemLabelOf(kind), what);
  }
  openSignedJson(bytes, kind === 'tcb-info' ? 'tcbInfo' : 'enclaveIdentity', what);
  return bytes;
}

async function readInput(path: string, what: string, limit: number): Promise<Bytes> {
  try {
    return await readAll(path, limit);
  } catch (cause) {
    if (cause instanceof AttestationError) throw cause;
    throw new AgentError('config-invalid', `${what} cannot be read`, { cause });
  }
}

export type Server = {
  /** With the port that was bound. */
  url: string;
  /**
   * Takes no new connection, ends when the requests under way are answered or the grace is over.
   */
  close(): Promise<void>;
};

const stopGraceMs = 5000;

/** @throws AgentError `config-invalid` when the address cannot be bound */
export async function serve(app: Koa, listen: { host: string; port: number }): Promise<Server> {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: 5000,
    },
    app.callback(),
  );
  server.maxConnections = 1024;
  await new Promise<void>((done, fail) => {
    server.once('error', (cause) => {
      fail(new AgentError('config-invalid', `cannot listen on ${show(listen)}`, { cause }));
    });
    server.listen(listen.port, listen.host, done);
  });
  // A failed accept (out of file descriptors) is for the log; unheard, it would end the process.
  server.on('error', (error) => app.emit('error', error));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${show({ ...listen, port })}`,
    close: () =>
      new Promise((done) => {
        // A connection under way becomes an idle one later, and would be kept alive.
        const sweep = setInterval(() => server.closeIdleConnections(), 50);
        const grace = setTimeout(() => server.closeAllConnections(), stopGraceMs);
        server.close(() => {
          clearInterval(sweep);
          clearTimeout(grace);
          done();
        });
      }),
  };
}

/** An IPv6 address in brackets, as a URL has it. */
function show({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Resolves at the first SIGTERM or SIGINT. A second one finds no handler and ends the process. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
