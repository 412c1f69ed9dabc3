/** Stage policy of linked proofs: what the file states against what the checker demands. */
import { toHex } from '#verifier/bytes.ts';
import type { LinkedCheckId } from '#verifier/catalogue/linked.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import type { Ending } from '#verifier/verified.ts';
import type { Message } from './bob-message.ts';
import type { SeenKey } from './bob-vouched.ts';
import type { Demands, KeyDemand, SetDemand, Window } from './demands.ts';
import { type Finding, fail, judge, pass, skip } from './linked-checks.ts';
import type { LinkedProofFile } from './proof-file.ts';

export type DemandCheckId = Exclude<
  LinkedCheckId,
  | 'link.file'
  | 'link.artifacts'
  | 'link.verification-keys'
  | 'link.message'
  | 'link.issuer'
  | 'link.issuer-crl'
  | 'link.certificate'
  | 'link.certificate-crl'
  | 'link.key'
  | 'link.machine'
  | 'link.response'
  | 'link.challenge'
>;

export type DemandInputs = {
  readonly file: LinkedProofFile;
  /** Null when it could not be read. */
  readonly message: Message | null;
  /** The set that the key was proved to be in; null when in none, and for a key of another kind. */
  readonly memberOf: SetDemand | null;
  /** Null when the certificates that came with the proof cannot be read. */
  readonly seen: SeenKey | null;
  readonly demands: Demands;
  readonly now: UnixTime;
};

/** One finding for each check of stage policy but that of the challenge. */
export function checkDemands(inputs: DemandInputs): Record<DemandCheckId, Finding | null> {
  const { file, demands, now } = inputs;
  const { accepted, levels, revoked } = file.machine;
  return {
    'link.key-kind': checkKind(inputs),
    'link.certificate-age': checkCertificateAge(inputs),
    'link.veks': checkVeks(inputs),
    'link.accepted': checkSet(accepted, demands.accepted, now, 'accepted software'),
    'link.levels': checkSet(levels, demands.levels, now, 'TCB levels'),
    'link.revoked': checkSet(revoked, demands.revoked, now, 'revoked chips and certificates'),
    'link.epoch': checkEpoch(inputs),
    'link.attestation-nonce': checkNonce(inputs),
    'link.service': checkService(inputs),
    'link.disclosure': checkDisclosure(inputs),
    'link.response-time': checkResponseTime(inputs),
  };
}

/** Of this kind; undefined when the demands accept no such key. */
export function keyDemandOf<K extends KeyDemand['kind']>(
  { key }: Demands,
  kind: K,
): (KeyDemand & { kind: K }) | undefined {
  return key.find((one): one is KeyDemand & { kind: K } => one.kind === kind);
}

/** Which demand each kind of key is held to. */
const kindOf = {
  pck: 'pck-ca',
  vek: 'amd',
  member: 'veks',
  shown: 'shown',
} as const satisfies Record<LinkedProofFile['key']['kind'], KeyDemand['kind']>;
const vendorOf = { 'tdx-quote': 'intel', 'snp-report': 'amd' } as const;

function checkKind({ file, seen, demands }: DemandInputs): Finding {
  const kind = kindOf[file.key.kind];
  const expected = demands.key.map(keyText).join(' or ');
  const demand = keyDemandOf(demands, kind);
  if (demand === undefined) {
    const reason = 'the demands accept no key that is vouched for in this way';
    return fail({ expected, actual: kind, reason });
  }
  if (demand.kind === 'shown') {
    const vendor = vendorOf[file.machine.circuit];
    return judge(demand.vendors.includes(vendor), {
      expected,
      actual: `shown: ${vendor}`,
      reason: 'the demands accept no key of this vendor that is shown',
    });
  }
  if (demand.kind !== 'amd') return pass({ expected, actual: kind });
  if (seen?.kind !== 'vek') return skip('a readable certificate of the ASK or ASVK');
  const { product, keyKind } = seen;
  return judge(demand.products.includes(product) && demand.kinds.includes(keyKind), {
    expected,
    actual: `amd: ${product}, ${keyKind}`,
    reason: `the demands accept no ${keyKind.toUpperCase()} of ${product}`,
  });
}

function keyText(demand: KeyDemand): string {
  if (demand.kind === 'shown') return `shown: ${demand.vendors.join(' or ')}`;
  if (demand.kind !== 'amd') return demand.kind;
  return `amd: ${demand.products.join(' or ')}, ${demand.kinds.join(' or ')}`;
}

/** When a hidden certificate was valid, and how long ago that may be; null for a key without one. */
function certifiedOf(
  { key }: LinkedProofFile,
  demands: Demands,
): { at: UnixTime; maxAge: number } | null {
  if (key.kind !== 'pck' && key.kind !== 'vek') return null;
  const demand = keyDemandOf(demands, kindOf[key.kind]);
  return demand === undefined ? null : { at: key.at, maxAge: demand.maxAge };
}

function checkCertificateAge({ file, demands, now }: DemandInputs): Finding | null {
  const certified = certifiedOf(file, demands);
  if (certified === null) return null;
  const { at, maxAge } = certified;
  return judge(now - maxAge <= at && at <= now, {
    expected: `${formatTime(now - maxAge)} to ${formatTime(now)}`,
    actual: formatTime(at),
    reason:
      at > now
        ? 'the certificate is said to be valid at a time that is still to come'
        : 'the certificate was valid then, which is too long ago',
  });
}

function checkVeks({ file, demands, memberOf, now }: DemandInputs): Finding | null {
  if (file.key.kind !== 'member' || keyDemandOf(demands, 'veks') === undefined) return null;
  if (memberOf === null) return skip('a proof that holds for one of your sets of keys');
  return checkUntil(memberOf, now, 'keys');
}

function checkSet(field: Field, sets: readonly SetDemand[], now: UnixTime, what: string): Finding {
  const root = toHex(fieldToBytes(field));
  const found = sets.find((set) => set.root === root);
  if (found !== undefined) return checkUntil(found, now, what);
  return judge(false, {
    expected: sets.map((set) => set.root).join(' or '),
    actual: root,
    reason: `the proof is about a set of ${what} that the demands do not name`,
  });
}

function checkUntil({ root, until }: SetDemand, now: UnixTime, what: string): Finding {
  return judge(now <= until, {
    expected: `${root}, until ${formatTime(until)}`,
    actual: `${root}, at ${formatTime(now)}`,
    reason: `the set of ${what} no longer counts`,
  });
}

function checkEpoch({ file, demands, now }: DemandInputs): Finding {
  const { epochMin, epochMax } = file.machine;
  const { from, to } = range(demands.epoch, now);
  return judge(from <= epochMin && epochMax <= to, {
    expected: `within ${formatTime(from)} to ${formatTime(to)}`,
    actual: `${formatTime(epochMin)} to ${formatTime(epochMax)}`,
    reason:
      epochMin < from
        ? 'the attestation may be older than the demands allow'
        : 'the guest’s clock may have been further ahead than the demands allow',
  });
}

function range({ maxAge, maxFuture }: Window, now: UnixTime): { from: number; to: number } {
  return { from: now - maxAge, to: now + maxFuture };
}

function checkNonce({ file, demands }: DemandInputs): Finding {
  const actual = toHex(file.machine.nonce);
  if (demands.attestationNonce === 'guest-clock') {
    return pass({ expected: 'guest-clock', actual: 'the age is the guest’s word alone' });
  }
  return judge(actual === demands.attestationNonce, {
    expected: demands.attestationNonce,
    actual,
    reason: 'the attestation answers another nonce: it may be a recording',
  });
}

const noMessage = 'a readable message';

function checkService({ message, demands }: DemandInputs): Finding {
  if (message === null) return skip(noMessage);
  const { services } = demands;
  if (services === 'any') return pass({ expected: 'any', actual: message.service });
  return judge(services.includes(message.service), {
    expected: services.join(' or '),
    actual: message.service,
    reason: 'another service signed the response',
  });
}

function checkDisclosure({ message, demands }: DemandInputs): Finding {
  if (message === null) return skip(noMessage);
  const shown = {
    nonce: message.clientNonce !== null,
    time: message.time !== null,
    requestHash: message.isRequestShown,
  };
  const hidden = demands.mustShow.filter((name) => !shown[name]);
  const all = Object.entries(shown).flatMap(([name, isShown]) => (isShown ? [name] : []));
  return judge(hidden.length === 0, {
    expected: demands.mustShow.length === 0 ? 'any' : demands.mustShow.join(', '),
    actual: all.length === 0 ? 'all hidden' : all.join(', '),
    reason: `the proof hides ${hidden.join(', ')}`,
  });
}

function checkResponseTime({ message, demands, now }: DemandInputs): Finding {
  if (message === null) return skip(noMessage);
  const { time } = message;
  const actual = time === null ? 'hidden' : formatTime(time);
  if (demands.responseTime === 'any') return pass({ expected: 'any', actual });
  const { from, to } = range(demands.responseTime, now);
  return judge(time !== null && from <= time && time <= to, {
    expected: `${formatTime(from)} to ${formatTime(to)}`,
    actual,
    reason:
      time === null ? 'the proof hides the time' : 'the response is too old, or from the future',
  });
}

/** What of the demands runs out for this proof. */
export function endingsOf({
  file,
  memberOf,
  demands,
}: Pick<DemandInputs, 'file' | 'memberOf' | 'demands'>): Ending[] {
  const { machine } = file;
  const setEnd = (field: Field, sets: readonly SetDemand[], what: string) =>
    sets
      .filter(({ root }) => root === toHex(fieldToBytes(field)))
      .map(({ until }) => ({ what, at: until }));
  const certified = certifiedOf(file, demands);
  return [
    ...setEnd(machine.accepted, demands.accepted, 'the set of accepted software'),
    ...setEnd(machine.levels, demands.levels, 'the set of TCB levels'),
    ...setEnd(machine.revoked, demands.revoked, 'the set of revoked chips and certificates'),
    ...(memberOf === null ? [] : [{ what: 'the set of keys', at: memberOf.until }]),
    ...(certified === null
      ? []
      : [
          {
            what: 'the time at which the certificate was valid',
            at: certified.at + certified.maxAge,
          },
        ]),
    { what: 'the attestation', at: machine.epochMin + demands.epoch.maxAge },
  ];
}
