/**
 * Starts the echo service and stops it at SIGTERM or SIGINT. Its log is on standard output; why it did
 * not start is one line on standard error.
 *
 *     node services/echo-node/main.ts --key FILE --name NAME --port N [--host ADDRESS]
 *
 * Exit codes: 0 stopped, 2 wrong usage, key or address, 1 a fault of the program.
 */
import { parseArgs } from 'node:util';
import { AttestationError } from '#verifier/errors.ts';
import { KeyFileError, readKeyFile } from './key-file.ts';
import { type LogEvent, logLine, oncePerSecond } from './log.ts';
import { answerLine } from './protocol.ts';
import { createEchoServer, defaultLimits } from './server.ts';

const usage =
  'usage: echo-node --key FILE --name NAME --port N [--host ADDRESS] [--max-connections N] [--idle-seconds N]';

class UsageError extends Error {}

type Options = {
  key: string;
  name: string;
  host: string;
  port: number;
  connections: number;
  idleMilliseconds: number;
};

function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const options = {
    key: text,
    name: text,
    host: text,
    port: text,
    'max-connections': text,
    'idle-seconds': text,
  };
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    const { key, name, port, host = '127.0.0.1' } = values;
    if (key === undefined) throw new UsageError('--key is missing');
    if (name === undefined) throw new UsageError('--name is missing');
    if (port === undefined) throw new UsageError('--port is missing');
    const { connections, idleMilliseconds } = defaultLimits;
    const idle = values['idle-seconds'] ?? String(idleMilliseconds / 1000);
    return {
      key,
      name,
      host,
      port: wholeNumber('--port', port, 0, 65_535),
      connections: wholeNumber(
        '--max-connections',
        values['max-connections'] ?? String(connections),
        1,
        65_535,
      ),
      idleMilliseconds: 1000 * wholeNumber('--idle-seconds', idle, 1, 86_400),
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option}: expected a whole number from ${min} to ${max}`);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

function isKey(key: Uint8Array): boolean {
  try {
    answerLine({ nonce: new Uint8Array(32), request: new Uint8Array() }, 'probe', key, 0);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Resolves at the first of the two. A second one finds no handler and ends the process. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}

/** @returns writes the log of this service to standard output */
function openLog(service: string): (entry: LogEvent) => void {
  // Whoever reads the log may go away; the service goes on.
  process.stdout.on('error', () => {});
  return (entry) => void process.stdout.write(logLine(service, now(), entry));
}

function complain(message: string): void {
  process.stderr.write(`echo-node: ${message.replaceAll('\n', ' ')}\n`);
}

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  try {
    const { key, name, host, port, connections, idleMilliseconds } = readOptions(args);
    const log = openLog(name);
    const server = createEchoServer({
      name,
      privateKey: await readKeyFile(key, isKey, process.env['CREDENTIALS_DIRECTORY']),
      now,
      limits: { connections, idleMilliseconds },
      onError: (error) => log({ event: 'fault', reason: reasonOf(error) }),
      onBusy: oncePerSecond(
        () => performance.now(),
        (count) => log({ event: 'busy', connections: count }),
      ),
    });
    const stopped = stopSignal();
    const address = await server.listen(host, port);
    log({ event: 'listening', address: address.address, port: address.port });
    await stopped;
    log({ event: 'stopping' });
    await server.close();
    log({ event: 'stopped', ...server.counts() });
    return 0;
  } catch (error) {
    return explain(error);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function explain(error: unknown): number {
  if (error instanceof UsageError) complain(`${error.message}; ${usage}`);
  else if (error instanceof KeyFileError) complain(error.message);
  else if (error instanceof AttestationError) complain(`--name: ${error.message}`);
  else if (error instanceof Error && 'syscall' in error) {
    complain(`cannot listen: ${error.message}; choose another --host or --port`);
  } else {
    complain(`fault of the program: ${reasonOf(error)}`);
    return 1;
  }
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
