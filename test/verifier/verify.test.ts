/** Stage parse, and what holds for every verification. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { amdCollateralKinds, intelCollateralKinds } from '#verifier/abi/bundle.ts';
import { reportLength } from '#verifier/abi/snp.ts';
import { type Bytes, concat, utf8 } from '#verifier/bytes.ts';
import type { CpuEvidence } from '#verifier/evidence.ts';
import { enclaveScene, quoteScene, tdxBundleScene } from './intel-scene.ts';
import {
  bundleScene,
  checkOf,
  failuresOf,
  hierarchyOf,
  idsWith,
  replaced,
  reportScene,
  type Scene,
  verdictOf,
  verifyScene,
} from './scene.ts';

let milan: AmdHierarchy;
beforeAll(async () => {
  milan = await hierarchyOf('Milan');
});

describe('what cannot be read', () => {
  const evidenceOf = (bytes: Bytes): CpuEvidence => ({ form: 'report', bytes });
  test.for([
    ['empty', () => new Uint8Array(0)],
    ['one byte short', (report: Bytes) => report.subarray(1)],
    ['one byte long', (report: Bytes) => concat(report, new Uint8Array(1))],
    ['of version 6', (report: Bytes) => report.with(0, 6)],
    ['with a reserved byte set', (report: Bytes) => report.with(0x4c, 1)],
    ['HTML', () => utf8('<html>')],
  ] as const)('a report: %s', async ([, edit]) => {
    const scene = await reportScene();
    expect(scene.evidence.bytes).toHaveLength(reportLength);
    const evidence = evidenceOf(edit(scene.evidence.bytes));
    const verdict = await verdictOf({ ...scene, evidence });
    expect(idsWith('fail', verdict)).toEqual(['parse.report']);
    expect(verdict.decision).toBe('invalid');
    // What can still be checked is: the chain is good.
    const chain = verdict.checks.filter(({ stage }) => stage === 'chain');
    expect(chain.every(({ status }) => status === 'pass')).toBe(true);
    const rest = verdict.checks.filter(({ stage }) => stage === 'evidence' || stage === 'policy');
    expect(new Set(rest.map(({ reason }) => reason))).toEqual(new Set(['lacks a readable report']));
  });

  test('a bundle: everything else is skipped', async () => {
    const scene = await bundleScene();
    for (const bytes of [utf8('{}'), utf8('<html>'), Uint8Array.of(0xff), new Uint8Array(0)]) {
      const evidence = { ...scene.evidence, bytes } as CpuEvidence;
      const verdict = await verdictOf({ ...scene, evidence });
      expect(idsWith('fail', verdict)).toEqual(['parse.bundle']);
      expect(idsWith('pass', verdict)).toEqual([]);
      expect(verdict.decision).toBe('invalid');
    }
    expect((await verdictOf(scene)).decision).toBe('accepted');
  });

  test('a bundle says what it holds: the checks are those of the platform it names', async () => {
    const report = await verdictOf(await bundleScene({ edit: () => ({ platform: 'tdx' }) }));
    expect(idsWith('fail', report)).toEqual(['parse.quote']);
    const quote = await verdictOf(tdxBundleScene({ edit: () => ({ platform: 'sev-snp' }) }));
    expect(idsWith('fail', quote)).toEqual(['parse.report']);
    const { bytes } = enclaveScene().evidence;
    const enclave = await verdictOf(tdxBundleScene({ edit: () => ({ evidence: bytes }) }));
    expect(checkOf('parse.quote', enclave).reason).toMatch(/says TDX, its quote is of SGX/);
    for (const { decision } of [report, quote, enclave]) expect(decision).toBe('invalid');
    expect((await verdictOf(tdxBundleScene())).decision).toBe('accepted');
  });
});

describe('every verification', () => {
  test('expires with the first piece of collateral that runs out', async () => {
    const soon = fakeNow + 60;
    expect((await verifyScene(await reportScene())).expires).toBe(milan.crl.plan.nextUpdate);
    for (const role of ['vcek', 'ask', 'ark'] as const) {
      const scene = await reportScene({ overrides: { [role]: { notAfter: soon } } });
      expect((await verifyScene(scene)).expires).toBe(soon);
    }
    const nothing = { ...(await reportScene()), collateral: [] };
    expect((await verifyScene(nothing)).expires).toBe(null);
  });

  test('reads its input once: what a caller writes into it later changes nothing', async () => {
    const scene = await reportScene();
    const genuine = scene.evidence.bytes.slice();
    const bytes = genuine.slice();
    bytes.fill(0xee, 0x90, 0xc0);
    const pending = verifyScene({ ...scene, evidence: { form: 'report', bytes } });
    bytes.set(genuine);
    expect(idsWith('fail', await pending)).toEqual(['evidence.signature']);

    const chip = new Uint8Array(64).fill(3);
    const other = await testHierarchy({ product: 'Milan', hardwareId: chip });
    const der = other.vcek.der.slice();
    const swapped = verifyScene(replaced(scene, 'vek', der));
    der.set(milan.vcek.der.subarray(0, der.length));
    expect(idsWith('fail', await swapped)).toEqual(['evidence.chip-id']);
  });

  test('leaves its input as it was, Node’s Buffers too', async () => {
    const scene = await reportScene();
    const bytes = Buffer.from(scene.evidence.bytes);
    for (let times = 0; times < 2; times++) {
      expect(await failuresOf({ ...scene, evidence: { form: 'report', bytes } })).toEqual([]);
      expect(bytes.equals(scene.evidence.bytes)).toBe(true);
    }
  });

  test('never throws for random bytes, and never accepts them', async () => {
    const [report, bundle] = [await reportScene(), await bundleScene()];
    const random = fc.uint8Array({ maxLength: 1300 });
    const json = fc.json().map(utf8);
    const scenes: fc.Arbitrary<Scene> = fc.oneof(
      random.map((bytes) => ({ ...report, evidence: { form: 'report' as const, bytes } })),
      fc.uint8Array({ minLength: reportLength, maxLength: reportLength }).map((bytes) => {
        // Far enough to get past the version.
        bytes.set([5, 0, 0, 0]);
        return { ...report, evidence: { form: 'report' as const, bytes } };
      }),
      fc.oneof(random, json).map((bytes) => {
        return { ...bundle, evidence: { ...bundle.evidence, bytes } as CpuEvidence };
      }),
      fc
        .tuple(fc.constantFrom(...amdCollateralKinds), random)
        .map(([kind, data]) => replaced(report, kind, data)),
      random.map((bytes) => ({ ...quoteScene(), evidence: { form: 'quote' as const, bytes } })),
      fc
        .tuple(fc.constantFrom(...intelCollateralKinds), fc.oneof(random, json))
        .map(([kind, data]) => replaced(quoteScene(), kind, data)),
    );
    await fc.assert(
      fc.asyncProperty(scenes, async (scene) => {
        expect((await verdictOf(scene)).decision).toBe('invalid');
      }),
      { numRuns: 300 },
    );
  });
});
