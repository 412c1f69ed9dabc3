/** Lines and their answers. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bytes, bigEndian, concat, toHex, utf8 } from '#verifier/bytes.ts';
import type { Case } from './cases.ts';
import { badLines, goodLines } from './lines.ts';
import { ask, badRequest, type Stage, unixNow } from './stage.ts';

const lineFeed = utf8('\n');
const nonce = '5a'.repeat(32);
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Sends the bytes on a connection of their own and reads to its end. */
async function refusal(stage: Stage, bytes: Bytes): Promise<void> {
  const client = await stage.connect(await stage.shared());
  client.send(bytes);
  assert.equal(await client.rest(), `${badRequest}\n`);
  assert.ok(client.endedWell(), 'the connection broke instead of ending');
  client.socket.destroy();
}

export const lineCases: readonly Case[] = [
  {
    name: 'every good line is answered, byte for byte, one after the other',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      for (const { what, line, ...asked } of goodLines) {
        const since = unixNow();
        client.send(concat(line, lineFeed));
        const answer = await client
          .line()
          .catch((error: Error) => assert.fail(`${what}: ${error}`));
        stage.checkAnswer(answer, asked, since);
      }
    },
  },
  {
    name: 'all good lines in one go are answered in their order',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      const since = unixNow();
      client.send(concat(...goodLines.flatMap(({ line }) => [line, lineFeed])));
      for (const asked of goodLines) stage.checkAnswer(await client.line(), asked, since);
    },
  },
  ...badLines.map(
    ({ what, line }): Case => ({
      name: `refused: ${what}`,
      run: (stage) => refusal(stage, concat(line, lineFeed)),
    }),
  ),
  {
    name: 'a line that is too long is refused before its LF',
    run: (stage) => refusal(stage, new Uint8Array(4097).fill(0x78)),
  },
  {
    name: 'a bad line ends the connection behind the answers to those before it',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      const since = unixNow();
      client.send('good\n@bad\nnever\n');
      stage.checkAnswer(await client.line(), ask('good'), since);
      assert.equal(await client.rest(), `${badRequest}\n`);
    },
  },
  {
    name: 'a bad line is told even to a client that goes on sending, and reads late',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      client.socket.pause();
      client.send(concat(utf8('@bad\n'), new Uint8Array(6_000_000)));
      await sleep(300);
      client.socket.resume();
      assert.equal(await client.rest(), `${badRequest}\n`);
      assert.ok(client.endedWell(), 'the connection broke instead of ending');
    },
  },
  {
    name: 'two lines in one segment, and an empty one',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      const since = unixNow();
      client.send(`@${nonce} first\n\nthird\n`);
      stage.checkAnswer(await client.line(), ask('first', nonce), since);
      stage.checkAnswer(await client.line(), ask(''), since);
      stage.checkAnswer(await client.line(), ask('third'), since);
    },
  },
  {
    name: 'a line in single bytes',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      const since = unixNow();
      for (const byte of utf8(`@${nonce} hello\nx\n`)) {
        client.send(Uint8Array.of(byte));
        await sleep(2);
      }
      stage.checkAnswer(await client.line(), ask('hello', nonce), since);
      stage.checkAnswer(await client.line(), ask('x'), since);
    },
  },
  {
    name: 'lines cut at every place',
    async run(stage) {
      const line = utf8(`@${nonce} hello\n`);
      const since = unixNow();
      const client = await stage.connect(await stage.shared());
      for (let cut = 1; cut < line.length; cut += 3) {
        client.send(concat(line, line.subarray(0, cut)));
        await sleep(3);
        client.send(line.subarray(cut));
        stage.checkAnswer(await client.line(), ask('hello', nonce), since);
        stage.checkAnswer(await client.line(), ask('hello', nonce), since);
      }
    },
  },
  {
    name: 'the same line has the same answer within a second, and another in the next',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      await sleep(1000 - (Date.now() % 1000) + 100);
      client.send('hello\nhello\n');
      const [first, second] = await client.lines(2);
      assert.equal(first, second);
      await sleep(1000);
      const since = unixNow();
      client.send('hello\n');
      const later = await client.line();
      stage.checkAnswer(later, ask('hello'), since);
      assert.notEqual(later, first);
    },
  },
  {
    name: 'other keys and names sign as well: 2, order − 1, one that begins with zeros',
    async run(stage) {
      const longest = 'a'.repeat(64);
      const keys = [bigEndian(2, 32), bigEndian(order - 1n, 32), bigEndian(0xabcdefn, 32)];
      for (const [i, key] of keys.entries()) {
        const name = ['echo-cpp', longest, '0.a_b-c'][i] as string;
        const service = await stage.start({ key, name });
        const client = await stage.connect(service);
        for (let j = 0; j < 20; j++) {
          const since = unixNow();
          const digits = toHex(bigEndian(BigInt(j + 1) << 240n, 32));
          client.send(`@${digits} line ${j}\n`);
          stage.checkAnswer(await client.line(), ask(`line ${j}`, digits), since, { key, name });
        }
        await stage.stop(service);
      }
    },
  },
  {
    name: '400 different lines at once are answered, byte for byte',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      const texts = Array.from({ length: 400 }, (_, i) => `line ${i} `.repeat(i % 40));
      const since = unixNow();
      client.send(texts.map((text) => `${text}\n`).join(''));
      for (const text of texts) stage.checkAnswer(await client.line(), ask(text), since);
    },
  },
];
