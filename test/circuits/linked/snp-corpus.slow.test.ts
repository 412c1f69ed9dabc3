/** Real machines' reports under their VCEK: of snp-report what the vendor signed; and changes of every part, each refused. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SnpVek, snpProducts } from '#prover/linked/formulas-snp.ts';
import type { SnpFacts } from '#prover/linked/snp-facts.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { signedLength } from '#verifier/abi/snp.ts';
import { snpFields } from '#verifier/abi/snp-fields.ts';
import { AttestationError } from '#verifier/errors.ts';
import { flipped } from './inputs.ts';
import { factsOf, reportIds, vendorInputsOf } from './snp-corpus.ts';

const notSigned = 'the signature is not of this digest under this key';
const otherLevel = 'the report comes from another privilege level than VMPL 0';
const otherChip = 'the key is of another chip';
const otherTcb = 'the key is for another TCB';
const otherCommitment = 'C_key is of another VEK';

/** Refused by the constants of the protocol (the corpus's only VLEK signed for VMPL 1), by the signature, or never read. */
const refused: Readonly<Record<string, string>> = {
  'milan-v2-vcek-cmc-snp-test-5aa38e': notSigned,
  'milan-v2-vcek-go-sev-guest-attestation': 'the guest is to be debugged',
  'milan-v3-vlek-trustee-test-vlek-report': otherLevel,
  'milan-v5-vcek-teekit-samples': otherLevel,
  'neg-genoa5-other-chip-vcek': notSigned,
  'neg-milan2-reported-tcb-raised': notSigned,
  'neg-milan2-trailing-signature-garbage': 'signature-malformed',
  'neg-milan5-policy-debug-bit': notSigned,
  'neg-turin-measurement-flip': notSigned,
  'neg-turin-reportdata-flip': notSigned,
  'neg-turin-sig-r-flip': notSigned,
  'neg-turin-sig-zero': 'RangeError',
  'neg-turin-under-genoa-chain': 'certificate-profile',
  'neg-turin-version-6': 'version-unknown',
  'neg-vlek-claims-vcek': notSigned,
  'neg-vlek-expired': otherLevel,
  'neg-vlek-under-vcek-chain': 'certificate-profile',
};
const withoutCertificate = 4;

let circuit: Circuit;

/** Undefined where the circuit accepts; null where the corpus has no certificate; else why not, here or in the prover. */
async function outcomeOf(id: string): Promise<string | undefined | null> {
  try {
    const facts = factsOf(id);
    return facts && (await refusalOf(circuit, vendorInputsOf(facts, id)));
  } catch (error) {
    if (error instanceof AttestationError) return error.code;
    // Of r or s of 0 there is no witness.
    if (error instanceof RangeError) return 'RangeError';
    throw error;
  }
}

const sample = 'turin-v5-vcek-oak-turin-oc-evidence';
type Change = readonly [name: string, inputs: () => InputMap, message?: string | undefined];

/** The report with its fields changed, each under the witness that an honest prover would compute for it. */
function reportChanges(facts: SnpFacts): Change[] {
  return snpFields(5)
    .filter(({ offset }) => offset < signedLength)
    .map(({ name, offset, length }) => {
      const at = offset + length - 1;
      const signed = facts.signed.with(at, (facts.signed[at] as number) ^ 1);
      return [
        `${name} at ${offset}`,
        () => vendorInputsOf({ ...facts, signed }, sample),
        notSigned,
      ];
    });
}

/** Another certificate, to which C_key commits: the signature holds, unless the key is another. */
function certificateChanges(facts: SnpFacts, other: SnpFacts): Change[] {
  const { vek } = facts;
  const under = (changes: Partial<SnpVek>) => () =>
    vendorInputsOf({ ...facts, vek: { ...vek, ...changes } }, sample);
  const anyRefusal = undefined;
  return [
    ['another key', under({ publicKey: other.vek.publicKey }), notSigned],
    ['Milan', under({ product: snpProducts.Milan }), 'the processor is of another product'],
    ['Genoa', under({ product: snpProducts.Genoa }), 'the processor is of another product'],
    ['a VLEK', under({ kind: 1, chip: 0n }), 'the report says that another key signed it'],
    ['another chip', under({ chip: other.vek.chip }), otherChip],
    ['no chip', under({ chip: 0n }), otherChip],
    ...[0n, 8n, 16n, 24n, 32n].map((bit): Change => {
      return [`tcb, part at bit ${bit}`, under({ tcb: vek.tcb ^ (1n << bit) }), otherTcb];
    }),
    ['a tcb of more bits', under({ tcb: vek.tcb + (1n << 40n) }), otherTcb],
    ['the certificate of another machine', under(other.vek), anyRefusal],
  ];
}

/** Every integer of the inputs, by its path. */
function pathsOf(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([name, one]) => pathsOf(one, at ? `${at}.${name}` : name));
}

function evenly<T>(all: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);
}

function witnessChanges(inputs: InputMap): Change[] {
  const flips = (paths: readonly string[], message?: string): Change[] =>
    paths.map((at) => [at, () => flipped(inputs, at), message]);
  const { signed, certified } = inputs as Record<string, InputMap>;
  const signature = pathsOf(signed?.['signature'], 'signed.signature');
  const named = signature.filter((at) => /signature\.(r|s|is_above|point)\b/.test(at));
  return [
    ...flips(['key_commitment', ...pathsOf(certified, 'certified')], otherCommitment),
    // Under the witness of the report as it was.
    ...flips(['signed.report.0', 'signed.report.671', ...named]),
    ...flips(evenly(signature, 50)),
  ];
}

describe.skipIf(!hasShared)(`real reports (or: ${sharedMissing})`, () => {
  beforeAll(async () => {
    circuit = await forTests('snp_vendor');
  });

  test('are accepted, but for those of a kind that is not, and those that were changed', async () => {
    const found: Record<string, string> = {};
    const accepted: string[] = [];
    let skipped = 0;
    for (const id of reportIds()) {
      const outcome = await outcomeOf(id);
      if (outcome === null) skipped += 1;
      else if (outcome === undefined) accepted.push(id);
      else found[id] = outcome;
    }
    expect(found).toEqual(refused);
    expect(skipped).toBe(withoutCertificate);
    const of = (name: string) => accepted.filter((id) => id.includes(name)).length;
    // The certificate's validity is snp-vek's part: `neg-milan2-before-vcek` is one of these.
    expect([of('milan'), of('genoa'), of('turin')]).toEqual([14, 5, 1]);
  });

  test('changed anywhere are refused', { timeout: 1_800_000 }, async () => {
    const facts = factsOf(sample) as SnpFacts;
    const other = factsOf('genoa-v5-vcek-oak-genoa-oc-evidence') as SnpFacts;
    const inputs = vendorInputsOf(facts, sample);
    expect(await refusalOf(circuit, inputs)).toBeUndefined();
    const changes = [
      ...reportChanges(facts),
      ...certificateChanges(facts, other),
      ...witnessChanges(inputs),
    ];
    expect(changes.length).toBeGreaterThanOrEqual(100);
    const wrong: Record<string, string> = {};
    for (const [name, make, message] of changes) {
      const refusal = await refusalOf(circuit, make());
      if (refusal === undefined || (message !== undefined && refusal !== message)) {
        wrong[name] = refusal ?? 'accepted';
      }
    }
    expect(wrong).toEqual({});
  });
});
