/**
 * What the makers of sets believe of Intel's certificates, lists and documents: only what passes the checks that a verification
 * makes of them, and no check of theirs is waived.
 */
import type { IntelCollateralKind } from '#verifier/abi/bundle.ts';
import type { QeIdentity } from '#verifier/abi/qe-identity.ts';
import type { TcbInfo } from '#verifier/abi/tcb-info.ts';
import type { Bytes } from '#verifier/bytes.ts';
import {
  asIntelRoot,
  asPck,
  asPckCa,
  type IntelRoot,
  type Pck,
  type PckCa,
} from '#verifier/chain/intel.ts';
import { verifyIntelRevocation } from '#verifier/chain/intel-revocation.ts';
import { checkPin, checkSignature, checkValidity, type Held, hold } from '#verifier/chain/links.ts';
import type { RevocationList } from '#verifier/chain/x509.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { verifyIntelCollateral } from '#verifier/verify-intel-collateral.ts';

/** `refused`: the first check that did not pass; it failed, or was skipped for want of what its reason names. */
export type Believed<T> =
  | { readonly kind: 'believed'; readonly value: T }
  | { readonly kind: 'refused'; readonly check: CheckResult };

export type Trust = {
  readonly roots: readonly TrustedRoot[];
  readonly now: UnixTime;
  readonly crypto: CryptoPort;
};

const rootChecks = [
  'chain.root-certificate',
  'chain.root-pinned',
  'chain.root-signature',
  'chain.root-validity',
] as const satisfies readonly CheckId[];
const rootListChecks = [
  'collateral.root-crl-signature',
  'collateral.root-crl-validity',
] as const satisfies readonly CheckId[];
const caChecks = [
  'chain.issuer-certificate',
  'chain.issuer-signature',
  'chain.issuer-validity',
  'collateral.issuer-revocation',
] as const satisfies readonly CheckId[];
const caListChecks = [
  'collateral.pck-crl-signature',
  'collateral.pck-crl-validity',
] as const satisfies readonly CheckId[];
const pckChecks = [
  'chain.pck-certificate',
  'chain.pck-signature',
  'chain.pck-validity',
  'collateral.pck-revocation',
] as const satisfies readonly CheckId[];
const documentChecks = [
  'collateral.tcb-info-signer',
  'collateral.tcb-info-signature',
  'collateral.tcb-info-validity',
  'collateral.qe-identity-signer',
  'collateral.qe-identity-signature',
  'collateral.qe-identity-validity',
  'collateral.signer-revocation',
] as const satisfies readonly CheckId[];
/** Made along the way and not asked here: of a machine, where there is none. */
const machineChecks = ['collateral.tcb-info-match'] as const satisfies readonly CheckId[];

const allChecks = [
  ...rootChecks,
  ...rootListChecks,
  ...caChecks,
  ...caListChecks,
  ...pckChecks,
  ...documentChecks,
  ...machineChecks,
];

/** One TCB info and one QE identity, and all that vouches for them. */
export type GivenDocuments = (kind: IntelCollateralKind) => readonly Bytes[];

export type Documents = { readonly info: TcbInfo; readonly identity: QeIdentity };

/** Both documents, signed under a trusted root by a signer that the root's list does not name, and current. */
export async function believeDocuments(
  given: GivenDocuments,
  trust: Trust,
): Promise<Believed<Documents>> {
  const list = new Checklist(allChecks);
  const { root, trusted } = await checkRoot(list, given('intel-root')[0], trust);
  const chain = { pck: null, ca: null, root, trusted };
  const { tcbInfo: info, qeIdentity: identity } = await verifyIntelCollateral(
    list,
    'tdx',
    given,
    chain,
    trust.now,
    trust.crypto,
  );
  const value = info && identity && { info, identity };
  return believe(list, [...rootChecks, ...rootListChecks, ...documentChecks], value);
}

/** DER each, undefined for what was not given. */
export type GivenChain = {
  readonly root: Bytes | undefined;
  readonly ca: Bytes | undefined;
  readonly rootLists: readonly Bytes[];
  readonly caLists: readonly Bytes[];
};

export type IssuedList = { readonly ca: Held<PckCa>; readonly revoked: RevocationList };

/** The list of a PCK CA, and the CA itself: under a trusted root, not revoked, current. */
export async function believeList(given: GivenChain, trust: Trust): Promise<Believed<IssuedList>> {
  const list = new Checklist(allChecks);
  const { ca, lists } = await checkIssuer(list, given, undefined, trust);
  const value = ca && lists.pck && { ca, revoked: lists.pck };
  const asked = [...rootChecks, ...rootListChecks, ...caChecks, ...caListChecks];
  return believe(list, asked, value);
}

export type IssuedPck = { readonly ca: Held<PckCa>; readonly pck: Held<Pck> };

/** A PCK certificate under such a CA, not revoked, current. */
export async function believePck(
  given: GivenChain & { readonly pck: Bytes },
  trust: Trust,
): Promise<Believed<IssuedPck>> {
  const list = new Checklist(allChecks);
  const { ca, pck } = await checkIssuer(list, given, given.pck, trust);
  const asked = [...rootChecks, ...rootListChecks, ...caChecks, ...caListChecks, ...pckChecks];
  return believe(list, asked, ca && pck && { ca, pck });
}

const lacksChain = 'the certificates of the PCK CA and of the root (--chain)';

async function checkRoot(
  list: Checklist,
  der: Bytes | undefined,
  { roots, now, crypto }: Trust,
): Promise<{ root: Held<IntelRoot> | null; trusted: TrustedRoot | null }> {
  const lacks = 'the certificate of Intel’s root, above the signer or the PCK CA';
  const root = read(list, 'chain.root-certificate', der, asIntelRoot, lacks, crypto);
  const trusted = checkPin(list, root, {
    roots: roots.filter(({ vendor }) => vendor === 'intel'),
    name: 'Intel SGX Root CA',
    lacks,
  });
  checkValidity(list, 'chain.root-validity', root, lacks, now);
  await checkSignature(list, 'chain.root-signature', root, root, lacks, crypto);
  return { root, trusted };
}

/** Makes every check of root, CA and PCK, and of the two lists. */
async function checkIssuer(
  list: Checklist,
  given: GivenChain,
  pckDer: Bytes | undefined,
  trust: Trust,
) {
  const { now, crypto } = trust;
  const { root, trusted } = await checkRoot(list, given.root, trust);
  const ca = read(list, 'chain.issuer-certificate', given.ca, asPckCa, lacksChain, crypto);
  checkValidity(list, 'chain.issuer-validity', ca, lacksChain, now);
  await checkSignature(list, 'chain.issuer-signature', ca, root, lacksChain, crypto);
  const pck = read(list, 'chain.pck-certificate', pckDer, asPck, 'a PCK certificate', crypto);
  checkValidity(list, 'chain.pck-validity', pck, 'a PCK certificate', now);
  await checkSignature(list, 'chain.pck-signature', pck, ca, lacksChain, crypto);
  const lists = await verifyIntelRevocation(
    list,
    { root: given.rootLists, pck: given.caLists },
    { pck, ca, root, trusted },
    now,
    crypto,
  );
  return { ca, pck, lists };
}

function read<T>(
  list: Checklist,
  id: CheckId,
  der: Bytes | undefined,
  as: (certificate: Held<unknown>['certificate']) => T,
  lacks: string,
  crypto: CryptoPort,
): Held<T> | null {
  if (der !== undefined) return list.attempt(id, () => hold(id, der, as, crypto));
  list.skip(id, lacks);
  return null;
}

/** Nothing is believed unless every check that was asked passed, and nothing is missing. */
function believe<T>(
  list: Checklist,
  asked: readonly CheckId[],
  value: T | null,
): Believed<NonNullable<T>> {
  list.skipRest('a reason to make it');
  const results = list.finish().filter(({ id }) => asked.includes(id));
  const open =
    results.find(({ status }) => status === 'fail') ??
    results.find(({ status }) => status !== 'pass');
  if (open !== undefined) return { kind: 'refused', check: open };
  if (value === null || value === undefined)
    throw new Error('what passed every check is not there');
  return { kind: 'believed', value };
}
