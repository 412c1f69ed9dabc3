/**
 * A TCP line echo that signs what it answers. Key, clock and limits are parameters; one connection
 * is served line by line, and takes turns with the others.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Bytes } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { answerLine, badRequest, busy, createLineReader, parseLine } from './protocol.ts';

export type EchoLimits = {
  /** Served at the same time; the next one is told `busy`. */
  readonly connections: number;
  /** For the next whole line to arrive, and for an answer to be taken. */
  readonly idleMilliseconds: number;
  /** For the answers under way when the server stops. */
  readonly stopMilliseconds: number;
};

export const defaultLimits: EchoLimits = {
  connections: 256,
  idleMilliseconds: 60_000,
  stopMilliseconds: 5_000,
};

export type EchoDeps = {
  /** Name of the service. */
  readonly name: string;
  /** secp256k1, 32 bytes. */
  readonly privateKey: Bytes;
  readonly now: () => UnixTime;
  readonly limits?: Partial<EchoLimits>;
  /** Told what is neither a client's doing nor an answer. */
  readonly onError: (error: unknown) => void;
  /** Told of each connection that is turned away, and how many are served. */
  readonly onBusy?: (connections: number) => void;
};

export type EchoCounts = {
  /** Lines that were answered with a signature. */
  readonly answered: number;
  /** Connections that were served; those told `busy` are not counted. */
  readonly connections: number;
};

export type EchoServer = {
  /**
   * @param port 0 for any
   * @returns where it listens
   * @throws Error of node:net when the address cannot be bound
   */
  listen(host: string, port: number): Promise<AddressInfo>;
  /**
   * Takes no new connection and no new line; every line that was read is answered, within the
   * limit.
   */
  close(): Promise<void>;
  /** Since the start. */
  counts(): EchoCounts;
};

/** A client is given so long to read our last words before the connection is cut. */
const lingerMilliseconds = 1_000;
/** Sockets that may wait to be told `busy`; more are dropped unheard. */
const refusalRoom = 64;
const nothing: Bytes = new Uint8Array();

/**
 * @throws RangeError for a key that is none, AttestationError `value-out-of-range` for a name that
 * no service can have
 */
export function createEchoServer(deps: EchoDeps): EchoServer {
  const { name, privateKey, now, onError, onBusy = () => {} } = deps;
  const limits = { ...defaultLimits, ...deps.limits };
  // A name or key that cannot sign is found now, not at the first request.
  answerLine({ nonce: new Uint8Array(32), request: new Uint8Array() }, name, privateKey, 0);

  /** Those served, and what makes each stop. */
  const served = new Map<Socket, () => void>();
  let stopping = false;
  const counts = { answered: 0, connections: 0 };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // A connection that breaks is the client's affair; it ends the loop that serves it.
    socket.on('error', () => {});
    if (stopping) leave(socket, busy);
    else if (served.size >= limits.connections) {
      leave(socket, busy);
      onBusy(served.size);
    } else void serve(socket).catch(onError);
  });
  server.maxConnections = limits.connections + refusalRoom;

  async function serve(socket: Socket): Promise<void> {
    const idle = setTimeout(() => socket.destroy(), limits.idleMilliseconds);
    const state = { waiting: true };
    counts.connections += 1;
    served.set(socket, () => {
      if (state.waiting) leave(socket);
    });
    socket.once('close', () => {
      clearTimeout(idle);
      served.delete(socket);
    });
    try {
      leave(socket, await converse(socket, state, idle));
    } catch (error) {
      socket.destroy();
      // Those of the stream have a code; the others are faults of the program.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  /** Until either side has no more to say. @returns last words for the client */
  async function converse(
    socket: Socket,
    state: { waiting: boolean },
    idle: NodeJS.Timeout,
  ): Promise<Bytes> {
    const reader = createLineReader();
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      if (stopping) break;
      state.waiting = false;
      for (const line of reader.push(chunk)) {
        const request = line === null ? null : parseLine(line);
        if (request === null) return badRequest;
        const taken = socket.write(answerLine(request, name, privateKey, now()));
        counts.answered += 1;
        if (!taken) await drained(socket);
        // So that a client with many lines does not keep the others waiting.
        await nextTurn();
        if (socket.destroyed) return nothing;
        idle.refresh();
      }
      if (stopping) break;
      state.waiting = true;
    }
    return nothing;
  }

  return {
    listen: (host, port) =>
      new Promise((done, failed) => {
        server.once('error', failed);
        server.listen(port, host, () => {
          server.off('error', failed);
          // A failed accept (out of file descriptors); unheard, it would end the process.
          server.on('error', onError);
          done(server.address() as AddressInfo);
        });
      }),
    close: () =>
      new Promise((done) => {
        stopping = true;
        const grace = setTimeout(() => {
          for (const socket of served.keys()) socket.destroy();
        }, limits.stopMilliseconds);
        server.close(() => {
          clearTimeout(grace);
          done();
        });
        for (const stop of served.values()) stop();
      }),
    counts: () => ({ ...counts }),
  };
}

function drained(socket: Socket): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      socket.off('drain', end).off('close', end);
      done();
    };
    socket.on('drain', end).on('close', end);
    if (socket.destroyed) end();
  });
}

/**
 * Says the last words and goes. What still comes in is read and thrown away for a moment: closing
 * over unread bytes would reset the connection, and the client would never read the words.
 */
function leave(socket: Socket, words: Bytes = nothing): void {
  if (!socket.destroyed && !socket.writableEnded) {
    socket.once('finish', () => {
      const cut = setTimeout(() => socket.destroy(), lingerMilliseconds);
      socket.once('close', () => clearTimeout(cut));
    });
    socket.end(words);
  }
  socket.resume();
}
