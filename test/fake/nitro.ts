/**
 * A simulated AWS Nitro: the root, its CAs of region, zone and instance, a module's certificate, and documents signed by it, as
 * AWS writes them. Its root is not AWS's: only a verifier that is handed it accepts what it signs.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type CborValue, encodeCbor } from '#verifier/abi/cbor.ts';
import { sigStructure } from '#verifier/abi/cose.ts';
import type { NitroKind } from '#verifier/abi/nitro.ts';
import { type Bytes, concat, fromBigEndian } from '#verifier/bytes.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { fakeNow } from './amd.ts';
import {
  type Certificate,
  type CertificatePlan,
  type Change,
  changePlan,
  issueCertificate,
  type Name,
  unedited,
} from './certificates.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  extension,
  keyIdentifier,
  keyUsage,
  oids,
  subjectKeyIdentifier,
} from './extensions.ts';
import type { KeyPair } from './keys.ts';

/** In the order of a document's cabundle, and the leaf. */
export const nitroRoles = ['root', 'region', 'zone', 'instance', 'leaf'] as const;
export type NitroRole = (typeof nitroRoles)[number];

const hour = 3600;
const day = 24 * hour;
/** AWS's own: 2019-10-28 to 2049-10-28. */
const rootValidity = { notBefore: 1_572_269_285, notAfter: 2_519_044_085 };

export type NitroOptions = {
  /** Default `enclave`. */
  kind?: NitroKind;
  /** When the document is made: its certificate is valid from three seconds before it, for three hours. Default `fakeNow`. */
  at?: UnixTime;
  /** Certificates; a child takes issuer and signature from its changed parent. */
  overrides?: Partial<Record<NitroRole, Change<CertificatePlan>>>;
  keys?: Record<NitroRole, KeyPair>;
};

/** A document's map in AWS's order; what is undefined is left out. */
export type NitroFields = { [member: string]: CborValue | undefined };

export type NitroDocumentOptions = {
  nonce?: Bytes | null;
  userData?: Bytes | null;
  publicKey?: Bytes | null;
  /** By index; null: the kind's own. */
  pcrs?: ReadonlyMap<number, Bytes> | null;
  /** Members as they are written, exchanged, added or (undefined) left out. */
  with?: NitroFields;
  /** Of the map, before it is signed. */
  editPayload?: (payload: Bytes) => Bytes;
  /** The parts of COSE_Sign1, after they are signed. */
  editFrame?: (frame: readonly CborValue[]) => CborValue;
  protectedHeader?: CborValue;
  signer?: KeyObject;
};

export type FakeNitro = {
  kind: NitroKind;
  at: UnixTime;
  moduleId: string;
  keys: Record<NitroRole, KeyPair>;
  certificates: Record<NitroRole, Certificate>;
  /** What a verifier is handed as its root. */
  root: TrustedRoot;
  document: (options?: NitroDocumentOptions) => Bytes;
};

export function generateNitroKeys(): Record<NitroRole, KeyPair> {
  const pairs = nitroRoles.map((role) => [
    role,
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ]);
  return Object.fromEntries(pairs) as Record<NitroRole, KeyPair>;
}

export function createNitro(options: NitroOptions = {}): FakeNitro {
  const { kind = 'enclave', at = fakeNow, overrides = {}, keys = generateNitroKeys() } = options;
  const moduleId = `i-0123456789abcdef0-${kind === 'enclave' ? 'enc0123456789abcdef' : 'tpm0000000000000000'}`;
  const certificates = issueChain(keys, moduleId, at, overrides);
  const spki = keys.root.publicKey.export({ type: 'spki', format: 'der' });
  const spkiSha256 = new Uint8Array(createHash('sha256').update(spki).digest());
  return {
    kind,
    at,
    moduleId,
    keys,
    certificates,
    root: { vendor: 'aws-nitro', spkiSha256, insecure: true },
    document: (wanted = {}) => {
      const fields = {
        ...documentFields(kind, moduleId, at, certificates, wanted),
        ...wanted.with,
      };
      const written = encodeAsAws(fields);
      const payload = wanted.editPayload?.(written) ?? written;
      const protectedHeader = encodeCbor(wanted.protectedHeader ?? new Map([[1, -35]]));
      const key = wanted.signer ?? keys.leaf.privateKey;
      const signature = sign('sha384', sigStructure({ protectedHeader, payload }), {
        key,
        dsaEncoding: 'ieee-p1363',
      });
      const frame = [protectedHeader, new Map(), payload, new Uint8Array(signature)];
      return encodeCbor(wanted.editFrame?.(frame) ?? frame);
    },
  };
}

function issueChain(
  keys: Record<NitroRole, KeyPair>,
  moduleId: string,
  at: UnixTime,
  overrides: NonNullable<NitroOptions['overrides']>,
): Record<NitroRole, Certificate> {
  const instance = moduleId.slice(0, moduleId.lastIndexOf('-'));
  const names: Record<NitroRole, Name> = {
    root: nitroName('aws.nitro-enclaves'),
    region: nitroName('0011223344556677.us-east-1.aws.nitro-enclaves'),
    zone: nitroName('8899aabbccddeeff.zonal.us-east-1.aws.nitro-enclaves'),
    instance: nitroName(`${instance}.us-east-1.aws.nitro-enclaves`),
    leaf: nitroName(`${moduleId}.us-east-1.aws`),
  };
  const validity: Record<NitroRole, { notBefore: UnixTime; notAfter: UnixTime }> = {
    root: rootValidity,
    region: { notBefore: at - 4 * day, notAfter: at + 16 * day },
    zone: { notBefore: at - 8 * hour, notAfter: at + 6 * day },
    instance: { notBefore: at - hour, notAfter: at + 23 * hour },
    leaf: { notBefore: at - 3, notAfter: at + 3 * hour },
  };
  const issued: Partial<Record<NitroRole, Certificate>> = {};
  nitroRoles.forEach((role, place) => {
    const above = nitroRoles[Math.max(place - 1, 0)] as NitroRole;
    const plan: CertificatePlan = {
      ...unedited,
      version: 3,
      algorithm: { name: 'ecdsa', hash: 'sha384' },
      serial: fromBigEndian(keyIdentifier(keys[role].publicKey)),
      ...validity[role],
      subject: names[role],
      issuer: issued[above]?.plan.subject ?? names.root,
      publicKey: keys[role].publicKey,
      signer: keys[above].privateKey,
      extensions: extensionsOf(role, keys[role].publicKey, keys[above].publicKey),
    };
    issued[role] = issueCertificate(changePlan(plan, overrides[role]));
  });
  return issued as Record<NitroRole, Certificate>;
}

/** AWS's attributes; their order differs from CA to CA. */
function nitroName(commonName: string): Name {
  return [
    { type: 'C', value: 'US', string: 'printable' },
    { type: 'O', value: 'Amazon', string: 'utf8' },
    { type: 'OU', value: 'AWS', string: 'utf8' },
    { type: 'CN', value: commonName, string: 'utf8' },
  ];
}

/** Critical as AWS writes them: of the leaf's, basic constraints alone. */
function extensionsOf(role: NitroRole, key: KeyObject, issuer: KeyObject) {
  const signs = keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']);
  const crl = crlDistributionPoint('http://aws-nitro-enclaves-crl.s3.amazonaws.com/crl/0.crl');
  const identified = [authorityKeyIdentifier(issuer), subjectKeyIdentifier(key)];
  switch (role) {
    case 'root':
      return [basicConstraints(true, null), subjectKeyIdentifier(key), signs];
    case 'region':
      return [basicConstraints(true, 2), ...identified, signs, crl];
    case 'zone':
      return [basicConstraints(true, 1), ...identified, signs, crl];
    case 'instance':
      return [basicConstraints(true, 0), keyUsage(['keyCertSign']), ...identified];
    case 'leaf': {
      const usage = keyUsage(['digitalSignature', 'nonRepudiation']);
      return [basicConstraints(false, null), extension(oids.keyUsage, false, usage.value)];
    }
  }
}

function documentFields(
  kind: NitroKind,
  moduleId: string,
  at: UnixTime,
  certificates: Record<NitroRole, Certificate>,
  { nonce, userData, publicKey, pcrs }: NitroDocumentOptions,
): NitroFields {
  return {
    module_id: moduleId,
    digest: 'SHA384',
    timestamp: at * 1000 + 346,
    [kind === 'enclave' ? 'pcrs' : 'nitrotpm_pcrs']: pcrs ?? nitroPcrs(kind),
    certificate: certificates.leaf.der,
    cabundle: (['root', 'region', 'zone', 'instance'] as const).map(
      (role) => certificates[role].der,
    ),
    public_key: publicKey ?? null,
    user_data: userData ?? null,
    nonce: nonce ?? null,
  };
}

/** An enclave has 16 registers, of which the image's and the instance's are set; a TPM 24. */
export function nitroPcrs(kind: NitroKind): Map<number, Bytes> {
  const of = (value: number) => new Uint8Array(48).fill(value);
  const set = kind === 'enclave' ? [0, 1, 2, 4] : [0, 1, 2, 3, 4, 5, 6, 7, 12];
  return new Map(
    Array.from({ length: kind === 'enclave' ? 16 : 24 }, (_, index) => {
      const ones = kind === 'tpm' && index >= 17 && index <= 22;
      return [index, of(ones ? 0xff : set.includes(index) ? 0xa0 + index : 0)];
    }),
  );
}

/** A map whose length is indefinite, its members in the order given. */
export function encodeAsAws(fields: NitroFields): Bytes {
  const entries = Object.entries(fields).flatMap(([name, value]): Bytes[] =>
    value === undefined ? [] : [encodeCbor(name), encodeCbor(value)],
  );
  return concat(Uint8Array.of(0xbf), ...entries, Uint8Array.of(0xff));
}
