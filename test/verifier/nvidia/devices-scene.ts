/** Devices through every check that is about them, for tests to change one thing. */
import { readdirSync } from 'node:fs';
import { fakeNow } from '#test/fake/amd.ts';
import type { FakeNvidia } from '#test/fake/nvidia.ts';
import { sharedFile, sharedPath } from '#test/shared.ts';
import type { NvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import { applicableChecks, type CheckId, type Subject } from '#verifier/checks.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import { type NvidiaOutcome, verifyNvidia } from '#verifier/verify-nvidia.ts';

const subject: Subject = {
  form: 'gpu',
  tee: 'nvidia',
  ak: null,
  gpu: true,
  nitroTpm: false,
  eventLog: false,
  challenged: false,
  connected: false,
  proof: null,
};

export type DevicesScene = {
  /** An error stands for evidence that could not be read. */
  devices: readonly (NvidiaEvidence | AttestationError)[];
  roots: readonly TrustedRoot[];
  rims?: readonly Bytes[];
  ocsp?: readonly Bytes[];
  now?: UnixTime;
  crypto?: CryptoPort;
};

export type DevicesResult = NvidiaOutcome & {
  of: (id: CheckId) => CheckResult;
  failed: CheckId[];
  skipped: CheckId[];
};

export async function runDevices(scene: DevicesScene): Promise<DevicesResult> {
  const { devices, roots, rims = [], ocsp = [], now = fakeNow, crypto = nodeCrypto } = scene;
  const list = new Checklist(applicableChecks(subject, 'verify'));
  const given = devices.map((device) => () => {
    if (device instanceof AttestationError) throw device;
    return device;
  });
  const outcome = await verifyNvidia(list, given, { rims, ocsp }, roots, now, crypto);
  const results = list.finish();
  const with_ = (status: CheckResult['status']) =>
    results.filter((result) => result.status === status).map(({ id }) => id);
  return {
    ...outcome,
    of: (id) => results.find((result) => result.id === id) as CheckResult,
    failed: with_('fail'),
    skipped: with_('skip'),
  };
}

export const nonceOf = (index: number): Bytes => new Uint8Array(32).fill(index + 1);

/** The scene of a simulated machine, its root handed over. */
export async function machineScene(machine: FakeNvidia): Promise<DevicesScene> {
  return { devices: await machine.evidence(nonceOf), roots: [machine.root] };
}

export type NvidiaCase = {
  id: string;
  now: UnixTime;
  verdict: 'valid' | 'invalid';
  reason: string;
  driver: string | null;
  vbios: string;
  architecture: string;
  nonce: string;
  device: NvidiaEvidence;
  rims: Bytes[];
};

/** Every case of ../shared/corpus/nvidia. */
export function nvidiaCases(): NvidiaCase[] {
  const folder = 'corpus/nvidia';
  return readdirSync(sharedPath(folder))
    .toSorted()
    .map((id) => {
      const file = (path: string) => sharedFile(`${folder}/${id}/${path}`);
      const found = JSON.parse(fromUtf8(file('case.json'), 'case'));
      const files = Object.entries(found.files as Record<string, string>);
      return {
        id,
        now: parseTime(found.verify_at) as number,
        verdict: found.expected.verdict,
        reason: found.expected.reason,
        driver: found.driver_version,
        vbios: found.vbios_version,
        architecture: found.arch,
        nonce: found.nonce_hex,
        device: {
          evidence: file('evidence.bin'),
          certificates: readPemChain(file('cert-chain.pem'), id),
        },
        rims: files.filter(([role]) => role.startsWith('rim_')).map(([, path]) => file(path)),
      };
    });
}
