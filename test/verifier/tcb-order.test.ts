/** Which orders of a report's four TCBs and two versions are genuine, and which are not. */
import { describe, expect, test } from 'vitest';
import { amdProfiles } from '#test/fake/amd-profile.ts';
import type { SnpReport } from '#verifier/abi/snp.ts';
import { encodeTcb, type SnpProduct, type TcbParts } from '#verifier/abi/snp-tcb.ts';
import { checkOf, idsWith, reportScene, verdictOf } from './scene.ts';

async function check(product: SnpProduct, fields: Partial<SnpReport>) {
  const verdict = await verdictOf(await reportScene({ product, fields }));
  return { verdict, failed: idsWith('fail', verdict) };
}

async function refused(product: SnpProduct, fields: Partial<SnpReport>, reason: RegExp) {
  const { verdict, failed } = await check(product, fields);
  expect(failed).toEqual(['evidence.tcb-order']);
  expect(checkOf('evidence.tcb-order', verdict).reason).toMatch(reason);
  expect(verdict.decision).toBe('invalid');
}

async function accepted(product: SnpProduct, fields: Partial<SnpReport>) {
  const { verdict, failed } = await check(product, fields);
  expect(failed).toEqual([]);
  expect(verdict.decision).toBe('accepted');
}

const partsOf: Partial<Record<SnpProduct, (keyof TcbParts)[]>> = {
  Milan: ['bootLoader', 'tee', 'snp', 'microcode'],
  Turin: ['fmc', 'bootLoader', 'tee', 'snp', 'microcode'],
};

describe.each(['Milan', 'Turin'] as const)('%s', (product) => {
  /** What the certificate, and so the reported TCB, is for. */
  const reported = amdProfiles[product].defaultTcb;
  const moved = (part: keyof TcbParts, by: number) =>
    encodeTcb(product, { ...reported, [part]: reported[part] + by });
  const parts = partsOf[product] ?? [];

  test.each(parts)('reported above current in %s is refused, below it accepted', async (part) => {
    const current = moved(part, -1);
    await refused(
      product,
      { currentTcb: current, committedTcb: current },
      /^REPORTED_TCB is above/,
    );
    await accepted(product, { currentTcb: moved(part, 1) });
  });

  test.each(parts)('committed above current in %s is refused, below it accepted', async (part) => {
    await refused(product, { committedTcb: moved(part, 1) }, /^COMMITTED_TCB is above/);
    await accepted(product, { committedTcb: moved(part, -1) });
  });

  test('parts are compared one by one: a higher one does not make up for a lower one', async () => {
    const mixed = { ...reported, bootLoader: reported.bootLoader + 1 };
    mixed.microcode -= 1;
    const currentTcb = encodeTcb(product, mixed);
    await refused(product, { currentTcb, committedTcb: currentTcb }, /^REPORTED_TCB is above/);
  });

  test.each([
    { build: 10, minor: 55, major: 2 },
    { build: 10, minor: 56, major: 1 },
    { build: 11, minor: 55, major: 1 },
  ])('committed version above the current one is refused: %j', async (committed) => {
    const current = { build: 10, minor: 55, major: 1 };
    await refused(product, { current, committed }, /committed version is above the current one/);
    await accepted(product, { current: committed, committed: current });
  });

  test.each(parts)('a migrated guest (launch above the others in %s) is accepted', async (part) => {
    const launchTcb = moved(part, 1);
    // Above committed, reported and current: it was launched on a newer machine.
    await accepted(product, { launchTcb });
    // Above committed alone.
    await accepted(product, { launchTcb, currentTcb: launchTcb });
    // Above reported alone.
    await accepted(product, { launchTcb, currentTcb: launchTcb, committedTcb: launchTcb });
    await accepted(product, { launchTcb: moved(part, -1) });
  });

  test.each(parts)(
    'reported below committed in %s (one TCB for a fleet) is accepted',
    async (part) => {
      await accepted(product, { committedTcb: moved(part, 1), currentTcb: moved(part, 1) });
    },
  );

  test.each(['currentTcb', 'committedTcb'] as const)('reserved bytes in %s', async (field) => {
    const { verdict, failed } = await check(product, { [field]: moved('snp', 0).with(5, 1) });
    expect(failed).toContain('evidence.tcb-order');
    expect(verdict.decision).toBe('invalid');
  });
});
