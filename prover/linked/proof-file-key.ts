/** How the machine's key is vouched for in a file of linked proofs. */
import { type Bytes, toBase64 } from '#verifier/bytes.ts';
import { type Field, fieldFromBytes } from '#verifier/field.ts';
import { arrayOf, base64Bytes, type Decoded, hexBytes, nullable, object } from '#verifier/json.ts';
import type { LinkedCircuitName } from '../circuit-names.ts';
import {
  circuitOf,
  encodeProof,
  hexOfField,
  type LinkedProof,
  proofMembers,
  readProof,
  shape,
  time,
} from './proof-file-parts.ts';

/** How the machine's key is vouched for. Certificates are DER. */
export type LinkedKey =
  /** tdx-pck: the PCK CA's certificate, and when (seconds) the PCK's was valid. */
  | {
      readonly kind: 'pck';
      readonly proof: LinkedProof;
      readonly issuer: Bytes;
      readonly at: number;
    }
  /** snp-vek: the ASK's or ASVK's certificate, the ARK's, and when the VCEK's or VLEK's was valid. */
  | {
      readonly kind: 'vek';
      readonly proof: LinkedProof;
      readonly issuer: Bytes;
      readonly root: Bytes;
      readonly at: number;
    }
  /** vek-member. */
  | { readonly kind: 'member'; readonly proof: LinkedProof }
  /**
   * No proof: the machine's own certificate, then its issuer's, then the root's (PCK, PCK CA; or VCEK or VLEK, ASK or ASVK, ARK), and
   * the salt of C_key.
   */
  | {
      readonly kind: 'shown';
      readonly certificates: readonly Bytes[];
      readonly salt: Field;
    };

/** Which circuit the machine is proved with; it names the vendor. */
export type MachineCircuit = 'tdx-quote' | 'snp-report';

export const keyMembers = object({
  /** Null for a certificate that is shown. */
  proof: nullable(proofMembers),
  certificates: arrayOf(base64Bytes, { max: 3 }),
  at: nullable(time),
  salt: nullable(hexBytes(32)),
});
type KeyMembers = Decoded<typeof keyMembers>;

/** Which proof of a key goes with which of a machine. */
const keyCircuits = {
  'tdx-quote': ['tdx-pck', 'vek-member'],
  'snp-report': ['snp-vek', 'vek-member'],
} as const satisfies Record<MachineCircuit, readonly LinkedCircuitName[]>;

/** How many certificates are shown: Intel's root is a pinned key, whose certificate nobody reads. */
const shownCount = { 'tdx-quote': 2, 'snp-report': 3 } as const satisfies Record<
  MachineCircuit,
  number
>;

/**
 * @throws AttestationError `json-shape` for parts that do not belong together, or not to that machine; as `readProof`;
 *   `field-not-canonical`
 */
export function readKey(found: KeyMembers, machine: MachineCircuit): LinkedKey {
  const { proof, certificates, at, salt } = found;
  if (proof === null) return readShown(found, machine);
  const circuit = circuitOf(proof, 'key', keyCircuits[machine]);
  const read = readProof(proof);
  if (salt !== null) throw shape(`key: ${circuit} forbids salt`);
  const [issuer, root] = certificates;
  const count = certificates.length;
  if (circuit === 'vek-member') {
    if (count !== 0 || at !== null) throw shape('key: vek-member forbids certificates and at');
    return { kind: 'member', proof: read };
  }
  if (circuit === 'tdx-pck') {
    if (issuer === undefined || count !== 1 || at === null) {
      throw shape('key: tdx-pck needs one certificate and at');
    }
    return { kind: 'pck', proof: read, issuer, at };
  }
  if (issuer === undefined || root === undefined || count !== 2 || at === null) {
    throw shape('key: snp-vek needs two certificates and at');
  }
  return { kind: 'vek', proof: read, issuer, root, at };
}

function readShown({ certificates, at, salt }: KeyMembers, machine: MachineCircuit): LinkedKey {
  const count = shownCount[machine];
  if (salt === null || at !== null || certificates.length !== count) {
    throw shape(`key: without a proof ${machine} needs ${count} certificates and salt, and no at`);
  }
  return { kind: 'shown', certificates, salt: fieldFromBytes(salt, 'proof file: key.salt') };
}

/** Of each kind of key the circuit that it is proved with. */
export const circuitOfKey = {
  pck: 'tdx-pck',
  vek: 'snp-vek',
  member: 'vek-member',
  shown: null,
} as const satisfies Record<LinkedKey['kind'], LinkedCircuitName | null>;

/** The mirror of `readKey`. */
export function encodeKey(key: LinkedKey) {
  return {
    proof: key.kind === 'shown' ? null : encodeProof(circuitOfKey[key.kind], key.proof),
    certificates: certificatesOf(key).map((der) => toBase64(der)),
    at: key.kind === 'pck' || key.kind === 'vek' ? key.at : null,
    salt: key.kind === 'shown' ? hexOfField(key.salt) : null,
  };
}

function certificatesOf(key: LinkedKey): readonly Bytes[] {
  switch (key.kind) {
    case 'pck':
      return [key.issuer];
    case 'vek':
      return [key.issuer, key.root];
    case 'member':
      return [];
    case 'shown':
      return key.certificates;
  }
}
