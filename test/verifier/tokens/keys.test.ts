import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { utf8 } from '#verifier/bytes.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { freshSigner, signerOfPem } from '#verifier/cli/node-signer.ts';
import { jwksOf, parseJwks, publicJwkOf, spkiOf, thumbprintOf } from '#verifier/tokens/keys.ts';
import { codeOf } from '../code-of.ts';
import { signer } from './samples.ts';

const pemOf = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'pem', type: 'pkcs8' });
const parse = (jwks: unknown) => parseJwks(utf8(JSON.stringify(jwks)));

describe('a JWKS', () => {
  const good = jwksOf([signer]);
  const [key] = good.keys as [(typeof good.keys)[0]];

  test('is read as it is written', () => {
    expect(parse(good)).toEqual(good);
    expect(parse(jwksOf([signer, freshSigner()])).keys).toHaveLength(2);
  });

  test.for<[string, unknown, string]>([
    ['a private half', { keys: [{ ...key, d: key.x }] }, 'json-shape'],
    ['another curve', { keys: [{ ...key, crv: 'P-384' }] }, 'json-shape'],
    ['a key for encryption', { keys: [{ ...key, use: 'enc' }] }, 'json-shape'],
    ['no key', { keys: [] }, 'json-shape'],
    ['a short coordinate', { keys: [{ ...key, x: key.x.slice(1) }] }, 'json-shape'],
    [
      'unused bits that are set',
      { keys: [{ ...key, x: `${'A'.repeat(42)}B` }] },
      'base64-malformed',
    ],
    ['a kid that is no thumbprint', { keys: [{ ...key, kid: 'mine' }] }, 'value-out-of-range'],
    [
      'another key’s kid',
      { keys: [{ ...freshSigner().publicJwk, kid: key.kid }] },
      'value-out-of-range',
    ],
    ['a key twice', { keys: [key, key] }, 'value-out-of-range'],
  ])('with %s is refused', ([, jwks, code]) => {
    expect(codeOf(() => parse(good))).toBeNull();
    expect(codeOf(() => parse(jwks))).toBe(code);
  });

  test('that is no JSON is refused', () => {
    expect(codeOf(() => parseJwks(utf8('{')))).toBe('json-malformed');
    expect(codeOf(() => parseJwks(Uint8Array.of(0xff)))).toBe('utf8-malformed');
  });
});

test('a thumbprint is the hash of the members that RFC 7638 names, in its order', () => {
  const { x, y } = signer.publicJwk;
  const text = `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`;
  expect(thumbprintOf(signer.publicJwk)).toBe(
    createHash('sha256').update(text).digest('base64url'),
  );
});

describe('a key', () => {
  test('of a file keeps its name, one of a run says that it is one', () => {
    const pem = utf8(pemOf('P-256') as string);
    const [one, again] = [signerOfPem(pem), signerOfPem(pem)];
    expect(one.kid).toBe(again.kid);
    expect(one.kid).toBe(thumbprintOf(one.publicJwk));
    expect(freshSigner().kid).toMatch(/^ephemeral-[A-Za-z0-9_-]{43}$/);
    expect(freshSigner().kid).not.toBe(freshSigner().kid);
  });

  test('with a CR at each line is the same key', () => {
    const pem = pemOf('P-256') as string;
    expect(signerOfPem(utf8(pem.replace(/\n/g, '\r\n'))).kid).toBe(signerOfPem(utf8(pem)).kid);
  });

  test('of another curve or kind is refused', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const others = [
      pemOf('P-384'),
      pemOf('secp256k1'),
      rsa.export({ format: 'pem', type: 'pkcs8' }),
    ];
    for (const pem of others) expect(() => signerOfPem(utf8(pem as string))).toThrow(CliError);
  });

  test.for<[string, (pem: string) => string]>([
    ['cut short', (pem) => pem.slice(0, 80)],
    ['of other base64', (pem) => pem.replace(/[A-Z]/g, 'A')],
    ['under another label', (pem) => pem.replace(/PRIVATE/g, 'EC PRIVATE')],
    ['and another block', (pem) => pem + pem],
    ['in no block', () => 'key'],
  ])('%s is refused', ([, edit]) => {
    const pem = pemOf('P-256') as string;
    expect(codeOf(() => signerOfPem(utf8(pem)))).toBeNull();
    expect(codeOf(() => signerOfPem(utf8(edit(pem))))).toBe('pem-malformed');
  });

  test('has two coordinates of 32 bytes', () => {
    expect(() => publicJwkOf({ x: new Uint8Array(31), y: new Uint8Array(32) })).toThrow(RangeError);
    expect(spkiOf(signer.publicJwk)).toHaveLength(91);
  });
});
