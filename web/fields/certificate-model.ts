/** Certificates and revocation lists as cards, root to leaf. What they say, not whether it holds: that is for the checks. Pure. */
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { certificateSection } from '#verifier/show/certificate.ts';
import type { ShowPart, ShowSection } from '#verifier/show/document.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import { commonNameOf, type Purpose, purposeOf, vendorParts } from './certificate-names.ts';

export type Origin = 'evidence' | 'bundle' | 'files';
export type GivenDer = { der: Bytes; origin: Origin };

/**
 * `pinned`: its key is a vendor's root that this verification trusts; `insecure`: it was handed over in the vendor's place;
 * `vendor`: it is a vendor's, but another root was handed over in its place.
 */
export type RootKind = 'pinned' | 'insecure' | 'vendor' | null;

export type Validity = {
  from: UnixTime;
  until: UnixTime;
  state: 'early' | 'current' | 'over';
  /** Of the time between the two that has passed, 0 to 1. */
  passed: number;
  /** Whole days until the end, or since it: never negative. */
  days: number;
};

type Known = {
  /** From where it came, each once. */
  origins: readonly Origin[];
  der: Bytes;
  /** As RFC 4514 would, or as near as the bytes allow. */
  issuer: string;
  /** Null where no time could be read. */
  validity: Validity | null;
  section: ShowSection;
  /** Why this verifier does not take it; null where it can be read. */
  refusal: string | null;
};
export type CertificateCard = Known & {
  kind: 'certificate';
  subject: string;
  commonName: string;
  purpose: Purpose;
  serial: string;
  key: string;
  /** Of RSA; null for other keys and where it cannot be read. */
  keyBits: number | null;
  /** SHA-256 of SubjectPublicKeyInfo, hex. */
  fingerprint: string;
  root: RootKind;
  /** What only this vendor's certificates say. */
  vendor: readonly ShowPart[];
  /** A list that is here names its serial number. */
  revoked: boolean;
};
export type ListCard = Known & { kind: 'list'; revoked: number };
export type UnreadableCard = {
  kind: 'unreadable';
  der: Bytes;
  origins: readonly Origin[];
  refusal: string;
};
export type Card = CertificateCard | ListCard | UnreadableCard;

/** Certificates under one root, or under one whose issuer is not here (`root` null), each issuer before what it issued. */
export type Chain = { root: CertificateCard | null; cards: readonly Card[] };

/** More than any real evidence has; hostile evidence must not cost seconds. */
export const maxCards = 128;

/**
 * The first `maxCards` of what was given.
 * @param roots those of the verification
 */
export function chainsOf(
  given: readonly GivenDer[],
  roots: readonly TrustedRoot[],
  at: UnixTime,
): Chain[] {
  const cards = withoutRepeats(given.slice(0, maxCards)).map((one) => cardOf(one, roots, at));
  const lists = cards.filter((card) => card.kind === 'list');
  const certificates = cards
    .filter((card) => card.kind === 'certificate')
    .map((card) => ({ ...card, revoked: isNamed(card, lists) }));
  return inOrder(
    certificates,
    lists,
    cards.filter((card) => card.kind === 'unreadable'),
  );
}

function withoutRepeats(given: readonly GivenDer[]): (Omit<GivenDer, 'origin'> & {
  origins: Origin[];
})[] {
  const found = new Map<string, { der: Bytes; origins: Origin[] }>();
  for (const { der, origin } of given) {
    const key = toHex(der);
    const known = found.get(key) ?? { der, origins: [] };
    if (!known.origins.includes(origin)) known.origins.push(origin);
    found.set(key, known);
  }
  return [...found.values()];
}

function cardOf(
  { der, origins }: { der: Bytes; origins: readonly Origin[] },
  roots: readonly TrustedRoot[],
  at: UnixTime,
): Card {
  let section: ShowSection;
  try {
    section = certificateSection(der, '');
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { kind: 'unreadable', der, origins, refusal: error.message };
  }
  const { fields } = section;
  const text = (name: string) => fields.find((field) => field.name === name)?.value ?? '';
  const validity = (from: string, until: string) =>
    validityOf(parseTime(text(from)), parseTime(text(until)), at);
  const said = text('affidavit');
  const refusal = said.startsWith('reads ') ? null : said;
  const known = { der, origins, issuer: text('issuer'), section, refusal };
  if (section.offsetsFrom === 'this revocation list') {
    const revoked = fields.filter(({ name }) => name === 'revoked').length;
    return { ...known, kind: 'list', validity: validity('this update', 'next update'), revoked };
  }
  const fingerprint = text('SHA-256 of public key');
  const commonName = commonNameOf(text('subject'));
  return {
    ...known,
    kind: 'certificate',
    validity: validity('not before', 'not after'),
    subject: text('subject'),
    commonName,
    purpose: purposeOf(commonName, text('subject')),
    serial: text('serial number'),
    key: text('public key'),
    keyBits: keyBitsOf(der),
    fingerprint,
    root: rootKindOf(fingerprint, roots),
    vendor: vendorParts(fields),
    revoked: false,
  };
}

function rootKindOf(fingerprint: string, roots: readonly TrustedRoot[]): RootKind {
  const isOf = ({ spkiSha256 }: TrustedRoot) => toHex(spkiSha256) === fingerprint;
  const trusted = roots.find(isOf);
  if (trusted !== undefined) return trusted.insecure ? 'insecure' : 'pinned';
  return vendorRoots.some(isOf) ? 'vendor' : null;
}

const day = 86_400;

/** Null where one of the two is. */
export function validityOf(
  from: UnixTime | null,
  until: UnixTime | null,
  at: UnixTime,
): Validity | null {
  if (from === null || until === null) return null;
  const state = at < from ? 'early' : at > until ? 'over' : 'current';
  const span = Math.max(until - from, 1);
  const passed = Math.min(Math.max((at - from) / span, 0), 1);
  const days = Math.floor(Math.abs((state === 'early' ? from : until) - at) / day);
  return { from, until, state, passed, days };
}

function keyBitsOf(der: Bytes): number | null {
  try {
    const { publicKey } = parseCertificate(der, 'certificate');
    return publicKey.kind === 'rsa' ? publicKey.modulus.length * 8 : null;
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function isNamed({ issuer, serial }: CertificateCard, lists: readonly ListCard[]): boolean {
  return lists.some(
    (list) =>
      list.issuer === issuer &&
      list.section.fields.some(
        ({ name, value }) => name === 'revoked' && value.startsWith(`serial number ${serial} `),
      ),
  );
}

function inOrder(
  certificates: readonly CertificateCard[],
  lists: readonly ListCard[],
  unreadable: readonly UnreadableCard[],
): Chain[] {
  const left = new Set<CertificateCard>(certificates);
  const leftLists = new Set<ListCard>(lists);
  const isRoot = ({ subject, issuer }: CertificateCard) => subject === issuer;
  const under = (card: CertificateCard): Card[] => {
    left.delete(card);
    const own = [...leftLists].filter(({ issuer }) => issuer === card.subject);
    for (const list of own) leftLists.delete(list);
    const issued = certificates.filter(
      (one) => left.has(one) && !isRoot(one) && one.issuer === card.subject,
    );
    return [card, ...own, ...issued.flatMap((one) => (left.has(one) ? under(one) : []))];
  };
  const chains: Chain[] = certificates.filter(isRoot).map((root) => ({ root, cards: under(root) }));
  const subjects = new Set(certificates.map(({ subject }) => subject));
  // First those whose issuer is not here, so that what they issued comes below them.
  const orphans = [...left].toSorted(
    (a, b) => Number(subjects.has(a.issuer)) - Number(subjects.has(b.issuer)),
  );
  const rest: Card[] = orphans.flatMap((card) => (left.has(card) ? under(card) : []));
  rest.push(...leftLists, ...unreadable);
  return rest.length === 0 ? chains : [...chains, { root: null, cards: rest }];
}
