/**
 * The host's end of the test module's stream: a simulated secure processor for a guest, which a test can make fail.
 * tsm-module/affidavit_tsm.c has the layout of request and answer.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type Bytes, concat } from '#verifier/bytes.ts';

export type Answer = {
  /** The report or quote. */
  outblob: Bytes;
  /** The host's certificate table; empty for TDX. */
  auxblob: Bytes;
};

/** `truncate`: a report that lacks its last byte. */
export type Behaviour = 'answer' | 'refuse' | 'hang' | 'truncate';

export type SecureProcessor = {
  /** Requests that came, whatever was made of them. */
  requests(): number;
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
};

const requestLength = 68;
const nothing: Bytes = new Uint8Array();

/** @param path of the Unix socket that QEMU connects to */
export async function startSecureProcessor(
  path: string,
  sign: (reportData: Bytes) => Answer,
): Promise<SecureProcessor> {
  let count = 0;
  let behaviour: Behaviour = 'answer';
  const sockets = new Set<Socket>();

  function answer(request: Buffer): Bytes | null {
    count += 1;
    if (behaviour === 'hang') return null;
    const sequence = request.readUInt32LE(0);
    if (behaviour === 'refuse')
      return encodeAnswer(sequence, 1, { outblob: nothing, auxblob: nothing });
    const { outblob, auxblob } = sign(new Uint8Array(request.subarray(4)));
    const sent = behaviour === 'truncate' ? outblob.subarray(0, -1) : outblob;
    return encodeAnswer(sequence, 0, { outblob: sent, auxblob });
  }

  const server = createServer((socket) => {
    let waiting: Buffer = Buffer.alloc(0);
    sockets.add(
      socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy()),
    );
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= requestLength) {
        const answered = answer(waiting.subarray(0, requestLength));
        waiting = waiting.subarray(requestLength);
        if (answered !== null) socket.write(answered);
      }
    });
  });
  await listen(server, path);
  return {
    requests: () => count,
    behave: (wanted) => {
      behaviour = wanted;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function encodeAnswer(sequence: number, status: number, { outblob, auxblob }: Answer): Bytes {
  const header = Buffer.alloc(16);
  [sequence, status, outblob.length, auxblob.length].forEach((value, index) => {
    header.writeUInt32LE(value, 4 * index);
  });
  return concat(new Uint8Array(header), outblob, auxblob);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => server.on('error', fail).listen(path, done));
}
