/** Noise against a running service, from a seed: what it answers is foretold by a model of its own. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf, type Service } from '#test/services/process.ts';
import { mutate, type Random, seededRandom } from '#test/tools/fuzz-mutate.ts';
import { encodeResponse, parseResponse } from '#verifier/abi/response.ts';
import { type Bytes, concat, utf8 } from '#verifier/bytes.ts';
import { badLines, goodLines } from './lines.ts';
import { type Asked, ask, badRequest, type Stage, serviceName, unixNow, within } from './stage.ts';

export type FuzzOptions = { readonly seed: number; readonly milliseconds: number };

export type FuzzOutcome = {
  readonly connections: number;
  readonly bytes: number;
  readonly answered: number;
  readonly refused: number;
  /** Bytes that its memory grew by since it was warm. */
  readonly grown: number;
};

type Counts = { connections: number; bytes: number; answered: number; refused: number };

export type Expected = { readonly asked: readonly Asked[]; readonly bad: boolean };

/** Both signing here and signing there take time: lines of one stream. */
const maxLines = 60;
const workers = 4;
const streamMilliseconds = 20_000;

/** What a stream of bytes asks for, by the words of the protocol. */
export function expectedOf(stream: Bytes): Expected {
  const lines = Buffer.from(stream).toString('latin1').split('\n');
  const unfinished = lines.pop() as string;
  const asked: Asked[] = [];
  for (const line of lines) {
    const [, nonce, request] = /^@([0-9a-f]{64}) (.*)$/s.exec(line) ?? [];
    if (line.length > 4096 || (line[0] === '@' && nonce === undefined)) return { asked, bad: true };
    asked.push({ ...ask('', nonce), request: Buffer.from(request ?? line, 'latin1') });
  }
  return { asked, bad: unfinished.length > 4096 };
}

const lineFeed = utf8('\n');
const seeds: readonly Bytes[] = [
  ...goodLines.map(({ line }) => concat(line, lineFeed)),
  ...badLines.map(({ line }) => concat(line, lineFeed)),
  concat(...goodLines.slice(0, 8).flatMap(({ line }) => [line, lineFeed])),
  utf8(`@${'00'.repeat(32)} x\n`.repeat(20)),
];

export function noise(random: Random): Bytes {
  const parts = Array.from({ length: 1 + random.below(5) }, () => mutate(seeds, random));
  const stream = concat(...parts);
  let end = -1;
  for (let i = 0; i < maxLines; i++) {
    const next = stream.indexOf(0x0a, end + 1);
    if (next === -1) return stream;
    end = next;
  }
  return stream.subarray(0, end + 1);
}

/** Cuts at random places, most often into few pieces. */
function* pieces(stream: Bytes, random: Random): Generator<Bytes> {
  const most = random.pick([stream.length, 4096, 100, 7]);
  // Bounded, so that long streams in tiny pieces do not take all the time.
  const least = Math.ceil(stream.length / 40);
  for (let at = 0; at < stream.length; ) {
    const length = Math.max(least, 1 + random.below(most));
    yield stream.subarray(at, at + length);
    at += length;
  }
}

function checkShape(line: string, { nonce, request }: Asked, since: number): void {
  const response = parseResponse(line);
  assert.equal(encodeResponse(response), line);
  const { time, signature, ...content } = response;
  assert.ok(time >= since - 1 && time <= unixNow() + 1, `time ${time}`);
  const plain = (bytes: Bytes) => Buffer.from(bytes).toString('hex');
  assert.deepEqual(
    [content.service, content.nonce, content.request, content.body].map((one) =>
      typeof one === 'string' ? one : plain(one),
    ),
    [serviceName, plain(nonce), plain(request), plain(request)],
  );
  assert.equal(signature.length, 64);
}

/** One connection that sends all of a stream and reads to the end; every answer is checked. */
async function converse(stage: Stage, service: Service, random: Random, counts: Counts) {
  const stream = noise(random);
  const { asked, bad } = expectedOf(stream);
  const since = unixNow();
  const client = await stage.connect(service);
  for (const piece of pieces(stream, random)) {
    client.send(piece);
    if (random.below(4) === 0) await sleep(random.below(3));
  }
  client.socket.end();
  const lines = (await client.rest()).split('\n');
  const what = `of ${stream.length} bytes`;
  assert.ok(client.endedWell(), `the connection broke behind ${lines.length} lines ${what}`);
  assert.equal(lines.pop(), '', `it ended within a line ${what}`);
  if (bad) assert.equal(lines.pop(), badRequest, what);
  assert.equal(lines.length, asked.length, `answers ${what}`);
  for (const [i, line] of lines.entries()) {
    // Signing it again is the dearest part of a test: one in eight, byte for byte.
    if (random.below(8) === 0) stage.checkAnswer(line, asked[i] as Asked, since);
    else checkShape(line, asked[i] as Asked, since);
  }
  client.socket.destroy();
  counts.answered += asked.length;
  counts.refused += bad ? 1 : 0;
  counts.bytes += stream.length;
}

/** One that goes away in the middle, or never reads. */
async function desert(stage: Stage, service: Service, random: Random, counts: Counts) {
  const stream = noise(random);
  const client = await stage.connect(service);
  if (random.below(2) === 0) client.socket.pause();
  client.send(stream.subarray(0, random.below(stream.length + 1)));
  await sleep(random.below(5));
  if (random.below(2) === 0) client.socket.resetAndDestroy();
  else client.socket.destroy();
  counts.bytes += stream.length;
}

/**
 * @throws whatever is wrong: a connection that breaks, an answer that the model did not foretell, a
 * fault in the log, memory that grows beyond the sample's room, or a client that is not served after it
 */
export async function fuzzService(
  stage: Stage,
  service: Service,
  { seed, milliseconds }: FuzzOptions,
): Promise<FuzzOutcome> {
  const counts: Counts = { connections: 0, bytes: 0, answered: 0, refused: 0 };
  for (let i = 0; i < 20; i++) await stage.checkServed(service);
  const before = memoryOf(service.pid).now;
  const end = performance.now() + milliseconds;
  const work = async (_: unknown, worker: number) => {
    for (let run = 0; performance.now() < end; run++) {
      // Each stream from a seed of its own, so that one can be sent again alone.
      const own = ((seed * 100 + worker) << 20) + run;
      const random = seededRandom(own);
      const way = random.below(6) === 0 ? desert : converse;
      await within(streamMilliseconds, 'a stream', way(stage, service, random, counts)).catch(
        (error: Error) => {
          throw new Error(`seed ${own}: ${error.message}`, { cause: error });
        },
      );
      counts.connections += 1;
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  await stage.sweep();
  await stage.checkServed(service);
  const grown = memoryOf(service.pid).most - before;
  assert.ok(grown < stage.sample.memoryRoom, `its memory grew by ${grown} bytes`);
  const faults = service.log().filter(({ event }) => event === 'fault');
  assert.deepEqual(faults, []);
  return { ...counts, grown };
}
