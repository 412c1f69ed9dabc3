/**
 * What Intel publishes about its platforms: TCB info and QE identity, each signed, byte for byte, by a signer under the same
 * root as the PCK, and dated.
 */
import type { IntelCollateralKind } from './abi/bundle.ts';
import { parseQeIdentity, type QeIdentity, type SignedQeIdentity } from './abi/qe-identity.ts';
import { parseTcbInfo, type SignedTcbInfo, type TcbInfo } from './abi/tcb-info.ts';
import { type Bytes, equalBytes } from './bytes.ts';
import { asIntelRoot, asTcbSigning, type Pck, type TcbSigning } from './chain/intel.ts';
import { type IntelChain, platformText } from './chain/intel-chain.ts';
import {
  checkNotRevoked,
  type IntelLists,
  lacksRootList,
  verifyIntelRevocation,
} from './chain/intel-revocation.ts';
import { type Held, hold } from './chain/links.ts';
import { type Certificate, spkiFingerprint, verifySignedBy } from './chain/x509.ts';
import { type Checklist, signatureComparison, unreadable } from './checklist.ts';
import type { CheckId } from './checks.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import { formatTime, type UnixTime } from './time.ts';

/** What could be read. Whether it may be believed is in the checks. */
export type IntelCollateral = {
  tcbInfo: TcbInfo | null;
  qeIdentity: QeIdentity | null;
  lists: IntelLists;
  signers: readonly Held<TcbSigning>[];
};

export type GivenCollateral = (kind: IntelCollateralKind) => readonly Bytes[];

type Dated = { issueDate: UnixTime; nextUpdate: UnixTime };
type Document<T extends Dated> = { content: T; signed: Bytes; signature: Bytes };

const tcbInfoChecks = {
  signer: 'collateral.tcb-info-signer',
  signature: 'collateral.tcb-info-signature',
  validity: 'collateral.tcb-info-validity',
} as const;
const qeIdentityChecks = {
  signer: 'collateral.qe-identity-signer',
  signature: 'collateral.qe-identity-signature',
  validity: 'collateral.qe-identity-validity',
} as const;
const signerLacks = {
  'tcb-signing': 'the certificate of Intel’s TCB signer (--tcb-signing-chain)',
  'qe-identity-signing': 'the certificate of Intel’s TCB signer (--qe-identity-signing-chain)',
} as const;

/** Makes every check of stage collateral. */
export async function verifyIntelCollateral(
  list: Checklist,
  tee: 'tdx' | 'sgx',
  given: GivenCollateral,
  chain: IntelChain,
  now: UnixTime,
  crypto: CryptoPort,
): Promise<IntelCollateral> {
  const crls = { root: given('intel-root-crl'), pck: given('pck-crl') };
  const lists = await verifyIntelRevocation(list, crls, chain, now, crypto);

  const extraRoots = given('intel-root');
  const isSignedBy = onceForEach(crypto);
  const signerOf = (kind: 'tcb-signing' | 'qe-identity-signing', id: CheckId) =>
    checkSigner(
      list,
      id,
      { given: given(kind), extraRoots, lacks: signerLacks[kind] },
      chain,
      { now, crypto },
      isSignedBy,
    );
  const infoSigner = await signerOf('tcb-signing', tcbInfoChecks.signer);
  const qeSigner = await signerOf('qe-identity-signing', qeIdentityChecks.signer);
  const signers = [infoSigner, qeSigner].filter((signer) => signer !== null);
  checkNotRevoked(list, 'collateral.signer-revocation', lists.root, signers, lacksRootList);

  const { pck } = chain;
  const tcbInfo = await checkDocument(
    list,
    tcbInfoChecks,
    { given: given('tcb-info'), lacks: 'the TCB info (--tcb-info)' },
    (bytes) => infoDocument(parseTcbInfo(bytes)),
    (info) => pck !== null && mismatches(info, tee, pck).length === 0,
    infoSigner,
    { now, crypto },
  );
  checkMatch(list, tcbInfo, tee, pck);
  const qeIdentity = await checkDocument(
    list,
    qeIdentityChecks,
    { given: given('qe-identity'), lacks: 'the QE identity (--qe-identity)' },
    (bytes) => identityDocument(parseQeIdentity(bytes)),
    ({ id }) => id === qeIdentityId[tee],
    qeSigner,
    { now, crypto },
  );
  return { tcbInfo, qeIdentity, lists, signers };
}

export const qeIdentityId = { tdx: 'TD_QE', sgx: 'QE' } as const;

const infoDocument = ({ info, ...rest }: SignedTcbInfo) => ({ content: info, ...rest });
const identityDocument = ({ identity, ...rest }: SignedQeIdentity) => ({
  content: identity,
  ...rest,
});

type SignedBy = (issuer: Certificate, child: Certificate) => Promise<boolean>;

/** Intel signs both documents with one certificate: its signature is verified once. */
function onceForEach(crypto: CryptoPort): SignedBy {
  const seen: { issuer: Certificate; child: Certificate; valid: boolean }[] = [];
  return async (issuer, child) => {
    const known = seen.find((one) => one.issuer === issuer && equalBytes(one.child.der, child.der));
    if (known !== undefined) return known.valid;
    const valid = await verifySignedBy(crypto, issuer, child);
    seen.push({ issuer, child, valid });
    return valid;
  };
}

type Moment = { now: UnixTime; crypto: CryptoPort };

/** The signer's certificate: its profile, its signature by the root of the quote's chain, its dates. */
async function checkSigner(
  list: Checklist,
  id: CheckId,
  given: { given: readonly Bytes[]; extraRoots: readonly Bytes[]; lacks: string },
  { root }: IntelChain,
  { now, crypto }: Moment,
  isSignedBy: SignedBy,
): Promise<Held<TcbSigning> | null> {
  if (given.given.length === 0 || root === null) {
    list.skip(id, given.given.length === 0 ? given.lacks : 'a readable root in the quote');
    return null;
  }
  let signer: Held<TcbSigning>;
  try {
    for (const der of given.extraRoots) await sameRoot(der, root, crypto);
    const all = given.given.map((der) => hold(id, der, asTcbSigning, crypto));
    const isCurrent = ({ certificate: { notBefore, notAfter } }: Held<TcbSigning>) =>
      notBefore <= now && now <= notAfter;
    signer = all.find(isCurrent) ?? (all[0] as Held<TcbSigning>);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(
      id,
      unreadable(error, `a certificate of Intel’s TCB signer, and no root but the quote’s`),
    );
    return null;
  }
  const { certificate } = signer;
  const faults: string[] = [];
  if (!(await isSignedBy(root.certificate, certificate))) {
    faults.push("it is not signed by the root of the quote's chain");
  }
  if (now < certificate.notBefore) faults.push('it is not valid yet');
  if (now > certificate.notAfter) faults.push('it has expired');
  list.decide(id, faults.length === 0, {
    expected: `signed by ${root.certificate.commonName}, valid at ${formatTime(now)}`,
    actual: `${certificate.commonName}, ${formatTime(certificate.notBefore)} to ${formatTime(certificate.notAfter)}`,
    reason: faults.join(', '),
  });
  return signer;
}

/**
 * The root that came with the signer is worth nothing of itself: signers are verified by the root of the quote's chain. One that
 * is not the same, or a re-issue with the same key, is refused, for somebody meant another chain.
 * @throws AttestationError `certificate-profile` and what parsing throws
 */
async function sameRoot(
  der: Bytes,
  root: NonNullable<IntelChain['root']>,
  crypto: CryptoPort,
): Promise<void> {
  if (equalBytes(der, root.certificate.der)) return;
  const { certificate } = hold('chain.root-certificate', der, asIntelRoot, crypto);
  const [theirs, ours] = [certificate, root.certificate].map(spkiFingerprint) as [Bytes, Bytes];
  if (equalBytes(theirs, ours) && (await verifySignedBy(crypto, root.certificate, certificate))) {
    return;
  }
  throw new AttestationError(
    'certificate-profile',
    'the root certificate in the signing chain is not that of the quote',
  );
}

/** Of several documents the newest that is `meant` for this machine is used, or else the newest. */
async function checkDocument<T extends Dated>(
  list: Checklist,
  ids: typeof tcbInfoChecks | typeof qeIdentityChecks,
  { given, lacks }: { given: readonly Bytes[]; lacks: string },
  parse: (bytes: Bytes) => Document<T>,
  isMeant: (content: T) => boolean,
  signer: Held<TcbSigning> | null,
  { now, crypto }: Moment,
): Promise<T | null> {
  const skip = (missing: string) => {
    list.skip(ids.signature, missing);
    list.skip(ids.validity, missing);
    return null;
  };
  if (given.length === 0) return skip(lacks);
  let documents: Document<T>[];
  try {
    const read = (bytes: Bytes) => crypto.remember?.(ids.signature, bytes, parse) ?? parse(bytes);
    documents = given.map(read);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(ids.signature, unreadable(error, 'a document as Intel serves it'));
    list.skip(ids.validity, 'a readable document');
    return null;
  }
  const newest = (some: readonly Document<T>[]) =>
    some.toSorted((a, b) => b.content.issueDate - a.content.issueDate)[0];
  const chosen = newest(documents.filter(({ content }) => isMeant(content))) ?? newest(documents);
  const { content, signed, signature } = chosen as Document<T>;
  if (signer === null) list.skip(ids.signature, 'a readable certificate of the signer');
  else {
    const { spki, commonName } = signer.certificate;
    const valid = await crypto.verifyP256Sha256(spki, signed, signature);
    list.decide(ids.signature, valid, {
      ...signatureComparison(`the key of ${commonName}`, valid),
      reason: `the document is not signed by ${commonName}, or was changed after it was signed`,
    });
  }
  const { issueDate, nextUpdate } = content;
  list.decide(ids.validity, issueDate <= now && now <= nextUpdate, {
    expected: `${formatTime(issueDate)} to ${formatTime(nextUpdate)}`,
    actual: formatTime(now),
    reason: now < issueDate ? 'the document is from after that time' : 'it is out of date',
  });
  return content;
}

function checkMatch(
  list: Checklist,
  info: TcbInfo | null,
  tee: 'tdx' | 'sgx',
  pck: Pck | null,
): void {
  const id = 'collateral.tcb-info-match';
  if (info === null) return list.skip(id, 'the TCB info (--tcb-info)');
  if (pck === null) return list.skip(id, 'a readable PCK certificate');
  const faults = mismatches(info, tee, pck);
  list.decide(id, faults.length === 0, {
    expected: `${tee.toUpperCase()}, ${platformText(pck)}`,
    actual: `${info.id}, ${platformText(info)}`,
    reason: faults.join(', '),
  });
}

function mismatches(info: TcbInfo, tee: 'tdx' | 'sgx', pck: Pck): string[] {
  const faults: string[] = [];
  if (info.id.toLowerCase() !== tee) faults.push(`the levels are for ${info.id}`);
  if (!equalBytes(info.fmspc, pck.fmspc)) faults.push('they are for another FMSPC');
  if (!equalBytes(info.pceId, pck.pceId)) faults.push('they are for another PCEID');
  return faults;
}
