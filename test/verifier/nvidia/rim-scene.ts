/** Manifests and OCSP responses through the checks that are about them. */
import type { RimSubject } from '#verifier/abi/nvidia/rim-subject.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type RimOutcome, verifyRims } from '#verifier/verify-nvidia-rims.ts';

const rimChecks = {
  signature: 'collateral.rim-signature',
  validity: 'collateral.rim-validity',
  driver: 'collateral.gpu-driver',
  firmware: 'collateral.gpu-firmware',
} as const satisfies Record<string, CheckId>;
type Name = keyof typeof rimChecks;

export type RimScene = {
  devices: readonly (RimSubject | null)[];
  rims: readonly Bytes[];
  roots: readonly TrustedRoot[];
  now: UnixTime;
  crypto?: CryptoPort;
};
export type RimResult = RimOutcome & {
  /** `signature validity driver firmware`, each by its first letters: `pass`, `fail`, `skip`. */
  statuses: string;
  of: Record<Name, CheckResult>;
};

export async function runRims({ devices, rims, roots, now, crypto }: RimScene): Promise<RimResult> {
  const list = new Checklist(Object.values(rimChecks));
  const outcome = await verifyRims(list, devices, rims, roots, now, crypto ?? nodeCrypto);
  const results = list.finish();
  const of = Object.fromEntries(
    Object.keys(rimChecks).map((name, i) => [name, results[i]]),
  ) as Record<Name, CheckResult>;
  return { ...outcome, statuses: results.map(({ status }) => status).join(' '), of };
}
