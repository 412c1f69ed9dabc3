/** One run of random policies through parser, digest, schema and lint. */
import { type Policy, parsePolicy, policyDigest, toPolicy } from '#verifier/appraise/policy.ts';
import { policySchema } from '#verifier/appraise/policy-schema.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { canonicalJson } from '#verifier/json.ts';
import { lintCatalogue } from '#verifier/policy-tools/finding.ts';
import { lintPolicy } from '#verifier/policy-tools/lint.ts';
import { isValid } from './json-schema.ts';
import { describedPolicy, editedPolicy, randomOf } from './random-policy.ts';

export type FuzzCount = { accepted: number; refused: number; findings: Set<string> };

/** @throws when lint or the parser fails otherwise than it may, or a digest does not survive */
export function fuzzPolicies(cases: number, seed: number): FuzzCount {
  const count: FuzzCount = { accepted: 0, refused: 0, findings: new Set() };
  const schema = policySchema();
  for (let i = 0; i < cases; i += 1) {
    const random = randomOf(seed + i);
    const document = random.chance(0.5) ? describedPolicy(random) : editedPolicy(random);
    const policy = policyOrNull(document);
    const described = isValid(schema, document);
    // What no schema can see is a fault that the parser alone finds.
    if ((described && !hasBuilderTwice(document)) !== (policy !== null)) {
      throw new Error(`schema and parser differ on seed ${seed + i}: ${JSON.stringify(document)}`);
    }
    if (policy === null) count.refused += 1;
    else {
      count.accepted += 1;
      survives(policy, seed + i);
      // Now, and at a time that expiry dates may be on either side of.
      for (const at of [1_764_000_000, random.below(2 ** 32)]) {
        for (const { id, severity, path, text, remedy } of lintPolicy(policy, at)) {
          const whole = [path, text, remedy].every((line) => /^[^\n]+$/.test(line));
          if (!whole || severity !== lintCatalogue[id].severity) {
            throw new Error(`${id} is not as it should be on seed ${seed + i}`);
          }
          count.findings.add(id);
        }
      }
    }
  }
  return count;
}

/** Of a document that the schema takes: whether two builders have one name or one key. */
function hasBuilderTwice(document: unknown): boolean {
  const { references } = document as Pick<Policy, 'references'>;
  const { builders } = references ?? { builders: [] };
  return (['name', 'key'] as const).some(
    (member) => new Set(builders.map((builder) => builder[member])).size !== builders.length,
  );
}

function policyOrNull(document: unknown): Policy | null {
  try {
    return toPolicy(document);
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function survives(policy: Policy, seed: number): void {
  const digest = toHex(policyDigest(policy));
  const again = parsePolicy(utf8(canonicalJson(policy)));
  if (toHex(policyDigest(again)) !== digest) throw new Error(`another digest on seed ${seed}`);
  if (canonicalJson(again) !== canonicalJson(policy))
    throw new Error(`not the same on seed ${seed}`);
}
