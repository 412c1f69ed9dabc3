/** The service at work and at its end: what it says, what it answers, what it holds on to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openFilesOf, processorTime } from '#test/services/process.ts';
import { fromUtf8, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { answered, missing, secret, start, stop } from './helpers.ts';

const echoed = (line: string) => fromUtf8(answered(line).request, 'request');

describe.skipIf(missing !== null)(missing ?? 'echo-cpp', () => {
  test('logs its start, a full house and its end, and nothing of a request or key', async () => {
    const service = await start({ more: ['--max-connections', '1'] });
    const marker = 'only-in-a-request';
    const nonce = '5a'.repeat(32);
    const client = await service.client();
    client.send(`@${nonce} ${marker}\n${marker}\n`);
    expect(toHex(answered(await client.line()).nonce)).toBe(nonce);
    expect(echoed(await client.line())).toBe(marker);
    for (let i = 0; i < 3; i++) {
      const next = await service.client();
      expect(await next.rest()).toBe('{"error":"busy"}\n');
      next.socket.destroy();
    }
    client.send(`@${marker}\n`);
    expect(await client.rest()).toBe('{"error":"bad-request"}\n');
    client.socket.destroy();
    const { stdout } = await stop(service);
    expect(service.log().map(({ event }) => event)).toEqual([
      'listening',
      'busy',
      'stopping',
      'stopped',
    ]);
    expect(service.log()[0]).toMatchObject({ service: 'echo-cpp', address: '127.0.0.1' });
    expect(service.log()[1]).toMatchObject({ connections: 1 });
    expect(service.log().at(-1)).toMatchObject({ answered: 2, connections: 1 });
    for (const text of [marker, toBase64(utf8(marker)), toHex(utf8(marker)), nonce, secret]) {
      expect(stdout).not.toContain(text);
    }
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('answers what was read at %s', async (signal) => {
    const service = await start();
    const [asking, idle] = [await service.client(), await service.client()];
    const wanted = Array.from({ length: 100 }, (_, i) => `line ${i}`);
    asking.send(`${wanted.join('\n')}\nunfinished`);
    const first = await asking.line();
    const ended = stop(service, signal);
    const others = await asking.lines(99);
    expect([first, ...others].map(echoed)).toEqual(wanted);
    expect([await asking.rest(), await idle.rest()]).toEqual(['', '']);
    expect([asking.endedWell(), idle.endedWell()]).toEqual([true, true]);
    asking.socket.destroy();
    idle.socket.destroy();
    await ended;
    expect(service.log().at(-1)).toMatchObject({ answered: 100, connections: 2 });
    await expect(service.client()).rejects.toThrow(/ECONNREFUSED/);
  });

  describe('with a client that does not read', () => {
    /** The client has more answers to take than all buffers between hold. */
    async function stuck() {
      const service = await start();
      const client = await service.client();
      client.send(`${'x'.repeat(4095)}\n`.repeat(8_000));
      await client.line();
      client.socket.on('error', () => {}).pause();
      const used = () => {
        const { user, system } = processorTime(service.pid);
        return user + system;
      };
      for (let before = -1; used() !== before; await sleep(1_000)) before = used();
      return service;
    }

    test('stops within its limit', async () => {
      const service = await stuck();
      const since = performance.now();
      await stop(service);
      const seconds = (performance.now() - since) / 1000;
      expect(seconds).toBeGreaterThan(4);
      expect(seconds).toBeLessThan(9);
    });

    test('is ended at once by a second signal', async () => {
      const service = await stuck();
      service.kill('SIGTERM');
      await service.said((log) => log.includes('"stopping"'));
      service.kill('SIGTERM');
      await service.ended;
      expect([service.child.exitCode, service.child.signalCode]).toEqual([null, 'SIGTERM']);
    });
  });

  test('turns clients away when it has no file descriptor left, says so, and recovers', async () => {
    const under = ['sh', '-c', 'ulimit -n 16 && exec "$@"', 'sh'];
    const service = await start({ under });
    const before = openFilesOf(service.pid);
    const clients = await Promise.all(Array.from({ length: 24 }, () => service.client()));
    for (const client of clients) {
      client.socket.on('error', () => {});
      client.send('hello\n');
    }
    const ends = clients.map((client) => client.line().then(echoed, () => 'turned away'));
    const found = await Promise.all(ends);
    const served = found.filter((one) => one === 'hello').length;
    expect(served).toBeGreaterThan(0);
    expect(served + found.filter((one) => one === 'turned away').length).toBe(24);
    expect(served).toBeLessThan(16);
    for (const client of clients) client.socket.destroy();
    const reason = 'accept: Too many open files';
    // What it says may arrive after what it answers.
    await service.said((text) => text.includes(reason));
    expect(service.log()).toContainEqual(expect.objectContaining({ event: 'fault', reason }));
    await expect.poll(() => openFilesOf(service.pid), { timeout: 5_000 }).toBe(before);
    const later = await service.client();
    later.send('later\n');
    expect(echoed(await later.line())).toBe('later');
    await stop(service);
  });

  test('goes on when nobody reads its log', async () => {
    const service = await start({ more: ['--max-connections', '1'] });
    service.child.stdout?.destroy();
    const client = await service.client();
    const next = await service.client();
    expect(await next.rest()).toBe('{"error":"busy"}\n');
    client.send('still here\n');
    expect(echoed(await client.line())).toBe('still here');
    client.socket.destroy();
    next.socket.destroy();
    await stop(service);
  });

  test('gives back whatever a connection took, however it ends', async () => {
    const service = await start({ more: ['--idle-seconds', '1'] });
    const before = openFilesOf(service.pid);
    for (let i = 0; i < 10; i++) {
      const [reset, closed, bad, idle] = await Promise.all([0, 1, 2, 3].map(service.client));
      reset?.send('x\n'.repeat(500));
      reset?.socket.on('error', () => {}).resetAndDestroy();
      closed?.socket.end('x\nunfinished');
      bad?.send('@\n'.repeat(500));
      idle?.send('unfinished');
    }
    await expect.poll(() => openFilesOf(service.pid), { timeout: 10_000 }).toBe(before);
    await stop(service);
    expect(service.log().at(-1)).toMatchObject({ connections: 40 });
  });
});
