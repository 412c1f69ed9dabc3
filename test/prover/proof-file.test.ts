import { describe, expect, test } from 'vitest';
import {
  encodeProofFile,
  type ProofFile,
  parseProofFile,
  proofLength,
} from '#prover/proof-file.ts';
import { codeOf } from '#test/agent/helpers.ts';
import { toBase64, utf8 } from '#verifier/bytes.ts';

const open: ProofFile = {
  circuit: 'response-open',
  artifact: 'ab'.repeat(32),
  proof: new Uint8Array(proofLength).fill(3),
  publicKey: null,
};
const withKey: ProofFile = {
  ...open,
  circuit: 'response-open-key',
  publicKey: new Uint8Array(64).fill(9),
};

/** The JSON with some members replaced, or taken out where undefined. */
function edited(members: Record<string, unknown>, file = withKey) {
  const json = { ...JSON.parse(encodeProofFile(file)), ...members };
  return () => parseProofFile(utf8(JSON.stringify(json)));
}

describe('proof file', () => {
  test.each([open, withKey])('what is written is read', (file) => {
    expect(parseProofFile(utf8(encodeProofFile(file)))).toEqual(file);
  });

  test.each([
    ['another version', { version: 2 }, 'version-unknown'],
    ['no version', { version: undefined }, 'json-shape'],
    ['an unknown member', { publicInputs: [] }, 'json-shape'],
    ['a key of its own', { verificationKey: '' }, 'json-shape'],
    ['an unknown circuit', { circuit: 'response' }, 'json-shape'],
    ['no circuit', { circuit: undefined }, 'json-shape'],
    ['a short artefact hash', { artifact: 'ab' }, 'hex-malformed'],
    ['an artefact hash in capitals', { artifact: 'AB'.repeat(32) }, 'hex-malformed'],
    ['a proof that is not base64', { proof: '*' }, 'base64-malformed'],
    ['an empty proof', { proof: '' }, 'length-wrong'],
    ['a proof that is too short', { proof: toBase64(open.proof.slice(32)) }, 'length-wrong'],
    [
      'a proof that is too long',
      { proof: toBase64(new Uint8Array(proofLength + 32)) },
      'length-wrong',
    ],
    [
      'an element of q or more',
      { proof: toBase64(new Uint8Array(proofLength).fill(0xff)) },
      'field-not-canonical',
    ],
    ['a key that is not disclosed', { disclosed: null }, 'json-shape'],
    ['no word on disclosure', { disclosed: undefined }, 'json-shape'],
    ['a short key', { disclosed: { publicKey: '09' } }, 'hex-malformed'],
    ['more disclosed', { disclosed: { publicKey: '09'.repeat(64), name: 'x' } }, 'json-shape'],
  ])('refuses %s', async (_, members, code) => {
    expect(await codeOf(edited(members))).toBe(code);
  });

  test('refuses a disclosed key where the circuit hides it', async () => {
    const disclosed = { publicKey: '09'.repeat(64) };
    expect(await codeOf(edited({ disclosed }, open))).toBe('json-shape');
  });

  test('refuses a member twice, text around it, and more than 64 KiB', async () => {
    const text = encodeProofFile(open);
    const twice = text.replace('{', '{"version":1,');
    for (const wrong of [twice, `${text}x`, `<html>${text}`]) {
      expect(await codeOf(() => parseProofFile(utf8(wrong)))).toBe('json-malformed');
    }
    expect(await codeOf(() => parseProofFile(utf8(text + ' '.repeat(65_536))))).toBe('too-large');
    expect(await codeOf(() => parseProofFile(Uint8Array.of(0xff)))).toBe('utf8-malformed');
  });
});
