/** The walk itself: what is missing, what does not belong together, which root, at which time. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { exchangeKeys } from '#test/fake/keys.ts';
import { testHierarchy, testKeys } from '#test/fake/test-keys.ts';
import type { AmdCollateralKind } from '#verifier/abi/bundle.ts';
import { utf8 } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { vendorRoots } from '#verifier/roots.ts';
import {
  bundleScene,
  checkOf,
  collateralOf,
  failuresOf,
  hierarchyOf,
  idsWith,
  items,
  replaced,
  reportScene,
  type Scene,
  verdictOf,
  verifyScene,
  without,
} from '../scene.ts';

let milan: AmdHierarchy;
let genoa: AmdHierarchy;
let scene: Scene;
beforeAll(async () => {
  [milan, genoa, scene] = await Promise.all([
    hierarchyOf('Milan'),
    hierarchyOf('Genoa'),
    reportScene(),
  ]);
});

const certificateOf = {
  vek: 'chain.vek-certificate',
  ask: 'chain.issuer-certificate',
  ark: 'chain.root-certificate',
} as const satisfies Record<Exclude<AmdCollateralKind, 'ark-crl'>, CheckId>;
type Kind = keyof typeof certificateOf;

const hangingOn: Record<Kind, CheckId[]> = {
  vek: [
    'chain.vek-certificate',
    'chain.names',
    'chain.vek-signature',
    'chain.vek-validity',
    'evidence.signature',
    'evidence.signing-key',
    'evidence.product',
    'evidence.chip-id',
    'evidence.tcb',
    'evidence.tcb-order',
  ],
  ask: [
    'chain.issuer-certificate',
    'chain.issuer-signature',
    'chain.issuer-validity',
    'chain.names',
    'chain.vek-signature',
    'collateral.revocation',
  ],
  ark: [
    'chain.root-certificate',
    'chain.root-pinned',
    'chain.root-signature',
    'chain.root-validity',
    'chain.issuer-signature',
    'chain.names',
    'collateral.crl-signature',
    'collateral.crl-validity',
    'collateral.revocation',
  ],
};
const kinds = Object.keys(certificateOf) as Kind[];

describe('a certificate that is missing', () => {
  test.for(kinds)('%s: what hangs on it is skipped, the verdict is open', async (kind) => {
    const missing = without(scene, kind);
    const verified = await verifyScene(missing);
    expect(idsWith('skip', verified)).toEqual(hangingOn[kind]);
    expect(idsWith('fail', verified)).toEqual([]);
    expect(checkOf(certificateOf[kind], verified).reason).toMatch(
      /^lacks the .*\(--(?:vek|chain)\)/,
    );
    expect((await verdictOf(missing)).decision).toBe('undecided');
    expect((await verdictOf(scene)).decision).toBe('accepted');
  });

  test('all of them', async () => {
    const verdict = await verdictOf({ ...scene, collateral: [] });
    expect(verdict.decision).toBe('undecided');
    expect(idsWith('pass', verdict).filter((id) => id.startsWith('chain.'))).toEqual([]);
  });
});

describe('a certificate that cannot be read', () => {
  test.for(kinds)('%s: alone, and beside one that can', async (kind) => {
    const rubbish = utf8('<!doctype html>');
    const good = collateralOf(milan)[kind];
    for (const given of [[rubbish], [rubbish, good], [good, rubbish]]) {
      const verdict = await verdictOf(replaced(scene, kind, ...given));
      expect(idsWith('fail', verdict)).toEqual([certificateOf[kind]]);
      expect(verdict.decision).toBe('invalid');
    }
  });

  test.for([
    ['vek', 'ask'],
    ['ask', 'ark'],
    ['ark', 'ask'],
    ['ask', 'vek'],
  ] as const)('in the place of the %s stands the %s', async ([kind, other]) => {
    const verdict = await verdictOf(replaced(scene, kind, collateralOf(milan)[other]));
    expect(idsWith('fail', verdict)).toEqual([certificateOf[kind]]);
    expect(verdict.decision).toBe('invalid');
  });
});

describe('several certificates of one role', () => {
  test('the issuer whose name fits is used, in any order', async () => {
    const { ask, asvk } = milan;
    for (const role of ['vcek', 'vlek'] as const) {
      const one = await reportScene({ role });
      for (const given of [
        [ask.der, asvk.der],
        [asvk.der, ask.der],
      ]) {
        expect((await verdictOf(replaced(one, 'ask', ...given))).decision).toBe('accepted');
      }
    }
  });

  test('the root whose name fits is used, in any order', async () => {
    const both = [genoa.ark.der, milan.ark.der];
    for (const given of [both, both.toReversed()]) {
      expect((await verdictOf(replaced(scene, 'ark', ...given))).decision).toBe('accepted');
    }
  });

  test('what is given comes before what the bundle carries', async () => {
    const bundle = await bundleScene();
    expect((await verdictOf(bundle)).decision).toBe('accepted');
    const other = { ...bundle, collateral: items({ vek: genoa.vcek.der }) };
    expect(await failuresOf(other)).toContain('chain.names');
    const own = { ...bundle, collateral: items(collateralOf(milan)) };
    expect((await verdictOf(own)).decision).toBe('accepted');
  });
});

describe('the root', () => {
  test('another key under the same name is not pinned', async () => {
    const foreign = await testHierarchy({ product: 'Milan', keys: exchangeKeys(await testKeys()) });
    const { collateral } = scene;
    const forged = { ...scene, collateral: items(collateralOf(foreign)) };
    expect(await failuresOf(forged)).toEqual(['chain.root-pinned', 'evidence.signature']);
    expect(await failuresOf({ ...scene, collateral })).toEqual([]);
  });

  test('it is pinned for its own product, and only where there are pins', async () => {
    const [root] = scene.roots;
    if (root === undefined) throw new RangeError('the scene has a root');
    const pinned = async (roots: Scene['roots']) => {
      const verified = await verifyScene({ ...scene, roots });
      return checkOf('chain.root-pinned', verified);
    };
    expect((await pinned([root])).status).toBe('pass');
    expect((await pinned([...vendorRoots, root])).status).toBe('pass');
    expect(await pinned([{ ...root, vendor: 'amd', product: 'Genoa' }])).toMatchObject({
      status: 'fail',
      expected: 'no root for ARK-Milan',
    });
    expect((await pinned([])).status).toBe('fail');
    expect(await pinned(vendorRoots)).toMatchObject({
      status: 'fail',
      reason: expect.stringMatching(/the vendor's ARK-Milan: simulated hardware or a forged chain/),
    });
  });

  test('a root that was handed over is named in the verdict, the vendor’s would not be', async () => {
    const verified = await verifyScene(scene);
    expect(verified.insecureRoot).toBe(true);
    const roots = scene.roots.map((root) => ({ ...root, insecure: false }));
    expect((await verifyScene({ ...scene, roots })).insecureRoot).toBe(false);
    expect((await verifyScene({ ...scene, roots: [] })).insecureRoot).toBe(false);
  });
});

describe('certificates that do not belong together', () => {
  type Case = [name: string, role: 'vcek' | 'vlek', ask: () => AmdHierarchy['ask'], CheckId[]];
  const cases: Case[] = [
    ['a VCEK under the ASVK', 'vcek', () => milan.asvk, ['chain.names', 'chain.vek-signature']],
    ['a VLEK under the ASK', 'vlek', () => milan.ask, ['chain.names', 'chain.vek-signature']],
    // The simulator's products share their keys: only the names tell.
    ['a VCEK of Milan under the ASK of Genoa', 'vcek', () => genoa.ask, ['chain.names']],
    ['a VLEK of Milan under the ASVK of Genoa', 'vlek', () => genoa.asvk, ['chain.names']],
  ];
  test.for(cases)('%s', async ([, role, ask, failing]) => {
    const good = await reportScene({ role });
    expect(await failuresOf(good)).toEqual([]);
    const verdict = await verdictOf(replaced(good, 'ask', ask().der));
    expect(idsWith('fail', verdict)).toEqual(failing);
    expect(verdict.decision).toBe('invalid');
  });

  test('an ASK of Milan under the ARK of Genoa', async () => {
    const verified = await verifyScene(replaced(scene, 'ark', genoa.ark.der));
    // The list of Milan is then of another root too.
    expect(idsWith('fail', verified)).toEqual([
      'chain.root-pinned',
      'chain.names',
      'collateral.crl-signature',
    ]);
  });
});

describe('validity, to the second', () => {
  const validity = { notBefore: fakeNow, notAfter: fakeNow + 1000 };
  const moments: [string, number, RegExp | null][] = [
    ['one second before notBefore', fakeNow - 1, /not valid yet/],
    ['at notBefore', fakeNow, null],
    ['at notAfter', fakeNow + 1000, null],
    ['one second after notAfter', fakeNow + 1001, /has expired/],
  ];
  const roles = [
    ['vcek', 'vcek', 'chain.vek-validity'],
    ['vlek', 'vlek', 'chain.vek-validity'],
    ['ask', 'vcek', 'chain.issuer-validity'],
    ['asvk', 'vlek', 'chain.issuer-validity'],
    ['ark', 'vcek', 'chain.root-validity'],
  ] as const;

  test.for(roles)('%s of a report under a %s', async ([changed, role, id]) => {
    const narrow = await reportScene({ role, overrides: { [changed]: validity } });
    for (const [name, now, reason] of moments) {
      const verdict = await verdictOf({ ...narrow, now });
      expect(idsWith('fail', verdict), name).toEqual(reason === null ? [] : [id]);
      expect(verdict.decision, name).toBe(reason === null ? 'accepted' : 'invalid');
      if (reason !== null) expect(checkOf(id, verdict).reason, name).toMatch(reason);
      expect(verdict.expires, name).toBe(fakeNow + 1000);
    }
  });
});
