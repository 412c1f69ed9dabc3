/** Every byte of a certificate; and real certificates through the whole of snp-vek, signature included. */
import { type InputMap, Noir } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { circuitFolder, compileCircuit } from '#prover/compile.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import { type Circuit, firstValues, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { createAmdHierarchy } from '#test/fake/amd.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type Bytes, bigEndian } from '#verifier/bytes.ts';
import { asVek } from '#verifier/chain/amd.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { flipped, leavesOf } from './inputs.ts';
import {
  certifiedBy,
  fieldsOf,
  type RealVek,
  realIssuer,
  realVeks,
  type Sort,
  tbsOf,
  vekInputsOf,
} from './vek-certificates.ts';
import { expectHeld, unreadOf } from './vek-changes.ts';

describe('each byte of the signed part, two changes of it: refused, or seen in the one field that it stands in', () => {
  const sorts: readonly Sort[] = [
    { product: 'Milan', role: 'vcek' },
    { product: 'Turin', role: 'vcek' },
    { product: 'Genoa', role: 'vlek' },
  ];
  test.each(sorts)('of $product, $role', { timeout: 900_000 }, async (sort) => {
    const circuit = await forTests('vek_vectors');
    const hierarchy = await createAmdHierarchy({ product: sort.product });
    const { der } = hierarchy[sort.role];
    const tbs = tbsOf(der);
    const evidence = { tbs, honest: fieldsOf(der) };
    expect(unreadOf(tbs).size).toBeGreaterThan(4);
    for (let at = 0; at < tbs.length; at++) {
      // The lowest bit, and all of them.
      for (const by of [1, 255]) await expectHeld(circuit, sort, evidence, { at, by });
    }
  });
});

describe.skipIf(!hasShared)(`the whole of snp-vek (or: ${sharedMissing})`, () => {
  let circuit: Circuit;
  let real: RealVek[];
  beforeAll(async () => {
    const noir = new Noir(toCompiledCircuit(await compileCircuit(circuitFolder('snp-vek'))));
    circuit = (inputs) => noir.execute(inputs);
    real = realVeks();
  }, 900_000);

  const inputsOf = ({ der, from }: RealVek): InputMap => {
    const issuer = realIssuer(asVek(parseCertificate(der, from)));
    return vekInputsOf(certifiedBy(der, issuer), from);
  };
  const publicOf = (inputs: InputMap): Bytes[] =>
    ['issuer', 'at', 'key_commitment'].map((name) => bigEndian(valueAt(inputs, name), 32));

  test('accepts every real certificate', { timeout: 1_800_000 }, async () => {
    for (const one of real) {
      const inputs = inputsOf(one);
      const { witness } = await circuit(inputs);
      expect(firstValues(witness, 3), one.from).toEqual(publicOf(inputs));
    }
  });

  test('refuses every input that is changed', { timeout: 1_800_000 }, async () => {
    const inputs = inputsOf(real.find(({ from }) => from.endsWith('vlek.der')) as RealVek);
    const { signature, ...rest } = inputs as Record<string, InputMap>;
    const { power, ...encoding } = signature as Record<string, InputMap>;
    const leaves = [
      ...leavesOf(rest),
      ...leavesOf(encoding, 'signature.'),
      ...limbsOf(power as InputMap, 'signature.power.'),
    ];
    expect(leaves.length).toBeGreaterThan(22);
    const accepted: string[] = [];
    for (const at of leaves) {
      if ((await refusalOf(circuit, flipped(inputs, at))) === undefined) accepted.push(at);
    }
    // The second before or after is inside the validity; behind the last block nothing is read.
    expect(accepted).toEqual(['at', 'certificate.1151']);
  });

  test('refuses what AMD did not sign', { timeout: 600_000 }, async () => {
    const inputs = inputsOf(real.find(({ from }) => from.includes('/turin')) as RealVek);
    expect(await refusalOf(circuit, inputs)).toBeUndefined();
    // A character of productName, at which the reading does not look.
    const tbs = Uint8Array.from(inputs['certificate'] as number[]);
    const [at] = [...unreadOf(tbs)];
    expect(await refusalOf(circuit, flipped(inputs, `certificate.${at}`))).toMatch(/./);
    // Another certificate of the same chip, product and dates, from somebody else's ASK.
    const { ask, vcek } = await createAmdHierarchy({ product: 'Turin' });
    const own = vekInputsOf(certifiedBy(vcek.der, ask.der));
    expect(await refusalOf(circuit, own)).toBeUndefined();
    const claimed = { ...own, issuer_modulus: inputs['issuer_modulus'], issuer: inputs['issuer'] };
    expect(await refusalOf(circuit, claimed as InputMap)).toMatch(/./);
    const blocks = valueAt(inputs, 'blocks');
    for (const other of [0n, blocks - 1n, blocks + 1n, 10n]) {
      expect(await refusalOf(circuit, changed(inputs, 'blocks', other)), `${other}`).toMatch(/./);
    }
  });
});

/** First and last limb of the integers, of a list of them of its first and last. */
function limbsOf(power: InputMap, prefix: string): string[] {
  return Object.entries(power).flatMap(([name, value]) => {
    const list = value as readonly unknown[];
    const at = `${prefix}${name}`;
    if (!Array.isArray(list[0])) return [`${at}.0`, `${at}.${list.length - 1}`];
    const limbs = list[0].length - 1;
    return [`${at}.0.0`, `${at}.0.${limbs}`, `${at}.${list.length - 1}.0`];
  });
}
