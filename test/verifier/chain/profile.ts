/** Breaks one rule of a certificate's profile, and says which check must notice. */
import { expect } from 'vitest';
import { type AmdOverrides, amdAlgorithm } from '#test/fake/amd.ts';
import {
  type CertificatePlan,
  type Change,
  type Extension,
  type Name,
  removeExtension,
  replaceExtension,
} from '#test/fake/certificates.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { checkOf, idsWith, reportScene, verdictOf } from '../scene.ts';

export type Plan = Change<CertificatePlan>;
export type Case = [name: string, change: () => Plan, reason: RegExp, product?: SnpProduct];
export type SignatureCase = [name: string, change: () => Plan];

export function extensions(edit: (found: readonly Extension[]) => Extension[]): Plan {
  return (plan) => ({ extensions: edit(plan.extensions) });
}
export const put = (one: Extension): Plan => extensions((found) => replaceExtension(found, one));
export const drop = (oid: string): Plan => extensions((found) => removeExtension(found, oid));
export const add = (...more: Extension[]): Plan => extensions((found) => [...found, ...more]);

export function asPrintable(name: Name): Name {
  return name.map((attribute) => ({ ...attribute, string: 'printable' }));
}

/** What signs otherwise than both algorithm fields say. */
export function signedBy(algorithm: CertificatePlan['algorithm']): Plan {
  return { algorithm, innerAlgorithm: amdAlgorithm, outerAlgorithm: amdAlgorithm };
}

export function flipped(bytes: Bytes): Bytes {
  return bytes.with(9, (bytes[9] as number) ^ 1);
}

/** That exactly one check fails, for the reason, and makes the evidence invalid. */
export async function expectFailure(
  failing: CheckId,
  overrides: AmdOverrides,
  reason: RegExp,
  options: { product?: SnpProduct; role?: 'vcek' | 'vlek' } = {},
): Promise<void> {
  const verdict = await verdictOf(await reportScene({ ...options, overrides }));
  expect(idsWith('fail', verdict)).toEqual([failing]);
  expect(checkOf(failing, verdict).reason).toMatch(reason);
  expect(verdict.decision).toBe('invalid');
}
