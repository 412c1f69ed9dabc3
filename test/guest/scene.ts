/** A guest for the tests of one file: booted before them, ended after them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { affidavitIn } from '#test/prover/run.ts';
import type { Ended } from '#test/verifier/cli/run.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { askEcho, type EchoAnswer } from '../tools/echo-client.ts';
import { type Guest, type GuestOptions, startGuest } from './guest.ts';
import { guestImage, type Image } from './image.ts';
import { agentPort, echoPorts } from './outside.ts';
import type { SimulatedProcessor } from './processors.ts';
import { buildPrograms, guestMissing } from './requirements.ts';

/** Why there is no guest here; null where there is one. */
export const missing: string | null = guestMissing();
if (missing !== null) console.log(`guest: skipped: ${missing}`);

export const minutes = 60_000;

/** Filled before the first test. */
export type Scene = {
  image: Image;
  guest: Guest;
  /** Of the echo services in the image. */
  names: string[];
  processor: SimulatedProcessor | null;
  /** Path of a file of this run. */
  path(name: string): string;
  /** @returns its path */
  file(name: string, content: string | Bytes): string;
  /** The program, with a `nix` that knows the image's store. */
  affidavit(...args: string[]): Promise<Ended>;
  /** URL of the agent. */
  url(): string;
  /** One signed response to `hello`, with a nonce of its own. */
  ask(service: string): Promise<EchoAnswer>;
};

/** @param make called once; null: a machine without the device */
export function useGuest(
  provider: GuestOptions['provider'],
  make: () => Promise<SimulatedProcessor> | null,
): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-guest-test-'));
  const path = (name: string) => join(folder, name);
  const scene = {
    path,
    file(name: string, content: string | Bytes) {
      writeFileSync(path(name), content);
      return path(name);
    },
    affidavit: (...args: string[]) => affidavitIn(scene.image.store.environment, args),
    url: () => `http://${scene.guest.address(agentPort)}`,
    ask: (service: string) => ask(scene.guest, service),
  } as Scene;
  beforeAll(async () => {
    if (missing !== null) return;
    scene.image = await guestImage(await buildPrograms());
    scene.names = Object.keys(echoPorts).filter((name) =>
      scene.image.store.paths.some((found) => found.endsWith(`-${name}`)),
    );
    scene.processor = await make();
    scene.file('roots.pem', scene.processor?.rootsPem ?? '');
    scene.guest = await startGuest({
      image: scene.image,
      provider,
      sign: scene.processor?.sign ?? null,
      ports: [agentPort, ...Object.values(echoPorts)],
    });
  }, 10 * minutes);
  afterAll(async () => {
    await scene.guest?.close();
    rmSync(folder, { recursive: true });
  });
  return scene;
}

async function ask(guest: Guest, service: string): Promise<EchoAnswer> {
  const port = echoPorts[service];
  if (port === undefined) throw new RangeError(`${service} has no port`);
  const [host = '', hostPort] = guest.address(port).split(':');
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  return askEcho({ host, port: Number(hostPort), nonce, request: utf8('hello') });
}
