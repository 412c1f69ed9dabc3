/** Words of certificates and revocation lists. */
import type { Origin, RootKind, Validity } from '../fields/certificate-model.ts';
import type { Purpose } from '../fields/certificate-names.ts';

const purposes: Readonly<Record<Purpose, string>> = {
  ark: 'AMD’s root key for this product',
  ask: 'AMD’s key that signs the keys of chips',
  asvk: 'AMD’s key that signs the keys given to cloud providers',
  vcek: 'The key of one chip, at one set of firmware versions: signs reports',
  vlek: 'A key that AMD gave to a cloud provider: signs reports',
  'intel-root': 'Intel’s root key for SGX and TDX',
  'pck-ca': 'Intel’s key that signs the keys of platforms',
  pck: 'The key of one platform: vouches for its quoting enclave',
  'tcb-signing': 'Signs Intel’s TCB info and QE identity',
  'nvidia-root': 'NVIDIA’s root key for devices',
  nvidia: 'Part of the chain of an NVIDIA device',
  'nitro-root': 'AWS’s root key for Nitro',
  nitro: 'Part of the chain of an AWS Nitro document',
  tpm: 'Part of the chain of a TPM’s key',
  other: 'Not one that this page has a word for',
};
const origins: Readonly<Record<Origin, string>> = {
  evidence: 'in the evidence itself',
  bundle: 'in the bundle’s collateral',
  files: 'in the files given',
};
const roots: Readonly<Record<Exclude<RootKind, null>, string>> = {
  pinned: 'Pinned vendor root',
  insecure: 'INSECURE root, handed over',
  vendor: 'Vendor’s root, not trusted here: another was handed over',
};

export const certificateStrings = {
  title: 'Certificates',
  note: 'What each certificate and list says, from the root down. Whether the signatures hold, the checks above say.',
  chainOf: (name: string) => `Under ${name}`,
  withoutIssuer: 'Their issuer is not here',
  more: (count: number) => `${count} more are not shown.`,
  purposes,
  listPurpose: 'Revocation list: names certificates that no longer count',
  origins,
  roots,
  revokedMark: 'REVOKED by a list that is here',
  issuer: 'Issued by',
  selfIssued: 'itself',
  from: 'Came',
  key: 'Key',
  keyOf: (key: string, bits: number | null) => (bits === null ? key : `${key}, ${bits} bits`),
  serial: 'Serial number',
  fingerprint: 'SHA-256 of the key',
  listed: 'Revoked',
  listedOf: (count: number) =>
    count === 0 ? 'none' : count === 1 ? '1 certificate' : `${count} certificates`,
  updated: 'Issued',
  next: 'Next due',
  noValidity: 'No dates could be read.',
  validity: ({ state, days }: Validity): string => {
    const count = countOf(days);
    if (state === 'early') return `not valid yet: ${count} to go`;
    if (state === 'over')
      return days === 0 ? 'expired less than a day ago' : `EXPIRED ${count} ago`;
    return days === 0 ? 'less than a day left' : `${count} left`;
  },
  listValidity: ({ state, days }: Validity): string => {
    const count = countOf(days);
    if (state === 'early') return `not issued yet: ${count} to go`;
    return state === 'over' ? `OVERDUE for ${count}` : `the next is due in ${count}`;
  },
  now: 'The time verified for',
  vendor: 'What the vendor wrote into it',
  all: 'All fields',
  unnamed: 'No name',
  moreFields: (count: number) => `and ${count} more`,
  unreadable: 'Cannot be read',
  length: 'Length',
  listOf: (issuer: string) => `Revocation list of ${issuer}`,
  size: (bytes: number) => `${bytes} bytes`,
  save: 'Save as PEM',
  saveOf: (name: string) => `Save as PEM: ${name}`,
} as const;

/** Of a long time, the years too. */
function countOf(days: number): string {
  const years = Math.floor(days / 365.25);
  if (years > 1) return `${days} days (${years} years)`;
  return days === 1 ? '1 day' : `${days} days`;
}
