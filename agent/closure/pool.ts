/**
 * NARs hashed on all cores. The workers run this very module, which serves there and never comes to its end: where the program is
 * one bundled file, a worker starts that file, and must not run the program a second time.
 */
import { availableParallelism } from 'node:os';
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { AgentError } from '../errors.ts';
import { hashNar, type NarHash } from '../nar.ts';
import { createReferenceScanner } from './references.ts';

/** What a worker was started for; it tells our workers from everybody else's. */
const purpose = 'affidavit: hash NARs';

type Order = {
  purpose: typeof purpose;
  port: MessagePort;
  /** One i32: how many messages were sent. */
  sent: Int32Array;
  hashes: readonly string[];
};

export type PathHash = NarHash & {
  /** Which of the pool's hashes the NAR holds, as indices. */
  references: number[];
};

type Answer = { hash: PathHash } | { unreadable: string } | { fault: unknown };

export type NarPool = {
  readonly threads: number;
  /** @throws AgentError `closure-unreadable` */
  hash(path: string): Promise<PathHash>;
  /** Ends the workers; what is under way is refused. */
  close(): Promise<void>;
};

export type PoolOptions = {
  /** Default: one a core. */
  threads?: number | undefined;
  /** The hashes of store paths to look for in every NAR; default none. */
  hashes?: readonly string[];
};

type Waiting = { path: string; done(hash: PathHash): void; fail(error: unknown): void };

export function createNarPool({ threads, hashes = [] }: PoolOptions = {}): NarPool {
  const queue: Waiting[] = [];
  const idle: Hand[] = [];
  const hands: Hand[] = [];
  let broken: unknown;

  function fail(error: unknown): void {
    broken ??= error;
    for (const { fail } of queue.splice(0)) fail(broken);
  }

  function next(hand: Hand): void {
    const waiting = queue.shift();
    if (waiting === undefined) idle.push(hand);
    else hand.take(waiting);
  }

  const count = Math.max(1, threads ?? availableParallelism());
  return {
    threads: count,
    hash: (path) =>
      new Promise((done, reject) => {
        if (broken !== undefined) {
          reject(broken);
          return;
        }
        queue.push({ path, done, fail: reject });
        // Workers are started as there is work for them: a small closure needs few.
        let hand = idle.pop();
        if (hand === undefined && hands.length < count) {
          hand = startHand(hashes, next, fail);
          hands.push(hand);
        }
        if (hand !== undefined) next(hand);
      }),
    async close() {
      fail(new Error('the pool is closed'));
      await Promise.all(hands.map((hand) => hand.end()));
    },
  };
}

/** A worker, seen from the thread that started it. It does one job at a time. */
type Hand = { take(job: Waiting): void; end(): Promise<unknown> };

function startHand(
  hashes: readonly string[],
  idle: (hand: Hand) => void,
  broken: (error: unknown) => void,
): Hand {
  const { port1: ours, port2: port } = new MessageChannel();
  const sent = new Int32Array(new SharedArrayBuffer(4));
  const order: Order = { purpose, port, sent, hashes };
  const worker = new Worker(new URL(import.meta.url), {
    workerData: order,
    transferList: [port],
    // Options of the main thread (inspector, test hooks) are not for the workers.
    execArgv: [],
  });
  let current: Waiting | undefined;

  function stop(error: unknown): void {
    current?.fail(error);
    current = undefined;
    broken(error);
  }

  worker.on('error', stop);
  worker.on('exit', () => stop(new Error('a worker ended')));
  ours.on('message', (answer: Answer) => {
    const job = current;
    current = undefined;
    if ('hash' in answer) job?.done(answer.hash);
    else if ('unreadable' in answer)
      job?.fail(new AgentError('closure-unreadable', answer.unreadable));
    else job?.fail(answer.fault);
    idle(hand);
  });
  const hand: Hand = {
    take(job) {
      current = job;
      ours.postMessage(job.path);
      Atomics.add(sent, 0, 1);
      Atomics.notify(sent, 0);
    },
    async end() {
      ours.close();
      await worker.terminate();
    },
  };
  return hand;
}

/** Serves until the worker is terminated. */
function serve({ port, sent, hashes }: Order): never {
  const scanner = hashes.length === 0 ? undefined : createReferenceScanner(hashes);
  for (;;) {
    const seen = Atomics.load(sent, 0);
    const received = receiveMessageOnPort(port);
    if (received === undefined) Atomics.wait(sent, 0, seen);
    else port.postMessage(answer(String(received.message)));
  }

  function answer(path: string): Answer {
    try {
      const hash = hashNar(path, scanner?.scan);
      return { hash: { ...hash, references: scanner?.take() ?? [] } };
    } catch (fault) {
      // What was found up to here is not the next path's.
      scanner?.take();
      const known = fault instanceof AgentError && fault.code === 'closure-unreadable';
      return known ? { unreadable: fault.message } : { fault };
    }
  }
}

function isOrder(data: unknown): data is Order {
  return typeof data === 'object' && data !== null && 'purpose' in data && data.purpose === purpose;
}

if (!isMainThread && isOrder(workerData)) serve(workerData);
