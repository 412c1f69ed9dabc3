import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashNar, overlap, writeNar } from '#agent/nar.ts';
import { type Bytes, concat, toHex } from '#verifier/bytes.ts';
import { codeOf } from '../helpers.ts';
import { createTree, hasNix, nixMissing, nixNarHash } from './nix.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-nar-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const fresh = () => {
  count += 1;
  return join(folder, String(count));
};

/** The whole NAR. */
function narOf(path: string): Bytes {
  const parts: Bytes[] = [];
  const length = writeNar(path, (piece, start) => parts.push(piece.slice(start)));
  const nar = concat(...parts);
  expect(length).toBe(nar.length);
  return nar;
}

/** Written out by hand: each text with its length and zeros. */
function strings(...texts: readonly (string | Buffer)[]): string {
  const parts = texts.map((text) => {
    const bytes = Buffer.from(text);
    const out = Buffer.alloc(8 + Math.ceil(bytes.length / 8) * 8);
    out.writeBigUInt64LE(BigInt(bytes.length));
    bytes.copy(out, 8);
    return out;
  });
  return Buffer.concat(parts).toString('hex');
}

describe('the NAR of', () => {
  test('a file', () => {
    const path = fresh();
    writeFileSync(path, 'hi');
    // No helper here: every byte as the format has it.
    const expected =
      '0d000000000000006e69782d617263686976652d31000000' + // nix-archive-1
      '01000000000000002800000000000000' + // (
      '04000000000000007479706500000000' + // type
      '0700000000000000726567756c617200' + // regular
      '0800000000000000636f6e74656e7473' + // contents
      '02000000000000006869000000000000' + // hi
      '01000000000000002900000000000000'; // )
    expect(toHex(narOf(path))).toBe(expected);
    expect(hashNar(path)).toEqual({
      narHash: new Uint8Array(createHash('sha256').update(expected, 'hex').digest()),
      narSize: expected.length / 2,
    });
  });

  test('an executable file: by the owner’s bit alone', () => {
    const path = fresh();
    writeFileSync(path, '');
    const plain = strings('nix-archive-1', '(', 'type', 'regular', 'contents', '', ')');
    const runs = ['nix-archive-1', '(', 'type', 'regular', 'executable', '', 'contents', '', ')'];
    chmodSync(path, 0o655);
    expect(toHex(narOf(path))).toBe(plain);
    chmodSync(path, 0o744);
    expect(toHex(narOf(path))).toBe(strings(...runs));
  });

  test('a symlink, whatever it points to', () => {
    const path = fresh();
    symlinkSync('/no/where', path);
    const expected = strings('nix-archive-1', '(', 'type', 'symlink', 'target', '/no/where', ')');
    expect(toHex(narOf(path))).toBe(expected);
  });

  test('a folder: names by their bytes, also where they are no UTF-8', () => {
    const path = fresh();
    mkdirSync(path);
    const names = ['ab', 'a b', 'B', Buffer.from([0xff, 0x20]), 'ä', 'é'];
    for (const name of names) {
      symlinkSync('t', Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name)]));
    }
    const sorted = ['B', 'a b', 'ab', 'ä', 'é', Buffer.from([0xff, 0x20])];
    const entry = (name: string | Buffer) => [
      ...['entry', '(', 'name', name, 'node'],
      ...['(', 'type', 'symlink', 'target', 't', ')', ')'],
    ];
    const expected = ['nix-archive-1', '(', 'type', 'directory', ...sorted.flatMap(entry), ')'];
    expect(toHex(narOf(path))).toBe(strings(...expected));
  });

  test('an empty folder', () => {
    const path = fresh();
    mkdirSync(path);
    expect(toHex(narOf(path))).toBe(strings('nix-archive-1', '(', 'type', 'directory', ')'));
  });
});

test('pieces joined with what they keep are the NAR, for any length of contents', () => {
  const path = fresh();
  const lengths = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 600_000 }));
  fc.assert(
    fc.property(lengths, (length) => {
      writeFileSync(path, Buffer.alloc(length, 'contents'));
      let whole: Bytes = new Uint8Array();
      writeNar(path, (piece, start) => {
        expect(start).toBe(Math.min(overlap, whole.length));
        expect(toHex(piece.subarray(0, start))).toBe(toHex(whole.slice(whole.length - start)));
        whole = concat(whole, piece.subarray(start));
      });
      const contents = Buffer.alloc(length, 'contents').toString();
      const expected = ['nix-archive-1', '(', 'type', 'regular', 'contents', contents, ')'];
      expect(Buffer.from(strings(...expected), 'hex').equals(whole)).toBe(true);
    }),
    { numRuns: 25 },
  );
});

describe('has no NAR:', () => {
  test('what is missing', async () => {
    expect(await codeOf(() => hashNar(fresh()))).toBe('closure-unreadable');
  });

  test('a pipe, which would be waited for', async () => {
    const path = fresh();
    mkdirSync(path);
    expect(await codeOf(() => hashNar(path))).toBe('accepted');
    execFileSync('mkfifo', [join(path, 'pipe')]);
    expect(await codeOf(() => hashNar(path))).toBe('closure-unreadable');
  });
});

describe.skipIf(!hasNix)(`the hash is Nix’s${hasNix ? '' : ` (skipped: ${nixMissing})`}`, () => {
  const same = (path: string) => expect(toHex(hashNar(path).narHash)).toBe(toHex(nixNarHash(path)));

  test('for files, symlinks, executables, empty folders, odd names', () => {
    const path = fresh();
    createTree(path);
    same(path);
    for (const name of ['file', 'run', 'link', 'dangling', 'empty', 'a', '日本']) {
      same(join(path, name));
    }
  });

  test('for a folder of 10,000 entries', () => {
    const path = fresh();
    mkdirSync(path);
    for (let i = 0; i < 10_000; i++) writeFileSync(join(path, `entry ${i}`), String(i));
    same(path);
  }, 120_000);

  test('for files of every length about a piece’s', () => {
    const path = fresh();
    mkdirSync(path);
    for (const length of [1, 7, 8, 9, 262_000, 262_144, 262_175, 524_288, 1_000_003]) {
      writeFileSync(join(path, String(length)), Buffer.alloc(length, 'x'));
    }
    same(path);
  });
});
