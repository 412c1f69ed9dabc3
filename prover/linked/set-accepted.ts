/** What may run, by the policies that name it or by evidence that was verified. */
import type { SnpReport } from '#verifier/abi/snp.ts';
import type { TdReport } from '#verifier/abi/td-report.ts';
import { type Policy, policyDigest } from '#verifier/appraise/policy.ts';
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { AcceptedEntry } from './set-entries.ts';
import type { AcceptedSnp } from './set-entries-snp.ts';
import type { AcceptedTdx } from './set-entries-tdx.ts';
import { maxSetEntries } from './sets.ts';

const registers = ['rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'] as const;

/**
 * Every combination of what the policy names, of each vendor that it names. Its other members are no part of the set.
 * @throws AttestationError `json-shape` for a policy that leaves a register, the measurement or the closure open, or says
 *   nothing of TDX and SEV-SNP; `too-large` for more combinations than a set holds
 */
export function acceptedByPolicy(policy: Policy): AcceptedEntry[] {
  const { tdx, sevSnp } = policy;
  if (tdx === undefined && sevSnp === undefined)
    throw openMember('tdx', 'is missing, and so is sevSnp: the policy accepts no guest');
  const ofTdx = tdx && tdxChoices(tdx);
  const measurements = sevSnp && named('sevSnp.measurement', sevSnp.measurement);
  const closures = named('closureDigest', policy.closureDigest);
  const tdxCount = ofTdx?.reduce((product, { length }) => product * length, closures.length) ?? 0;
  const count = tdxCount + (measurements?.length ?? 0) * closures.length;
  if (count > maxSetEntries) {
    throw new AttestationError(
      'too-large',
      `policy: its values combine to ${count} references, a set holds ${maxSetEntries}`,
    );
  }
  return closures.flatMap((closureDigest) => [
    ...(ofTdx === undefined ? [] : tdsOf(ofTdx, closureDigest)),
    ...(measurements ?? []).map((measurement): AcceptedSnp => ({ measurement, closureDigest })),
  ]);
}

/** The values of MRTD and of each RTMR. */
function tdxChoices(tdx: NonNullable<Policy['tdx']>): Bytes[][] {
  return (['mrTd', ...registers] as const).map((member) =>
    named(`tdx.${member}`, valuesOf(tdx[member])),
  );
}

/** What is named by its events has no values that could be members. */
function valuesOf(rule: 'any' | string[] | { events: string[] }): 'any' | string[] {
  return rule === 'any' || Array.isArray(rule) ? rule : 'any';
}

function tdsOf(choices: readonly (readonly Bytes[])[], closureDigest: Bytes): AcceptedTdx[] {
  return combinations(choices).map(([mrTd, ...rtmr]) => ({
    mrTd: mrTd as Bytes,
    rtmr,
    closureDigest,
  }));
}

function named(path: string, values: 'any' | readonly string[]): Bytes[] {
  if (values === 'any') throw openMember(path, 'is "any", and a set names every value');
  return values.map((value) => fromHex(value, path));
}

/** A policy that leaves open what a set must say. */
export function openMember(path: string, problem: string): AttestationError {
  return new AttestationError('json-shape', `policy.${path} ${problem}`);
}

/** One value of each, in every way. */
function combinations(choices: readonly (readonly Bytes[])[]): Bytes[][] {
  return choices.reduce<Bytes[][]>(
    (made, values) => made.flatMap((start) => values.map((value) => [...start, value])),
    [[]],
  );
}

export function policySource(policy: Policy): string {
  return `policy ${toHex(policyDigest(policy)).slice(0, 16)}`;
}

/** Of a TD whose evidence was verified, closure digest included. */
export function acceptedByReport({ mrTd, rtmr }: TdReport, closureDigest: Bytes): AcceptedTdx {
  return { mrTd, rtmr, closureDigest };
}

/** The same of an SNP guest. */
export function acceptedBySnpReport({ measurement }: SnpReport, closureDigest: Bytes): AcceptedSnp {
  return { measurement, closureDigest };
}
