/** What each file is that was dropped, seen from its bytes; its name decides nothing but whether text is YAML. */
import { firstPoints } from '#prover/ceremony.ts';
import { circuitsOf } from '#prover/linked/bob-proofs.ts';
import { parseDemands } from '#prover/linked/demands.ts';
import { parseLinkedProofFile } from '#prover/linked/proof-file.ts';
import { parseSecretFile } from '#prover/linked/secret-file.ts';
import { parseProofFile } from '#prover/proof-file.ts';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { parseResponse } from '#verifier/abi/response.ts';
import { parseTreeProof } from '#verifier/abi/tree-proof.ts';
import { parsePolicy } from '#verifier/appraise/policy.ts';
import { type Bytes, equalBytes, fromUtf8 } from '#verifier/bytes.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseJson } from '#verifier/json.ts';
import { formatTime } from '#verifier/time.ts';
import { proofStrings } from '../strings/proofs.ts';
import { listKindOf, listsIn } from './lists.ts';

export type Role =
  | 'open-proof'
  | 'linked-proof'
  | 'response'
  | 'tree-proof'
  | 'bundle'
  | 'demands'
  | 'set'
  | 'secret'
  | 'policy'
  | 'lists'
  | 'certificates'
  | 'other';

export type Recognised = {
  readonly role: Role;
  /** What it says of itself, in words; made of untrusted text. */
  readonly about: string;
  /** Why it cannot be used, though it is meant to be what its role says; null: it can. */
  readonly fault: string | null;
};

/** Of each kind of document the members that no other has, all at its top. */
const marks: readonly (readonly [Role, readonly string[]])[] = [
  ['linked-proof', ['commitments', 'machine']],
  ['open-proof', ['circuit', 'proof', 'artifact']],
  ['secret', ['opening', 'demanded']],
  ['demands', ['accepted', 'challenge']],
  ['response', ['service', 'signature', 'body']],
  ['tree-proof', ['present', 'proof', 'name']],
  ['bundle', ['evidence', 'bound']],
  ['policy', ['name', 'version']],
];

const words = proofStrings.about;

/** Each parser throws an AttestationError for what is not the document that it is marked as. */
const readers: Readonly<Record<Role, (bytes: Bytes) => string>> = {
  'open-proof': (bytes) => words.openProof(parseProofFile(bytes).circuit),
  'linked-proof': (bytes) => {
    const { key, machine, response } = circuitsOf(parseLinkedProofFile(bytes));
    return words.linkedProof([...(key === null ? [] : [key]), machine, response]);
  },
  secret: (bytes) => {
    const { platform, key, made } = parseSecretFile(bytes);
    return words.secret(platform, key.kind, formatTime(made));
  },
  demands: (bytes) => words.demands(parseDemands(bytes).name),
  response: (bytes) => {
    const { service, time, body } = parseResponse(fromUtf8(bytes, 'response'));
    return words.response(service, formatTime(time), body.length);
  },
  'tree-proof': (bytes) => {
    const { name, present } = parseTreeProof(fromUtf8(bytes, 'tree proof'));
    return words.treeProof(name, present);
  },
  bundle: (bytes) => {
    const { platform, epoch } = parseBundle(bytes);
    return words.bundle(platform, formatTime(epoch));
  },
  policy: (bytes) => words.policy(parsePolicy(bytes).name),
  lists: (bytes) => words.lists(listsIn(bytes).map((der) => listKindOf(der))),
  certificates: (bytes) =>
    words.certificates(
      readDerObjects(bytes, 'CERTIFICATE', 'certificate').map(
        (der) => parseCertificate(der, 'certificate').commonName,
      ),
    ),
  // Reading it computes the root of all its entries, which the worker does.
  set: () => '',
  other: () => '',
};

export function recognise(name: string, bytes: Bytes): Recognised {
  const role = roleOf(name, bytes);
  try {
    return { role, about: readers[role](bytes), fault: null };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { role, about: '', fault: error.message };
  }
}

/** One set has one text, which begins so. */
const setStart = '{"version":1,"kind":"';

function roleOf(name: string, bytes: Bytes): Role {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  if (start.startsWith(setStart)) return 'set';
  if (start.includes('-----BEGIN X509 CRL-----')) return 'lists';
  if (start.includes('-----BEGIN CERTIFICATE-----')) return 'certificates';
  if (bytes[0] === 0x30) return isList(bytes) ? 'lists' : 'certificates';
  const members = membersOf(bytes);
  const found = marks.find(([, needed]) => needed.every((member) => members.has(member)));
  if (found !== undefined) return found[0];
  return /\.ya?ml$/i.test(name) ? 'policy' : 'other';
}

function isList(der: Bytes): boolean {
  try {
    return listsIn(der).every((one) => listKindOf(one) !== null);
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}

const noMembers: ReadonlySet<string> = new Set();

function membersOf(bytes: Bytes): ReadonlySet<string> {
  try {
    const found = parseJson(fromUtf8(bytes, 'file'), 'file');
    return typeof found === 'object' && found !== null ? new Set(Object.keys(found)) : noMembers;
  } catch (error) {
    if (error instanceof AttestationError) return noMembers;
    throw error;
  }
}

/** Whether a file begins as the ceremony's points do. @param start its first 128 bytes */
export function beginsWithPoints(start: Bytes): boolean {
  return equalBytes(start, firstPoints);
}
