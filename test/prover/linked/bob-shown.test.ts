/** Keys whose certificate is shown, in place of a proof: what Bob checks of it, of both vendors. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { LinkedProofFile } from '#prover/linked/proof-file.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createIntel, type IntelOptions } from '#test/fake/intel.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { LinkedCheckId } from '#verifier/catalogue/linked.ts';
import {
  type Changes,
  linkedScene,
  resultOf,
  type Scene,
  verdictIn,
  withStatus,
} from './bob-scene.ts';
import { type SnpScene, snpScene } from './bob-scene-snp.ts';

let tdx: Scene;
let vcek: SnpScene;
let vlek: SnpScene;

beforeAll(async () => {
  tdx = await linkedScene({ key: 'shown' });
  vcek = await snpScene({ key: 'shown' });
  vlek = await snpScene({ key: 'shown', keyKind: 'vlek' });
});

/** The file with other certificates, or another salt. */
function keyOf(change: { certificates?: readonly Bytes[]; salt?: bigint }) {
  return {
    file: (file: LinkedProofFile) => ({
      ...file,
      key: { ...file.key, ...change } as LinkedProofFile['key'],
    }),
  };
}

/** Issued again by the same keys. */
function intelOf(options: IntelOptions) {
  const { keys } = tdx.story.intel;
  return createIntel({ keys, ...options });
}

function shownOf({ pck, pckCa }: ReturnType<typeof intelOf>) {
  return keyOf({ certificates: [pck.der, pckCa.der] });
}

describe('Bob accepts', () => {
  test.each([
    ['a PCK', () => tdx],
    ['a VCEK', () => vcek],
    ['a VLEK', () => vlek],
  ])('%s', async (_, of) => {
    const verdict = await verdictIn(of());
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(withStatus('skip', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
    expect(resultOf('link.key', verdict).actual).toMatch(/is shown, and opens C_key/);
    expect(resultOf('link.artifacts', verdict).actual).not.toMatch(/pck|vek/);
  });

  test('without the artefact or key of a circuit that is not used', async () => {
    const asked: string[] = [];
    const { tools } = vcek;
    const key = (circuit: Parameters<typeof tools.key>[0]) => {
      asked.push(circuit);
      return tools.key(circuit);
    };
    expect((await verdictIn(vcek, { tools: { key } })).decision).toBe('accepted');
    expect(asked).toEqual(['snp-report', 'response']);
  });
});

type Row = [
  name: string,
  of: () => Scene | SnpScene,
  changes: () => Changes | Promise<Changes>,
  failing: LinkedCheckId[],
];

const rows: Row[] = [
  ['a VCEK and another salt', () => vcek, () => keyOf({ salt: 5n }), ['link.key']],
  [
    'the VCEK of another chip',
    () => vcek,
    async () => {
      const hardwareId = new Uint8Array(64).fill(3);
      const { vcek: other, ask, ark } = await testHierarchy({ product: 'Milan', hardwareId });
      return keyOf({ certificates: [other.der, ask.der, ark.der] });
    },
    ['link.key'],
  ],
  [
    'a VCEK that has expired',
    () => vcek,
    async () => {
      const overrides = { vcek: { notAfter: fakeNow + 119 } };
      const { vcek: old, ask, ark } = await testHierarchy({ product: 'Milan', overrides });
      return keyOf({ certificates: [old.der, ask.der, ark.der] });
    },
    ['link.certificate'],
  ],
  [
    'a VCEK under the ASVK',
    () => vcek,
    () => {
      const { vcek: key, asvk, ark } = vcek.hierarchy;
      return keyOf({ certificates: [key.der, asvk.der, ark.der] });
    },
    ['link.certificate'],
  ],
  [
    'a VCEK that another key signed',
    () => vcek,
    async () => {
      const { keys } = vcek.hierarchy;
      const overrides = { vcek: { signer: keys.asvk.privateKey } };
      const { vcek: key, ask, ark } = await testHierarchy({ product: 'Milan', overrides });
      return keyOf({ certificates: [key.der, ask.der, ark.der] });
    },
    ['link.certificate'],
  ],
  [
    'an issuer in the place of the VCEK',
    () => vcek,
    () => {
      const { ask, ark } = vcek.hierarchy;
      return keyOf({ certificates: [ask.der, ask.der, ark.der] });
    },
    ['link.certificate'],
  ],
  [
    'a VCEK of a revoked ASK',
    () => vcek,
    async () => {
      const revoked = [{ serial: 0x010001n, at: fakeNow - 1 }];
      const { crl } = await testHierarchy({ product: 'Milan', overrides: { crl: { revoked } } });
      return { amd: { crls: [crl.der] } };
    },
    ['link.issuer-crl'],
  ],
  [
    'a VCEK under a root that is not pinned',
    () => vcek,
    () => ({ amd: { roots: [] } }),
    ['link.issuer'],
  ],
  [
    'a VCEK where Intel’s are demanded',
    () => vcek,
    () => ({ demands: { key: [{ kind: 'shown', vendors: ['intel'] }] } }),
    ['link.key-kind'],
  ],
  [
    'the PCK of another machine',
    () => tdx,
    () => shownOf(intelOf({ machine: { ppid: new Uint8Array(16).fill(3) } })),
    ['link.key'],
  ],
  [
    'a PCK that has expired',
    () => tdx,
    () => shownOf(intelOf({ overrides: { pck: { notAfter: fakeNow + 119 } } })),
    ['link.certificate'],
  ],
  [
    'a PCK that another key signed',
    () => tdx,
    () =>
      shownOf(
        intelOf({ overrides: { pck: { signer: tdx.story.intel.keys.stranger.privateKey } } }),
      ),
    ['link.certificate'],
  ],
  [
    'a PCK beside the other CA',
    () => tdx,
    () => keyOf({ certificates: [tdx.story.intel.pck.der, tdx.story.intel.processorCa.der] }),
    ['link.certificate', 'link.certificate-crl', 'link.key'],
  ],
  [
    'a revoked PCK',
    () => tdx,
    () => ({ intel: { pckCrls: [intelOf({ revoked: ['pck'] }).pckCrl.der] } }),
    ['link.certificate-crl'],
  ],
  [
    'a PCK of a revoked CA',
    () => tdx,
    () => ({ intel: { rootCrls: [intelOf({ revoked: ['platformCa'] }).rootCrl.der] } }),
    ['link.issuer-crl'],
  ],
];

describe('Bob refuses', () => {
  test.for(rows)('%s', async ([_, of, changes, failing]) => {
    const verdict = await verdictIn(of(), await changes());
    expect(withStatus('fail', verdict)).toEqual(failing);
    expect(['invalid', 'rejected']).toContain(verdict.decision);
  });
});

test.each([
  [
    'the list of the PCK CA',
    () => tdx,
    { intel: { pckCrls: [] } },
    'link.certificate-crl',
    /--pck-crl/,
  ],
  [
    'the list of Intel’s root',
    () => tdx,
    { intel: { rootCrls: [] } },
    'link.issuer-crl',
    /--root-ca-crl/,
  ],
  ['the list of the ARK', () => vcek, { amd: { crls: [] } }, 'link.issuer-crl', /--crl/],
] satisfies [string, () => Scene | SnpScene, Changes, LinkedCheckId, RegExp][])(
  'is undecided without %s',
  async (_, of, changes, id, reason) => {
    const verdict = await verdictIn(of(), changes);
    expect(verdict.decision).toBe('undecided');
    expect(resultOf(id, verdict).reason).toMatch(reason);
  },
);

describe('the words of an acceptance', () => {
  const wordsOf = async (scene: Scene | SnpScene) => (await verdictIn(scene)).warnings.join('\n');

  test('say that the chip is seen, and which', async () => {
    const { hardwareId } = vcek.hierarchy;
    expect(await wordsOf(vcek)).toMatch(`the chip is SEEN, Milan ${toHex(hardwareId)}`);
    const { ppid } = tdx.story.intel.machine;
    expect(await wordsOf(tdx)).toMatch(`the chip is SEEN, PPID ${toHex(ppid)}`);
    for (const scene of [vcek, tdx]) expect(await wordsOf(scene)).not.toMatch(/Hidden: the chip/);
  });

  test('of a VLEK say whose it is, and that its chip is not stated', async () => {
    const words = await wordsOf(vlek);
    expect(words).toMatch(/the VLEK is SEEN, which AMD issued to CN=cc-test\.example for Milan/);
    expect(words).toMatch(/states no chip/);
    expect(words).not.toMatch(/chip not in your revoked set/);
  });
});
