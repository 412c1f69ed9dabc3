/** Levels, revoked machines and known keys, as Intel publishes and certifies them; each of it is verified before it is used. */
import { type Bytes, toHex } from '#verifier/bytes.ts';
import {
  type Certificate,
  parseCertificate,
  parseRevocationList,
  type RevocationList,
  sameName,
} from '#verifier/chain/x509.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { formatTime } from '#verifier/time.ts';
import { chipTdx, issuerTdx, type LevelTdx, type Pck, serial } from './formulas.ts';
import {
  type Believed,
  believeDocuments,
  believeList,
  believePck,
  type GivenDocuments,
  type IssuedPck,
  type Trust,
} from './set-believe.ts';
import type { RevokedEntry } from './set-entries.ts';
import { type FloorStatus, floorOf } from './set-levels.ts';

/** `source` says in words what the entries are from, and until when that counts. */
export type Gathered<T> =
  | { readonly kind: 'gathered'; readonly entries: readonly T[]; readonly source: string }
  | { readonly kind: 'refused'; readonly check: CheckResult }
  | { readonly kind: 'no-floor'; readonly problem: string };

/**
 * The levels of one TCB info.
 * @throws AttestationError `value-out-of-range`, `too-large`
 */
export async function gatherLevels(
  given: GivenDocuments,
  accepted: readonly FloorStatus[],
  trust: Trust,
): Promise<Gathered<LevelTdx>> {
  const found = await believeDocuments(given, trust);
  if (found.kind === 'refused') return found;
  const { info, identity } = found.value;
  const floor = floorOf(info, identity, accepted);
  if (floor.kind === 'no-floor') return floor;
  const fmspc = toHex(info.fmspc);
  const next = formatTime(Math.min(info.nextUpdate, identity.nextUpdate));
  const numbers = `${info.tcbEvaluationDataNumber}, QE identity ${identity.tcbEvaluationDataNumber}`;
  const source = `TCB info of FMSPC ${fmspc}, evaluation ${numbers}, next update ${next}`;
  return { kind: 'gathered', entries: floor.levels, source };
}

/** Certificates and lists as they were given, DER each, in any order. */
export type GivenCertificates = {
  readonly certificates: readonly Bytes[];
  readonly rootLists: readonly Bytes[];
  readonly caLists: readonly Bytes[];
};

/** What one list of a PCK CA revokes. @throws AttestationError what parsing throws */
export async function gatherRevoked(
  list: Bytes,
  { certificates, rootLists }: Omit<GivenCertificates, 'caLists'>,
  trust: Trust,
): Promise<Gathered<RevokedEntry>> {
  const { issuer } = parseRevocationList(list, 'revocation list');
  const found = await believeList(
    { ...issuersFor(issuer, certificates), rootLists, caLists: [list] },
    trust,
  );
  if (found.kind === 'refused') return found;
  const { ca, revoked } = found.value;
  const from = issuerOf(ca.certificate);
  const entries = revoked.revoked.map((serialNumber) => ({ issuer: from, serialNumber }));
  return { kind: 'gathered', entries, source: listSource(revoked, ca.certificate.commonName) };
}

/** Which list it was, and until when it counts. */
export function listSource({ crlNumber, nextUpdate }: RevocationList, issuer: string): string {
  const number = crlNumber === null ? 'without number' : `number ${crlNumber}`;
  return `CRL ${number} of ${issuer}, next update ${formatTime(nextUpdate)}`;
}

/** The key of one PCK certificate. @throws AttestationError what parsing throws */
export async function gatherVek(
  pck: Bytes,
  { certificates, ...lists }: GivenCertificates,
  trust: Trust,
): Promise<Believed<Pck>> {
  const { issuer } = parseCertificate(pck, 'PCK certificate');
  const found = await believePck({ pck, ...issuersFor(issuer, certificates), ...lists }, trust);
  return found.kind === 'refused' ? found : { kind: 'believed', value: toVek(found.value) };
}

function toVek({ ca, pck }: IssuedPck): Pck {
  const issuer = issuerOf(ca.certificate);
  return {
    publicKey: pointOf(pck.certificate),
    chip: chipTdx(pck.ppid),
    serial: serial(issuer, pck.certificate.serial),
    fmspc: pck.fmspc,
    cpuSvn: Uint8Array.from(pck.tcb.components),
    pceSvn: pck.tcb.pceSvn,
  };
}

/**
 * The CA of this name, and the root that it names. Without one it is another root that says what is wrong, but none of AMD's,
 * which may stand beside them.
 */
function issuersFor(
  name: Bytes,
  certificates: readonly Bytes[],
): { ca: Bytes | undefined; root: Bytes | undefined } {
  const read = certificates.map((der) => parseCertificate(der, 'certificate'));
  const isRoot = ({ subject, issuer }: Certificate) => sameName(subject, issuer);
  const ca = read.find((one) => !isRoot(one) && sameName(one.subject, name));
  const roots = read.filter(isRoot);
  const named = roots.find(({ subject }) => ca !== undefined && sameName(subject, ca.issuer));
  const root = named ?? roots.find(({ commonName }) => !commonName.startsWith('ARK-'));
  return { ca: ca?.der, root: root?.der };
}

function issuerOf(ca: Certificate): bigint {
  return issuerTdx(pointOf(ca));
}

/** Of a certificate that had the profile of its role, which asks for this kind of key. */
function pointOf({ publicKey }: Certificate): Bytes {
  if (publicKey.kind !== 'p256') throw new Error('a certificate of the PCK chain has another key');
  return publicKey.point;
}
