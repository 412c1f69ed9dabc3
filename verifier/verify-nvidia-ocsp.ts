/** Stage collateral for NVIDIA devices: whether the certificates that vouch for them are revoked. */
import { type Bytes, toHex } from './bytes.ts';
import {
  isAbout,
  type OcspAnswer,
  type OcspResponse,
  parseOcsp,
  responderFault,
} from './chain/ocsp.ts';
import type { Certificate } from './chain/x509.ts';
import { type Checklist, unreadable } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import { formatTime, type UnixTime } from './time.ts';
import type { Ending } from './verified.ts';

/** A device's certificates, leaf first, root last. */
export type OcspSubject = { label: string; chain: readonly Certificate[] };

/** One certificate of some device, with who issued it. */
type Asked = {
  label: string;
  certificate: Certificate;
  issuer: Certificate;
  /** The device itself issues its leaf, at each start, and answers for it to nobody: NVIDIA has no answer about it. */
  own: boolean;
};

type Told = { asked: Asked; answers: readonly OcspAnswer[] };

const id = 'collateral.gpu-revocation';
const option = '(--ocsp)';
/** CRLReason (RFC 5280, 5.3.1): the one kind of revocation that can end. */
const certificateHold = 6;

/**
 * Makes `collateral.gpu-revocation`: every certificate between leaf and root has a good answer that is current, and nothing given
 * says that any of them, or a leaf, is revoked or on hold. Answers about other certificates are not used.
 * @param devices null for one whose certificates could not be read
 * @returns when the answers run out
 */
export async function verifyOcsp(
  list: Checklist,
  devices: readonly (OcspSubject | null)[],
  responses: readonly Bytes[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<Ending[]> {
  const asked = distinct(devices.flatMap((device) => (device === null ? [] : askedOf(device))));
  const expected = 'a good answer about each certificate below the root';
  const told = await hear(asked, responses, now, crypto);
  if (told instanceof AttestationError) {
    list.fail(id, unreadable(told, expected));
    return [];
  }
  if (typeof told === 'string') {
    list.fail(id, { expected, actual: 'an answer that nobody vouches for', reason: told });
    return [];
  }
  const faults = told.flatMap((one) => faultOf(one, now));
  const open = told.filter(({ asked: { own }, answers }) => !own && !isGood(answers, now));
  if (faults.length > 0) {
    list.fail(id, { expected, actual: `${faults.length} without one`, reason: faults.join('; ') });
  } else if (devices.length === 0 || devices.includes(null)) {
    list.skip(id, 'readable certificates of each device');
  } else if (open.length > 0) {
    const names = open.map(
      ({ asked: { label, certificate } }) => `${label}: ${certificate.commonName}`,
    );
    list.skip(id, `current OCSP answers ${option} about ${names.join(', ')}`);
  } else {
    const used = told.filter(({ answers }) => answers.length > 0);
    list.pass(id, { expected, actual: `${used.length} good answers` });
  }
  return told.flatMap(({ asked: { certificate }, answers }) => {
    const at = newest(answers, now)?.nextUpdate ?? null;
    return at === null ? [] : [{ what: `the OCSP answer about ${certificate.commonName}`, at }];
  });
}

function askedOf({ label, chain }: OcspSubject): Asked[] {
  return chain.slice(0, -1).map((certificate, place) => ({
    label,
    certificate,
    issuer: chain[place + 1] as Certificate,
    own: place === 0,
  }));
}

/** Devices share their CAs. */
function distinct(asked: readonly Asked[]): Asked[] {
  const seen = new Set<string>();
  return asked.filter(({ certificate, own }) => {
    const key = `${own} ${toHex(certificate.der)}`;
    const known = seen.has(key);
    seen.add(key);
    return !known;
  });
}

/** @returns what the responses say of each certificate, or what is wrong with one that speaks of any */
async function hear(
  asked: readonly Asked[],
  responses: readonly Bytes[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<readonly Told[] | AttestationError | string> {
  const told = asked.map((one) => ({ asked: one, answers: [] as OcspAnswer[] }));
  try {
    for (const [place, der] of responses.entries()) {
      const what = `OCSP response ${place + 1}`;
      const response = parseOcsp(der, what);
      if (response === null) continue;
      const fault = await take(told, response, now, crypto);
      if (fault !== null) return `${what}: ${fault}`;
    }
  } catch (error) {
    if (error instanceof AttestationError) return error;
    throw error;
  }
  return told;
}

/** @returns null when the response is vouched for, or speaks of none of the certificates */
async function take(
  told: readonly { asked: Asked; answers: OcspAnswer[] }[],
  response: OcspResponse,
  now: UnixTime,
  crypto: CryptoPort,
): Promise<string | null> {
  for (const { asked, answers } of told) {
    const { certificate, issuer } = asked;
    const about = response.answers.filter((answer) => isAbout(answer, certificate, issuer));
    if (about.length === 0) continue;
    const fault = await responderFault(response, issuer, now, crypto);
    if (fault !== null) return fault;
    answers.push(...about);
  }
  return null;
}

function isCurrent({ thisUpdate, nextUpdate }: OcspAnswer, now: UnixTime): boolean {
  return nextUpdate !== null && thisUpdate <= now && now <= nextUpdate;
}

/** Of those that are current. Of two of one moment the worse counts. */
function newest(answers: readonly OcspAnswer[], now: UnixTime): OcspAnswer | null {
  const rank = ({ status }: OcspAnswer) => (status.kind === 'good' ? 1 : 0);
  const current = answers.filter((answer) => isCurrent(answer, now));
  return current.toSorted((a, b) => b.thisUpdate - a.thisUpdate || rank(a) - rank(b))[0] ?? null;
}

function isGood(answers: readonly OcspAnswer[], now: UnixTime): boolean {
  return newest(answers, now)?.status.kind === 'good';
}

/** What is revoked for good stays so, whenever that was said; a hold counts for as long as the answer does. */
function faultOf({ asked, answers }: Told, now: UnixTime): string[] {
  const name = `${asked.label}: ${asked.certificate.commonName}`;
  const latest = newest(answers, now)?.status;
  const gone = answers.map(({ status }) => status).find((status) => isGone(status, now));
  const status = gone ?? latest;
  if (status === undefined || status.kind === 'good') return [];
  if (status.kind !== 'revoked') return [`${name} is not known to its issuer's responder`];
  const { reason, at } = status;
  const how = reason === certificateHold ? 'is on hold since' : 'was revoked at';
  return [`${name} ${how} ${formatTime(at)}`];
}

function isGone(status: OcspAnswer['status'], now: UnixTime): boolean {
  return status.kind === 'revoked' && status.reason !== certificateHold && status.at <= now;
}
