/** Lint of the member `references`, and what it changes for others. */
import type { Policy } from '../appraise/policy.ts';
import type { LintId, Report } from './finding.ts';
import { bareKinds } from './lint-devices.ts';

export function lintReferences(policy: Policy, report: Report): void {
  const { references, sgx } = policy;
  if (references === undefined) return;
  const { name, release, builders, threshold } = references;
  if (sgx !== undefined) report('never-referenced', 'sgx');
  for (const kind of bareKinds(policy)) report('never-referenced', kind);
  if (name === 'any') report('any-release-name', 'references.name');
  if (release === 'any') report('any-release', 'references.release');
  if (threshold === 1) {
    report('one-builder-decides', 'references.threshold', `1 of ${builders.length}`);
  }
}

/** What is said where a policy does not name the software of a guest or TD: reference files do. */
const unnamed: ReadonlySet<LintId> = new Set([
  'software-unnamed',
  'software-partly-named',
  'software-by-signer',
]);

/** @returns what takes findings on `sevSnp` and `tdx` */
export function unlessReferenced({ references }: Policy, report: Report): Report {
  if (references === undefined) return report;
  return (id, path, detail) => {
    if (!unnamed.has(id)) report(id, path, detail);
  };
}
