import { Readable } from 'node:stream';
import type { Request } from 'koa';
import { describe, expect, test, vi } from 'vitest';
import { type Bytes, concat, utf8 } from '#verifier/bytes.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { Bodies } from '#verifier/serve/body.ts';
import { Challenges } from '#verifier/serve/challenges.ts';
import { Gate } from '#verifier/serve/gate.ts';
import { serviceCrypto } from '#verifier/serve/memory.ts';

const refusal = (code: string) => expect.objectContaining({ code });

describe('Challenges', () => {
  const create = (capacity = 10) => {
    let drawn = 0;
    const random = (length: number) => {
      drawn += 1;
      return new Uint8Array(length).fill(drawn);
    };
    return new Challenges({ lifetime: 100, capacity }, random);
  };

  test('gives a nonce back once', () => {
    const challenges = create();
    const [one, other] = [challenges.draw(1000), challenges.draw(1000)];
    expect(one).toEqual({
      id: '01'.repeat(16),
      nonce: new Uint8Array(32).fill(2),
      expires: 1100,
    });
    expect(challenges.take(one.id, 1001)).toEqual(one.nonce);
    expect(() => challenges.take(one.id, 1001)).toThrow(refusal('challenge-spent'));
    expect(challenges.take(other.id, 1099)).toEqual(other.nonce);
    expect(() => challenges.take('ff'.repeat(16), 1001)).toThrow(refusal('challenge-spent'));
  });

  test('forgets what has run out, and makes room by it', () => {
    const challenges = create(2);
    const first = challenges.draw(1000);
    challenges.draw(1050);
    expect(() => challenges.draw(1099)).toThrow(refusal('busy'));
    expect(challenges.outstanding(1099)).toBe(2);
    expect(challenges.outstanding(1100)).toBe(1);
    expect(challenges.draw(1100).expires).toBe(1200);
    expect(() => challenges.take(first.id, 1100)).toThrow(refusal('challenge-spent'));
    expect(challenges.outstanding(1200)).toBe(0);
  });

  test('tries one that has run out in vain, and it is gone then', () => {
    const challenges = create();
    const { id } = challenges.draw(1000);
    expect(() => challenges.take(id, 1100)).toThrow(refusal('challenge-spent'));
    expect(() => challenges.take(id, 1000)).toThrow(refusal('challenge-spent'));
  });

  test('sweeps on when the clock was set back', () => {
    const challenges = create();
    challenges.draw(5000);
    expect(challenges.draw(1000).expires).toBe(5100);
    expect(challenges.outstanding(5100)).toBe(0);
  });
});

describe('Gate', () => {
  test('lets in as many as it is wide, the others in turn, and no more than may wait', async () => {
    const gate = new Gate(2, 2);
    const order: string[] = [];
    const ends: (() => void)[] = [];
    const enter = (name: string) =>
      gate.enter(async () => {
        order.push(name);
        await new Promise<void>((end) => ends.push(end));
        return name;
      });
    const inside = ['a', 'b', 'c', 'd'].map(enter);
    expect(order).toEqual(['a', 'b']);
    await expect(enter('e')).rejects.toThrow(refusal('busy'));
    ends[0]?.();
    expect(await inside[0]).toBe('a');
    expect(order).toEqual(['a', 'b', 'c']);
    const late = enter('f');
    ends[1]?.();
    await inside[1];
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    for (const at of [2, 3]) ends[at]?.();
    await Promise.all(inside);
    await vi.waitFor(() => expect(order).toEqual(['a', 'b', 'c', 'd', 'f']));
    ends[4]?.();
    expect(await late).toBe('f');
    expect(gate.size).toBe(0);
  });

  test('gives the place of work that failed to the next', async () => {
    const gate = new Gate(1, 1);
    const failing = gate.enter(() => Promise.reject(new Error('no')));
    const next = gate.enter(async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
    expect(gate.size).toBe(0);
  });
});

describe('Bodies', () => {
  const incoming = (chunks: readonly Bytes[], length?: number) => {
    const headers = length === undefined ? {} : { 'content-length': String(length) };
    return Object.assign(Readable.from(chunks, { objectMode: false }), {
      headers,
    }) as unknown as Request['req'];
  };

  test('joins a body, and keeps it on the books while it is used', async () => {
    const bodies = new Bodies(0);
    const parts = [utf8('ab'), utf8('c')];
    const used = bodies.with(incoming(parts, 3), 3, async (body) => {
      expect(bodies.held).toBe(3);
      return body;
    });
    expect(await used).toEqual(concat(...parts));
    expect(bodies.held).toBe(0);
  });

  test.each([
    ['announced', [], 4],
    ['sent', [utf8('ab'), utf8('cd')], undefined],
  ])('refuses more than the limit, %s', async (_, chunks, length) => {
    const bodies = new Bodies(1000);
    const used = bodies.with(incoming(chunks, length), 3, async () => 'used');
    await expect(used).rejects.toThrow(refusal('body-too-large'));
    expect(bodies.held).toBe(0);
  });

  test('shares the budget among large bodies, and leaves small ones alone', async () => {
    const bodies = new Bodies(100_000);
    const sized = (length: number) => incoming([new Uint8Array(length)]);
    let release = () => {};
    const wait = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = bodies.with(sized(65_536 + 60_000), 1e6, () => wait);
    await vi.waitFor(() => expect(bodies.held).toBe(65_536 + 60_000));
    const second = bodies.with(sized(65_536 + 60_000), 1e6, async () => 'second');
    await expect(second).rejects.toThrow(refusal('busy'));
    expect(await bodies.with(sized(65_536), 1e6, async () => 'small')).toBe('small');
    release();
    await first;
    expect(await bodies.with(sized(65_536 + 60_000), 1e6, async () => 'third')).toBe('third');
    expect(bodies.held).toBe(0);
  });
});

describe('serviceCrypto', () => {
  const create = () => {
    const port = {
      verifyRsaPssSha384: vi.fn(async () => true),
      verifyP384Sha384: vi.fn(async () => true),
      verifyP256Sha256: vi.fn(async () => true),
      verifyRsaPkcs1Sha256: vi.fn(async () => true),
      verifyRsaPkcs1Sha384: vi.fn(async () => true),
    } satisfies CryptoPort;
    return { port, crypto: serviceCrypto(port) };
  };
  const [small, large] = [new Uint8Array(2000), new Uint8Array(21 * 1024)];
  const spki = new Uint8Array(100);
  const signature = new Uint8Array(64);

  test.each(['verifyRsaPssSha384', 'verifyP256Sha256'] as const)(
    '%s: remembers what is small, and looks at what is large anew',
    async (method) => {
      const { port, crypto } = create();
      for (let i = 0; i < 3; i++) expect(await crypto[method](spki, small, signature)).toBe(true);
      expect(port[method]).toHaveBeenCalledTimes(1);
      for (let i = 0; i < 3; i++) expect(await crypto[method](spki, large, signature)).toBe(true);
      expect(port[method]).toHaveBeenCalledTimes(4);
    },
  );

  test('reads what is small once, and what is large each time', () => {
    const { crypto } = create();
    const make = vi.fn((bytes: Bytes) => bytes.length);
    for (let i = 0; i < 3; i++) expect(crypto.remember?.('role', small, make)).toBe(2000);
    expect(make).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 3; i++) expect(crypto.remember?.('role', large, make)).toBe(21 * 1024);
    expect(make).toHaveBeenCalledTimes(4);
  });
});
