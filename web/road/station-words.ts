/** What each station is called and says, in a few words taken from what was found there. */

import { toHex } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { formatTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { cut, harmless, shortHex } from '#verifier/words/lines.ts';
import { roadStrings } from '../strings/road.ts';
import type { StationId } from './station-map.ts';
import type { Station } from './stations.ts';

const { says, titles } = roadStrings;

/** A box holds so many characters before it grows out of the picture; the details have all. */
const longest = 96;

/** What of a verification a station's words are taken from. */
export type Source = {
  verified: Pick<
    Verified,
    'subject' | 'claims' | 'bundle' | 'eventLog' | 'insecureRoot' | 'devices' | 'tpm'
  >;
  policy: { name: string };
};

export function titleOf(id: StationId, { subject, claims }: Source['verified']): string {
  const amd = subject.tee === 'sev-snp';
  const vlek = claims?.platform === 'sev-snp' && claims.report.signingKey === 'vlek';
  switch (id) {
    case 'root':
      return amd ? titles.root['sev-snp'] : titles.root.other;
    case 'issuer':
      if (!amd) return titles.issuer.other;
      return vlek ? titles.issuer.asvk : titles.issuer['sev-snp'];
    case 'vek':
      return vlek ? titles.vek.vlek : titles.vek.other;
    default:
      return titles[id];
  }
}

/** One line: what is wrong or missing at the station, else what was found there; null where nothing is to be said. */
export function sayingOf(station: Station, source: Source): string | null {
  const worst = station.checks.find(({ status }) => status === station.status);
  const { status } = station;
  const text =
    status === 'fail' || status === 'skip'
      ? withoutOptions(worst?.reason ?? '')
      : foundAt(station, source);
  if (text === null || text === '') return null;
  // How long a digest is, is told in the details.
  const short = shortHex(text).replace(/(…[0-9a-f]{8}), \d+ bytes/g, '$1');
  return cut(harmless(short), longest);
}

/** The command line's options in the verifier's words say nothing to a reader of the page. */
export function withoutOptions(text: string): string {
  return text.replace(/ \(--[a-z-]+\)/g, '');
}

function foundAt({ id, checks }: Station, { verified, policy }: Source): string | null {
  const { claims, bundle, eventLog, subject } = verified;
  const actual = (check: CheckId) => resultOf(checks, check)?.actual ?? null;
  const expected = (check: CheckId) => resultOf(checks, check)?.expected ?? null;
  const waived = checks.find(({ status }) => status === 'waived');
  if (waived !== undefined) return withoutOptions((waived.reason ?? '').split(';')[0] ?? '');
  switch (id) {
    case 'root':
      return verified.insecureRoot ? says.handedOver : actual('chain.root-certificate');
    case 'issuer':
      return actual('chain.issuer-certificate');
    case 'vek':
      return actual('chain.vek-certificate');
    case 'pck':
      return platformOf(verified) ?? actual('chain.pck-certificate');
    case 'amd-crl':
      return expected('collateral.revocation');
    case 'intel-crls':
      return expected('collateral.pck-revocation');
    case 'qe':
      return isQuote(claims) ? says.enclave(claims.quote.qeReport.isvSvn) : null;
    case 'qe-identity':
    case 'tcb-info':
      return evaluationOf(id, verified);
    case 'report':
    case 'quote':
      return measuredBy(verified);
    case 'tcb':
      return levelOf(verified) ?? actual('evidence.tcb-level');
    case 'hcl':
      return actual('parse.hcl');
    case 'ak':
      return actual('evidence.ak-key');
    case 'tpm-quote':
      return withRanges(actual('parse.tpm-quote') ?? '');
    case 'event-log':
      return eventLog === null ? null : says.replayed(eventLog.events.length);
    case 'nitro-chain':
      return actual('chain.nitro-validity');
    case 'nitro-document':
      return claims?.platform === 'nitro' ? claims.document.moduleId : actual('parse.nitro');
    case 'gpu-chain':
      return actual('chain.gpu-certificates');
    case 'gpu-report':
      return actual('parse.gpu');
    case 'binding':
      return says.bound;
    case 'closure':
      return bundle === null ? null : toHex(bundle.bound.closureDigest);
    case 'tree':
      return bundle === null ? null : toHex(fieldToBytes(bundle.bound.treeRoot));
    case 'log':
      return bundle === null ? null : says.log(bundle.trees.length, bundle.events.length);
    case 'devices':
      return bundle === null || bundle.deviceKinds.length === 0
        ? says.noDevices
        : bundle.deviceKinds.join(', ');
    case 'moment':
      return momentOf(verified, subject.challenged);
    case 'policy':
      return says.asks(policy.name, checks.length);
    default:
      return null;
  }
}

/** `0, 1, 2, 3, 7` as `0 to 3, 7` */
export function withRanges(text: string): string {
  return text.replace(/\d+(, \d+){2,}/g, (list) => {
    const runs: [first: number, last: number][] = [];
    for (const number of list.split(', ').map(Number)) {
      const run = runs.at(-1);
      if (run !== undefined && number === run[1] + 1) run[1] = number;
      else runs.push([number, number]);
    }
    return runs.map(([first, last]) => (first === last ? first : `${first} to ${last}`)).join(', ');
  });
}

function resultOf(checks: readonly CheckResult[], id: CheckId): CheckResult | undefined {
  return checks.find((check) => check.id === id);
}

type Claims = Verified['claims'];

function isQuote(claims: Claims): claims is Extract<Claims, { platform: 'tdx' | 'sgx' }> {
  return claims?.platform === 'tdx' || claims?.platform === 'sgx';
}

function platformOf({ claims }: Source['verified']): string | null {
  return isQuote(claims) && claims.pck !== null ? says.family(toHex(claims.pck.fmspc)) : null;
}

function evaluationOf(id: 'qe-identity' | 'tcb-info', { claims }: Source['verified']) {
  if (!isQuote(claims)) return null;
  const { tcbInfo, qeIdentity } = claims.evaluationNumbers;
  const number = id === 'tcb-info' ? tcbInfo : qeIdentity;
  return number === null ? null : says.evaluation(number);
}

/** What of the guest the processor measured. */
function measuredBy({ claims }: Source['verified']): string | null {
  if (claims?.platform === 'sev-snp') {
    return says.measurement('measurement', toHex(claims.report.measurement));
  }
  if (!isQuote(claims)) return null;
  const { body } = claims.quote;
  return body.kind === 'tdx'
    ? says.measurement('MRTD', toHex(body.report.mrTd))
    : says.measurement('MRENCLAVE', toHex(body.report.mrEnclave));
}

function levelOf({ claims }: Source['verified']): string | null {
  if (!isQuote(claims) || claims.tcb === null || claims.tcb.date === null) return null;
  return says.level(claims.tcb.status, formatTime(claims.tcb.date).slice(0, 10));
}

function momentOf({ bundle }: Source['verified'], challenged: boolean): string {
  const nonce = challenged ? says.yourNonce : says.noNonce;
  if (bundle === null) return nonce;
  const { channel } = bundle;
  return `${nonce}; ${channel === null ? says.noChannel : says.channel(channel.kind)}`;
}
