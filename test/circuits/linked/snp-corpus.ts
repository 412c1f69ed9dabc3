/** SEV-SNP reports of real machines, and those of the corpus that were made from them, as the circuits take them. */
import { readdirSync } from 'node:fs';
import type { InputMap } from '@noir-lang/noir_js';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { keyCommitment } from '#prover/linked/formulas.ts';
import { snpProducts, vekSnp } from '#prover/linked/formulas-snp.ts';
import { readSnpFacts, type SnpFacts } from '#prover/linked/snp-facts.ts';
import { snpVendorInputs } from '#prover/linked/snp-report-inputs.ts';
import { sharedFile, sharedPath } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { signedLength } from '#verifier/abi/snp.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { saltOf } from './scene.ts';

export function reportIds(): string[] {
  return readdirSync(sharedPath('corpus/sev-snp'));
}

type Case = {
  readonly signing_key: 'VCEK' | 'VLEK';
  readonly product: SnpProduct | 'unknown-product';
  readonly expected: { readonly verdict: string; readonly reason: string };
  readonly files: Partial<Record<'vcek' | 'vlek' | 'ask_ark_chain', string>>;
};

export type CorpusReport = {
  readonly id: string;
  /** 1184 bytes. */
  readonly report: Bytes;
  /** Milan where nothing says which. */
  readonly product: SnpProduct;
  readonly kind: 0 | 1;
  readonly verdict: string;
};

export function corpusReport(id: string): CorpusReport {
  const { signing_key, product, expected } = caseOf(id);
  return {
    id,
    report: sharedFile(`corpus/sev-snp/${id}/report.bin`),
    product: product === 'unknown-product' ? 'Milan' : product,
    kind: signing_key === 'VCEK' ? 0 : 1,
    verdict: expected.verdict,
  };
}

function caseOf(id: string): Case {
  return JSON.parse(fromUtf8(sharedFile(`corpus/sev-snp/${id}/case.json`), id));
}

/** Of circuits/test/snp_report_vectors. */
export function readingInputs(report: Bytes, product: SnpProduct, kind: number): InputMap {
  return {
    report: [...report.subarray(0, signedLength)],
    product: fieldInput(BigInt(snpProducts[product])),
    kind: fieldInput(BigInt(kind)),
  };
}

/** Null where the corpus has no VCEK or VLEK. */
export function factsOf(id: string): SnpFacts | null {
  const { files } = caseOf(id);
  const vek = files.vcek ?? files.vlek;
  const { ask_ark_chain: chain } = files;
  if (vek === undefined || chain === undefined) return null;
  const file = (path: string) => sharedFile(`corpus/sev-snp/${id}/${path}`);
  const [issuer, root] = readDerObjects(file(chain), 'CERTIFICATE', id) as [Bytes, Bytes];
  return readSnpFacts(file('report.bin'), [file(vek), issuer, root]);
}

/** Of circuits/test/snp_vendor. */
export function vendorInputsOf(facts: SnpFacts, seed: string): InputMap {
  const salt = saltOf(seed);
  const commitment = keyCommitment(vekSnp(facts.vek), salt);
  return { key_commitment: fieldInput(commitment), ...snpVendorInputs(facts, salt) };
}
