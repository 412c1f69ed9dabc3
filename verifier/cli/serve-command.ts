/** `affidavit serve`: the verifier as a service. Reads its files, wires clock, keys and logs to it, listens until it is told to end. */

import { randomBytes } from 'node:crypto';
import { openDecisionLog } from '#verifier/decision-log/file.ts';
import { DecisionLogError } from '#verifier/decision-log/log-error.ts';
import { lintPolicy } from '#verifier/policy-tools/lint.ts';
import { createApp } from '#verifier/serve/app.ts';
import { readPolicyFolder, type Watch, watchFolder } from '#verifier/serve/host/folder.ts';
import { type Listening, listen } from '#verifier/serve/host/listen.ts';
import { serviceCrypto } from '#verifier/serve/memory.ts';
import { Policies, type PolicyChange } from '#verifier/serve/policies.ts';
import type { Logger, ProofChecker, Tokens } from '#verifier/serve/ports.ts';
import { Service } from '#verifier/serve/service.ts';
import type { Watcher } from '#verifier/serve/watcher.ts';
import { makeEar } from '#verifier/tokens/ear.ts';
import { signJwt } from '#verifier/tokens/jwt.ts';
import { jwksOf, type TokenSigner } from '#verifier/tokens/keys.ts';
import { CliError, exitCodes, usageError } from './cli-error.ts';
import { pooledNodeCrypto } from './node-crypto.ts';
import { freshSigner, signerOfFile } from './node-signer.ts';
import { openUi, readPage } from './serve-ui.ts';
import { watchedAgents, watcherOf } from './serve-watch.ts';
import { stopSignal } from './stop-signal.ts';
import { settingsOf } from './verify-command.ts';

export type ServeOptions = {
  policies: string;
  port: string;
  host: string;
  observe?: string | readonly string[] | undefined;
  key?: string | undefined;
  log?: string | undefined;
  challengeLifetime: string;
  ui?: boolean | undefined;
  watch?: string | readonly string[] | undefined;
  watchPolicy?: string | undefined;
  watchInterval: string;
  offline?: boolean | undefined;
  crs?: string | undefined;
  backend?: 'native' | 'wasm' | undefined;
  insecureRoot?: string | undefined;
};

/** Some 30 MB of challenges at most. */
const challengeCapacity = 100_000;

/** Standard output is for what went well; all else goes to standard error. */
const consoleLogger: Logger = {
  info: (message) => void process.stdout.write(`affidavit serve: ${oneLine(message)}\n`),
  warn: (message, cause) => writeError(`warning: ${message}`, cause),
  error: (message, cause) => writeError(message, cause),
};

function writeError(message: string, cause?: unknown): void {
  const why = cause === undefined ? '' : `: ${describe(cause)}`;
  process.stderr.write(`affidavit serve: ${oneLine(message + why)}\n`);
}

/** The message, and those of what caused it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = error.cause === undefined ? '' : ` (${describe(error.cause)})`;
  return `${error.message}${why}`;
}

/** One event is one line, whatever a file name or a message holds. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

/**
 * Runs until SIGTERM or SIGINT.
 * @returns the exit code 0 @throws CliError wrong usage: options, policies, key, log or address that cannot be used
 */
export async function runServe(options: ServeOptions): Promise<number> {
  const port = wholeNumber('port', options.port, 0, 65_535);
  const lifetime = wholeNumber('challenge-lifetime', options.challengeLifetime, 1, 86_400);
  const logger = consoleLogger;
  const { roots } = await settingsOf({ insecureRoot: options.insecureRoot });
  const policies = new Policies(lintPolicy);
  await loadPolicies(options.policies, policies, logger);
  const observed = observedOf(options.observe, policies);
  const watched = watchedAgents(options, policies.names);
  const files = options.ui === true ? await readPage() : null;
  const signer = options.key === undefined ? freshSigner() : await signerOfFile(options.key);
  const decisionLog = options.log === undefined ? null : await openLog(options.log);
  let watcher: Watcher | null = null;
  const ui =
    files === null
      ? null
      : openUi({
          files,
          since: now(),
          log: options.log,
          host: options.host,
          agents: () => watcher?.agents() ?? [],
        });
  const service = new Service(
    {
      roots,
      crypto: serviceCrypto(pooledNodeCrypto),
      now,
      elapsed: () => performance.now() / 1000,
      random: (length) => new Uint8Array(randomBytes(length)),
      logger,
      decisionLog,
      tokens: tokensOf(signer),
      checker: lazyChecker(options),
    },
    { policies, observed, challenges: { lifetime, capacity: challengeCapacity }, ui },
  );
  watcher = watcherOf(watched, service);
  const watching = new AbortController();
  let asking: Promise<void> | undefined;
  let watch: Watch | undefined;
  try {
    const server = await listenOrRefuse(service, options.host, port);
    watch = watchFolder(options.policies, () => reload(options.policies, service));
    asking = watcher.run(watching.signal);
    announce(server.url, signer, options, policies, observed, logger);
    await stopSignal();
    logger.info('stopping');
    watching.abort();
    await server.close();
    return exitCodes.accepted;
  } finally {
    watching.abort();
    await watch?.close();
    await asking;
    await decisionLog?.close();
  }
}

const now = (): number => Math.floor(Date.now() / 1000);

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usageError(
    `--${option} ${text} is not a whole number from ${least} to ${most}`,
    'Write it in digits.',
  );
}

/** At the start nothing is let pass: there is no version before that could stay in force. */
async function loadPolicies(folder: string, policies: Policies, logger: Logger): Promise<void> {
  const { files, ignored } = await readPolicyFolder(folder).catch((cause: unknown) => {
    throw usageError(
      `the policy folder ${folder} cannot be read: ${describe(cause)}`,
      'Check the path and its permissions.',
    );
  });
  for (const name of ignored) logger.warn(`${name} is no name of a policy file and is left out`);
  for (const change of policies.update(files, now())) {
    if (change.result === 'refused') {
      throw usageError(
        `policy ${change.file}: ${change.why}`,
        'Correct the file, or take it out of the folder.',
      );
    }
    report(change, logger);
  }
  if (policies.size === 0) {
    throw usageError(
      `the policy folder ${folder} holds no policy`,
      'Put a policy into it, as NAME.json or NAME.yaml.',
    );
  }
}

async function reload(folder: string, { policies, metrics, dependencies }: Service): Promise<void> {
  const { logger } = dependencies;
  try {
    const { files } = await readPolicyFolder(folder);
    for (const change of policies.update(files, now())) {
      metrics.policyReloads.add({ result: change.result });
      report(change, logger);
    }
  } catch (cause) {
    metrics.policyReloads.add({ result: 'refused' });
    logger.error('the policy folder cannot be read; what was loaded stays in force', cause);
  }
}

function report(change: PolicyChange, logger: Logger): void {
  switch (change.result) {
    case 'loaded':
      logger.info(`policy ${change.file} loaded, digest ${change.digest}`);
      for (const { severity, id, path, text } of change.findings)
        if (severity !== 'note') logger.warn(`policy ${change.file}: ${id} ${path}: ${text}`);
      return;
    case 'refused': {
      const rest = change.kept ? 'the version before stays in force' : 'it is not served';
      return logger.error(`policy ${change.file} refused, ${rest}: ${change.why}`);
    }
    case 'removed':
      return logger.warn(`policy ${change.file} is gone and no longer served`);
  }
}

function observedOf(
  given: string | readonly string[] | undefined,
  policies: Policies,
): ReadonlySet<string> {
  const names = [given ?? []].flat();
  const unknown = names.find((name) => !policies.names.includes(name));
  if (unknown !== undefined) {
    throw usageError(
      `--observe ${unknown}: no such policy is in the folder`,
      `Name one of ${policies.names.join(', ')}.`,
    );
  }
  return new Set(names);
}

async function openLog(path: string) {
  try {
    return await openDecisionLog(path);
  } catch (error) {
    if (!(error instanceof DecisionLogError)) throw error;
    throw new CliError('usage', error.code, error.message, error.remedy);
  }
}

function tokensOf(signer: TokenSigner): Tokens {
  const jwks = jwksOf([signer]);
  return { sign: (verdict) => signJwt(makeEar(verdict), signer), jwks: () => jwks };
}

/** Loaded with the first proof: most services never see one. */
function lazyChecker({ crs, backend, offline }: ServeOptions): ProofChecker {
  let opened: Promise<ProofChecker> | undefined;
  return async (verified, given) => {
    opened ??= import('#prover/cli.ts').then(({ openChecker }) =>
      openChecker({ crs, backend, offline }),
    );
    return (await opened)(verified, given);
  };
}

async function listenOrRefuse(service: Service, host: string, port: number): Promise<Listening> {
  const count = (code: string) => service.metrics.errors.add({ code });
  try {
    return await listen(createApp(service), { host, port }, count);
  } catch (cause) {
    throw usageError(
      `cannot listen on ${host}, port ${port}: ${describe(cause)}`,
      'Choose an address of this machine and a port that is free.',
    );
  }
}

function announce(
  url: string,
  { kid }: TokenSigner,
  { key, log, insecureRoot, ui }: ServeOptions,
  policies: Policies,
  observed: ReadonlySet<string>,
  logger: Logger,
): void {
  if (insecureRoot !== undefined) {
    logger.warn(
      'INSECURE: evidence counts under a root that was handed over, not the vendor’s. This proves nothing about hardware.',
    );
  }
  if (log === undefined) logger.warn('no --log: decisions are not kept');
  const named = policies.names.map((name) => (observed.has(name) ? `${name} (observed)` : name));
  logger.info(`policies ${named.join(', ')}`);
  const origin = key === undefined ? ', made for this run alone' : '';
  logger.info(`tokens are signed with key ${kid}${origin}`);
  if (ui === true) logger.info(`live page at ${url}/ui/`);
  logger.info(`listening on ${url}`);
}
