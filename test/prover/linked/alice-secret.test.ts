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
import type { KeyWanted } from '#prover/linked/attestation-task.ts';
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
import { type AliceSnpScene, aliceSnpScene, snpVekSetOf } from './alice-snp-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-secret-'));
const path = (name: string) => join(folder, name);
const proof = { artifact: 'ab'.repeat(32), proof: new Uint8Array(458 * 32) };
let scene: AliceScene;
let snp: AliceSnpScene;
let begun: SecretFile;
let begunSnp: SecretFile;
let whole: SecretFile;

beforeAll(async () => {
  scene = await aliceScene();
  snp = await aliceSnpScene({ product: 'Turin' });
  begun = scene.task();
  begunSnp = snp.task();
  whole = { ...begun, proofs: { key: proof, machine: proof }, work: null };
});

afterAll(() => rmSync(folder, { recursive: true }));

type Json = Record<string, unknown>;

/** One of each kind of key, and one with its first proof. */
function everySnp(): SecretFile[] {
  const kinds: KeyWanted[] = [{ kind: 'member', veks: snpVekSetOf(snp) }, { kind: 'shown' }];
  const half = { ...begunSnp, proofs: { key: proof, machine: null } };
  return [begunSnp, half, ...kinds.map((key) => snp.task({ key }))];
}

/** The code that the file is refused with when its JSON is changed so. */
function refusal(secret: SecretFile, change: (json: Json) => Json): string | null {
  const json = change(JSON.parse(encodeSecretFile(secret)));
  return codeOf(() => parseSecretFile(utf8(JSON.stringify(json))));
}

describe('its form', () => {
  test('comes back as it was written', () => {
    const veks = vekSetOf(scene);
    const ofSet = scene.task({ key: { kind: 'member', veks } });
    const half = { ...begun, proofs: { key: proof, machine: null } };
    const shown = scene.task({ key: { kind: 'shown' } });
    for (const secret of [begun, half, whole, ofSet, shown, ...everySnp()]) {
      const text = encodeSecretFile(secret);
      expect(encodeSecretFile(parseSecretFile(utf8(text)))).toBe(text);
    }
    expect(parseSecretFile(utf8(encodeSecretFile(begun)))).toEqual(begun);
    expect(parseSecretFile(utf8(encodeSecretFile(begunSnp)))).toEqual(begunSnp);
  });

  test('lets go of the evidence once the proofs are there', () => {
    const proofs = { key: proof, machine: proof };
    const wholeSnp = { ...begunSnp, proofs, work: null };
    const tells = (secret: SecretFile, hidden: Uint8Array) => {
      const { work, key } = JSON.parse(encodeSecretFile(secret));
      const held = [work?.evidence, ...(work?.chain ?? []), ...key.certificates];
      return held.some((text) => Buffer.from(text ?? '', 'base64').includes(Buffer.from(hidden)));
    };
    // Which chip it is, by the quote's PCK certificate and by the report.
    const pck = utf8(scene.story.intel.pck.pem.slice(100, 160));
    expect([tells(begun, pck), tells(whole, pck)]).toEqual([true, false]);
    const { hardwareId } = snp.hierarchy;
    expect([tells(begunSnp, hardwareId), tells(wholeSnp, hardwareId)]).toEqual([true, false]);
    const shown = { ...snp.task({ key: { kind: 'shown' } }), work: null };
    expect(tells({ ...shown, proofs: { key: null, machine: proof } }, hardwareId)).toBe(true);
  });

  test.each<[string, (json: Json) => Json, string | null]>([
    ['nothing changed', (json) => json, null],
    ['version 1', (json) => ({ ...json, version: 1 }), 'version-unknown'],
    ['another platform', (json) => ({ ...json, platform: 'sev-snp' }), 'json-shape'],
    ['an unknown platform', (json) => ({ ...json, platform: 'sgx' }), 'json-shape'],
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
    const member = { kind: 'member', certificates: [], at: null, veks: '00'.repeat(32) };
    expect(key(member)).toBe('json-shape');
    const short = { artifact: 'ab'.repeat(32), proof: 'AAAA' };
    expect(refusal(begun, (json) => ({ ...json, proofs: { key: short, machine: null } }))).toBe(
      'length-wrong',
    );
  });

  test('of a machine of AMD holds together', () => {
    const work = (changes: Json) =>
      refusal(begunSnp, (json) => ({ ...json, work: { ...(json['work'] as Json), ...changes } }));
    const { chain, level, paths } = JSON.parse(encodeSecretFile(begunSnp)).work;
    expect(work({})).toBeNull();
    expect(work({ chain: chain.slice(1) })).toBe('json-shape');
    expect(work({ chain: [...chain, chain[0]] })).toBe('json-shape');
    expect(work({ level: { ...level, product: 'Rome' } })).toBe('json-shape');
    expect(work({ level: { ...level, microcode: 256 } })).toBe('json-shape');
    expect(work({ level: { ...level, fmspc: '00' } })).toBe('json-shape');
    expect(work({ paths: { ...paths, serial: paths.chip } })).toBe('json-shape');
    expect(work({ platform: 'sev-snp' })).toBe('json-shape');
  });

  test.each(['pck', 'vek', 'member', 'shown'])('keeps a key of kind %s in one form', (kind) => {
    const secret = kind === 'pck' ? begun : everySnp().find(({ key }) => key.kind === kind);
    if (secret === undefined) throw new Error(`the scene has no ${kind}`);
    const { key } = JSON.parse(encodeSecretFile(secret));
    const changed = (changes: Json) =>
      refusal(secret, (json) => ({ ...json, key: { ...key, ...changes } }));
    expect(changed({})).toBeNull();
    const { certificates } = key;
    expect(changed({ certificates: [...certificates, 'AAAA'] })).toBe('json-shape');
    if (certificates.length > 0) {
      expect(changed({ certificates: certificates.slice(1) })).toBe('json-shape');
    }
    for (const [name, value] of Object.entries({
      at: 1,
      veks: '00'.repeat(32),
      salt: '00'.repeat(32),
    })) {
      expect(changed({ [name]: key[name] === null ? value : null })).toBe('json-shape');
    }
    for (const other of ['pck', 'vek', 'member', 'shown', 'none'].filter((one) => one !== kind)) {
      expect(changed({ kind: other })).toBe('json-shape');
    }
    const platform = secret.platform === 'tdx' ? 'sev-snp' : 'tdx';
    expect(refusal(secret, (json) => ({ ...json, platform }))).toBe('json-shape');
  });

  test('of a key that is shown has no proof of it, and one salt', () => {
    const [shown] = everySnp().filter(({ key }) => key.kind === 'shown');
    if (shown === undefined) throw new Error('the scene shows one');
    const proofs = { key: null, machine: proof };
    expect(refusal({ ...shown, proofs, work: null }, (json) => json)).toBeNull();
    expect(refusal({ ...shown, proofs }, (json) => json)).toBe('json-shape');
    const both = { key: proof, machine: proof };
    expect(refusal({ ...shown, proofs: both, work: null }, (json) => json)).toBe('json-shape');
    const key = { ...JSON.parse(encodeSecretFile(shown)).key, salt: '00'.repeat(32) };
    expect(refusal(shown, (json) => ({ ...json, key }))).toBe('json-shape');
  });

  test('has a limit', () => {
    expect(codeOf(() => parseSecretFile(new Uint8Array(maxSecretLength + 1)))).toBe('too-large');
    expect(codeOf(() => parseSecretFile(new Uint8Array(maxSecretLength)))).toBe('json-malformed');
  });

  test('random bytes, and random edits, are refused with a code or read', () => {
    const texts = [whole, begunSnp].map((secret) => encodeSecretFile(secret).slice(0, 4000));
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(4000),
        fc.string({ maxLength: 3 }),
        fc.uint8Array(),
        (text, at, put, random) => {
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
