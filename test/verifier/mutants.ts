/** Scenes with one bit changed, in what is signed and in what signs. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { sharedFile } from '#test/shared.ts';
import type { CollateralKind } from '#verifier/abi/bundle.ts';
import { openSignedJson } from '#verifier/abi/intel-json.ts';
import { readDerObjects, readPemChain } from '#verifier/abi/pem.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { signedLength } from '#verifier/abi/snp.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { AttestationError } from '#verifier/errors.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { parseTime } from '#verifier/time.ts';
import { replaced, type Scene, verifyScene } from './scene.ts';

/** The signed part, r and s. */
const reportPart = signedLength + 2 * 72;

type Given = { kind: CollateralKind; file: string; label?: 'CERTIFICATE' | 'X509 CRL' };

/** Evidence of a real machine with its collateral, under the vendor's own root. */
function realScene(folder: string, form: 'report' | 'quote', given: readonly Given[]): Scene {
  const shared = (path: string) => sharedFile(`corpus/${folder}/${path}`);
  const { verify_at } = JSON.parse(fromUtf8(shared('case.json'), 'case'));
  return {
    evidence: { form, bytes: shared(`${form}.bin`) },
    collateral: given.map(({ kind, file, label }) => {
      const bytes = shared(file.startsWith('/') ? `../../collateral${file}` : file);
      if (label === undefined) return { kind, data: bytes };
      const objects = readDerObjects(bytes, label, file);
      // A chain has two: the issuer, then the root.
      const last = kind === 'ark' || kind === 'intel-root';
      return { kind, data: objects[last ? 1 : 0] as Bytes };
    }),
    roots: vendorRoots,
    now: parseTime(verify_at) as number,
  };
}

/** A report of a real machine with its chain and CRL. */
export function realReport(): Scene {
  const chain = { file: '/amd/milan-vcek-chain.pem', label: 'CERTIFICATE' } as const;
  return realScene('sev-snp/milan-v5-vcek-teekit-sev-gcp', 'report', [
    { kind: 'vek', file: 'vcek.der' },
    { kind: 'ask', ...chain },
    { kind: 'ark', ...chain },
    { kind: 'ark-crl', file: '/amd/milan-ark-crl.der' },
  ]);
}

/** A quote of a real machine with all that Intel says of it. */
export function realQuote(): Scene {
  const chain = { file: '/intel/tcb-signing-2025-05-06.pem', label: 'CERTIFICATE' } as const;
  return realScene('tdx/tdx15-v5-go-tdx-guest-quote-v5-sample', 'quote', realQuoteFiles(chain));
}

function realQuoteFiles(chain: Omit<Given, 'kind'>): Given[] {
  const path = 'corpus/tdx/tdx15-v5-go-tdx-guest-quote-v5-sample/case.json';
  const { files } = JSON.parse(fromUtf8(sharedFile(path), 'case')) as {
    files: Record<string, string>;
  };
  const file = (role: string) => (files[role] as string).replace('../../collateral', '');
  return [
    { kind: 'tcb-info', file: file('tcb_info') },
    { kind: 'tcb-signing', ...chain },
    { kind: 'qe-identity', file: file('qe_identity') },
    { kind: 'qe-identity-signing', ...chain },
    { kind: 'pck-crl', file: file('pck_crl') },
    { kind: 'intel-root-crl', file: file('root_ca_crl') },
    { kind: 'intel-root', ...chain },
  ];
}

/** Every `step`-th byte with one bit changed; all eight bits have their turn. */
function* flips(bytes: Bytes, length: number, step: number): Generator<[at: number, Bytes]> {
  for (let at = 0; at < length; at += step) {
    yield [at, bytes.with(at, (bytes[at] as number) ^ (1 << ((at / step) % 8)))];
  }
}

type What = 'evidence' | CollateralKind;

function* mutants(
  scene: Scene,
  what: What,
  step: number,
): Generator<[at: number, Bytes, changed: Bytes, Scene]> {
  if (what === 'evidence') {
    const { evidence } = scene;
    if (evidence.form === 'bundle') throw new RangeError('a raw report or quote is wanted');
    const { bytes } = evidence;
    for (const [at, changed] of flips(bytes, evidenceLength(scene), step)) {
      yield [at, bytes, changed, { ...scene, evidence: { ...evidence, bytes: changed } }];
    }
  } else {
    const data = scene.collateral.find(({ kind }) => kind === what)?.data as Bytes;
    for (const [at, changed] of flips(data, data.length, step))
      yield [at, data, changed, replaced(scene, what, changed)];
  }
}

/** Without what follows a quote, and without the zeros after a report's s. */
function evidenceLength({ evidence: { form, bytes } }: Scene): number {
  return form === 'report' ? reportPart : bytes.length - parseQuote(bytes).trailing;
}

/**
 * Whether two spellings have one meaning: white space between the lines of the PEM chain in a quote, the case of hex digits in
 * the signature of Intel's documents. Nothing else may be accepted changed.
 */
function sameMeaning(what: What, form: string, original: Bytes, changed: Bytes): boolean {
  const decode = (bytes: Bytes): unknown => {
    if (what === 'tcb-info') return openSignedJson(bytes, 'tcbInfo', what);
    if (what === 'qe-identity') return openSignedJson(bytes, 'enclaveIdentity', what);
    if (what !== 'evidence' || form !== 'quote') return bytes;
    const { certification, ...quote } = parseQuote(bytes);
    return { ...quote, chain: readPemChain(certification.data, 'chain') };
  };
  try {
    return isDeepStrictEqual(decode(original), decode(changed));
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}

export type MutationOptions = { crypto?: CryptoPort; policy?: Policy };
export type MutationCount = { cases: number; sameMeaning: number };

/**
 * That the scene is accepted as it is and every mutant is invalid: nothing of it can be missing, so
 * that no mutant may be undecided either.
 * @param step 1: every byte
 */
export async function expectNoneAccepted(
  scene: Scene,
  step: number,
  { crypto = nodeCrypto, policy = genuinePolicy }: MutationOptions = {},
): Promise<MutationCount> {
  const decisionOn = async (one: Scene) =>
    appraise(await verifyScene(one, crypto), policy).decision;
  expect(await decisionOn(scene)).toBe('accepted');
  const total: MutationCount = { cases: 0, sameMeaning: 0 };
  for (const what of ['evidence', ...new Set(scene.collateral.map(({ kind }) => kind))] as const) {
    const others: string[] = [];
    let count = 0;
    for (const [at, original, changed, mutant] of mutants(scene, what, step)) {
      const decision = await decisionOn(mutant);
      count += 1;
      if (decision === 'invalid') continue;
      if (sameMeaning(what, scene.evidence.form, original, changed)) total.sameMeaning += 1;
      else others.push(`byte ${at}: ${decision}`);
    }
    expect(others, what).toEqual([]);
    expect(count, what).toBeGreaterThan(280 / step);
    total.cases += count;
  }
  return total;
}
