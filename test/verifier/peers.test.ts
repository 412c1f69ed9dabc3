/** Mistakes that other verifiers made with SEV-SNP, each by name: here none of them accepts, or refuses what is genuine. */
import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { amdExtensions } from '#test/fake/amd-profile.ts';
import { removeExtension } from '#test/fake/certificates.ts';
import type { AmdCollateralKind } from '#verifier/abi/bundle.ts';
import type { SnpReport } from '#verifier/abi/snp.ts';
import { encodeTcb, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import type { CheckId } from '#verifier/checks.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { put } from './chain/profile.ts';
import {
  checkOf,
  hierarchyOf,
  idsWith,
  replaced,
  reportScene,
  type Scene,
  type SceneOptions,
  strictPolicy,
  verdictOf,
  verifyScene,
  without,
} from './scene.ts';

const genuine = genuinePolicy.sevSnp as SnpPolicy;
const policyWith = (member: Partial<SnpPolicy>): Policy =>
  toPolicy({ ...genuinePolicy, sevSnp: { ...genuine, ...member } });
/** Genuine, but nothing is waived. */
const unwaived: Policy = toPolicy({ ...genuinePolicy, waivers: [] });

async function accepts(scene: Scene, policy?: Policy): Promise<void> {
  const verdict = await verdictOf(scene, policy);
  expect(idsWith('fail', verdict)).toEqual([]);
  expect(verdict.decision).toBe('accepted');
}

async function isInvalid(scene: Scene, ...failed: CheckId[]): Promise<void> {
  const verdict = await verdictOf(scene);
  expect(idsWith('fail', verdict)).toEqual(failed);
  expect(verdict.decision).toBe('invalid');
}

describe('no certificate is optional', () => {
  const rows: [string, AmdCollateralKind, CheckId][] = [
    ['no VEK: the report’s signature is not looked at', 'vek', 'evidence.signature'],
    ['no ASK or ASVK: the chain is not walked', 'ask', 'chain.vek-signature'],
    ['no ARK: the pin is not looked at', 'ark', 'chain.root-pinned'],
  ];
  test.each(rows)('%s, and all is well', async (_, kind, check) => {
    for (const role of ['vcek', 'vlek'] as const) {
      const scene = await reportScene({ role });
      await accepts(scene);
      const verdict = await verdictOf(without(scene, kind));
      expect(checkOf(check, verdict).status).toBe('skip');
      expect(verdict.decision).toBe('undecided');
    }
  });

  test('no certificate at all', async () => {
    const scene = await reportScene();
    expect((await verdictOf({ ...scene, collateral: [] })).decision).toBe('undecided');
  });

  test('no policy can waive what was not there', async () => {
    const scene = without(await reportScene(), 'vek');
    const checks = idsWith('skip', await verifyScene(scene));
    expect(checks).toContain('evidence.signature');
    for (const check of checks) {
      const waivers = [{ check, reason: 'test', expires: null }];
      expect(() => toPolicy({ ...genuinePolicy, waivers }), check).toThrow(
        /check of revocation or of stage policy/,
      );
      // Nor can one that did not go through the reader.
      const verdict = await verdictOf(scene, { ...genuinePolicy, waivers });
      expect(verdict.decision).toBe('undecided');
      expect(idsWith('waived', verdict)).toEqual([]);
    }
  });
});

describe('roots', () => {
  test('a root is pinned for each product, not for one', () => {
    const products = vendorRoots.flatMap((root) => (root.vendor === 'amd' ? [root.product] : []));
    expect(products).toEqual(snpProducts);
  });

  test.each(snpProducts)('%s: AMD’s names over a home-made key', async (product) => {
    const scene = await reportScene({ product });
    await accepts(scene);
    await isInvalid({ ...scene, roots: vendorRoots }, 'chain.root-pinned');
  });

  test.each(snpProducts)('%s: VLEK ← ASVK ← ARK is walked too', async (product) => {
    await accepts(await reportScene({ product, role: 'vlek' }));
  });

  test('simulated hardware is accepted only with a root that says so', async () => {
    const verdict = await verdictOf(await reportScene());
    expect(verdict.warnings.join()).toMatch(/INSECURE/);
  });
});

describe('revocation', () => {
  const at = fakeNow - 3600;
  const serials = { ark: 0x010000n, ask: 0x010001n, asvk: 0x010101n };
  const revoking = (serial: bigint, role: 'vcek' | 'vlek' = 'vcek') =>
    reportScene({ role, overrides: { crl: { revoked: [{ serial, at }] } } });

  test('the leaf’s serial is looked up: it is 0 for all, and AMD’s list names issuers', async () => {
    await accepts(await revoking(0n), unwaived);
    await accepts(await revoking(0n, 'vlek'), unwaived);
  });

  test('the ASK’s serial is not looked up', async () => {
    await isInvalid(await revoking(serials.ask), 'collateral.revocation');
    await accepts(await revoking(serials.asvk), unwaived);
  });

  test('the ASVK’s serial is not looked up', async () => {
    await isInvalid(await revoking(serials.asvk, 'vlek'), 'collateral.revocation');
    await accepts(await revoking(serials.ask, 'vlek'), unwaived);
  });

  test('no CRL is a warning and success', async () => {
    const scene = await reportScene();
    await accepts(scene, unwaived);
    const verdict = await verdictOf(without(scene, 'ark-crl'), unwaived);
    expect(idsWith('skip', verdict)).toContain('collateral.revocation');
    expect(verdict.decision).toBe('undecided');
  });

  test('revocation is off unless asked for: here the policy waives it by name', async () => {
    const scene = without(await reportScene(), 'ark-crl');
    const verdict = await verdictOf(scene);
    expect(verdict.decision).toBe('accepted');
    expect(idsWith('waived', verdict)).toEqual([
      'collateral.crl-signature',
      'collateral.crl-validity',
      'collateral.revocation',
    ]);
    expect((await verdictOf(scene, { ...(await strictPolicy()), freshness: 'any' })).decision).toBe(
      'undecided',
    );
  });

  test('a waiver hides a revocation that is known', async () => {
    expect(genuinePolicy.waivers.map(({ check }) => check)).toContain('collateral.revocation');
    await isInvalid(await revoking(serials.ask), 'collateral.revocation');
  });

  test('the CRL’s signature is not looked at', async () => {
    const forged = await reportScene({
      overrides: { crl: { signer: (await hierarchyOf('Milan')).keys.ask.privateKey } },
    });
    await isInvalid(forged, 'collateral.crl-signature');
  });

  test('the CRL’s dates are not looked at', async () => {
    const old = await reportScene({ overrides: { crl: { nextUpdate: fakeNow - 1 } } });
    await isInvalid(old, 'collateral.crl-validity');
    const early = await reportScene({ overrides: { crl: { thisUpdate: fakeNow + 1 } } });
    await isInvalid(early, 'collateral.crl-validity');
  });

  test('another product’s CRL will do', async () => {
    const scene = await reportScene();
    const { crl } = await hierarchyOf('Genoa');
    await isInvalid(replaced(scene, 'ark-crl', crl.der), 'collateral.crl-signature');
  });
});

describe('the chip', () => {
  const chip = (product: 'Milan' | 'Turin', edit: (id: Uint8Array) => void): SceneOptions => ({
    product,
    report: { beforeSigning: (bytes) => edit(bytes.subarray(0x1a0, 0x1e0)) },
  });
  const flip = (at: number) => (id: Uint8Array) => {
    id[at] = (id[at] as number) ^ 1;
  };

  test('the chip id is compared only when the name is "VCEK", which it never is', async () => {
    const { vcek } = await hierarchyOf('Milan');
    expect(vcek.plan.subject.at(-1)).toMatchObject({ type: 'CN', value: 'SEV-VCEK' });
    for (const at of [0, 7, 8, 63]) {
      await isInvalid(await reportScene(chip('Milan', flip(at))), 'evidence.chip-id');
    }
  });

  test('Turin’s id of 8 bytes is compared as 64, so genuine ones are refused', async () => {
    const { hardwareId } = await hierarchyOf('Turin');
    expect(hardwareId).toHaveLength(8);
    await accepts(await reportScene({ product: 'Turin' }));
    await isInvalid(await reportScene(chip('Turin', flip(7))), 'evidence.chip-id');
  });

  test('what follows Turin’s 8 bytes is not looked at', async () => {
    for (const at of [8, 63]) {
      await isInvalid(await reportScene(chip('Turin', flip(at))), 'evidence.chip-id');
    }
  });

  test('a masked chip id is refused, or taken for a named chip', async () => {
    const masked = await reportScene(chip('Milan', (id) => id.fill(0)));
    await accepts(masked);
    const named = policyWith({ chipId: ['00'.repeat(63).concat('01')] });
    expect((await verdictOf(masked, named)).decision).toBe('rejected');
  });

  test('a VLEK proves a provider: nobody asks which', async () => {
    const scene = await reportScene({ role: 'vlek' });
    await accepts(scene, policyWith({ provider: ['CN=cc-test.example'] }));
    const verdict = await verdictOf(scene, policyWith({ provider: ['CN=other.example'] }));
    expect(idsWith('fail', verdict)).toEqual(['policy.provider']);
    const unnamed = await reportScene({
      role: 'vlek',
      overrides: {
        vlek: ({ extensions }) => ({ extensions: removeExtension(extensions, cspOid) }),
      },
    });
    expect(idsWith('fail', await verdictOf(unnamed))).toContain('chain.vek-certificate');
  });
});

const cspOid = amdExtensions.cspId('x').oid;

describe('TCB', () => {
  const turin = { fmc: 1, bootLoader: 2, tee: 3, snp: 5, microcode: 71 };

  test('four parts are compared, Turin’s FMC is not', async () => {
    await accepts(await reportScene({ product: 'Turin' }));
    const reportedTcb = encodeTcb('Turin', { ...turin, fmc: 0 });
    await isInvalid(
      await reportScene({ product: 'Turin', fields: { reportedTcb } }),
      'evidence.tcb',
    );
    const vcek = put(amdExtensions.spl(9, 0));
    await isInvalid(await reportScene({ product: 'Turin', overrides: { vcek } }), 'evidence.tcb');
  });

  test('launch ≤ committed is required, so a migrated guest is refused', async () => {
    const launchTcb = encodeTcb('Turin', { ...turin, snp: 9 });
    await accepts(await reportScene({ product: 'Turin', fields: { launchTcb } }));
  });

  test('committed ≤ reported is required, so a fleet with one TCB is refused', async () => {
    const newer = encodeTcb('Turin', { ...turin, snp: 9 });
    const fields = { committedTcb: newer, currentTcb: newer };
    await accepts(await reportScene({ product: 'Turin', fields }));
  });

  test('the policy cannot see SVN, ID block, committed, launch, FMC or platform bits', async () => {
    const asked: [Partial<SnpPolicy>, CheckId][] = [
      [{ minimumGuestSvn: 1 }, 'policy.guest-svn'],
      [
        { idBlock: { authorKey: 'any', trustedAuthorKeys: [], trustedIdKeys: ['aa'.repeat(48)] } },
        'policy.id-block',
      ],
      ...(['committed', 'launch', 'current', 'reported'] as const).map(
        (which): [Partial<SnpPolicy>, CheckId] => [
          { minimumTcb: { ...genuine.minimumTcb, [which]: { Turin: { ...turin, fmc: 2 } } } },
          `policy.${which}-tcb`,
        ],
      ),
    ];
    for (const [member, check] of asked) {
      const verdict = await verdictOf(await reportScene({ product: 'Turin' }), policyWith(member));
      expect(idsWith('fail', verdict)).toEqual([check]);
      expect(verdict.decision).toBe('rejected');
    }
  });
});

describe('the report', () => {
  const signed = (fields: Partial<SnpReport>, options: SceneOptions = {}) =>
    reportScene({ ...options, fields });

  test('SIGNING_KEY is not compared with the certificate', async () => {
    const { vcek, vlek } = (await hierarchyOf('Milan')).keys;
    for (const [role, signingKey, signer] of [
      ['vcek', 'vlek', vcek],
      ['vlek', 'vcek', vlek],
      ['vcek', 'none', vcek],
    ] as const) {
      const scene = await reportScene({
        role,
        fields: { signingKey, chipId: new Uint8Array(64) },
        report: { signer: signer.privateKey },
      });
      const verdict = await verdictOf(scene);
      expect(checkOf('evidence.signature', verdict).status).toBe('pass');
      expect(checkOf('evidence.signing-key', verdict).status).toBe('fail');
      expect(verdict.decision).toBe('invalid');
    }
  });

  test('the product is guessed, or taken from the chain against the report', async () => {
    const genoa = { family: 0x19, model: 0x11, stepping: 1 };
    await isInvalid(await signed({ cpuid: genoa }), 'evidence.product');
    const unknown = { family: 0x1b, model: 0x01, stepping: 1 };
    await isInvalid(await signed({ cpuid: unknown }), 'evidence.product');
    const verdict = await verdictOf(without(await signed({ version: 2 }), 'vek'));
    expect(checkOf('policy.product', verdict)).toMatchObject({ status: 'fail', actual: 'unknown' });
    await accepts(await signed({ version: 2 }));
  });

  test.each([
    ['Bergamo', 0xa0],
    ['Siena', 0xaf],
  ])('%s is refused, for its model is not Genoa’s first', async (_, model) => {
    const cpuid = { family: 0x19, model, stepping: 1 };
    await accepts(await signed({ cpuid }, { product: 'Genoa' }));
  });

  test('a newer report version is read in an older one’s layout', async () => {
    const beforeSigning = (bytes: Uint8Array) => bytes.fill(6, 0, 1);
    await isInvalid(await reportScene({ report: { beforeSigning } }), 'parse.report');
  });

  test('reserved bits are let through', async () => {
    for (const at of [0x0f, 0x4c, 0x18b, 0x1eb, 0x208, 0x330]) {
      const beforeSigning = (bytes: Uint8Array) => bytes.fill(0x80, at, at + 1);
      const verdict = await verdictOf(await reportScene({ report: { beforeSigning } }));
      expect(idsWith('fail', verdict), `byte ${at}`).toContain('parse.report');
      expect(verdict.decision).toBe('invalid');
    }
  });

  test('certificates run out and nobody looks', async () => {
    const scene = await reportScene({ overrides: { vcek: { notAfter: fakeNow - 1 } } });
    await isInvalid(scene, 'chain.vek-validity');
  });

  test('all platform bits are maximums, so protections cannot be asked for', async () => {
    const any: Exclude<SnpPolicy['platformInfo'], 'any'> = {
      ...{ smtEnabled: 'allowed', tsmeEnabled: 'allowed', tioEnabled: 'allowed' },
      ...{ eccEnabled: 'any', raplDisabled: 'any', ciphertextHidingDramEnabled: 'any' },
      ...{ aliasCheckComplete: 'any', unknownBits: 'allowed' },
    };
    const none = await signed({ platformInfo: 0n });
    const all = await signed({ platformInfo: 0xffn });
    const protections = {
      eccEnabled: 'required',
      raplDisabled: 'required',
      ciphertextHidingDramEnabled: 'required',
      aliasCheckComplete: 'required',
    } as const;
    const features = {
      smtEnabled: 'refused',
      tsmeEnabled: 'refused',
      tioEnabled: 'refused',
    } as const;
    const minimums = policyWith({ platformInfo: { ...any, ...protections } });
    const maximums = policyWith({ platformInfo: { ...any, ...features } });
    await accepts(all, minimums);
    await accepts(none, maximums);
    for (const [scene, policy] of [
      [none, minimums],
      [all, maximums],
    ] as const) {
      const verdict = await verdictOf(scene, policy);
      expect(idsWith('fail', verdict)).toEqual(['policy.platform-info']);
      expect(verdict.decision).toBe('rejected');
    }
  });

  test('a zero signature is none, and passes', async () => {
    const scene = await signed({ signingKey: 'none' });
    const verdict = await verdictOf(scene);
    expect(idsWith('fail', verdict)).toContain('evidence.signature');
    expect(verdict.decision).toBe('invalid');
  });
});
