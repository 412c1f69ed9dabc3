/** A source with a store and a clock of its own, and what servers say to it. */
import type { RequestListener } from 'node:http';
import { expect } from 'vitest';
import { utf8 } from '#verifier/bytes.ts';
import { createSource } from '#verifier/collateral/host/client.ts';
import type { Pauses } from '#verifier/collateral/host/pauses.ts';
import { openStore } from '#verifier/collateral/host/store.ts';
import type { Source, Store } from '#verifier/collateral/ports.ts';
import { scratch } from './folders.ts';

export const fresh = scratch();
export const start = 1_795_000_000;
export const body = utf8('{"tcbInfo":{}}');
export const limit = 1000;

export type Stand = { source: Source; store: Store & Pauses; clock: { now: number } };

export async function stand(timeLimit = 2000, folder = fresh()): Promise<Stand> {
  const store = await openStore(folder);
  const clock = { now: start };
  const source = createSource({ store, now: () => clock.now, timeLimit, environment: {} });
  return { source, store, clock };
}

export const good: RequestListener = (_, response) => response.end(body);

export function status(
  code: number,
  headers: Record<string, string> = {},
  text = '',
): RequestListener {
  return (_, response) => response.writeHead(code, headers).end(text);
}

export async function failure(
  source: Source,
  address: string,
): Promise<{ code: string; message: string }> {
  const error = await source.get(address, limit).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'CollateralError' });
  const { code, message } = error as { code: string; message: string };
  // One line that names the address.
  expect(message).not.toContain('\n');
  expect(message).toContain(address);
  return { code, message };
}
