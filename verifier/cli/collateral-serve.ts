/** `affidavit collateral serve`: the cache as a mirror for other machines, until it is told to end. */

import type { Found } from '#verifier/collateral/collect.ts';
import { createMirror } from '#verifier/collateral/host/mirror.ts';
import { describeObject } from '#verifier/collateral/vendor-object.ts';
import { type Listening, listen } from '#verifier/serve/host/listen.ts';
import { harmless } from '#verifier/words/lines.ts';
import { exitCodes, usageError } from './cli-error.ts';
import type { CollateralOutput } from './collateral-command.ts';
import type { CollateralFound } from './collateral-options.ts';
import { openTools, type Setup, unixNow } from './collateral-setup.ts';
import { problemLine } from './gather-lacking.ts';
import { stopSignal } from './stop-signal.ts';
import { settingsOf } from './verify-command.ts';

/** Runs until SIGTERM or SIGINT. @throws CliError wrong usage */
export async function runMirror(options: CollateralFound): Promise<CollateralOutput> {
  const address = addressOf(options.listen ?? '');
  const { roots } = await settingsOf({ insecureRoot: options.insecureRoot });
  const setup = await openTools(options, roots, (problem) => warn(problemLine(problem)));
  const server = await listening(setup, address);
  process.stdout.write(`affidavit collateral: listening on ${server.url}\n`);
  if (options.insecureRoot !== undefined) {
    warn('INSECURE: what is handed out is verified under a root that was handed over');
  }
  await stopSignal();
  await server.close();
  return { stdout: '', stderr: '', exitCode: exitCodes.accepted };
}

async function listening(
  { toolsAt }: Setup,
  address: { host: string; port: number },
): Promise<Listening> {
  const app = createMirror({
    tools: () => toolsAt(unixNow()),
    answered: report,
    failed: (error) => warn(`a request failed: ${String(error)}`),
  });
  try {
    return await listen(app, address, () => {});
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw usageError(
      `cannot listen on ${address.host}, port ${address.port}: ${why}`,
      'Choose an address of this machine and a port that is free.',
    );
  }
}

/** Nothing of what the cache had. */
function report({ object, state, source, problem }: Found): void {
  if (state === 'fetched') {
    const line = harmless(`fetched ${describeObject(object)} from ${source}`);
    process.stdout.write(`affidavit collateral: ${line}\n`);
  }
  if (problem !== null) warn(problemLine(problem));
}

function warn(line: string): void {
  process.stderr.write(`affidavit collateral: ${line}\n`);
}

/** `127.0.0.1:8082`, `[::1]:8082`, `mirror.example:80` @throws CliError wrong usage */
export function addressOf(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535)) {
    throw usageError(
      `--listen ${text} is no address with a port`,
      'Write for example 127.0.0.1:8082 or [::1]:8082.',
    );
  }
  return { host, port };
}
