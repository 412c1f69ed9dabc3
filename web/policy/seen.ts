/** What the evidence has for each member of a policy: the value that would accept exactly it, and words for the reader. */
import { attributesOf, type TdReport } from '#verifier/abi/td-report.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import { isZero, toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { pinDevices } from '#verifier/policy-tools/pin-devices.ts';
import { pinSgx, pinTdx } from '#verifier/policy-tools/pin-intel.ts';
import { pinNitro } from '#verifier/policy-tools/pin-nitro.ts';
import type { Remark } from '#verifier/policy-tools/pin-parts.ts';
import { pinSnp } from '#verifier/policy-tools/pin-snp.ts';
import { pinTpm } from '#verifier/policy-tools/pin-tpm.ts';
import { formatTime } from '#verifier/time.ts';
import type { QuoteClaims, SnpClaims, Verified } from '#verifier/verified.ts';
import { harmless, shortHex } from '#verifier/words/lines.ts';
import { policyStrings } from '../strings/policy.ts';
import { isObject, policyRows, type Row, valueAt } from './shape.ts';

export type Seen = {
  /** What the member would be to name this; undefined where the evidence has nothing to name. */
  value: unknown;
  /** In words. */
  words: string;
  /** Where the value can be compared with what it should be, or why there is none. */
  about: string | null;
};

type Members = Partial<Record<keyof Policy, unknown>>;
type Found = { members: Members; believed: readonly Remark[]; open: readonly Remark[] };
/** In place of what pinning leaves open or never says. */
type Exact = Readonly<Record<string, unknown>>;

const { seen: words } = policyStrings;

/** The members of a policy that this evidence is judged by, of those that a policy may leave out. */
export function kindsOf({ claims, subject, tpm, nitroTpm }: Verified): string[] {
  const machine = { 'sev-snp': 'sevSnp', tdx: 'tdx', sgx: 'sgx', nitro: 'nitro', tpm: 'tpm' };
  const tee = claims?.platform ?? subject.tee;
  const kinds = [
    ...(tee === null || tee === 'nvidia' ? [] : [machine[tee]]),
    ...(tpm !== null || subject.ak !== null ? ['tpm'] : []),
    ...(nitroTpm !== null || subject.nitroTpm ? ['nitro'] : []),
  ];
  return [...new Set(kinds)];
}

/** Whether the next evidence of this kind can be asked for a nonce. */
export function freshnessOf({ subject, claims }: Verified): Policy['freshness'] {
  const answers =
    ['bundle', 'tpm-quote', 'gpu'].includes(subject.form) ||
    (subject.form === 'hcl' && subject.ak !== null) ||
    (claims?.platform === 'nitro' && claims.document.nonce !== null);
  return answers ? 'verifier-nonce' : 'any';
}

/** The member with all that the evidence says of it, as strict as can be. */
export function seenMembers(verified: Verified): Members {
  return foundIn(verified).members;
}

/** By the name of the row; a row that the evidence does not speak of is not there. */
export function seenIn(verified: Verified): ReadonlyMap<string, Seen> {
  const { members, believed, open } = foundIn(verified);
  const exact = exactOf(verified);
  const found = new Map<string, Seen>();
  const advisories = advisoriesOf(verified);
  for (const row of policyRows()) {
    const pinned = valueAt(members, row.path);
    const value = row.name in exact ? exact[row.name] : isOpen(row, pinned) ? undefined : pinned;
    if (pinned === undefined && value === undefined && !(row.name in words.none)) continue;
    const remarkOf = (remarks: readonly Remark[]) =>
      remarks.find(({ path }) => path === row.name)?.about ?? null;
    const about = remarkOf(believed);
    // What is said of the command line's options helps nobody here.
    const why = remarkOf(open)?.replace(/ \(--[a-z-]+\)$/, '');
    const none = row.name.endsWith('.refusedAdvisories')
      ? (advisories ?? words.unknownAdvisories)
      : ((words.none as Record<string, string>)[row.name] ?? why ?? words.nothing);
    found.set(row.name, { value, words: value === undefined ? none : wordsOf(row, value), about });
  }
  return found;
}

/** Those that apply: a policy would refuse them, not accept them. */
function advisoriesOf({ claims }: Verified): string | null {
  if (claims?.platform !== 'tdx' && claims?.platform !== 'sgx') return null;
  const { tcb } = claims;
  if (tcb === null) return null;
  return tcb.advisories.length === 0 ? words.emptyList : harmless(tcb.advisories.join(', '));
}

/** `any` for want of a value says nothing of the evidence; for a switch it says that it is off. */
function isOpen({ shape }: Row, pinned: unknown): boolean {
  return pinned === 'any' && shape.kind !== 'words';
}

function foundIn(verified: Verified): Found {
  const parts: { name: keyof Policy; rules: unknown; believed: Remark[]; open: Remark[] }[] = [];
  const { claims, tpm, nitroTpm } = verified;
  if (claims?.platform === 'sev-snp') parts.push({ name: 'sevSnp', ...pinSnp(claims, false) });
  if (claims?.platform === 'tdx' || claims?.platform === 'sgx') {
    const { body } = claims.quote;
    parts.push(
      body.kind === 'tdx'
        ? { name: 'tdx', ...pinTdx(claims, body.report, false) }
        : { name: 'sgx', ...pinSgx(claims, body.report, false) },
    );
  }
  if (claims?.platform === 'nitro')
    parts.push({ name: 'nitro', ...pinNitro(claims.document, true) });
  if (tpm !== null) parts.push({ name: 'tpm', ...pinTpm(tpm, verified) });
  if (nitroTpm !== null) parts.push({ name: 'nitro', ...pinNitro(nitroTpm, true) });
  parts.push({ name: 'devices', ...pinDevices(verified) });
  const moment = { closureDigest: 'any', treeRoot: 'any', channel: 'any' };
  return {
    members: {
      ...moment,
      freshness: freshnessOf(verified),
      ...Object.fromEntries(parts.map(({ name, rules }) => [name, rules])),
    },
    believed: parts.flatMap(({ believed }) => believed),
    open: parts.flatMap(({ open }) => open),
  };
}

function exactOf({ claims, bundle }: Verified): Exact {
  const ofBundle =
    bundle === null
      ? {}
      : {
          closureDigest: [toHex(bundle.bound.closureDigest)],
          treeRoot: [toHex(fieldToBytes(bundle.bound.treeRoot))],
          ...(bundle.channel !== null && { channel: [bundle.channel.kind] }),
        };
  switch (claims?.platform) {
    case 'sev-snp':
      return { ...ofBundle, ...exactSnp(claims) };
    case 'tdx':
    case 'sgx':
      return { ...ofBundle, ...exactQuote(claims) };
    default:
      return ofBundle;
  }
}

function exactSnp({ report, product }: SnpClaims): Exact {
  return {
    'sevSnp.guestPolicy.debug': report.policy.debug ? 'dangerously-allowed' : 'refused',
    'sevSnp.reportData': [toHex(report.reportData)],
    'sevSnp.reportId': [toHex(report.reportId)],
    'sevSnp.reportIdMa': [toHex(report.reportIdMa)],
    // Zeros are no name: so is that of every chip whose host masks it.
    'sevSnp.chipId': isZero(report.chipId) ? undefined : [toHex(report.chipId)],
    ...(product === null && { 'sevSnp.product': undefined }),
    ...(report.vmpl > 3 && { 'sevSnp.vmpl': undefined }),
  };
}

/** TUD: the low byte of the attributes, any bit of which opens the TD to its host. */
const debugBits = 0xffn;

function exactQuote({ platform: kind, quote, pck, tcb }: QuoteClaims): Exact {
  const { body } = quote;
  const debug =
    body.kind === 'tdx'
      ? (attributesOf(body.report.tdAttributes) & debugBits) !== 0n
      : ((body.report.attributes[0] as number) & 0x02) !== 0;
  const configuration = pck?.configuration ?? null;
  const unstated = ['dynamicPlatform', 'cachedKeys', 'smt'].map((name) => [
    `${kind}.platform.${name}`,
    undefined,
  ]);
  const status = tcb?.status;
  return {
    [body.kind === 'tdx' ? 'tdx.attributes.debug' : 'sgx.debug']: debug
      ? 'dangerously-allowed'
      : 'refused',
    [`${kind}.reportData`]: [toHex(body.report.reportData)],
    ...(body.kind === 'tdx' && exactTd(body.report)),
    ...(configuration === null && Object.fromEntries(unstated)),
    ...((status === undefined || status === 'Revoked') && {
      [`${kind}.tcb.acceptedStatuses`]: undefined,
    }),
    ...(pck === null
      ? { [`${kind}.platform.sgxType`]: undefined }
      : {
          [`${kind}.platform.ppid`]: [toHex(pck.ppid)],
          ...(pck.platformInstanceId !== null && {
            [`${kind}.platform.instanceId`]: [toHex(pck.platformInstanceId)],
          }),
        }),
    [`${kind}.tcb.refusedAdvisories`]: undefined,
    [`${kind}.tcb.collateralGracePeriod`]: undefined,
    [`${kind}.tcb.platformGracePeriod`]: undefined,
  };
}

function exactTd({ mrSeam }: TdReport): Exact {
  return { 'tdx.mrSeam': [toHex(mrSeam)] };
}

/** What a rule that names the evidence says, for people; switches are what they were found as. */
function wordsOf({ name, shape }: Row, value: unknown): string {
  const own = (words.switches as Record<string, readonly [string, string]>)[name];
  if (shape.kind === 'words') {
    const [on, off] = own ?? words.switch;
    return value === 'allowed' || value === 'required' || value === 'dangerously-allowed'
      ? on
      : off;
  }
  if (name === 'sevSnp.platformInfo' && isObject(value)) {
    const on = Object.entries(value).filter(([, one]) => one === 'allowed' || one === 'required');
    return words.switchesOn(on.map(([member]) => member));
  }
  return valueWords(name, value);
}

/** A rule or a value in one line. */
export function valueWords(name: string, value: unknown): string {
  if (name.endsWith('minimumDate') && typeof value === 'number')
    return formatTime(value).slice(0, 10);
  if (Array.isArray(value)) {
    if (value.length === 0) return words.emptyList;
    return value.map((one) => valueWords('', one)).join(', ');
  }
  if (isObject(value)) {
    const { major, minor, build } = value;
    if (typeof major === 'number')
      return [major, minor, build].filter((n) => n !== undefined).join('.');
    return Object.entries(value)
      .map(
        ([key, one]) =>
          `${key} ${isObject(one) ? `(${valueWords('', one)})` : valueWords('', one)}`,
      )
      .join(', ');
  }
  return shortHex(harmless(String(value)));
}
