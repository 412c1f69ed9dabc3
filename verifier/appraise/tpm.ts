/** What the policy says of a TPM's quote, one check a question. */
import type { TpmHash } from '../abi/tpm/hash.ts';
import { toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { EventClaimOfLog, EventLogClaims, TpmClaims, Verified } from '../verified.ts';
import { checkMember } from './member.ts';
import { describeRule, judgeRegister } from './register.ts';
import { askedRegisters, type TpmPolicy } from './tpm-policy.ts';

const checks = [
  'policy.tpm-key',
  'policy.tpm-firmware',
  'policy.pcrs',
  'policy.event-log',
  'policy.secure-boot',
] as const satisfies readonly CheckId[];

/** The PCR that firmware measures the state of Secure Boot into. */
const secureBootPcr = 7;

/**
 * Makes the five checks of a TPM.
 * @param policy `unasked`: the policy asks nothing of it; undefined: it has no word for TPMs, and so refuses each
 */
export function checkTpm(
  list: Checklist,
  verified: Pick<Verified, 'tpm' | 'eventLog' | 'hcl'>,
  policy: TpmPolicy | 'unasked' | undefined,
): void {
  const { tpm, eventLog } = verified;
  if (policy === undefined) {
    for (const id of checks) {
      list.fail(id, {
        expected: 'a policy with the member tpm',
        actual: 'no such member',
        reason: 'the policy has no member tpm: evidence of a TPM is refused',
      });
    }
  } else if (policy === 'unasked') for (const id of checks) list.pass(id, { expected: 'any' });
  else if (tpm === null) for (const id of checks) list.skip(id, 'a readable quote of the TPM');
  else {
    checkKey(list, tpm, policy);
    checkMember(
      list,
      'policy.tpm-firmware',
      tpm.firmwareVersion,
      policy.firmware,
      'the TPM runs other firmware than the policy names',
    );
    checkPcrs(list, tpm, eventLog, policy);
    checkEventLog(list, eventLog, policy);
    checkSecureBoot(list, verified, tpm, policy);
  }
}

const keyTexts = {
  certificate: 'certified by its provider',
  trusted: 'known to this verifier',
  hcl: 'named by the paravisor',
} as const;

function checkKey(list: Checklist, { key, provider }: TpmClaims, policy: TpmPolicy): void {
  const faults: string[] = [];
  if (!policy.key.includes(key)) faults.push('the policy does not accept a key vouched for so');
  if (policy.provider !== 'any' && !policy.provider.some((one) => one === provider))
    faults.push('the key is of a provider that the policy does not name');
  const kinds = policy.key.map((kind) => keyTexts[kind]).join(' or ');
  const providers = policy.provider === 'any' ? '' : `; of ${policy.provider.join(' or ')}`;
  list.decide('policy.tpm-key', faults.length === 0, {
    expected: `a key ${kinds}${providers}`,
    actual: `${keyTexts[key]}; ${provider === null ? 'no provider certified it' : `of ${provider}`}`,
    reason: faults.join(', '),
  });
}

function checkPcrs(
  list: Checklist,
  tpm: TpmClaims,
  eventLog: EventLogClaims | null,
  policy: TpmPolicy,
): void {
  const id = 'policy.pcrs';
  const asked = askedRegisters(policy);
  if (asked.length === 0) return list.pass(id, { expected: 'any', actual: describeQuoted(tpm) });
  const judged = asked.map(({ hash, index, rule }) => {
    const name = `${hash} PCR ${index}`;
    const value = tpm.pcrs.get(hash)?.get(index);
    const outcome =
      value === undefined
        ? ({ status: 'differs', reason: 'it was not quoted' } as const)
        : judgeRegister(toHex(value), rule, eventsOf(eventLog, hash, index));
    const found = value === undefined ? 'not quoted' : toHex(value);
    return { name, rule, outcome, found };
  });
  const wrong = judged.filter(({ outcome }) => outcome.status === 'differs');
  if (wrong.length > 0) {
    const reasons = wrong.map(({ name, outcome }) =>
      outcome.status === 'differs' ? `${name}: ${outcome.reason}` : name,
    );
    return list.fail(id, {
      expected: wrong.map(({ name, rule }) => `${name} ${describeRule(rule)}`).join(', '),
      actual: wrong.map(({ name, found }) => `${name} ${found}`).join(', '),
      reason: reasons.join('; '),
    });
  }
  for (const { name, outcome } of judged)
    if (outcome.status === 'unknown') return list.skip(id, `for ${name}, ${outcome.lacks}`);
  const names = judged.map(({ name }) => name).join(', ');
  list.pass(id, { expected: `what the policy names for ${names}`, actual: describeQuoted(tpm) });
}

function describeQuoted({ pcrs }: TpmClaims): string {
  const banks = [...pcrs].map(([hash, values]) => `${hash} PCR ${[...values.keys()].join(', ')}`);
  return banks.length === 0 ? 'no PCR was quoted' : `quoted: ${banks.join('; ')}`;
}

function eventsOf(
  eventLog: EventLogClaims | null,
  hash: TpmHash,
  index: number,
): EventClaimOfLog[] | null {
  if (eventLog?.kind !== 'pcr' || eventLog.algorithm !== hash) return null;
  return eventLog.events.filter(({ register }) => register === index);
}

function checkEventLog(list: Checklist, eventLog: EventLogClaims | null, policy: TpmPolicy): void {
  const id = 'policy.event-log';
  const expected = policy.eventLog === 'any' ? 'any' : 'an event log that replays to the PCRs';
  if (eventLog?.kind === 'pcr') {
    const actual = `${eventLog.events.length} events, replayed to the ${eventLog.algorithm} PCRs`;
    return list.pass(id, { expected, actual });
  }
  if (policy.eventLog === 'any') list.pass(id, { expected, actual: 'none of the PCRs' });
  else list.skip(id, 'the event log of the PCRs (--event-log)');
}

type SecureBootWord = readonly [who: string, on: boolean];

/** Who says what of Secure Boot: the event log, as far as what was quoted vouches for it, and Azure's paravisor. */
export function secureBootWords(
  { eventLog, hcl }: Pick<Verified, 'eventLog' | 'hcl'>,
  { pcrs }: Pick<TpmClaims, 'pcrs'>,
): SecureBootWord[] {
  const words: SecureBootWord[] = [];
  const vouched =
    eventLog?.kind === 'rtmr' ||
    (eventLog !== null && pcrs.get(eventLog.algorithm)?.has(secureBootPcr) === true);
  const measured = vouched ? (eventLog?.secureBoot ?? null) : null;
  if (measured !== null) words.push(['the event log', measured]);
  const claimed = hcl?.secureBoot ?? null;
  if (claimed !== null) words.push(['the paravisor', claimed]);
  return words;
}

function checkSecureBoot(
  list: Checklist,
  verified: Pick<Verified, 'eventLog' | 'hcl'>,
  tpm: TpmClaims,
  policy: TpmPolicy,
): void {
  const id = 'policy.secure-boot';
  const words = secureBootWords(verified, tpm);
  const said = words.map(([who, on]) => `${on ? 'on' : 'off'}, says ${who}`);
  const actual = said.length === 0 ? 'not told' : said.join('; ');
  if (policy.secureBoot === 'any') return list.pass(id, { expected: 'any', actual });
  if (words.length === 0) {
    return list.skip(id, 'an event log with the variable SecureBoot, and a quote of PCR 7');
  }
  list.decide(
    id,
    words.every(([, on]) => on),
    {
      expected: 'Secure Boot on',
      actual,
      reason: 'firmware starts whatever it finds, signed or not',
    },
  );
}

/** Of a TD without a TPM: whether there is the log that the policy needs for registers that it names by their events. */
export function checkTdEventLog(
  list: Checklist,
  eventLog: EventLogClaims | null,
  byEvents: boolean,
): void {
  const id = 'policy.event-log';
  const expected = byEvents ? 'an event log that replays to the RTMRs' : 'any';
  if (eventLog?.kind === 'rtmr')
    list.pass(id, { expected, actual: `${eventLog.events.length} events, replayed to the RTMRs` });
  else if (byEvents) list.skip(id, 'the event log of the RTMRs (--event-log)');
  else list.pass(id, { expected, actual: 'none that replays to the RTMRs' });
}
