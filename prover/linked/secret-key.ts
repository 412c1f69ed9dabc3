/** How a machine's key is vouched for, as the secret file keeps it: what the proof about the key states, or what stands in its place. */
import type { Platform } from '#verifier/abi/bundle.ts';
import { type Bytes, toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoded,
  nullable,
  object,
  oneOf,
  unixTime,
} from '#verifier/json.ts';
import type { UnixTime } from '#verifier/time.ts';
import { field } from './attestation-work.ts';

/**
 * `pck`, `vek`: certified, by the certificate (DER) of the PCK CA, or of ASK or ASVK under the ARK, at a time · `member`: one of a set of
 * keys · `shown`: its own certificate and those above it, and the salt of C_key; then the chip is seen.
 */
export type KeyDemand =
  | { readonly kind: 'pck'; readonly issuer: Bytes; readonly at: UnixTime }
  | { readonly kind: 'vek'; readonly issuer: Bytes; readonly root: Bytes; readonly at: UnixTime }
  | { readonly kind: 'member'; readonly veks: Field }
  | { readonly kind: 'shown'; readonly certificates: readonly Bytes[]; readonly salt: Field };

/** `kind` · `certificates` (base64 DER) · `at` · `veks` · `salt`: what is not of this kind is empty or null. */
export const keyShape = object({
  kind: oneOf('pck', 'vek', 'member', 'shown'),
  certificates: arrayOf(base64Bytes, { max: 3 }),
  at: nullable(unixTime),
  veks: nullable(field),
  salt: nullable(field),
});

type Kind = KeyDemand['kind'];

/** Of each kind: how many certificates, null where the platform has no such key; and what it needs beside them. */
const rules: Readonly<
  Record<Kind, Readonly<Record<Platform, number | null>> & { needs: 'at' | 'veks' | 'salt' }>
> = {
  pck: { tdx: 1, 'sev-snp': null, needs: 'at' },
  vek: { tdx: null, 'sev-snp': 2, needs: 'at' },
  member: { tdx: 0, 'sev-snp': 0, needs: 'veks' },
  shown: { tdx: 2, 'sev-snp': 3, needs: 'salt' },
};

/** @throws AttestationError `json-shape` for members that do not belong together */
export function readKey(found: Decoded<typeof keyShape>, platform: Platform): KeyDemand {
  const { kind, certificates, at, veks, salt } = found;
  const { needs, [platform]: count } = rules[kind];
  const there = Object.entries({ at, veks, salt }).filter(([, value]) => value !== null);
  if (certificates.length !== count || there.map(([name]) => name).join() !== needs) {
    throw new AttestationError(
      'json-shape',
      `secret file: key: of ${platform}, ${kind} ${count === null ? 'does not exist' : `needs ${count} certificates and ${needs}, and nothing else`}`,
    );
  }
  // As the rules have it.
  const [first, second] = certificates as [Bytes, Bytes];
  switch (kind) {
    case 'pck':
      return { kind, issuer: first, at: at as UnixTime };
    case 'vek':
      return { kind, issuer: first, root: second, at: at as UnixTime };
    case 'member':
      return { kind, veks: veks as Field };
    case 'shown':
      return { kind, certificates, salt: salt as Field };
  }
}

/** The mirror of `readKey`. */
export function encodeKey(key: KeyDemand): Record<keyof Decoded<typeof keyShape>, unknown> {
  const { kind } = key;
  const nothing = { kind, certificates: [], at: null, veks: null, salt: null };
  switch (kind) {
    case 'pck':
      return { ...nothing, certificates: [toBase64(key.issuer)], at: key.at };
    case 'vek':
      return { ...nothing, certificates: [key.issuer, key.root].map(toBase64), at: key.at };
    case 'member':
      return { ...nothing, veks: hex(key.veks) };
    case 'shown':
      return { ...nothing, certificates: key.certificates.map(toBase64), salt: hex(key.salt) };
  }
}

function hex(value: Field): string {
  return toHex(fieldToBytes(value));
}
