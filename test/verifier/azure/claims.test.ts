import { createHash, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { claimsOf } from '#test/fake/azure.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import {
  encodeHclClaims,
  maxClaimsLength,
  parseHclClaims,
  readBase64Url,
} from '#verifier/abi/hcl-claims.ts';
import { type Bytes, concat, fromUtf8, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { azureCases } from './cases.ts';

/** A modulus that nobody has the factors of, in base64url, and its SPKI as OpenSSL writes it. */
function keyOf(bits: number): { n: string; spki: Bytes } {
  const blocks = Array.from({ length: bits / 512 }, (_, i) =>
    createHash('sha512').update(`modulus ${i}`).digest(),
  );
  const modulus = concat(...blocks);
  modulus[0] = 0xd5;
  modulus[modulus.length - 1] = 0x83;
  const n = Buffer.from(modulus).toString('base64url');
  const key = createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' });
  return { n, spki: new Uint8Array(key.export({ type: 'spki', format: 'der' })) };
}

const { n: modulus, spki: ak } = keyOf(2048);
const plain = claimsOf(ak);
const text = fromUtf8(encodeHclClaims(plain), 'claims');

const parsed = (json: string) => parseHclClaims(utf8(json));

/** The document with one text in it exchanged: the text is there exactly once. */
function edited(from: string, to: string): string {
  expect(text.split(from)).toHaveLength(2);
  return text.replace(from, to);
}

test('claims come back as they were', () => {
  expect(parsed(text)).toEqual(plain);
  expect(parsed(text).akPublicKey).toEqual(ak);
});

test.for([3072, 4096])('RSA of %i bits', (bits) => {
  const { spki } = keyOf(bits);
  expect(parseHclClaims(encodeHclClaims(claimsOf(spki))).akPublicKey).toEqual(spki);
});

test('the first paravisors: one key, to encrypt, and no user-data', () => {
  const claims = { ...plain, akOperation: 'encrypt', ekPublicKey: null, userData: null } as const;
  const bytes = encodeHclClaims(claims);
  expect(fromUtf8(bytes, 'claims')).not.toMatch(/HCLEkPub|user-data/);
  expect(parseHclClaims(bytes)).toEqual(claims);
});

test('user-data in either case of hex', () => {
  const userData = Uint8Array.from({ length: 64 }, (_, i) => 0xa0 + (i % 16));
  const lower = fromUtf8(encodeHclClaims({ ...plain, userData }), 'claims');
  const upper = lower.replace(/"user-data":"(.*)"/, (found) =>
    found.toUpperCase().replace('USER-DATA', 'user-data'),
  );
  expect(upper).not.toBe(lower);
  expect(parsed(upper).userData).toEqual(userData);
});

test('members of vm-configuration that nobody knows are kept, in their order', () => {
  const more = '"tpm-persisted":true,"vmgs-provisioner":{"id":"1","signer":null},"z":[1.5,-2]';
  const { configuration } = parsed(edited('"tpm-persisted":true', more));
  expect([...configuration.keys()].slice(4)).toEqual([
    'tpm-persisted',
    'vmgs-provisioner',
    'z',
    'vmUniqueId',
  ]);
  expect(configuration.get('vmgs-provisioner')).toBe('{"id":"1","signer":null}');
  expect(configuration.get('z')).toBe('[1.5,-2]');
});

const ekStart = text.indexOf('{"kid":"HCLEkPub"');
const akJson = text.slice(text.indexOf('{"kid":"HCLAkPub"'), ekStart - 1);
const ekJson = text.slice(ekStart, text.indexOf('],"vm-configuration"'));

test.for<[string, string, string, string | null]>([
  ['the keys the other way round', `${akJson},${ekJson}`, `${ekJson},${akJson}`, null],
  ['no AK', `${akJson},`, '', 'json-shape'],
  ['no key at all', `${akJson},${ekJson}`, '', 'json-shape'],
  ['two AKs', ekJson, akJson, 'json-shape'],
  ['an AK and two EKs', ekJson, `${ekJson},${ekJson}`, 'json-shape'],
  [
    'EK and AK one key',
    ekJson,
    akJson.replace('Ak', 'Ek').replace('sign', 'encrypt'),
    'json-shape',
  ],
  ['a key of another name', 'HCLEkPub', 'HCLTransferKey', 'json-shape'],
  ['an EK to sign with', '"encrypt"', '"sign"', 'json-shape'],
  ['an AK for more than one thing', '["sign"]', '["sign","encrypt"]', 'json-shape'],
  ['an AK for nothing', '["sign"]', '[]', 'json-shape'],
  [
    'a member more in a key',
    '"key_ops":["sign"]',
    '"key_ops":["sign"],"alg":"RS256"',
    'json-shape',
  ],
  [
    'a member twice in a key',
    '"key_ops":["sign"]',
    '"key_ops":["sign"],"key_ops":["sign"]',
    'json-malformed',
  ],
  ['no modulus', `,"n":"${modulus}"`, '', 'json-shape'],
  ['a short modulus', modulus, modulus.slice(4), 'value-out-of-range'],
  ['a modulus with zeros before it', modulus, `AAAA${modulus}`, 'value-out-of-range'],
  ['a modulus of 2047 bits', modulus, `Q${modulus.slice(1)}`, 'value-out-of-range'],
  ['an even modulus', modulus, `${modulus.slice(0, -2)}AA`, 'value-out-of-range'],
  ['a padded modulus', modulus, `${modulus}==`, 'base64-malformed'],
  ['a modulus in standard base64', modulus, `${modulus.slice(0, -4)}+/+/`, 'base64-malformed'],
  ['another member at the top', '{"keys"', '{"version":2,"keys"', 'json-shape'],
  ['no vm-configuration', '"vm-configuration"', '"vm-configurations"', 'json-shape'],
  ['Secure Boot left out', '"secure-boot":true,', '', 'json-shape'],
  ['Secure Boot as a text', '"secure-boot":true', '"secure-boot":"true"', 'json-shape'],
  ['Secure Boot off', '"secure-boot":true', '"secure-boot":false', null],
  [
    'Secure Boot twice',
    '"secure-boot":true',
    '"secure-boot":true,"secure-boot":true',
    'json-malformed',
  ],
  ['the TPM left out', '"tpm-enabled":true,', '', 'json-shape'],
  ['the console left out', '"console-enabled":true,', '', 'json-shape'],
  ['an id that is no GUID', '02FE12EC-', '02FE12EC', 'json-shape'],
  ['an id in lower case', '02FE12EC', '02fe12ec', null],
  ['user-data a byte short', `"user-data":"00`, `"user-data":"`, 'json-shape'],
  ['user-data not hex', `"user-data":"00`, `"user-data":"0g`, 'json-shape'],
  ['text after the document', '00"}', '00"}{}', 'json-malformed'],
  ['white space in it', '{"keys":', '{ "keys": ', null],
])('%s', ([, from, to, code]) => {
  expect(codeOf(() => parsed(edited(from, to)))).toBe(code);
});

test('another exponent', () => {
  expect(codeOf(() => parsed(text.replace('"e":"AQAB"', '"e":"Aw"')))).toBe('json-shape');
});

test('bytes that are no UTF-8, or too many', () => {
  expect(codeOf(() => parseHclClaims(Uint8Array.of(0x22, 0xff, 0x22)))).toBe('utf8-malformed');
  const padded = (length: number) => `${text}${' '.repeat(length - text.length)}`;
  expect(codeOf(() => parsed(padded(maxClaimsLength)))).toBe(null);
  expect(codeOf(() => parsed(padded(maxClaimsLength + 1)))).toBe('too-large');
});

test('encodeHclClaims refuses what it could not write', () => {
  const configuration = new Map([...plain.configuration, ['secure-boot', 'false']]);
  expect(() => encodeHclClaims({ ...plain, configuration })).toThrow(RangeError);
  const short = ak.subarray(1) as Bytes;
  expect(() => encodeHclClaims({ ...plain, akPublicKey: short })).toThrow(RangeError);
  expect(() => encodeHclClaims({ ...plain, akPublicKey: new Uint8Array() })).toThrow(RangeError);
});

test('base64url: padding where it is allowed, unused bits zero', () => {
  expect(readBase64Url('_-8', 'x')).toEqual(Uint8Array.of(0xff, 0xef));
  expect(readBase64Url('_-8=', 'x', true)).toEqual(Uint8Array.of(0xff, 0xef));
  expect(readBase64Url('_-8', 'x', true)).toEqual(Uint8Array.of(0xff, 0xef));
  expect(codeOf(() => readBase64Url('_-8=', 'x'))).toBe('base64-malformed');
  for (const wrong of ['_-9', '_-8==', '_-', '_', '/+8=', '_-8\n', '===='].filter(
    (one) => one !== '_-',
  ))
    expect(
      codeOf(() => readBase64Url(wrong, 'x', true)),
      wrong,
    ).toBe('base64-malformed');
});

if (hasShared) {
  test('the corpus: every key is what OpenSSL makes of the JWK, every configuration is read', () => {
    const all = azureCases().filter((one) => one.read('runtime_data') !== null);
    expect(all.length).toBeGreaterThanOrEqual(10);
    for (const one of all) {
      const bytes = one.read('runtime_data') as Bytes;
      const claims = parseHclClaims(bytes);
      const raw = JSON.parse(fromUtf8(bytes, 'claims'));
      for (const [kid, spki] of [
        ['HCLAkPub', claims.akPublicKey],
        ['HCLEkPub', claims.ekPublicKey],
      ] as const) {
        const jwk = raw.keys.find((key: { kid: string }) => key.kid === kid);
        const expected =
          jwk === undefined
            ? null
            : new Uint8Array(
                createPublicKey({ key: jwk, format: 'jwk' }).export({
                  type: 'spki',
                  format: 'der',
                }),
              );
        expect(spki, `${one.id} ${kid}`).toEqual(expected);
      }
      expect([...claims.configuration.keys()]).toEqual(Object.keys(raw['vm-configuration']));
      expect(claims.secureBoot).toBe(raw['vm-configuration']['secure-boot']);
    }
    const first = all.find(({ id }) => id === 'kinvolk-hcl-snp');
    expect(parseHclClaims(first?.read('runtime_data') as Bytes)).toMatchObject({
      akOperation: 'encrypt',
      ekPublicKey: null,
      userData: null,
    });
  });
} else test.skip(sharedMissing, () => undefined);
