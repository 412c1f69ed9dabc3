/** A running echo server and a bare client for its tests. */
import { connect, type Socket } from 'node:net';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { onTestFinished } from 'vitest';
import { createEchoServer, type EchoLimits, type EchoServer } from '#services/echo-node/server.ts';
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

export type Client = {
  socket: Socket;
  send(data: string | Bytes): void;
  /** The next line, without its LF. @throws Error when the connection ends before */
  line(): Promise<string>;
  /** What is left, when the server has ended or the connection is gone. */
  rest(): Promise<string>;
};

export async function openClient(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: false });
  onTestFinished(() => void socket.destroy());
  let text = '';
  let over = false;
  let wake = () => {};
  socket.setEncoding('latin1').on('data', (part) => {
    text += part;
    wake();
  });
  for (const event of ['end', 'close', 'error']) {
    socket.on(event, () => {
      over = true;
      wake();
    });
  }
  await new Promise<void>((done, failed) => socket.once('connect', done).once('error', failed));
  const more = () =>
    new Promise<void>((done) => {
      wake = done;
    });
  return {
    socket,
    send: (data) => void socket.write(data),
    async line() {
      for (;;) {
        const end = text.indexOf('\n');
        if (end !== -1) {
          const found = text.slice(0, end);
          text = text.slice(end + 1);
          return found;
        }
        if (over) throw new Error(`the connection ended after ${JSON.stringify(text)}`);
        await more();
      }
    },
    async rest() {
      while (!over) await more();
      return text;
    },
  };
}
