/** Azure's evidence with one bit changed, in every part that something signs or binds. */
import { expect } from 'vitest';
import { hclHeaderLength } from '#verifier/abi/hcl.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import type { TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { verifyScene } from '../scene.ts';
import type { AzureScene, HclEvidence } from './scene.ts';

type Mutant = { where: string; change: Partial<HclEvidence>; meansTheSame: boolean };

function* flips(bytes: Bytes, step: number): Generator<[at: number, Bytes]> {
  for (let at = 0; at < bytes.length; at += step) {
    yield [at, bytes.with(at, (bytes[at] as number) ^ (1 << (at % 8)))];
  }
}

function* mutants({ evidence }: AzureScene, step: number): Generator<Mutant> {
  const { bytes, quote, tpm, nonce } = evidence;
  for (const [at, changed] of flips(bytes, step)) {
    const meansTheSame = quote !== null && isUnknownToQuotes(at - hclHeaderLength);
    yield { where: `HCL report ${at}`, change: { bytes: changed }, meansTheSame };
  }
  if (quote !== null) {
    // Signed part, its length, signature and attestation key; the certificates after them are mutated elsewhere.
    const end = parseQuote(quote).signedLength + 132;
    for (const [at, changed] of flips(quote.subarray(0, end), step)) {
      const whole = quote.slice();
      whole.set(changed);
      yield { where: `TD quote ${at}`, change: { quote: whole }, meansTheSame: false };
    }
  }
  for (const [where, changed] of tpmMutants(tpm[0] as TpmQuote, step))
    yield { where, change: { tpm: [changed] }, meansTheSame: false };
  for (const [at, changed] of flips(nonce as Bytes, step))
    yield { where: `nonce ${at}`, change: { nonce: changed }, meansTheSame: false };
}

function* tpmMutants(quote: TpmQuote, step: number): Generator<[where: string, TpmQuote]> {
  for (const [at, message] of flips(quote.message, step))
    yield [`TPM quote ${at}`, { ...quote, message }];
  for (const [at, signature] of flips(quote.signature, step))
    yield [`TPM signature ${at}`, { ...quote, signature }];
  for (const [bank, values] of quote.pcrs) {
    for (const [index, value] of values) {
      for (const [at, changed] of flips(value, step)) {
        const pcrs = new Map(quote.pcrs).set(bank, new Map(values).set(index, changed));
        yield [`PCR ${index}, ${at}`, { ...quote, pcrs }];
      }
    }
  }
}

/** CPUSVN and MAC of a TDREPORT: its quote does not repeat them, nothing else covers them, and nobody here asks for them. */
function isUnknownToQuotes(at: number): boolean {
  return (at >= 16 && at < 32) || (at >= 224 && at < 256);
}

/**
 * That every mutant is invalid, but for those that mean the same, which are decided as the scene itself is.
 * @returns how many there were
 */
export async function expectAllInvalid(
  scene: AzureScene,
  step: number,
): Promise<{ cases: number; sameMeaning: number }> {
  const decisionOn = async (one: AzureScene) =>
    appraise(await verifyScene(one), genuinePolicy).decision;
  const whole = await decisionOn(scene);
  expect(['accepted', 'undecided']).toContain(whole);
  const others: string[] = [];
  const total = { cases: 0, sameMeaning: 0 };
  for (const { where, change, meansTheSame } of mutants(scene, step)) {
    const decision = await decisionOn({ ...scene, evidence: { ...scene.evidence, ...change } });
    total.cases += 1;
    if (meansTheSame) total.sameMeaning += 1;
    if (decision !== (meansTheSame ? whole : 'invalid')) others.push(`${where}: ${decision}`);
  }
  expect(others).toEqual([]);
  expect(total.cases).toBeGreaterThan(3000 / step);
  return total;
}
