/** Each byte of a report, its signature and its VEK flipped once: none is accepted, none means the same as before. */
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { parseReport, signedLength } from '#verifier/abi/snp.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { asVek } from '#verifier/chain/amd.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { items, replaced, reportScene, type Scene, verdictOf } from './scene.ts';

const signatureLength = 2 * 72;

/** A report of a real machine with its chain and CRL. */
function realScene(): Scene {
  const folder = 'corpus/sev-snp/genoa-v5-vcek-oak-genoa-oc-evidence';
  const shared = (path: string) => sharedFile(`${folder}/${path}`);
  const chain = shared('../../collateral/amd/genoa-vcek-chain.pem');
  const [ask, ark] = readDerObjects(chain, 'CERTIFICATE', 'chain');
  return {
    evidence: { form: 'report', bytes: shared('report.bin') },
    collateral: items({
      vek: shared('vcek.der'),
      ask: ask as Bytes,
      ark: ark as Bytes,
      'ark-crl': shared('../../collateral/amd/genoa-ark-crl.der'),
    }),
    roots: vendorRoots,
    now: Date.parse(JSON.parse(fromUtf8(shared('case.json'), 'case')).verify_at) / 1000,
  };
}

type Outcome = { cases: number; accepted: string[]; same: string[] };

/** What was read, without the bytes that it was read from; null when it could not be. */
function read(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function readVek(der: Bytes): unknown {
  const certificate = parseCertificate(der, 'VEK');
  return { ...asVek(certificate), ...certificate, der: null, tbs: null };
}

async function mutate(scene: Scene): Promise<Outcome> {
  const outcome: Outcome = { cases: 0, accepted: [], same: [] };
  const vek = scene.collateral.find(({ kind }) => kind === 'vek')?.data as Bytes;
  const flipAll = async (
    what: string,
    bytes: Bytes,
    length: number,
    decode: (bytes: Bytes) => unknown,
    sceneOf: (bytes: Bytes) => Scene,
  ) => {
    const original = decode(bytes);
    for (let at = 0; at < length; at++) {
      // Every bit of a byte has its turn along the way.
      const changed = bytes.with(at, (bytes[at] as number) ^ (1 << (at % 8)));
      const { decision } = await verdictOf(sceneOf(changed));
      outcome.cases += 1;
      if (decision === 'accepted') outcome.accepted.push(`${what} byte ${at}`);
      if (
        isDeepStrictEqual(
          read(() => decode(changed)),
          original,
        )
      ) {
        outcome.same.push(`${what} byte ${at}`);
      }
    }
  };
  const { bytes } = scene.evidence;
  await flipAll('report', bytes, signedLength + signatureLength, parseReport, (changed) => ({
    ...scene,
    evidence: { form: 'report', bytes: changed },
  }));
  await flipAll('VEK', vek, vek.length, readVek, (changed) => replaced(scene, 'vek', changed));
  return outcome;
}

async function check(scene: Scene): Promise<void> {
  expect((await verdictOf(scene)).decision).toBe('accepted');
  const { cases, accepted, same } = await mutate(scene);
  expect(cases).toBeGreaterThan(2000);
  expect(accepted).toEqual([]);
  expect(same).toEqual([]);
}

test('a real report', async ({ skip }) => {
  skip(!hasShared, sharedMissing);
  await check(realScene());
});

test.each(['vcek', 'vlek'] as const)('a simulated report under a %s', async (role) => {
  await check(await reportScene({ role }));
});
