/** One verification of a TPM's quotes, by verifyTpm alone: what each of its checks said. */
import { fakeNow } from '#test/fake/amd.ts';
import { allPcrs, createTpm, type FakeTpm, type FakeTpmOptions } from '#test/fake/tpm.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type AkSource, type TpmGiven, type TpmOutcome, verifyTpm } from '#verifier/verify-tpm.ts';

const chainIds: readonly CheckId[] = [
  'chain.ak-certificates',
  'chain.ak-root-pinned',
  'chain.ak-validity',
  'chain.ak-signatures',
];
const evidenceIds: readonly CheckId[] = [
  'evidence.ak-key',
  'evidence.tpm-signature',
  'evidence.pcr-digest',
];

export type Judged = TpmOutcome & {
  checks: readonly CheckResult[];
  /** Ids of the checks that did not pass, each with its status: `fail evidence.ak-key`. */
  wrong: readonly string[];
  reasonOf: (id: CheckId) => string | null;
};

export type TpmScene = {
  given: TpmGiven;
  roots: readonly TrustedRoot[];
  now?: UnixTime;
  crypto?: CryptoPort;
};

export async function judge(scene: TpmScene): Promise<Judged> {
  const { given, roots, now = fakeNow, crypto = nodeCrypto } = scene;
  const list = new Checklist(idsFor(given.key.kind));
  const outcome = await verifyTpm(list, given, roots, now, crypto);
  const checks = list.finish();
  const wrong = checks.filter(({ status }) => status !== 'pass');
  return {
    ...outcome,
    checks,
    wrong: wrong.map(({ id, status }) => `${status} ${id}`),
    reasonOf: (id) => checks.find((check) => check.id === id)?.reason ?? null,
  };
}

/** The checks that apply to a TPM whose key has this source. */
export function idsFor(kind: AkSource['kind']): readonly CheckId[] {
  return ['parse.tpm-quote', ...(kind === 'certificate' ? chainIds : []), ...evidenceIds];
}

export const nonce: Bytes = utf8('a nonce of the verifier');

/** A quote of all PCRs, of which two were extended, and the sources that its key can have. */
export async function tpmScene(options: Partial<FakeTpmOptions> = {}): Promise<{
  tpm: FakeTpm;
  certified: TpmScene;
  trusted: TpmScene;
}> {
  const tpm = await createTpm({ key: 'rsa', ...options });
  tpm.extend(0, new Uint8Array(32).fill(1));
  tpm.extend(4, new Uint8Array(32).fill(2));
  const quotes = [await tpm.quote(nonce, { algorithm: 'sha256', indices: allPcrs })];
  const { certificates, publicKey: claimed } = tpm;
  return {
    tpm,
    certified: {
      given: { quotes, key: { kind: 'certificate', certificates } },
      roots: [tpm.root],
    },
    trusted: {
      given: { quotes, key: { kind: 'trusted', claimed, trusted: [claimed] } },
      roots: [],
    },
  };
}
