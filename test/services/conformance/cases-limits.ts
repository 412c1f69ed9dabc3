/** Limits, ends of connections, and the end of the service. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '#test/services/client.ts';
import { memoryOf, type Service } from '#test/services/process.ts';
import type { Case } from './cases.ts';
import { ask, badRequest, busy, type Stage, unixNow, within } from './stage.ts';

const onLinux = process.platform === 'linux';
const longLine = `${'x'.repeat(4095)}\n`;

/** @returns milliseconds until the service has hung up */
async function cutOff(client: Client, since: number): Promise<number> {
  await client.rest();
  return performance.now() - since;
}

async function texts(client: Client, wanted: readonly string[], stage: Stage): Promise<void> {
  const since = unixNow();
  for (const text of wanted) stage.checkAnswer(await client.line(), ask(text), since);
}

/** With lines under way. @returns when it has ended and all that it had read is answered */
async function stopUnderWay(stage: Stage, signal: NodeJS.Signals): Promise<void> {
  const service = await stage.start();
  const [asking, idle] = [await stage.connect(service), await stage.connect(service)];
  const wanted = Array.from({ length: 200 }, (_, i) => `line ${i}`);
  const since = unixNow();
  // One segment: what reads the first line has the others too.
  asking.send(wanted.map((text) => `${text}\n`).join(''));
  stage.checkAnswer(await asking.line(), ask('line 0'), since);
  const ended = stage.stop(service, signal);
  // Judged below; what fails before that says more.
  ended.catch(() => {});
  await service.said((log) => log.includes('"stopping"'));
  asking.send('too late\n');
  await texts(asking, wanted.slice(1), stage);
  assert.equal(await asking.rest(), '');
  assert.equal(await idle.rest(), '');
  assert.ok(asking.endedWell() && idle.endedWell(), 'a connection broke instead of ending');
  await within(4_000, 'its end', ended);
  const { answered, connections } = service.log().at(-1) as Record<string, unknown>;
  assert.deepEqual({ answered, connections }, { answered: 200, connections: 2 });
  await assert.rejects(stage.connect(service), /ECONNREFUSED/);
}

/** What it says may arrive after what it answers. */
async function busyEntries(service: Service): Promise<unknown[]> {
  await within(
    5_000,
    'word of a busy service',
    service.said((text) => text.includes('"busy"')),
  );
  return service.log().filter(({ event }) => event === 'busy');
}

export const limitCases: readonly Case[] = [
  {
    name: 'a client that closes its side is answered; its unfinished line is not',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      const since = unixNow();
      client.socket.end('hello\nunfinished');
      stage.checkAnswer(await client.line(), ask('hello'), since);
      assert.equal(await client.rest(), '');
      assert.ok(client.endedWell());
    },
  },
  {
    name: 'a client that closes its side behind 300 lines gets every answer',
    async run(stage) {
      const client = await stage.connect(await stage.shared());
      const wanted = Array.from({ length: 300 }, (_, i) => `line ${i}`);
      client.socket.end(wanted.map((text) => `${text}\n`).join(''));
      await texts(client, wanted, stage);
      assert.equal(await client.rest(), '');
    },
  },
  {
    name: 'a client that closes its side behind a bad line, or without a word',
    async run(stage) {
      const [bad, silent] = [
        await stage.connect(await stage.shared()),
        await stage.connect(await stage.shared()),
      ];
      bad.socket.end('@bad\n');
      silent.socket.end();
      assert.equal(await bad.rest(), `${badRequest}\n`);
      assert.equal(await silent.rest(), '');
      assert.ok(bad.endedWell() && silent.endedWell());
    },
  },
  {
    name: 'a client that breaks off with lines under way is its own affair',
    async run(stage) {
      const service = await stage.shared();
      for (let i = 0; i < 20; i++) {
        const client = await stage.connect(service);
        client.send('hello\n'.repeat(50));
        if (i % 2 === 0) await client.line();
        client.socket.resetAndDestroy();
      }
      await stage.checkServed(service);
    },
  },
  {
    name: 'a client with many lines does not keep another waiting',
    async run(stage) {
      const service = await stage.shared();
      const greedy = await stage.connect(service);
      const count = 4_000;
      let taken = 0;
      greedy.send('\n'.repeat(count));
      await greedy.line();
      const all = (async () => {
        for (taken = 1; taken < count; taken++) await greedy.line();
      })();
      all.catch(() => {});
      const other = await stage.connect(service);
      const since = unixNow();
      other.send('hello\n');
      const answer = await other.line();
      assert.ok(taken < count, 'it waited for every line of the other');
      stage.checkAnswer(answer, ask('hello'), since);
      await all;
    },
  },
  {
    name: '256 connections at the same time are served, and the next is told so',
    async run(stage) {
      const service = await stage.start();
      const clients: Client[] = [];
      for (let i = 0; i < 256; i++) clients.push(await stage.connect(service));
      const since = unixNow();
      for (const [i, client] of clients.entries()) client.send(`line ${i}\n`);
      const answers = await Promise.all(clients.map((client) => client.line()));
      const next = await stage.connect(service);
      assert.equal(await next.rest(), `${busy}\n`);
      for (const [i, answer] of answers.entries()) {
        stage.checkAnswer(answer, ask(`line ${i}`), since);
      }
      await stage.sweep();
      await stage.stop(service);
    },
  },
  {
    name: 'of connections: the next is told so, one line a second is logged, and the place becomes free',
    async run(stage) {
      const service = await stage.start({ more: ['--max-connections', '2'] });
      const [first, second] = [await stage.connect(service), await stage.connect(service)];
      const since = unixNow();
      first.send('a\n');
      second.send('b\n');
      stage.checkAnswer(await first.line(), ask('a'), since);
      stage.checkAnswer(await second.line(), ask('b'), since);
      const began = performance.now();
      for (let i = 0; i < 20; i++) {
        const next = await stage.connect(service);
        // It is heard out, though nobody will answer.
        next.send('hello\n');
        assert.equal(await next.rest(), `${busy}\n`);
        assert.ok(next.endedWell(), 'the connection broke instead of ending');
        next.socket.destroy();
      }
      const logged = await busyEntries(service);
      const seconds = (performance.now() - began) / 1000;
      assert.ok(logged.length >= 1 && logged.length <= 1 + seconds, `${logged.length} lines`);
      for (const entry of logged)
        assert.deepEqual((entry as Record<string, unknown>)['connections'], 2);
      first.socket.destroy();
      await sleep(200);
      await stage.checkServed(service, 'now');
      second.socket.destroy();
      await stage.stop(service);
      assert.equal(service.log().at(-1)?.['connections'], 3);
    },
  },
  {
    name: 'of time: idle and dripping clients are cut off, one that asks is not',
    async run(stage) {
      const service = await stage.start({ more: ['--idle-seconds', '1'] });
      const began = performance.now();
      const [idle, dripping, asking] = [
        await stage.connect(service),
        await stage.connect(service),
        await stage.connect(service),
      ];
      const ends = Promise.all([cutOff(idle, began), cutOff(dripping, began)]);
      for (let i = 0; i < 12; i++) {
        const since = unixNow();
        if (!dripping.socket.destroyed) dripping.send('x');
        asking.send(`line ${i}\n`);
        stage.checkAnswer(await asking.line(), ask(`line ${i}`), since);
        await sleep(200);
      }
      for (const end of await within(4_000, 'their end', ends)) {
        assert.ok(end > 900 && end < 3_500, `cut off after ${end.toFixed(0)} ms`);
      }
      assert.equal(await dripping.rest(), '');
      asking.socket.destroy();
      await stage.stop(service);
    },
  },
  {
    name: 'a client that does not read is cut off, fills no memory, and others are served',
    async run(stage) {
      const service = await stage.start({ more: ['--idle-seconds', '2'] });
      await stage.checkServed(service);
      const before = onLinux ? memoryOf(service.pid).now : 0;
      const slow = await stage.connect(service);
      slow.socket.pause();
      const gone = new Promise((done) => slow.socket.on('close', done));
      slow.send(longLine.repeat(4_000));
      await stage.checkServed(service);
      await within(15_000, 'the end of a client that does not read', gone);
      const grown = onLinux ? memoryOf(service.pid).most - before : 0;
      assert.ok(grown < stage.sample.memoryRoom, `its memory grew by ${grown} bytes`);
      await stage.checkServed(service);
      await stage.stop(service);
    },
  },
  {
    name: 'SIGTERM: what was read is answered, nothing new is taken, idle clients go',
    run: (stage) => stopUnderWay(stage, 'SIGTERM'),
  },
  { name: 'SIGINT: as SIGTERM', run: (stage) => stopUnderWay(stage, 'SIGINT') },
  {
    name: 'SIGTERM: an unfinished line and a client that does not read do not hold it up',
    async run(stage) {
      const service = await stage.start();
      const [unfinished, slow] = [await stage.connect(service), await stage.connect(service)];
      unfinished.send('unfinished');
      slow.socket.pause();
      slow.send(longLine.repeat(2_000));
      await sleep(500);
      await within(9_000, 'its end', stage.stop(service));
    },
  },
];
