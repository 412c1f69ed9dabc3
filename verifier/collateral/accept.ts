/**
 * The gate between what answered and what is kept: against portals, swapped chips, look-alike chains and replays. An object
 * passes that is the one that was asked for, is signed link by link under a pinned root, is current, and is not older than the
 * one before it. What is revoked is the verifier's to check.
 */
import { equalBytes, toHex } from '../bytes.ts';
import { asArk, asAsk, asVek } from '../chain/amd.ts';
import { asIntelRoot, asPckCa, asTcbSigning } from '../chain/intel.ts';
import {
  type Certificate,
  commonNameOf,
  type RevocationList,
  sameName,
  spkiFingerprint,
  verifySignedBy,
} from '../chain/x509.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { TrustedRoot } from '../roots.ts';
import { formatTime, type UnixTime } from '../time.ts';
import { CollateralError, type CollateralErrorCode } from './collateral-error.ts';
import { dependsOn } from './endpoints.ts';
import { factsOfParts, type Parts, readParts, spansOf } from './facts.ts';
import { qeIdentityIds } from './pcs.ts';
import {
  describeObject,
  type ObjectFacts,
  type StoredObject,
  type VendorObject,
} from './vendor-object.ts';

export type AcceptContext = {
  readonly roots: readonly TrustedRoot[];
  readonly now: UnixTime;
  readonly crypto: CryptoPort;
  /** Of the same object in the cache; null where there is none. */
  readonly previous: ObjectFacts | null;
  /** Of `dependsOn(object)`, in its order. */
  readonly issuers: readonly StoredObject[];
  /** The server's clock, null where it did not say. */
  readonly date: UnixTime | null;
};

/**
 * @throws CollateralError `answer-wrong` (this release cannot read it as such an object), `answer-other`, `answer-unsigned`,
 *   `answer-older`, `answer-future`, `answer-expired`; RangeError when an issuer is missing
 */
export async function acceptObject(
  object: VendorObject,
  stored: StoredObject,
  context: AcceptContext,
): Promise<ObjectFacts> {
  const refuse: Refuse = (code, problem) => {
    const message = `${describeObject(object)}, from ${stored.source}: ${problem}`;
    return new CollateralError(code, message);
  };
  const parts = readOr(
    () => readParts(object, stored),
    (error) => refuse('answer-wrong', `it cannot be read as that: ${error.message}`),
  );
  const difference = readOr(
    () => differenceOf(object, parts),
    (error) =>
      refuse('answer-wrong', `it is not of the form that its vendor issues: ${error.message}`),
  );
  if (difference !== null) throw refuse('answer-other', `the answer is ${difference}`);
  const fault = await signatureFault(parts, issuersOf(object, context, refuse), context);
  if (fault !== null) throw refuse('answer-unsigned', fault);
  const facts = factsOfParts(parts);
  refuseOlder(facts, context.previous, refuse);
  refuseUntimely(parts, context, refuse);
  return facts;
}

type Refuse = (code: CollateralErrorCode, problem: string) => CollateralError;

function readOr<T>(read: () => T, refusal: (error: AttestationError) => CollateralError): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) throw refusal(error);
    throw error;
  }
}

/**
 * What the answer is in place of what was asked for, by its own words; null when it is that.
 * @throws AttestationError `certificate-profile` and what else profiles throw
 */
function differenceOf(object: VendorObject, parts: Parts): string | null {
  if (object.kind === 'vcek' && parts.kind === 'vcek') {
    const { role, product, hardwareId, tcb } = asVek(parts.vek);
    // A VLEK names no chip.
    const same =
      product === object.product &&
      hardwareId !== null &&
      equalBytes(hardwareId, object.hardwareId) &&
      equalBytes(tcb, object.tcb);
    if (same) return null;
    const chip = hardwareId === null ? 'without a chip' : `of the chip ${toHex(hardwareId)}`;
    return `a ${product} ${role.toUpperCase()} ${chip} at TCB ${toHex(tcb)}`;
  }
  if (object.kind === 'amd-chain' && parts.kind === 'amd-chain') {
    const ask = asAsk(parts.ask);
    const ark = asArk(parts.ark);
    const role = object.key === 'vcek' ? 'ask' : 'asvk';
    const same =
      ask.role === role && ask.product === object.product && ark.product === object.product;
    return same ? null : `${parts.ask.commonName} and ${parts.ark.commonName}`;
  }
  if (object.kind === 'amd-crl' && parts.kind === 'amd-crl') {
    return issuedBy(parts.list, `ARK-${object.product}`);
  }
  if (object.kind === 'tcb-info' && parts.kind === 'tcb-info') {
    const { id, fmspc } = parts.document.info;
    const same = id.toLowerCase() === object.tee && equalBytes(fmspc, object.fmspc);
    return same ? null : `TCB info for ${id}, FMSPC ${toHex(fmspc).toUpperCase()}`;
  }
  if (object.kind === 'qe-identity' && parts.kind === 'qe-identity') {
    const { id } = parts.document.identity;
    return id === qeIdentityIds[object.tee] ? null : `the identity of the enclave ${id}`;
  }
  if (object.kind === 'pck-crl' && parts.kind === 'pck-crl') {
    const { ca } = asPckCa(parts.ca);
    if (ca !== object.ca) return `the list of the PCK ${ca} CA`;
    return issuedBy(parts.list, parts.ca.commonName);
  }
  return parts.kind === 'intel-root-crl' ? issuedBy(parts.list, 'Intel SGX Root CA') : parts.kind;
}

function issuedBy({ issuer }: RevocationList, wanted: string): string | null {
  const found = commonNameOf(issuer, 'issuer of the list');
  return found === wanted ? null : `a list of ${found}`;
}

/** Certificates of other objects that this one is verified by; null where it brings its own. */
function issuersOf(object: VendorObject, { issuers }: AcceptContext, refuse: Refuse): Parts | null {
  const [wanted] = dependsOn(object);
  if (wanted === undefined) return null;
  const [held] = issuers;
  if (held === undefined) {
    throw new RangeError(`${describeObject(object)} is verified by: ${describeObject(wanted)}`);
  }
  const unusable = (error: AttestationError) =>
    refuse(
      'answer-unsigned',
      `its issuer is not at hand (${describeObject(wanted)}): ${error.message}`,
    );
  return readOr(() => {
    const parts = readParts(wanted, held);
    const difference = differenceOf(wanted, parts);
    if (difference === null) return parts;
    throw new AttestationError('certificate-profile', `it is ${difference}`);
  }, unusable);
}

type Trust = Pick<AcceptContext, 'roots' | 'crypto'>;

/** The first link that does not hold, in words; null when all do up to a pinned root. */
async function signatureFault(
  parts: Parts,
  issuers: Parts | null,
  trust: Trust,
): Promise<string | null> {
  switch (parts.kind) {
    case 'amd-chain':
      return amdChainFault(parts, trust);
    case 'vcek':
    case 'amd-crl': {
      if (issuers?.kind !== 'amd-chain') throw new RangeError('verified by AMD certificates alone');
      const fault = await amdChainFault(issuers, trust);
      if (fault !== null) return fault;
      return parts.kind === 'vcek'
        ? linkFault(trust.crypto, issuers.ask, parts.vek)
        : listFault(trust.crypto, issuers.ark, parts.list);
    }
    case 'intel-root-crl': {
      if (issuers === null || !('root' in issuers)) {
        throw new RangeError('verified by the root of Intel alone');
      }
      const fault = await intelRootFault(issuers.root, trust);
      return fault ?? listFault(trust.crypto, issuers.root, parts.list);
    }
    case 'pck-crl': {
      const fault = await intelRootFault(parts.root, trust);
      if (fault !== null) return fault;
      const ofCa = await linkFault(trust.crypto, parts.root, parts.ca);
      return ofCa ?? listFault(trust.crypto, parts.ca, parts.list);
    }
    case 'tcb-info':
    case 'qe-identity':
      return documentFault(parts, trust);
  }
}

async function amdChainFault(
  { ask, ark }: Extract<Parts, { kind: 'amd-chain' }>,
  { roots, crypto }: Trust,
): Promise<string | null> {
  const { product } = asArk(ark);
  const pinned = roots.filter((root) => root.vendor === 'amd' && root.product === product);
  return (
    pinFault(ark, pinned) ?? (await linkFault(crypto, ark, ark)) ?? linkFault(crypto, ark, ask)
  );
}

async function intelRootFault(root: Certificate, { roots, crypto }: Trust): Promise<string | null> {
  const profile = profileFault(() => asIntelRoot(root));
  const pinned = roots.filter(({ vendor }) => vendor === 'intel');
  return profile ?? pinFault(root, pinned) ?? linkFault(crypto, root, root);
}

async function documentFault(
  { document, signer, root }: Extract<Parts, { kind: 'tcb-info' | 'qe-identity' }>,
  trust: Trust,
): Promise<string | null> {
  const ofSigner =
    (await intelRootFault(root, trust)) ??
    profileFault(() => asTcbSigning(signer)) ??
    (await linkFault(trust.crypto, root, signer));
  if (ofSigner !== null) return ofSigner;
  const { signed, signature } = document;
  const valid = await trust.crypto.verifyP256Sha256(signer.spki, signed, signature);
  return valid ? null : `it is not signed by ${signer.commonName}, or was changed since`;
}

function profileFault(as: () => unknown): string | null {
  try {
    as();
    return null;
  } catch (error) {
    if (error instanceof AttestationError) return error.message;
    throw error;
  }
}

function pinFault(root: Certificate, pinned: readonly TrustedRoot[]): string | null {
  const fingerprint = spkiFingerprint(root);
  if (pinned.some(({ spkiSha256 }) => equalBytes(spkiSha256, fingerprint))) return null;
  const expected = pinned.map(({ spkiSha256 }) => toHex(spkiSha256)).join(' or ') || 'none';
  return `its root calls itself ${root.commonName} but has the key ${toHex(fingerprint)}, expected ${expected}`;
}

/** Profiles fix the names of both vendors' certificates, and with them who issued which. */
async function linkFault(
  crypto: CryptoPort,
  issuer: Certificate,
  child: Certificate,
): Promise<string | null> {
  if (await verifySignedBy(crypto, issuer, child)) return null;
  return `the certificate of ${child.commonName} is not signed by ${issuer.commonName}`;
}

async function listFault(
  crypto: CryptoPort,
  issuer: Certificate,
  list: RevocationList,
): Promise<string | null> {
  const linked = sameName(list.issuer, issuer.subject);
  if (linked && (await verifySignedBy(crypto, issuer, list))) return null;
  return `the list is not signed by ${issuer.commonName}`;
}

/** Equal number and date are those of the same object, come again. */
function refuseOlder(
  { number, issued }: ObjectFacts,
  previous: ObjectFacts | null,
  refuse: Refuse,
): void {
  if (previous === null) return;
  if (previous.number !== null && (number === null || number < previous.number)) {
    const found = number === null ? 'no number' : `number ${number}`;
    throw refuse('answer-older', `it has ${found}, the one in the cache has ${previous.number}`);
  }
  if (issued < previous.issued) {
    const dates = `${formatTime(issued)}, the one in the cache is of ${formatTime(previous.issued)}`;
    throw refuse('answer-older', `it is of ${dates}`);
  }
}

/** Seconds that an answer may take and clocks may differ before it is worth a word. */
const clocksAgree = 60;

function refuseUntimely(parts: Parts, { now, date }: AcceptContext, refuse: Refuse): void {
  const clocks =
    date !== null && Math.abs(date - now) > clocksAgree
      ? `this machine's clock says ${formatTime(now)}, the server's ${formatTime(date)}: one of them is wrong`
      : `this machine's clock says ${formatTime(now)}`;
  for (const { what, start, end } of spansOf(parts)) {
    if (now < start) {
      throw refuse('answer-future', `${what} is valid from ${formatTime(start)} on; ${clocks}`);
    }
    if (now > end) throw refuse('answer-expired', `${what} ended ${formatTime(end)}; ${clocks}`);
  }
}
