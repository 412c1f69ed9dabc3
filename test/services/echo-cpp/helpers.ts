/** The service, built with sanitizers, as a process with a key of its own. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { onTestFinished } from 'vitest';
import { type Client, openClient } from '#test/services/client.ts';
import { type Ended, launch, type Service, startService } from '#test/services/process.ts';
import { parseResponse, type SignedResponse, verifyResponse } from '#verifier/abi/response.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import { buildEchoCpp } from './build.ts';

const built = await buildEchoCpp({ sanitize: true });

/** Why these tests cannot run here; null where they can. */
export const missing: string | null = 'skipped' in built ? built.skipped : null;

export function programs(): { server: string; verifier: string; folder: string } {
  if ('skipped' in built) throw new Error(built.skipped);
  return built;
}

export const secret = '3c'.repeat(32);
/** x ‖ y of it. */
export const publicKey: Bytes = secp256k1
  .getPublicKey(fromHex(secret, 'secret', 32), false)
  .slice(1);

/** Below it, files of one test; it goes with the test. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'affidavit-echo-cpp-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

export async function keyFile(text = `${secret}\n`, mode = 0o600): Promise<string> {
  const path = join(await scratchFolder(), 'key');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

/** A test's own environment decides, not that in which the tests run. */
const clean: NodeJS.ProcessEnv = { CREDENTIALS_DIRECTORY: undefined };

/** For a service that is meant to end by itself. */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const program = launch([programs().server, ...args], { ...clean, ...env });
  onTestFinished(() => program.kill('SIGKILL'));
  return program.ended;
}

export type Started = Service & { client(): Promise<Client> };

/** Listens on a port of its own, with the name `echo-cpp`. */
export async function start(
  options: {
    key?: string;
    more?: readonly string[];
    env?: NodeJS.ProcessEnv;
    /** Put before the command, as a shell that sets a limit. */
    under?: readonly string[];
  } = {},
): Promise<Started> {
  const { key = await keyFile(), more = [], env = {}, under = [] } = options;
  const args = ['--key', key, '--name', 'echo-cpp', '--port', '0', ...more];
  const service = await startService([...under, programs().server, ...args], { ...clean, ...env });
  onTestFinished(() => service.kill('SIGKILL'));
  return {
    ...service,
    client: async () => {
      const client = await openClient(service.port);
      onTestFinished(() => void client.socket.destroy());
      return client;
    },
  };
}

/** Ends it, and expects that it had nothing to complain about: the sanitizers neither. */
export async function stop(service: Service, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
  service.kill(signal);
  const ended = await service.ended;
  if (ended.code === 0 && ended.stderr === '') return ended;
  throw new Error(`ended with ${ended.code}: ${ended.stderr}`);
}

/** @throws Error for an answer that this service's key did not sign */
export function answered(line: string): SignedResponse {
  const response = parseResponse(line);
  if (verifyResponse(response, publicKey)) return response;
  throw new Error(`not signed by the service's key: ${line}`);
}
