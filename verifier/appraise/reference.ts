/** What reference files say of the evidence: enough builders, in time, the same values. All three of one and the same release. */
import type { TdReport } from '../abi/td-report.ts';
import { toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import { type Agreement, agreementsOf } from '../reference/agreement.ts';
import { measuredOf, validityAt } from '../reference/values.ts';
import type { VerifiedReferences } from '../reference/verified.ts';
import { formatTime, type UnixTime } from '../time.ts';
import type { Ending, Verified } from '../verified.ts';
import type { ReferencesPolicy } from './reference-policy.ts';

const ids = [
  'policy.reference-signatures',
  'policy.reference-validity',
  'policy.reference-values',
] as const;

/**
 * Makes the three checks.
 * @returns when the values that were chosen no longer hold; null when none were
 */
export function checkReferences(
  list: Checklist,
  verified: Verified,
  policy: ReferencesPolicy | undefined,
  references: VerifiedReferences,
): Ending | null {
  if (policy === undefined) {
    for (const id of ids) list.pass(id, { expected: 'any', actual: 'not looked at' });
    return null;
  }
  const candidates = candidatesOf(verified, policy, references);
  const agreed = candidates.filter(({ signers }) => signers.length >= policy.threshold);
  const [chosen] = agreed
    .map((agreement) => compared(agreement, verified))
    .toSorted((one, other) => rankOf(other) - rankOf(one));
  if (chosen === undefined) {
    failAll(list, verified, policy, references, candidates);
    return null;
  }
  pass(list, policy, chosen);
  checkValidity(list, chosen, verified.at);
  checkValues(list, chosen);
  const { values } = chosen.agreement;
  const what = `the reference values of ${releaseOf(chosen.agreement)}`;
  return chosen.when === 'valid' ? { what, at: values.validity.until } : null;
}

/** Values of the release that the policy names, for the evidence's kind of machine. */
function candidatesOf(
  { claims }: Verified,
  { builders, name, release }: ReferencesPolicy,
  references: VerifiedReferences,
): Agreement[] {
  return agreementsOf(references, builders).filter(
    ({ values }) =>
      values.platform === claims?.platform &&
      (name === 'any' || name.includes(values.name)) &&
      (release === 'any' || release.includes(values.release)),
  );
}

type Compared = {
  agreement: Agreement;
  when: ReturnType<typeof validityAt>;
  /** Names of values, with what is expected and what was found; null: the evidence does not say. */
  values: readonly (readonly [name: string, expected: string, actual: string | null])[];
};

function compared(agreement: Agreement, { claims, bundle, at }: Verified): Compared {
  const { values } = agreement;
  const found = measurementsOf(claims);
  const measured = measuredOf(values).flatMap(([name, expected]) =>
    expected === null ? [] : [[name, expected, found[name] ?? 'none'] as const],
  );
  const closure = bundle === null ? null : toHex(bundle.bound.closureDigest);
  return {
    agreement,
    when: validityAt(values, at),
    values: [...measured, ['closureDigest', values.closureDigest, closure] as const],
  };
}

function measurementsOf(claims: Verified['claims']): Partial<Record<string, string>> {
  if (claims === null) return {};
  if (claims.platform === 'sev-snp') return { measurement: toHex(claims.report.measurement) };
  if (claims.platform !== 'tdx' && claims.platform !== 'sgx') return {};
  const { body } = claims.quote;
  return body.kind === 'tdx' ? registersOf(body.report) : {};
}

/** MRTD and RTMR0 to RTMR3 of a TD, hex. */
export function registersOf({ mrTd, rtmr }: TdReport): Record<string, string> {
  const registers = rtmr.map((value, index) => [`rtmr${index}`, toHex(value)]);
  return { mrTd: toHex(mrTd), ...Object.fromEntries(registers) };
}

/** All that the evidence says fits, before what it does not say, before what is wrong; then what is in time. */
function rankOf({ values, when }: Compared): number {
  const wrong = values.filter(isWrong).length;
  const fits = wrong > 0 ? 0 : values.some(([, , actual]) => actual === null) ? 1 : 2;
  return 2 * fits + (when === 'valid' ? 1 : 0);
}

function isWrong([, expected, actual]: Compared['values'][number]): boolean {
  return actual !== null && actual !== expected;
}

function pass(list: Checklist, policy: ReferencesPolicy, { agreement }: Compared): void {
  list.pass('policy.reference-signatures', {
    expected: wantedText(policy),
    actual: `${agreement.signers.join(', ')} signed ${releaseOf(agreement)}`,
  });
}

function checkValidity(list: Checklist, { agreement, when }: Compared, at: UnixTime): void {
  const { from, until } = agreement.values.validity;
  list.decide('policy.reference-validity', when === 'valid', {
    expected: `from ${formatTime(from)}, before ${formatTime(until)}`,
    actual: formatTime(at),
    reason:
      when === 'future'
        ? `the values of ${releaseOf(agreement)} do not hold yet`
        : `the values of ${releaseOf(agreement)} have run out`,
  });
}

function checkValues(list: Checklist, { agreement, values }: Compared): void {
  const id = 'policy.reference-values';
  const wrong = values.filter(isWrong);
  const unknown = values.filter(([, , actual]) => actual === null);
  if (wrong.length === 0 && unknown.length > 0) {
    return list.skip(id, 'an evidence bundle: a raw report or quote carries no closure digest');
  }
  const names = wrong.map(([name]) => name).join(', ');
  list.decide(id, wrong.length === 0, {
    expected: values.map(([name, expected]) => `${name} ${expected}`).join(', '),
    actual: values.map(([name, , actual]) => `${name} ${actual ?? 'not told'}`).join(', '),
    reason: `${names} ${wrong.length === 1 ? 'is' : 'are'} not what the builders signed for ${releaseOf(agreement)}`,
  });
}

function failAll(
  list: Checklist,
  { claims }: Verified,
  policy: ReferencesPolicy,
  references: VerifiedReferences,
  candidates: readonly Agreement[],
): void {
  const [signatures, ...rest] = ids;
  list.fail(signatures, {
    expected: wantedText(policy),
    actual: foundText(references, candidates),
    reason: reasonOf(claims?.platform, references, candidates, policy),
  });
  for (const id of rest) {
    const comparison = { expected: 'values that enough builders signed', actual: 'none' };
    list.fail(id, { ...comparison, reason: 'there are no signed values to compare with' });
  }
}

function reasonOf(
  platform: string | undefined,
  { files }: VerifiedReferences,
  candidates: readonly Agreement[],
  { threshold }: ReferencesPolicy,
): string {
  if (platform === 'sgx')
    return 'reference files are of SEV-SNP guests and TDs: no enclave has one';
  if (platform !== 'sev-snp' && platform !== 'tdx')
    return 'reference files are of SEV-SNP guests and TDs: no other evidence has one';
  if (files.length === 0) return 'no reference file was given';
  if (candidates.length === 0)
    return `none of the reference files is of a release that the policy names, for ${platform}`;
  const most = Math.max(...candidates.map(({ signers }) => signers.length));
  const few = `equal values have ${most} of ${threshold} good signatures of the policy’s builders`;
  const distinct = candidates.length > 1 ? '; signatures over other values do not add up' : '';
  const falseOnes = files.flatMap(({ signatures }) => signatures.filter(({ good }) => !good));
  const bad = falseOnes.map(({ key }) => key);
  return `${few}${distinct}${bad.length > 0 ? `; false: the signature of key ${bad.join(', ')}` : ''}`;
}

function wantedText({ threshold, builders }: ReferencesPolicy): string {
  return `${threshold} of ${builders.map(({ name }) => name).join(', ')}`;
}

function foundText({ files }: VerifiedReferences, candidates: readonly Agreement[]): string {
  if (files.length === 0) return 'no reference file';
  if (candidates.length === 0) return 'files of other releases or machines';
  const signers = (agreement: Agreement) => agreement.signers.join(', ') || 'nobody listed';
  return candidates.map((one) => `${signers(one)} signed ${releaseOf(one)}`).join('; ');
}

/** The release and, since two may call themselves the same, the beginning of their digest. */
function releaseOf({ values, digest }: Agreement): string {
  return `${values.name} ${values.release} (values ${digest.slice(0, 16)})`;
}
