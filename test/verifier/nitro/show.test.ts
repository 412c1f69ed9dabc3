/** `affidavit show` of Nitro documents: what is printed. */
import { describe, expect, test } from 'vitest';
import { hasShared } from '#test/shared.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import type { ShowSection } from '#verifier/show/document.ts';
import { nitroSections } from '#verifier/show/nitro.ts';
import { codeOf } from '../code-of.ts';
import { nitro, nitroCase } from './nitro-scene.ts';

const fieldOf = (sections: readonly ShowSection[], name: string) =>
  sections.flatMap(({ fields }) => fields).find((field) => field.name === name)?.value;

describe('simulated', () => {
  const fake = nitro();

  test('sections, in order', () => {
    expect(nitroSections(fake.document()).map(({ title }) => title.split(',')[0])).toEqual([
      'AWS Nitro Enclaves attestation document',
      'Registers (PCRs)',
      'Signature',
      'Nitro root: certificate',
      'Nitro CA 1: certificate',
      'Nitro CA 2: certificate',
      'Nitro CA 3: certificate',
      'Nitro leaf: certificate',
    ]);
  });

  test('what it says', () => {
    const options = { userData: utf8('hello'), nonce: new Uint8Array() };
    const shown = nitroSections(fake.document(options));
    expect(fieldOf(shown, 'module_id')).toBe(fake.moduleId);
    expect(fieldOf(shown, 'timestamp')).toBe(new Date(fake.at * 1000 + 346).toISOString());
    expect(fieldOf(shown, 'debug mode')).toBe('no');
    expect(fieldOf(shown, 'user_data')).toBe(toHex(utf8('hello')));
    expect(fieldOf(shown, 'nonce')).toBe('empty');
    expect(fieldOf(shown, 'public_key')).toBe('none');
    expect(fieldOf(shown, 'PCR0, enclave image')).toBe('a0'.repeat(48));
    expect(fieldOf(shown, 'PCR15')).toBe('00'.repeat(48));
  });

  test('of a NitroTPM', () => {
    const shown = nitroSections(nitro({ kind: 'tpm' }).document());
    expect(shown[0]?.title).toBe('AWS NitroTPM attestation document');
    expect(fieldOf(shown, 'debug mode')).toBeUndefined();
    expect(fieldOf(shown, 'PCR7, Secure Boot policy')).toBe('a7'.repeat(48));
    expect(shown[1]?.fields).toHaveLength(24);
  });

  test('a certificate that cannot be read does not hide the rest; a document does', () => {
    const broken = fake.document({ with: { certificate: new Uint8Array(5) } });
    const last = nitroSections(broken).at(-1);
    expect(last).toMatchObject({ title: 'Nitro leaf', fields: [{ name: 'unreadable' }] });
    expect(codeOf(() => nitroSections(fake.document()))).toBe(null);
    expect(codeOf(() => nitroSections(fake.document().subarray(0, -1)))).toBe('length-wrong');
  });
});

if (hasShared) {
  test('a real enclave in debug mode', () => {
    const shown = nitroSections(nitroCase('dstack-attest-dbg').scene.bytes);
    expect(fieldOf(shown, 'debug mode')).toBe('yes: PCR0 is zero');
    expect(fieldOf(shown, 'timestamp')).toBe('2025-12-25T08:20:46.577Z');
    expect(fieldOf(shown, 'PCR4, id of the instance')).toMatch(/^19f6d013fa4d/);
    expect(shown).toHaveLength(8);
  });
}
