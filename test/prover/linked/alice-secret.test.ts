/** The secret file: its one form, who may read it, and that it is never half written. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AliceError } from '#prover/linked/alice-errors.ts';
import {
  createSecretFile,
  readSecretFile,
  replaceSecretFile,
} from '#prover/linked/attestation-store.ts';
import {
  encodeSecretFile,
  maxSecretLength,
  parseSecretFile,
  type SecretFile,
} from '#prover/linked/secret-file.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type AliceScene, aliceScene, vekSetOf } from './alice-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-secret-'));
const path = (name: string) => join(folder, name);
const proof = { artifact: 'ab'.repeat(32), proof: new Uint8Array(458 * 32) };
let scene: AliceScene;
let begun: SecretFile;
let whole: SecretFile;

beforeAll(async () => {
  scene = await aliceScene();
  begun = scene.task();
  whole = { ...begun, proofs: { key: proof, quote: proof }, work: null };
});

afterAll(() => rmSync(folder, { recursive: true }));

type Json = Record<string, unknown>;

/** The code that the file is refused with when its JSON is changed so. */
function refusal(secret: SecretFile, change: (json: Json) => Json): string | null {
  const json = change(JSON.parse(encodeSecretFile(secret)));
  return codeOf(() => parseSecretFile(utf8(JSON.stringify(json))));
}

describe('its form', () => {
  test('comes back as it was written', () => {
    const veks = vekSetOf(scene);
    const ofSet = scene.task({ key: { kind: 'member', veks } });
    const half = { ...begun, proofs: { key: proof, quote: null } };
    for (const secret of [begun, half, whole, ofSet]) {
      const text = encodeSecretFile(secret);
      expect(encodeSecretFile(parseSecretFile(utf8(text)))).toBe(text);
    }
    expect(parseSecretFile(utf8(encodeSecretFile(begun)))).toEqual(begun);
  });

  test('lets go of the quote once both proofs are there', () => {
    const { ppid } = scene.story.intel.machine;
    const tells = (secret: SecretFile) => {
      const { evidence } = JSON.parse(encodeSecretFile(secret)).work ?? { evidence: '' };
      return Buffer.from(evidence, 'base64').length > ppid.length;
    };
    expect([tells(begun), tells(whole)]).toEqual([true, false]);
  });

  test.each<[string, (json: Json) => Json, string | null]>([
    ['nothing changed', (json) => json, null],
    ['version 2', (json) => ({ ...json, version: 2 }), 'version-unknown'],
    ['an unknown member', (json) => ({ ...json, more: 1 }), 'json-shape'],
    ['a missing member', ({ made: _, ...json }) => json, 'json-shape'],
    ['no work left, and no proof', (json) => ({ ...json, work: null }), 'json-shape'],
    [
      'a commitment that is no field',
      (json) => ({ ...json, keyCommitment: 'f'.repeat(64) }),
      'field-not-canonical',
    ],
    ['a time in words', (json) => ({ ...json, made: 'now' }), 'json-shape'],
  ])('%s', (_, change, code) => {
    expect(refusal(begun, change)).toBe(code);
  });

  test('holds together', () => {
    const { work } = JSON.parse(encodeSecretFile(begun));
    expect(refusal(whole, (json) => json)).toBeNull();
    expect(refusal(whole, (json) => ({ ...json, work }))).toBe('json-shape');
    const key = (changes: Json) =>
      refusal(begun, (json) => ({ ...json, key: { ...(json['key'] as Json), ...changes } }));
    expect(key({})).toBeNull();
    expect(key({ at: null })).toBe('json-shape');
    expect(key({ veks: '00'.repeat(32) })).toBe('json-shape');
    expect(key({ kind: 'member', issuer: null, at: null, veks: '00'.repeat(32) })).toBe(
      'json-shape',
    );
    const short = { artifact: 'ab'.repeat(32), proof: 'AAAA' };
    expect(refusal(begun, (json) => ({ ...json, proofs: { key: short, quote: null } }))).toBe(
      'length-wrong',
    );
  });

  test('has a limit', () => {
    expect(codeOf(() => parseSecretFile(new Uint8Array(maxSecretLength + 1)))).toBe('too-large');
    expect(codeOf(() => parseSecretFile(new Uint8Array(maxSecretLength)))).toBe('json-malformed');
  });

  test('random bytes, and random edits, are refused with a code or read', () => {
    const text = encodeSecretFile(whole).slice(0, 4000);
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.string({ maxLength: 3 }),
        fc.uint8Array(),
        (at, put, random) => {
          for (const bytes of [random, utf8(text.slice(0, at) + put + text.slice(at))]) {
            expect(codeOf(() => parseSecretFile(bytes))).not.toBeNull();
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** The code that it ends with, null when it is done. */
async function ending(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof AliceError || error instanceof AttestationError) return error.code;
    throw error;
  }
}

describe('on the disk', () => {
  test('is for its owner alone, whatever the mask', async () => {
    const before = process.umask(0);
    try {
      await createSecretFile(path('own'), begun);
      await replaceSecretFile(path('own'), whole);
    } finally {
      process.umask(before);
    }
    expect(statSync(path('own')).mode & 0o777).toBe(0o600);
    expect(await readSecretFile(path('own'))).toEqual(whole);
  });

  test.each([
    [0o600, null],
    [0o400, null],
    [0o640, 'secret-exposed'],
    [0o604, 'secret-exposed'],
    [0o620, 'secret-exposed'],
    [0o601, 'secret-exposed'],
  ])('with mode %o', async (mode, code) => {
    writeFileSync(path('mode'), encodeSecretFile(begun));
    chmodSync(path('mode'), mode);
    expect(await ending(readSecretFile(path('mode')))).toBe(code);
    rmSync(path('mode'));
  });

  test('is not written over by a new attestation', async () => {
    expect(await ending(createSecretFile(path('twice'), begun))).toBeNull();
    expect(await ending(createSecretFile(path('twice'), whole))).toBe('secret-exists');
    expect(await readSecretFile(path('twice'))).toEqual(begun);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('missing, a folder, or without a place', async () => {
    expect(await ending(readSecretFile(path('nowhere')))).toBe('secret-unreadable');
    chmodSync(folder, 0o700);
    expect(await ending(readSecretFile(folder))).toBe('secret-unreadable');
    expect(await ending(createSecretFile(path('no/where'), begun))).toBe('secret-unwritable');
    writeFileSync(path('rubbish'), '<html>', { mode: 0o600 });
    expect(await ending(readSecretFile(path('rubbish')))).toBe('json-malformed');
  });

  test('a kill while it is written leaves the old one or the new', async () => {
    await createSecretFile(path('killed'), begun);
    const store = fileURLToPath(
      new URL('../../../prover/linked/attestation-store.ts', import.meta.url),
    );
    const script = `
      const { readSecretFile, replaceSecretFile } = await import(${JSON.stringify(store)});
      const secret = await readSecretFile(process.argv[1]);
      process.stdout.write('ready');
      for (;;) await replaceSecretFile(process.argv[1], secret);`;
    for (const delay of [3, 11]) {
      const args = ['--input-type=module', '-e', script, path('killed')];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      await new Promise((done) => setTimeout(done, delay));
      child.kill('SIGKILL');
      await once(child, 'close');
      expect(await readSecretFile(path('killed'))).toEqual(begun);
    }
    // What a kill left is gone with the next write.
    await replaceSecretFile(path('killed'), whole);
    expect(readdirSync(folder).filter((name) => name.startsWith('.killed'))).toEqual([]);
    expect(readFileSync(path('killed'), 'utf8')).toBe(encodeSecretFile(whole));
  });
});
