/** What the test-size builds under circuits/test take: short trees, and no signature of the vendor. */
import type { InputMap } from '@noir-lang/noir_js';
import { fieldInput } from '#prover/circuit-inputs.ts';
import type { LinkedCircuitName } from '#prover/circuit-names.ts';
import type { QuoteFacts } from '#prover/linked/quote-facts.ts';
import { decodeTcb, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { concat, fromBigEndian } from '#verifier/bytes.ts';
import { limbs } from '#verifier/field.ts';

export const testCircuits = [
  'linked_pck',
  'linked_quote',
  'linked_response',
  'linked_text',
] as const;
export type TestCircuit = (typeof testCircuits)[number];

/** Circuits of the story of a TD. */
export type TdxCircuitName = Exclude<LinkedCircuitName, 'snp-vek' | 'snp-report'>;

/** Levels of the trees in the test-size builds. */
export const shortDepth = 16;

/** From the inputs of the circuits that they stand for. @throws RangeError for a path of more than `shortDepth` siblings */
export function testInputsOf(
  { report, qeIsvSvn }: QuoteFacts,
  {
    'tdx-pck': pck,
    'tdx-quote': quote,
    response,
    'response-text': text,
  }: Readonly<Record<TdxCircuitName, InputMap>>,
): Record<TestCircuit, InputMap> {
  const { blocks: _, issuer_key: __, signature: ___, ...linkedPck } = pck;
  const { signed: _____, certified, opening, ...linkedQuote } = quote as Nested;
  const { signature: ____, ...linkedResponse } = response;
  const { bound, epoch, salt } = opening as Nested;
  const { closure, tree_root } = bound as Nested;
  const { pck: named, pck_salt } = certified as Nested;
  const registers = concat(report.mrTd, ...report.rtmr);
  return {
    linked_pck: linkedPck,
    linked_quote: shortened({
      ...linkedQuote,
      tee_tcb_svn: [...report.teeTcbSvn],
      registers: Array.from({ length: 15 }, (_, i) =>
        fieldInput(fromBigEndian(registers.subarray(16 * i, 16 * i + 16))),
      ),
      qe_isv_svn: fieldInput(BigInt(qeIsvSvn)),
      pck: named as InputMap,
      pck_salt: pck_salt as string,
      opening: { closure, tree_root, epoch, salt } as InputMap,
    }),
    linked_response: shortened(linkedResponse),
    linked_text: textInputsOf(text),
  };
}

/** Without the signature, and without the padding that what is signed takes. */
export function textInputsOf({ signature: _, content, ...text }: InputMap): InputMap {
  const { blocks: __, body, ...rest } = content as Nested;
  const shown = (body as number[]).slice(0, 800);
  return shortened({ ...text, content: { ...rest, body: shown } as InputMap });
}

/** snp-vek without the issuer's signature, and without the padding's length. */
export function snpVekInputsOf({ blocks: _, signature: __, ...linkedVek }: InputMap): InputMap {
  return linkedVek;
}

/** snp-report without what the VEK signed: of the report, what the checker has demands on. */
export function snpReportInputsOf({
  signed,
  certified,
  opening,
  ...linkedSnp
}: InputMap): InputMap {
  const report = Uint8Array.from((signed as Nested)['report'] as number[]);
  const { vek, salt: vekSalt } = certified as Nested;
  const product = snpProducts[Number((vek as Nested)['product']) - 1];
  if (product === undefined) throw new RangeError('the inputs are of no known product');
  const committed = decodeTcb(product, report.subarray(0x1e0, 0x1e8), 'COMMITTED_TCB');
  const { fmc, bootLoader, tee, snp, microcode } = committed;
  const { bound, epoch, salt } = opening as Nested;
  const { closure, tree_root } = bound as Nested;
  return shortened({
    ...linkedSnp,
    measurement: limbs(report.subarray(0x90, 0xc0)).map(fieldInput),
    committed: [fmc, bootLoader, tee, snp, microcode],
    vek: vek as InputMap,
    vek_salt: vekSalt as string,
    opening: { closure, tree_root, epoch, salt } as InputMap,
  });
}

type Nested = Record<string, InputMap[string]>;

/** The same with paths of `shortDepth` siblings. @throws RangeError for a path that is longer */
function shortened(inputs: InputMap): InputMap {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      if (name === 'siblings') return [name, firstOf(value as string[])];
      if (typeof value !== 'object' || Array.isArray(value)) return [name, value];
      return [name, shortened(value as InputMap)];
    }),
  );
}

function firstOf(siblings: readonly string[]): string[] {
  if (siblings.slice(shortDepth).some((one) => BigInt(one) !== 0n)) {
    throw new RangeError(`a path has more than ${shortDepth} siblings: choose another seed`);
  }
  return siblings.slice(0, shortDepth);
}
