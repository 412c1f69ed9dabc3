/** snp-report whole, on simulated machines that our agent bound: accepted, and every input changed. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { limbsInput } from '#prover/circuit-inputs.ts';
import { machineInputs } from '#prover/linked/public-inputs.ts';
import { type Circuit, firstValues, refusalOf, shipped } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import type { SnpFields } from '#test/fake/snp-device.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { flipped, leavesOf, outOfRange } from './inputs.ts';
import { type SnpStory, type SnpStoryOptions, tellSnpStory } from './snp-scene.ts';

/** Turin's: 8 bytes, and in a report zeros behind them. */
const hardwareId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const longId = Uint8Array.from({ length: 64 }, (_, i) => (i < 9 ? i + 1 : 0));
/** Of Milan, whose default level this is: the boot loader's 4 is what the certificate says. */
const allAbove: Partial<SnpFields> = {
  currentTcb: Uint8Array.of(9, 1, 0, 0, 0, 0, 27, 222),
  committedTcb: Uint8Array.of(9, 1, 0, 0, 0, 0, 27, 222),
};

let circuit: Circuit;
let story: SnpStory;
beforeAll(async () => {
  circuit = await shipped('snp-report');
  story = await tellSnpStory({ product: 'Turin' });
});

const refusal = (inputs: InputMap) => refusalOf(circuit, inputs);

describe('accepted, with the public inputs that the checker rebuilds', () => {
  const kinds: [SnpProduct, 2 | 3 | 5, 'vcek' | 'vlek'][] = [
    ['Milan', 2, 'vcek'],
    ['Genoa', 3, 'vcek'],
    ['Turin', 5, 'vcek'],
    ['Milan', 3, 'vlek'],
    ['Turin', 5, 'vlek'],
  ];
  test.each(kinds)('%s, version %i, %s', async (product, version, kind) => {
    const told = await tellSnpStory({ product, kind, fields: { version } });
    expect([told.facts.signed[0], told.facts.vek.kind]).toEqual([version, kind === 'vcek' ? 0 : 1]);
    const { witness } = await circuit(told.inputs);
    const expected = machineInputs(told.statement);
    expect(firstValues(witness, expected.length)).toEqual(expected);
  });

  test('a VLEK’s report whose host shows the chip’s id, and which masks its key', async () => {
    const chipId = new Uint8Array(64).fill(7);
    const told = await tellSnpStory({ kind: 'vlek', fields: { chipId, maskChipKey: true } });
    expect(await refusal(told.inputs)).toBeUndefined();
  });
});

test('every input that is changed is refused', { timeout: 1_800_000 }, async () => {
  const { signed, ...others } = story.inputs as Record<string, InputMap>;
  const { signature: _, ...report } = signed as Record<string, InputMap>;
  const leaves = [...leavesOf(others), ...leavesOf(report, 'signed.')];
  const accepted: string[] = [];
  for (const at of leaves) {
    if ((await refusal(flipped(story.inputs, at))) === undefined) accepted.push(at);
  }
  // Both are even: a second later the window holds the epoch still.
  expect(accepted).toEqual(['epoch_min', 'epoch_max']);
  expect(leaves.length).toBeGreaterThan(40);
});

describe('refuses', () => {
  const otherBinding = 'REPORT_DATA does not bind this';
  const otherFreshness = 'REPORT_DATA is not of this nonce, channel and epoch';
  const wrongPath = 'the path does not lead from the leaf to the root';
  const otherAttestation = 'C_att is not of this attestation';
  const otherCommitment = 'C_key is of another VEK';

  test.each([
    ['another nonce', 'nonce.lo', otherFreshness],
    ['another channel', 'opening.channel.hi', otherFreshness],
    ['another epoch', 'opening.epoch', otherFreshness],
    ['another closure', 'opening.bound.closure.lo', otherBinding],
    ['another tree', 'opening.bound.tree_root', otherBinding],
    ['a device', 'opening.bound.device.lo', otherBinding],
    ['another log', 'opening.bound.log.hi', otherBinding],
    ['another accepted set', 'accepted', wrongPath],
    ['another set of levels', 'levels', wrongPath],
    ['another revoked set', 'revoked', wrongPath],
    ['another C_att', 'attestation', otherAttestation],
    ['another salt of C_att', 'opening.salt', otherAttestation],
    ['another C_key', 'key_commitment', otherCommitment],
    ['another salt of C_key', 'certified.salt', otherCommitment],
    ['another chip than C_key’s', 'certified.vek.chip', otherCommitment],
  ])('%s', async (_, at, message) => {
    expect(await refusal(flipped(story.inputs, at))).toBe(message);
  });

  test('limbs that are out of range', async () => {
    for (const at of ['nonce.hi', 'opening.bound.closure.lo', 'opening.channel.lo']) {
      const aliased = changed(story.inputs, at, valueAt(story.inputs, at) + (1n << 128n));
      expect(await refusal(aliased), at).toMatch(outOfRange);
    }
  });

  test('an epoch outside of the window, whose ends are inside', async () => {
    const epoch = valueAt(story.inputs, 'opening.epoch');
    const within = (min: bigint, max: bigint) =>
      refusal(changed(changed(story.inputs, 'epoch_min', min), 'epoch_max', max));
    expect(await within(epoch, epoch)).toBeUndefined();
    expect(await within(epoch + 1n, epoch + 9n)).toBe('the epoch is before the first accepted');
    expect(await within(0n, epoch - 1n)).toBe('the epoch is after the last accepted');
    expect(await within(0n, 1n << 64n)).toMatch(outOfRange);
  });

  const off = { abiMinor: 0, abiMajor: 0, smt: true, singleSocket: false, cxlAllow: false };
  const protections = { memAes256Xts: false, raplDis: false, ciphertextHidingDram: false };
  const policy = (bits: { debug: boolean; migrateMa: boolean }) => ({
    policy: { ...off, ...protections, pageSwapDisable: false, ...bits },
  });
  test.each<[string, SnpStoryOptions, string | undefined]>([
    ['nothing of the right one', { fields: policy({ debug: false, migrateMa: false }) }, undefined],
    ['DEBUG', { fields: policy({ debug: true, migrateMa: false }) }, 'the guest is to be debugged'],
    [
      'MIGRATE_MA',
      { fields: policy({ debug: false, migrateMa: true }) },
      'the guest may be migrated',
    ],
    [
      'another VMPL',
      { fields: { vmpl: 1 } },
      'the report comes from another privilege level than VMPL 0',
    ],
    ['version 4', { fields: { version: 4 } }, "the report's version is none of 2, 3 and 5"],
    [
      'the processor of another product',
      { fields: { cpuid: { family: 0x19, model: 0x11, stepping: 1 } } },
      'the processor is of another product',
    ],
    [
      'another chip',
      { fields: { chipId: new Uint8Array(64).fill(1) } },
      'the key is of another chip',
    ],
    ['a masked chip id', { fields: { chipId: new Uint8Array(64) } }, 'the key is of another chip'],
    [
      'bytes behind Turin’s chip id',
      { product: 'Turin', hierarchy: { hardwareId }, fields: { chipId: longId } },
      'the key is of another chip',
    ],
    [
      'REPORTED_TCB other than the key’s',
      { fields: { reportedTcb: Uint8Array.of(3, 1, 0, 0, 0, 0, 27, 222) } },
      'the key is for another TCB',
    ],
    [
      'COMMITTED_TCB below the level',
      { fields: { committedTcb: Uint8Array.of(2, 1, 0, 0, 0, 0, 27, 222) } },
      'COMMITTED_TCB is below the level',
    ],
    [
      'REPORTED_TCB below the level',
      { fields: allAbove, level: { svns: { bootLoader: 5 } } },
      'REPORTED_TCB is below the level',
    ],
    ['the level of another product', { level: { product: 2 } }, wrongPath],
  ])('%s', async (_, options, message) => {
    const told = await tellSnpStory(options);
    expect(await refusal(told.inputs)).toBe(message);
  });

  test('a guest that runs other software than what C_att says', async () => {
    const measurement = new Uint8Array(48).fill(0x66);
    const other = await tellSnpStory({ product: 'Turin', fields: { measurement } });
    expect(await refusal(other.inputs)).toBeUndefined();
    const { accepted, attestation, reference_path } = story.inputs;
    const claimed = { ...other.inputs, accepted, attestation, reference_path };
    expect(await refusal(claimed as InputMap)).toBe(wrongPath);
  });

  test('a revoked chip', async () => {
    const { chip } = story.facts.vek;
    const { inputs, facts } = await tellSnpStory({ product: 'Turin', revoked: [chip + 1n] });
    expect(facts.vek.chip).toBe(chip);
    expect(await refusal(inputs)).toBeUndefined();
    // The same place, but what stands there is the chip itself.
    const own = changed(inputs, 'revocation.other_key', chip);
    expect(await refusal(changed(own, 'revocation.is_empty', 0n))).toBe(
      "the leaf in the key's place is the key's own",
    );
  });

  test('a nonce that is not the one of the guest, limb by limb', async () => {
    const nonce = limbsInput(new Uint8Array(32).fill(0xe1));
    expect(await refusal({ ...story.inputs, nonce })).toBe(otherFreshness);
    const { hi } = nonce as Record<string, string>;
    const { lo } = story.inputs['nonce'] as Record<string, string>;
    expect(await refusal({ ...story.inputs, nonce: { hi, lo } as InputMap })).toBe(otherFreshness);
  });
});
