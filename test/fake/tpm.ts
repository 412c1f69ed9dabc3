/**
 * A simulated TPM 2.0: PCRs, an attestation key, quotes in TPM's own structures, the log of what was extended and, where it is
 * certified, certificates by a simulated provider.
 */
import { constants, type KeyObject, sign } from 'node:crypto';
import { encodeAttest, type TpmAttest } from '#verifier/abi/tpm/attest.ts';
import type { TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import {
  hashOf,
  type PcrValues,
  pcrCount,
  type TpmHash,
  tpmHashes,
} from '#verifier/abi/tpm/hash.ts';
import { pcrDigest } from '#verifier/abi/tpm/pcrs.ts';
import { encodeTpmPublic, objectAttributes, type TpmPublic } from '#verifier/abi/tpm/public.ts';
import type { PcrSelection } from '#verifier/abi/tpm/selection.ts';
import { encodeTpmSignature, type TpmScheme } from '#verifier/abi/tpm/signature.ts';
import { type Bytes, concat } from '#verifier/bytes.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import { generateEcKey, generateRsaKey, type KeyPair } from './keys.ts';
import { createTpmProvider, type TpmProviderOverrides } from './tpm-certificates.ts';
import { encodeEventLog, eventTypes, type FakeEvent } from './tpm-log.ts';

export type FakeKeyKind = 'rsa' | 'p256' | 'p384';

export type FakeTpmOptions = {
  key: FakeKeyKind;
  /** Default: it is. */
  certified?: boolean;
  /** TPMs of one name and kind share their key, and a process makes it once. Default: `tpm`. */
  name?: string;
  /** Default: that of the key's kind, RSASSA with SHA-256 for RSA. */
  scheme?: TpmScheme;
  /** The RSA signature alone, without its TPMT_SIGNATURE. */
  bare?: boolean;
  overrides?: TpmProviderOverrides;
};

export type QuoteRequest = {
  /** The bank. */
  algorithm: TpmHash;
  indices: readonly number[];
  /** Changes what is signed. */
  edit?: (attest: TpmAttest) => TpmAttest;
};

export type FakeTpm = {
  /**
   * The SHA-256 bank takes the digest as it is, each other bank its own hash of the digest.
   * @param digest 32 bytes
   */
  extend: (index: number, digest: Bytes, event?: { type: number; data: Bytes }) => void;
  quote: (nonce: Bytes, request: QuoteRequest) => Promise<TpmQuote>;
  /** TPMT_SIGNATURE over any message, which no real TPM would sign. */
  sign: (message: Bytes) => Bytes;
  pcrs: () => PcrValues;
  /** DER: AK, CA, root; empty when it is not certified. */
  certificates: readonly Bytes[];
  root: TrustedRoot;
  /** SPKI */
  publicKey: Bytes;
  /** TPMT_PUBLIC */
  publicArea: Bytes;
  /** Of what was extended so far, crypto-agile. */
  readonly eventLog: Bytes;
};

export const fakeBanks = ['sha1', 'sha256', 'sha384'] as const satisfies readonly TpmHash[];
export const allPcrs: readonly number[] = Array.from({ length: pcrCount }, (_, index) => index);

const defaultSchemes: Readonly<Record<FakeKeyKind, TpmScheme>> = {
  rsa: 'RSASSA with SHA-256',
  p256: 'ECDSA with SHA-256',
  p384: 'ECDSA with SHA-384',
};
const hashOfScheme = (scheme: TpmScheme): TpmHash => (scheme.endsWith('256') ? 'sha256' : 'sha384');

const keys = new Map<string, Promise<KeyPair>>();

function keyPair(kind: FakeKeyKind, name: string): Promise<KeyPair> {
  const id = `${kind} ${name}`;
  const make = () =>
    kind === 'rsa' ? generateRsaKey(2048) : generateEcKey(kind === 'p256' ? 'P-256' : 'P-384');
  const known = keys.get(id) ?? make();
  keys.set(id, known);
  return known;
}

export async function createTpm(options: FakeTpmOptions): Promise<FakeTpm> {
  const { key: kind, certified = true, name = 'tpm', bare = false } = options;
  const scheme = options.scheme ?? defaultSchemes[kind];
  const { publicKey, privateKey } = await keyPair(kind, name);
  const provider = await createTpmProvider(options.overrides);
  const publicArea = encodeTpmPublic(publicOf(kind, publicKey, scheme));
  const banks = startOfBanks();
  const events: FakeEvent[] = [];
  const pcrs = () => new Map([...banks].map(([bank, values]) => [bank, new Map(values)]));
  const signBytes = (message: Bytes) => {
    const hash = hashOfScheme(scheme);
    const value = rawSignature(scheme, privateKey, message);
    return encodeTpmSignature({ scheme, hash, value, bare });
  };
  return {
    extend: (index, digest, event) => {
      const digests = fakeBanks.map((bank) => {
        const values = banks.get(bank) as Map<number, Bytes>;
        const own = bank === 'sha256' ? digest : hashOf(bank, digest);
        values.set(index, hashOf(bank, concat(values.get(index) as Bytes, own)));
        return [bank, own] as const;
      });
      events.push({ pcr: index, type: eventTypes.ipl, data: new Uint8Array(), ...event, digests });
    },
    quote: async (nonce, { algorithm, indices, edit = (attest) => attest }) => {
      const selections = [{ algorithm, indices }];
      const message = encodeAttest(edit(attestOf(nonce, selections, pcrs(), scheme, publicArea)));
      const chosen = indices.map((i) => [i, banks.get(algorithm)?.get(i) as Bytes] as const);
      return {
        message,
        signature: signBytes(message),
        pcrs: new Map([[algorithm, new Map(chosen)]]),
      };
    },
    sign: signBytes,
    pcrs,
    certificates: certified
      ? [provider.certify(publicKey).der, provider.ca.der, provider.root.der]
      : [],
    root: provider.trusted,
    publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    publicArea,
    get eventLog() {
      return encodeEventLog(fakeBanks, events);
    },
  };
}

/** As after a reset: zeros, and ones in 17 to 22, which only a late launch resets. */
function startOfBanks(): Map<TpmHash, Map<number, Bytes>> {
  return new Map(
    fakeBanks.map((bank) => {
      const value = (i: number) =>
        new Uint8Array(tpmHashes[bank].length).fill(i >= 17 && i <= 22 ? 0xff : 0);
      return [bank, new Map(allPcrs.map((i) => [i, value(i)]))];
    }),
  );
}

function attestOf(
  nonce: Bytes,
  selections: readonly PcrSelection[],
  pcrs: PcrValues,
  scheme: TpmScheme,
  publicArea: Bytes,
): TpmAttest {
  const name = (bytes: Bytes) => concat(Uint8Array.of(0, 0x0b), hashOf('sha256', bytes));
  return {
    nonce,
    // Of a key right below its hierarchy, TPM_RH_ENDORSEMENT: hash(handle ‖ name of the key).
    qualifiedSigner: name(concat(Uint8Array.of(0x40, 0, 0, 0x0b), name(publicArea))),
    clock: 123_456_789n,
    resetCount: 7,
    restartCount: 0,
    safe: true,
    firmwareVersion: '2016051100162800',
    selections,
    pcrDigest: pcrDigest(selections, pcrs, hashOfScheme(scheme)) ?? new Uint8Array(32),
  };
}

function publicOf(kind: FakeKeyKind, publicKey: KeyObject, scheme: TpmScheme): TpmPublic {
  const { fixedTpm, fixedParent, sensitiveDataOrigin, restricted, sign } = objectAttributes;
  const bits = [fixedTpm, fixedParent, sensitiveDataOrigin, restricted, sign];
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const size = kind === 'p256' ? 64 : 96;
  const modulus = () => spki.slice(-5 - 256, -5);
  return {
    key:
      kind === 'rsa'
        ? { kind, modulus: modulus(), exponent: 65537 }
        : { kind, point: spki.slice(-size) },
    nameAlgorithm: 'sha256',
    attributes: bits.reduce((sum, bit) => sum | (1 << bit), 0),
    authPolicy: new Uint8Array(),
    scheme: { algorithm: schemeIds[scheme], hash: hashOfScheme(scheme) },
  };
}

const schemeIds: Readonly<Record<TpmScheme, number>> = {
  'RSASSA with SHA-256': 0x14,
  'RSASSA with SHA-384': 0x14,
  'RSAPSS with SHA-384': 0x16,
  'ECDSA with SHA-256': 0x18,
  'ECDSA with SHA-384': 0x18,
};

function rawSignature(scheme: TpmScheme, key: KeyObject, message: Bytes): Bytes {
  const hash = hashOfScheme(scheme);
  if (scheme.startsWith('ECDSA'))
    return new Uint8Array(sign(hash, message, { key, dsaEncoding: 'ieee-p1363' }));
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const pss = scheme.startsWith('RSAPSS') ? { padding, saltLength: 48 } : {};
  return new Uint8Array(sign(hash, message, { key, ...pss }));
}
