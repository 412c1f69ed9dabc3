/** Nitro documents, simulated and real, and what comes of verifying them. */
import {
  createNitro,
  type FakeNitro,
  generateNitroKeys,
  type NitroOptions,
} from '#test/fake/nitro.ts';
import { sharedFile } from '#test/shared.ts';
import type { NitroKind } from '#verifier/abi/nitro.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import { type NitroOutcome, verifyNitro } from '#verifier/verify-nitro.ts';

export const nitroChecks = [
  'parse.nitro',
  'chain.nitro-certificates',
  'chain.nitro-root-pinned',
  'chain.nitro-validity',
  'chain.nitro-signatures',
  'evidence.nitro-signature',
] as const satisfies readonly CheckId[];

const keys = generateNitroKeys();

/** With one set of keys, so that only what a test changes differs. */
export function nitro(options: NitroOptions = {}): FakeNitro {
  return createNitro({ keys, ...options });
}

export type NitroScene = {
  bytes: Bytes;
  roots: readonly TrustedRoot[];
  now: UnixTime;
  only?: NitroKind;
  crypto?: CryptoPort;
};

export type NitroResult = NitroOutcome & {
  checks: readonly CheckResult[];
  failed: readonly CheckId[];
  skipped: readonly CheckId[];
};

export async function verifyScene(scene: NitroScene): Promise<NitroResult> {
  const { bytes, roots, now, only = null, crypto = nodeCrypto } = scene;
  const list = new Checklist(nitroChecks);
  const outcome = await verifyNitro(list, bytes, roots, now, crypto, only);
  const checks = list.finish();
  const idsWith = (wanted: CheckResult['status']) =>
    checks.filter(({ status }) => status === wanted).map(({ id }) => id);
  return { ...outcome, checks, failed: idsWith('fail'), skipped: idsWith('skip') };
}

/** A document of this very Nitro, under its own root, at its moment. */
export function sceneOf(fake: FakeNitro, bytes: Bytes = fake.document()): NitroScene {
  return { bytes, roots: [fake.root], now: fake.at };
}

export type NitroCase = { expected: string; scene: NitroScene };

/** A case of the corpus, under AWS's root. */
export function nitroCase(name: string): NitroCase {
  const shared = (file: string) => sharedFile(`corpus/aws-nitro/${name}/${file}`);
  const { files, expected, verify_at } = JSON.parse(fromUtf8(shared('case.json'), 'case'));
  const now = parseTime(verify_at) as number;
  return {
    expected: expected.verdict,
    scene: { bytes: shared(files.attestation), roots: vendorRoots, now },
  };
}
