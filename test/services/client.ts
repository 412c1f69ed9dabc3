/** A bare client of an echo service. It keeps no rule of the protocol, so that a test can break each. */
import { connect, type Socket } from 'node:net';
import type { Bytes } from '#verifier/bytes.ts';

export type Client = {
  readonly socket: Socket;
  send(data: string | Bytes): void;
  /** The next line as Latin-1, without its LF. @throws Error when the connection ends before */
  line(): Promise<string>;
  lines(count: number): Promise<string[]>;
  /** What is left, when the server has ended or the connection is gone. */
  rest(): Promise<string>;
  /** Whether the server said that it sends no more: false for a connection that broke, or is still there. */
  endedWell(): boolean;
};

/** @throws Error of node:net when nobody listens */
export async function openClient(port: number, host = '127.0.0.1'): Promise<Client> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
  const whole: string[] = [];
  let next = 0;
  let part = '';
  const state = { over: false, well: false };
  let wake = () => {};
  socket.setEncoding('latin1').on('data', (text: string) => {
    const pieces = (part + text).split('\n');
    part = pieces.pop() as string;
    whole.push(...pieces);
    wake();
  });
  socket.on('end', () => {
    state.well = true;
  });
  for (const event of ['end', 'close', 'error']) {
    socket.on(event, () => {
      state.over = true;
      wake();
    });
  }
  await new Promise<void>((done, failed) => socket.once('connect', done).once('error', failed));
  const more = () =>
    new Promise<void>((done) => {
      wake = done;
    });

  async function line(): Promise<string> {
    for (;;) {
      const found = whole[next];
      if (found !== undefined) {
        next += 1;
        return found;
      }
      if (state.over) throw new Error(`the connection ended after ${JSON.stringify(part)}`);
      await more();
    }
  }

  return {
    socket,
    send: (data) => void socket.write(data),
    line,
    async lines(count) {
      const out: string[] = [];
      while (out.length < count) out.push(await line());
      return out;
    },
    async rest() {
      while (!state.over) await more();
      return [...whole.slice(next), part].join('\n');
    },
    endedWell: () => state.well,
  };
}
