/**
 * What NVIDIA writes into the certificates of its devices, read off genuine ones: names, key usages, the alternative name and
 * the DICE extension of each architecture.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import type { NvidiaArchitecture } from '#verifier/abi/nvidia/opaque.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type Extension, toPem } from './certificates.ts';
import * as der from './der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extension,
  keyUsage,
  subjectKeyIdentifier,
} from './extensions.ts';
import type { KeyPair } from './keys.ts';

/** What of a chip is in names and ids. */
export type ChipProfile = { chip: string; model: string; family: string; ica: string };

export const chipProfiles: Readonly<Record<NvidiaArchitecture, ChipProfile>> = {
  HOPPER: { chip: 'GH100', model: 'GH100 A01 GSP', family: 'GH100', ica: '1' },
  BLACKWELL: { chip: 'GB100', model: 'GB100 A01 GSP', family: 'GB100', ica: '00000' },
  // Switches are provisioned under the CA of Hopper.
  LS10: { chip: 'LS_10', model: 'LS_10 A01 FSP', family: 'GH100', ica: '1' },
};

/** Every field of a certificate; a test changes one. */
export type NvidiaPlan = {
  /** Without leading zeros. */
  serial: Bytes;
  /** DER of the Name. */
  issuer: Bytes;
  subject: Bytes;
  notBefore: UnixTime;
  notAfter: UnixTime;
  publicKey: KeyObject;
  signer: KeyObject;
  hash: 'sha256' | 'sha384';
  extensions: readonly Extension[];
};
export type NvidiaCertificate = { plan: NvidiaPlan; der: Bytes; pem: string };
export type NvidiaChange = (plan: NvidiaPlan) => Partial<NvidiaPlan>;

/** 2022-01-12 to the end of 9999, NVIDIA's own. */
export const nvidiaValidity = { notBefore: 1_641_945_600, notAfter: 253_402_300_799 };

const ecdsa = { sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3' } as const;

export function issueNvidia(
  wanted: NvidiaPlan,
  change: NvidiaChange = () => ({}),
): NvidiaCertificate {
  const plan = { ...wanted, ...change(wanted) };
  const algorithm = der.sequence(der.objectIdentifier(ecdsa[plan.hash]));
  const extensions = plan.extensions.map(({ oid, critical, value }) =>
    der.sequence(
      der.objectIdentifier(oid),
      ...(critical ? [der.derTrue()] : []),
      der.octetString(value),
    ),
  );
  const toBeSigned = der.sequence(
    der.context(0, der.integer(2)),
    der.integer(BigInt(`0x${toHex(plan.serial)}`)),
    algorithm,
    plan.issuer,
    der.sequence(der.time(plan.notBefore), der.time(plan.notAfter)),
    plan.subject,
    spkiOf(plan.publicKey),
    der.context(3, der.sequence(...extensions)),
  );
  const signature = new Uint8Array(sign(plan.hash, toBeSigned, plan.signer));
  const whole = der.sequence(toBeSigned, algorithm, der.bitString(signature));
  return { plan, der: whole, pem: toPem('CERTIFICATE', whole) };
}

export function spkiOf(key: KeyObject): Bytes {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}

function attribute(oid: string, value: Bytes): Bytes {
  return der.set(der.sequence(der.objectIdentifier(oid), value));
}

/** Of a CA: CN, O and, below the Identity CA, C. */
export function caName(commonName: string, organization: string, country: boolean): Bytes {
  return der.sequence(
    attribute('2.5.4.3', der.utf8String(commonName)),
    attribute('2.5.4.10', der.utf8String(organization)),
    ...(country ? [attribute('2.5.4.6', der.printableString('US'))] : []),
  );
}

/** Of what is in a device: its serial number first, CN last. */
export function deviceName(serial: Bytes, commonName: string): Bytes {
  return der.sequence(
    attribute('2.5.4.5', der.printableString(toHex(serial).toUpperCase())),
    attribute('2.5.4.6', der.printableString('US')),
    attribute('2.5.4.10', der.utf8String('NVIDIA Corporation')),
    attribute('2.5.4.3', der.utf8String(commonName)),
  );
}

export function caExtensions(subject: KeyPair, issuer: KeyPair, signsLists: boolean): Extension[] {
  return [
    basicConstraints(true, null),
    keyUsage(signsLists ? ['keyCertSign', 'cRLSign'] : ['keyCertSign']),
    subjectKeyIdentifier(subject.publicKey),
    authorityKeyIdentifier(issuer.publicKey),
  ];
}

export function leafExtensions(
  leaf: KeyPair,
  brom: KeyPair,
  names: readonly Extension[],
): Extension[] {
  return [
    keyUsage(['digitalSignature']),
    subjectKeyIdentifier(leaf.publicKey),
    authorityKeyIdentifier(brom.publicKey),
    ...names,
  ];
}

/** @param id as `NVIDIA:GH100:48B02DD1B4B4D2DD` */
export function alternativeName(id: string): Extension {
  const name = der.context(
    0,
    der.objectIdentifier('1.3.6.1.4.1.412.274.1'),
    der.context(0, der.utf8String(id)),
  );
  return extension('2.5.29.17', false, der.sequence(name));
}

function fwidOf(digest: Bytes): Bytes {
  return der.sequence(der.objectIdentifier('2.16.840.1.101.3.4.2.2'), der.octetString(digest));
}

/** Hopper's. */
export function compositeDeviceId(deviceKey: KeyObject, fwid: Bytes): Extension {
  const value = der.sequence(der.integer(1), spkiOf(deviceKey), fwidOf(fwid));
  return extension('2.23.133.5.4.1', false, value);
}

/** Blackwell's. @param flags the first byte of the operational flags */
export function tcbInfo(model: string, fwid: Bytes, flags = 0x80): Extension {
  const value = der.sequence(
    der.contextPrimitive(0, utf8('NVIDIA')),
    der.contextPrimitive(1, utf8(model)),
    der.contextPrimitive(2, utf8('01')),
    ...[[1], [0], [0]].map((byte, i) => der.contextPrimitive(3 + i, Uint8Array.from(byte))),
    der.context(6, fwidOf(fwid), fwidOf(new Uint8Array(48))),
    der.contextPrimitive(7, Uint8Array.of(0, flags, 0, 0, 1)),
    der.contextPrimitive(8, Uint8Array.of(0xc0)),
    der.contextPrimitive(9, Uint8Array.of(0)),
  );
  return extension('2.23.133.5.4.1.1', false, value);
}

/** So many bytes that are the same for the same text. */
export function bytesFor(text: string, length: number): Bytes {
  const digest = createHash('sha512').update(text).digest();
  return concat(new Uint8Array(digest)).subarray(0, length);
}
