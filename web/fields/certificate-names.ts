/** What a certificate calls itself, and what its vendor writes into it. */
import type { ShowField, ShowPart } from '#verifier/show/document.ts';

/** What it is for, by the name that it gives itself. */
export const purposes = [
  'ark',
  'ask',
  'asvk',
  'vcek',
  'vlek',
  'intel-root',
  'pck-ca',
  'pck',
  'tcb-signing',
  'nvidia-root',
  'nvidia',
  'nitro-root',
  'nitro',
  'tpm',
  'other',
] as const;
export type Purpose = (typeof purposes)[number];

/** Of the name as it is shown; the name itself where it has none. */
export function commonNameOf(name: string): string {
  return /(?:^|, )CN=([^,]*)/.exec(name)?.[1] ?? name;
}

const exact: Readonly<Record<string, Purpose>> = {
  'SEV-VCEK': 'vcek',
  'SEV-VLEK': 'vlek',
  'Intel SGX Root CA': 'intel-root',
  'Intel SGX PCK Platform CA': 'pck-ca',
  'Intel SGX PCK Processor CA': 'pck-ca',
  'Intel SGX PCK Certificate': 'pck',
  'Intel SGX TCB Signing': 'tcb-signing',
  'NVIDIA Device Identity CA': 'nvidia-root',
  'aws.nitro-enclaves': 'nitro-root',
};
const patterns: readonly (readonly [RegExp, Purpose])[] = [
  [/^ARK-/, 'ark'],
  [/^SEV-VLEK-/, 'asvk'],
  [/^SEV-/, 'ask'],
  [/nitro-enclaves/, 'nitro'],
  [/NVIDIA|^GH100|^GB100|^LS10/, 'nvidia'],
  [/\bTPM\b|EK\/AK|Trusted Platform Module|Compute Engine/i, 'tpm'],
];

/** By what the certificate calls itself. */
export function purposeOf(commonName: string, subject: string): Purpose {
  if (Object.hasOwn(exact, commonName)) return exact[commonName] ?? 'other';
  const found = patterns.find(([pattern]) => pattern.test(commonName) || pattern.test(subject));
  return found?.[1] ?? 'other';
}

/** What every certificate has, whoever issued it. */
const common: ReadonlySet<string> = new Set([
  'version',
  'serial number',
  'issuer',
  'not before',
  'not after',
  'subject',
  'public key',
  'key bytes',
  'SHA-256 of public key',
  'subject key identifier',
  'key usage',
  'basic constraints',
  'CRL distribution points',
  'authority key identifier',
  'extended key usage',
  'signature algorithm',
  'signature',
  'affidavit',
]);

/** What only this vendor’s certificates say; extensions without a name here are left out. */
export function vendorParts(fields: readonly ShowField[]): ShowPart[] {
  return fields
    .filter(({ name }) => !common.has(name) && !/^\d+(\.\d+)+$/.test(name))
    .flatMap(({ name, value, parts = [] }) =>
      parts.length === 0 ? [{ name, value }] : joinComponents(parts),
    );
}

/** Sixteen numbers read better in one line. */
function joinComponents(parts: readonly ShowPart[]): ShowPart[] {
  const pattern = /^TCB component \d+ SVN$/;
  const svns = parts.filter(({ name }) => pattern.test(name)).map(({ value }) => value);
  const others = parts.filter(({ name }) => !pattern.test(name));
  return svns.length === 0
    ? others
    : [...others, { name: 'TCB components', value: svns.join(' ') }];
}
