/** Demands: strict JSON in which nothing is left to silence. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Demands, demandsDigest, maxSets, parseDemands } from '#prover/linked/demands.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';

const root = '05'.repeat(32);
const sets = [{ root, until: 1_800_000_000 }];
const plain: Demands = {
  version: 1,
  name: 'production',
  accepted: sets,
  levels: sets,
  revoked: sets,
  key: [
    { kind: 'pck-ca', maxAge: 86_400 },
    { kind: 'veks', roots: sets },
    { kind: 'amd', maxAge: 86_400, products: ['Milan', 'Turin'], kinds: ['vcek', 'vlek'] },
    { kind: 'shown', vendors: ['amd', 'intel'] },
  ],
  epoch: { maxAge: 3600, maxFuture: 60 },
  attestationNonce: 'ab'.repeat(32),
  services: ['echo-node'],
  mustShow: ['nonce', 'time', 'requestHash'],
  responseTime: { maxAge: 3600, maxFuture: 60 },
  challenge: 'register',
};

function bytesOf(changes: object): Bytes {
  return utf8(JSON.stringify({ ...plain, ...changes }));
}

const tooBig = fieldOrder.toString(16).padStart(64, '0');

describe('demands', () => {
  test('are read as written', () => {
    expect(parseDemands(bytesOf({}))).toEqual(plain);
  });

  test('of the documentation are read', () => {
    const page = readFileSync(new URL('../../../docs/linked-proofs.md', import.meta.url), 'utf8');
    const [, example = ''] = /### Demands[\s\S]*?```json\n([\s\S]*?)```/.exec(page) ?? [];
    expect(parseDemands(utf8(example)).name).toBe('production');
  });

  test.each([
    ['the guest’s clock', { attestationNonce: 'guest-clock' }],
    ['any service', { services: 'any' }],
    ['any time', { responseTime: 'any' }],
    ['nothing shown', { mustShow: [] }],
    ['one kind of key', { key: plain.key.slice(1, 2) }],
    ['one product and kind', { key: [amdKey({ products: ['Genoa'], kinds: ['vlek'] })] }],
    ['one vendor', { key: [{ kind: 'shown', vendors: ['amd'] }] }],
    ['the caller’s account of nonces', { challenge: 'caller' }],
    ['as many sets as there may be', { accepted: manySets(maxSets) }],
  ])('may say %s', (_, changes) => {
    expect(parseDemands(bytesOf(changes))).toEqual({ ...plain, ...changes });
  });

  test.each(Object.keys(plain))('need %s', (name) => {
    expect(codeOf(() => parseDemands(bytesOf({ [name]: undefined })))).toBe('json-shape');
  });

  test.each([
    ['an unknown member', { extra: 1 }, 'json-shape'],
    ['another version', { version: 2 }, 'version-unknown'],
    ['an empty name', { name: '' }, 'json-shape'],
    ['no set', { accepted: [] }, 'json-shape'],
    ['too many sets', { accepted: manySets(maxSets + 1) }, 'json-shape'],
    ['a set twice', { revoked: [...sets, { root, until: 5 }] }, 'json-shape'],
    ['a set without an end', { levels: [{ root }] }, 'json-shape'],
    ['a set without end', { levels: [{ root, until: null }] }, 'json-shape'],
    ['a root that is no field', { levels: [{ root: tooBig, until: 5 }] }, 'field-not-canonical'],
    ['a root in upper case', { levels: [{ root: 'AB'.repeat(32), until: 5 }] }, 'hex-malformed'],
    ['no key', { key: [] }, 'json-shape'],
    ['a kind of key twice', { key: [plain.key[0], plain.key[0]] }, 'json-shape'],
    ['an unknown kind of key', { key: [{ kind: 'vlek', maxAge: 1 }] }, 'json-shape'],
    ['a key of no kind', { key: [{ maxAge: 1 }] }, 'json-shape'],
    ['AMD’s keys of any age', { key: [amdKey({ maxAge: undefined })] }, 'json-shape'],
    ['AMD’s keys of any product', { key: [amdKey({ products: undefined })] }, 'json-shape'],
    ['AMD’s keys of no product', { key: [amdKey({ products: [] })] }, 'json-shape'],
    ['a product twice', { key: [amdKey({ products: ['Milan', 'Milan'] })] }, 'json-shape'],
    ['an unknown product', { key: [amdKey({ products: ['Rome'] })] }, 'json-shape'],
    ['AMD’s keys of any kind', { key: [amdKey({ kinds: undefined })] }, 'json-shape'],
    ['AMD’s keys of no kind', { key: [amdKey({ kinds: [] })] }, 'json-shape'],
    ['a kind of AMD’s twice', { key: [amdKey({ kinds: ['vlek', 'vlek'] })] }, 'json-shape'],
    ['an unknown kind of AMD’s', { key: [amdKey({ kinds: ['ask'] })] }, 'json-shape'],
    ['sets for AMD’s keys', { key: [amdKey({ roots: sets })] }, 'json-shape'],
    ['shown keys of any vendor', { key: [{ kind: 'shown' }] }, 'json-shape'],
    ['shown keys of no vendor', { key: [{ kind: 'shown', vendors: [] }] }, 'json-shape'],
    ['an unknown vendor', { key: [{ kind: 'shown', vendors: ['arm'] }] }, 'json-shape'],
    ['a vendor twice', { key: [{ kind: 'shown', vendors: ['amd', 'amd'] }] }, 'json-shape'],
    ['a certified key of any age', { key: [{ kind: 'pck-ca' }] }, 'json-shape'],
    ['published keys without sets', { key: [{ kind: 'veks', roots: [] }] }, 'json-shape'],
    ['a negative age', { epoch: { maxAge: -1, maxFuture: 0 } }, 'json-shape'],
    ['half a window', { epoch: { maxAge: 1 } }, 'json-shape'],
    ['any epoch', { epoch: 'any' }, 'json-shape'],
    ['any nonce', { attestationNonce: 'any' }, 'hex-malformed'],
    ['a short nonce', { attestationNonce: 'ab'.repeat(31) }, 'hex-malformed'],
    ['no service', { services: [] }, 'json-shape'],
    ['a service twice', { services: ['a', 'a'] }, 'json-shape'],
    ['a name that no service has', { services: ['A'] }, 'json-shape'],
    ['a part twice', { mustShow: ['time', 'time'] }, 'json-shape'],
    ['an unknown part', { mustShow: ['body'] }, 'json-shape'],
    ['a nonce that nobody accounts for', { challenge: 'none' }, 'json-shape'],
  ])('refuse %s', (_, changes, code) => {
    expect(codeOf(() => parseDemands(bytesOf(changes)))).toBe(code);
  });

  test('are told apart by their digest, whatever the order of members', () => {
    const digest = (demands: Demands) => toHex(demandsDigest(demands));
    const reversed = Object.fromEntries(Object.entries(plain).toReversed()) as Demands;
    expect(digest(parseDemands(utf8(JSON.stringify(reversed))))).toBe(digest(plain));
    expect(digest({ ...plain, name: 'other' })).not.toBe(digest(plain));
  });

  test('of random bytes are AttestationErrors', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(() => parseDemands(bytes))).not.toBeNull();
      }),
    );
  });

  test('with one member replaced by random JSON are read or refused, never more', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(plain)), fc.jsonValue(), (name, value) => {
        const bytes = bytesOf({ [name]: value });
        const code = codeOf(() => parseDemands(bytes));
        if (code === null)
          expect(parseDemands(bytes)).toEqual(JSON.parse(new TextDecoder().decode(bytes)));
      }),
    );
  });
});

function amdKey(changes: object) {
  return { ...plain.key[2], ...changes };
}

function manySets(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    root: i.toString(16).padStart(64, '0'),
    until: 5,
  }));
}
