/**
 * A simulated provider of TPMs: root → CA → AK certificates, field for field as Google's of GCE. Its root is not Google's: only a
 * verifier that is handed it accepts what it signs. RSA-2048 in place of 4096, and one set of keys a process.
 */
import type { KeyObject } from 'node:crypto';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { parseCertificate, spkiFingerprint } from '#verifier/chain/x509.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import {
  type Certificate,
  type CertificatePlan,
  type Change,
  changePlan,
  type Extension,
  issueCertificate,
  type Name,
  unedited,
} from './certificates.ts';
import * as der from './der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extension,
  keyUsage,
  subjectKeyIdentifier,
} from './extensions.ts';
import { generateRsaKey, type KeyPair } from './keys.ts';

/** 2022-07-08 to 2122-07-08, Google's own. */
const caValidity = { notBefore: 1_657_238_400, notAfter: 4_812_998_400 };
/** 2025-05-18 to 2055-05-11 */
const akValidity = { notBefore: 1_747_526_400, notAfter: 2_693_520_000 };
const algorithm = { name: 'rsa-pkcs1', hash: 'sha256' } as const;

export const tpmOids = {
  ekCertificate: '2.23.133.8.1',
  aikCertificate: '2.23.133.8.3',
  gceInstance: '1.3.6.1.4.1.11129.2.1.21',
} as const;

export type TpmProviderOverrides = {
  root?: Change<CertificatePlan>;
  ca?: Change<CertificatePlan>;
  ak?: Change<CertificatePlan>;
};

export type TpmProvider = {
  keys: Record<'root' | 'ca', KeyPair>;
  root: Certificate;
  ca: Certificate;
  trusted: TrustedRoot;
  certify: (publicKey: KeyObject) => Certificate;
};

let memoised: Promise<TpmProvider['keys']> | undefined;

async function providerKeys(): Promise<TpmProvider['keys']> {
  memoised ??= Promise.all([generateRsaKey(2048), generateRsaKey(2048)]).then(([root, ca]) => ({
    root,
    ca,
  }));
  return memoised;
}

/** A change of a parent is what its child names and is signed by: one change breaks one thing. */
export async function createTpmProvider(
  overrides: TpmProviderOverrides = {},
): Promise<TpmProvider> {
  const keys = await providerKeys();
  const rootName = googleName('EK/AK CA Root');
  const caExtensions = (own: KeyObject, issuer: KeyObject) => [
    keyUsage(['keyCertSign', 'cRLSign']),
    extendedKeyUsage(tpmOids.ekCertificate),
    basicConstraints(true, null),
    subjectKeyIdentifier(own),
    authorityKeyIdentifier(issuer),
  ];
  const issue = (plan: CertificatePlan, change?: Change<CertificatePlan>) =>
    issueCertificate(changePlan(plan, change));
  const common = { ...unedited, version: 3, algorithm };
  const root = issue(
    {
      ...common,
      ...caValidity,
      serial: 0xa65da4f9e328n,
      issuer: rootName,
      subject: rootName,
      publicKey: keys.root.publicKey,
      signer: keys.root.privateKey,
      extensions: caExtensions(keys.root.publicKey, keys.root.publicKey),
    },
    overrides.root,
  );
  const ca = issue(
    {
      ...common,
      ...caValidity,
      serial: 0x676be22eea33n,
      issuer: root.plan.subject,
      subject: googleName('EK/AK CA Intermediate'),
      publicKey: keys.ca.publicKey,
      signer: keys.root.privateKey,
      extensions: caExtensions(keys.ca.publicKey, keys.root.publicKey),
    },
    overrides.ca,
  );
  const certify = (publicKey: KeyObject) =>
    issue(
      {
        ...common,
        ...akValidity,
        serial: 0xc3290f955e728an,
        issuer: ca.plan.subject,
        subject: akName,
        publicKey,
        signer: keys.ca.privateKey,
        extensions: [
          keyUsage(['digitalSignature']),
          basicConstraints(false, null),
          subjectKeyIdentifier(publicKey),
          authorityKeyIdentifier(keys.ca.publicKey),
          gceInstance(),
        ],
      },
      overrides.ak,
    );
  const spkiSha256 = spkiFingerprint(parseCertificate(root.der, 'root'));
  const trusted: TrustedRoot = { vendor: 'google-tpm', spkiSha256, insecure: true };
  return { keys, root, ca, trusted, certify };
}

/** C=US, ST=California, L=Mountain View, O=Google LLC, OU=Google Cloud and the CN. */
export function googleName(commonName: string): Name {
  const values = [
    ['C', 'US'],
    ['ST', 'California'],
    ['L', 'Mountain View'],
    ['O', 'Google LLC'],
    ['OU', 'Google Cloud'],
    ['CN', commonName],
  ] as const;
  return values.map(([type, value]) => ({ type, value, string: 'printable' }));
}

const akName: Name = [
  { type: 'L', value: 'us-west1-b', string: 'printable' },
  { type: 'O', value: 'Google Compute Engine', string: 'printable' },
  { type: 'OU', value: 'example-project', string: 'printable' },
  { type: 'CN', value: '8033817256003918212', string: 'printable' },
];

export function extendedKeyUsage(...uses: readonly string[]): Extension {
  return extension('2.5.29.37', false, der.sequence(...uses.map(der.objectIdentifier)));
}

/** What `asAk` makes of the default. */
export const fakeInstance =
  'projects/example-project/zones/us-west1-b/instances/example-vm (8033817256003918212)';

/** @param properties null: the extension without them, as Google's oldest have it */
export function gceInstance(
  properties: Bytes | null = securityProperties(true),
  name = 'example-vm',
): Extension {
  const value = der.sequence(
    der.utf8String('us-west1-b'),
    der.integer(227_364_494_035),
    der.utf8String('example-project'),
    der.integer(8_033_817_256_003_918_212n),
    der.utf8String(name),
    ...(properties === null ? [] : [der.context(0, properties)]),
  );
  return extension(tpmOids.gceInstance, false, value);
}

export function securityProperties(isProduction: boolean): Bytes {
  const flags = [isProduction, true, false, false, false];
  return der.sequence(
    der.context(0, der.integer(0)),
    ...flags.map((flag, i) => der.context(i + 1, der.derBoolean(flag))),
  );
}

/** DirectoryName, critical: what stands in for the subject that Google's first AK certificates leave empty. */
export function vtpmAltName(): Extension {
  const attribute = der.set(
    der.sequence(der.objectIdentifier('2.23.133.2.2'), der.tlv(0x0c, utf8('vTPM'))),
  );
  return extension('2.5.29.17', true, der.sequence(der.context(4, der.sequence(attribute))));
}
