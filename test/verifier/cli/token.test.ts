/** `affidavit token` as a user runs it: exit codes, claims on standard output, one clear line otherwise. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bytes } from '#verifier/bytes.ts';
import { utf8 } from '#verifier/bytes.ts';
import { earJwtOf, earOutputOf } from '#verifier/cli/ear-output.ts';
import { signerOfFile } from '#verifier/cli/node-signer.ts';
import { formatTime } from '#verifier/time.ts';
import { signCwt } from '#verifier/tokens/cwt.ts';
import { makeEar } from '#verifier/tokens/ear.ts';
import { verifyJwt } from '#verifier/tokens/jwt.ts';
import { parseJwks } from '#verifier/tokens/keys.ts';
import { reader, strictVerdict } from '../tokens/samples.ts';
import { affidavit } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-token-'));
const at = formatTime(reader.now);

function file(name: string, content: string | Bytes): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

let key: string;
let jwks: string;
let jwt: string;
let cwt: string;

beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  key = file('key.pem', privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
  const verdict = await strictVerdict();
  const { jwt: token, jwks: keys, note } = await earOutputOf(verdict, key);
  expect(note).toBeNull();
  jwt = file('token.jwt', `${token}\n`);
  jwks = file('jwks.json', JSON.stringify(keys));
  const claims = makeEar(verdict, { nonce: new Uint8Array(32).fill(7) });
  cwt = file('token.cwt', await signCwt(claims, await signerOfFile(key)));
});

afterAll(() => rmSync(folder, { recursive: true }));

const check = (token: string, ...more: string[]) =>
  affidavit(['token', 'verify', token, '--jwks', jwks, ...more]);

describe('affidavit token', () => {
  test('prints the JWKS of a key', async () => {
    const { code, stdout, stderr } = await affidavit(['token', 'jwks', '--ear-key', key]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(parseJwks(utf8(stdout)).keys).toHaveLength(1);
    expect(stdout).not.toContain('"d"');
  });

  test('verifies a JWT and a CWT and prints their claims', async () => {
    const ended = await Promise.all([
      check(jwt, '--at', at),
      check(cwt, '--at', at, '--nonce', '07'.repeat(32)),
    ]);
    for (const { code, stdout, stderr } of ended) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({
        iat: reader.now,
        submods: { 'sev-snp': { 'ear.status': 'affirming' } },
      });
    }
  });

  test('refuses with 20 and one line what is not to be believed', async () => {
    const other = file(
      'other.json',
      JSON.stringify((await earOutputOf(await strictVerdict(), null)).jwks),
    );
    const ended = await Promise.all([
      check(jwt),
      check(jwt, '--at', at, '--nonce', '07'.repeat(32)),
      check(file('empty', ''), '--at', at),
      affidavit(['token', 'verify', jwt, '--at', at, '--jwks', other]),
    ]);
    const says = [/expired/, /no nonce/, /three parts/, /not in the JWKS/];
    ended.forEach(({ code, stdout, stderr }, i) => {
      expect({ code, stdout }).toEqual({ code: 20, stdout: '' });
      expect(stderr).toMatch(says[i] as RegExp);
      expect(stderr).toMatch(/^affidavit: token: .+\. [A-Z].+\.\n$/);
    });
  });

  test('says with 2 how it is used', async () => {
    const ended = await Promise.all([
      affidavit(['token', 'verify', jwt]),
      affidavit(['token', 'verify', jwt, '--jwks', jwt]),
      check(jwt, '--at', 'noon'),
      check(jwt, '--nonce', '00'),
      check(join(folder, 'none')),
      affidavit(['token', 'jwks', '--ear-key', jwks]),
      affidavit(['token']),
    ]);
    expect(ended.map(({ code }) => code)).toEqual(ended.map(() => 2));
  });
});

test('without a key of its own a token is signed by one that nobody can know, and says so', async () => {
  const { jwt: token, jwks: keys, note } = await earOutputOf(await strictVerdict(), null);
  expect(await verifyJwt(token, keys, reader)).toMatchObject({ iat: reader.now });
  const [header = ''] = token.split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString()).kid).toMatch(/^ephemeral-/);
  expect(note).toContain(JSON.stringify(keys));
  expect(await earJwtOf(await strictVerdict(), null)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
});
