/** Quotes of real machines, as the circuits take them. */
import { readdirSync } from 'node:fs';
import type { InputMap } from '@noir-lang/noir_js';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { keyCommitment, vekTdx } from '#prover/linked/formulas.ts';
import { type QuoteFacts, readQuoteFacts } from '#prover/linked/quote-facts.ts';
import { toTdxPckInputs, vendorInputs } from '#prover/linked/tdx-inputs.ts';
import { sharedFile, sharedPath } from '#test/shared.ts';
import { digitsOf, saltOf } from './scene.ts';

/** Folders of the corpus with a TD's quote that nobody tampered with. */
export function quoteIds(): string[] {
  return readdirSync(sharedPath('corpus/tdx')).filter((id) => id.startsWith('tdx1'));
}

export type RealQuote = {
  readonly facts: QuoteFacts;
  /** Of tdx-pck. */
  readonly pck: InputMap;
  /** Of circuits/test/tdx_vendor. */
  readonly vendor: InputMap;
};

export function realQuote(id: string): RealQuote {
  const facts = readQuoteFacts(sharedFile(`corpus/tdx/${id}/quote.bin`));
  const salt = saltOf(id);
  const commitment = keyCommitment(vekTdx(facts.pck), salt);
  const { notBefore, notAfter } = facts.certificate;
  const at = digitsOf(Math.floor((notBefore + notAfter) / 2));
  return {
    facts,
    pck: toTdxPckInputs({ facts, at, commitment, salt }),
    vendor: { key_commitment: fieldInput(commitment), ...vendorInputs(facts, salt) },
  };
}
