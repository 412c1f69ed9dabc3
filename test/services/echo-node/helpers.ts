/** A running echo server and a client for its tests. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { onTestFinished } from 'vitest';
import { createEchoServer, type EchoLimits, type EchoServer } from '#services/echo-node/server.ts';
import { type Client, openClient as connectClient } from '#test/services/client.ts';
import { type Bytes, bigEndian } from '#verifier/bytes.ts';

export const privateKey: Bytes = bigEndian(1, 32);
/** x ‖ y of it: secp256k1's generator. */
export const publicKey: Bytes = secp256k1.Point.BASE.toBytes(false).slice(1);
export const time = 1_700_000_002;

export type Running = { server: EchoServer; port: number; faults: unknown[] };

export async function startEcho(
  limits: Partial<EchoLimits> = {},
  now: () => number = () => time,
): Promise<Running> {
  const faults: unknown[] = [];
  const server = createEchoServer({
    name: 'echo-node',
    privateKey,
    now,
    limits: { stopMilliseconds: 2_000, ...limits },
    onError: (error) => faults.push(error),
  });
  const { port } = await server.listen('127.0.0.1', 0);
  onTestFinished(() => server.close());
  return { server, port, faults };
}

/** Gone when the test ends. */
export async function openClient(port: number): Promise<Client> {
  const client = await connectClient(port);
  onTestFinished(() => void client.socket.destroy());
  return client;
}
