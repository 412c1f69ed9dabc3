/** Scenes with one bit changed, in what is signed and in what signs. */
import { expect } from 'vitest';
import { sharedFile } from '#test/shared.ts';
import { type CollateralKind, collateralKinds } from '#verifier/abi/bundle.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { signedLength } from '#verifier/abi/snp.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/policy.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { parseTime } from '#verifier/time.ts';
import { items, replaced, type Scene, verifyScene } from './scene.ts';

/** The signed part, r and s. */
const reportPart = signedLength + 2 * 72;

/** A report of a real machine with its chain and CRL, under AMD's own root. */
export function realScene(): Scene {
  const folder = 'corpus/sev-snp/milan-v5-vcek-teekit-sev-gcp';
  const shared = (path: string) => sharedFile(`${folder}/${path}`);
  const chain = shared('../../collateral/amd/milan-vcek-chain.pem');
  const [ask, ark] = readDerObjects(chain, 'CERTIFICATE', 'chain') as [Bytes, Bytes];
  const { verify_at } = JSON.parse(fromUtf8(shared('case.json'), 'case'));
  const crl = shared('../../collateral/amd/milan-ark-crl.der');
  return {
    evidence: { form: 'report', bytes: shared('report.bin') },
    collateral: items({ vek: shared('vcek.der'), ask, ark, 'ark-crl': crl }),
    roots: vendorRoots,
    now: parseTime(verify_at) as number,
  };
}

/** Every `step`-th byte with one bit changed; all eight bits have their turn. */
function* flips(bytes: Bytes, length: number, step: number): Generator<[at: number, Bytes]> {
  for (let at = 0; at < length; at += step) {
    yield [at, bytes.with(at, (bytes[at] as number) ^ (1 << ((at / step) % 8)))];
  }
}

function* mutants(
  scene: Scene,
  what: 'report' | CollateralKind,
  step: number,
): Generator<[at: number, Scene]> {
  if (what === 'report') {
    for (const [at, bytes] of flips(scene.evidence.bytes, reportPart, step)) {
      yield [at, { ...scene, evidence: { form: 'report', bytes } }];
    }
  } else {
    const data = scene.collateral.find(({ kind }) => kind === what)?.data as Bytes;
    for (const [at, der] of flips(data, data.length, step)) yield [at, replaced(scene, what, der)];
  }
}

/**
 * That the scene is accepted as it is and every mutant is invalid: nothing of it can be missing, so
 * that no mutant may be undecided either.
 * @param step 1: every byte
 */
export async function expectNoneAccepted(
  scene: Scene,
  step: number,
  crypto: CryptoPort = nodeCrypto,
): Promise<void> {
  const decisionOn = async (one: Scene) =>
    appraise(await verifyScene(one, crypto), genuinePolicy).decision;
  expect(await decisionOn(scene)).toBe('accepted');
  for (const what of ['report', ...collateralKinds] as const) {
    const others: string[] = [];
    let count = 0;
    for (const [at, mutant] of mutants(scene, what, step)) {
      const decision = await decisionOn(mutant);
      if (decision !== 'invalid') others.push(`byte ${at}: ${decision}`);
      count += 1;
    }
    expect(others, what).toEqual([]);
    expect(count, what).toBeGreaterThan(700 / step);
  }
}
