import { beforeAll, describe, expect, test } from 'vitest';
import { type AmdOverrides, fakeNow } from '#test/fake/amd.ts';
import type { Change, CrlPlan } from '#test/fake/certificates.ts';
import type { AmdKeys } from '#test/fake/keys.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import { utf8 } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import {
  checkOf,
  hierarchyOf,
  idsWith,
  replaced,
  reportScene,
  type Scene,
  verdictOf,
  verifyScene,
  without,
} from '../scene.ts';

let keys: AmdKeys;
let scene: Scene;
beforeAll(async () => {
  keys = await testKeys();
  scene = await reportScene();
});

const signature: CheckId = 'collateral.crl-signature';
const validity: CheckId = 'collateral.crl-validity';
const revocation: CheckId = 'collateral.revocation';
const serials = { ark: 0x010000n, ask: 0x010001n, asvk: 0x010101n };
const at = fakeNow - 1;

const withCrl = (crl: Change<CrlPlan>, role: 'vcek' | 'vlek' = 'vcek') =>
  reportScene({ role, overrides: { crl } });
const listOf = async (crl: Change<CrlPlan>, more: AmdOverrides = {}) =>
  (await hierarchyOf('Milan', { ...more, crl })).crl.der;

async function outcome(found: Scene) {
  const verdict = await verdictOf(found);
  return { decision: verdict.decision, failed: idsWith('fail', verdict), verdict };
}

describe('whose list it is', () => {
  test('the root’s own', async () => {
    expect(await outcome(scene)).toMatchObject({ decision: 'accepted', failed: [] });
  });

  test('signed by the ASK in the root’s name', async () => {
    const forged = await withCrl(() => ({ signer: keys.ask.privateKey }));
    expect(await outcome(forged)).toMatchObject({ decision: 'invalid', failed: [signature] });
  });

  test('with a signature of which one bit is changed', async () => {
    const forged = await withCrl({
      editSignature: (bytes) => bytes.with(7, ~(bytes[7] as number)),
    });
    expect(await outcome(forged)).toMatchObject({ decision: 'invalid', failed: [signature] });
  });

  test('of another product', async () => {
    const { crl } = await hierarchyOf('Genoa');
    const { decision, failed, verdict } = await outcome(replaced(scene, 'ark-crl', crl.der));
    expect({ decision, failed }).toEqual({ decision: 'invalid', failed: [signature] });
    expect(checkOf(signature, verdict).reason).toBe('no list here is issued by ARK-Milan');
    // Failed, and so not to be waived.
    expect(idsWith('waived', verdict)).toEqual([validity, revocation]);
  });

  test('what is no list', async () => {
    for (const data of [utf8('<html>'), new Uint8Array(0), (await hierarchyOf('Milan')).ark.der]) {
      const { decision, failed } = await outcome(replaced(scene, 'ark-crl', data));
      expect({ decision, failed }).toEqual({ decision: 'invalid', failed: [signature] });
    }
  });
});

describe('when it counts', () => {
  const dates = { thisUpdate: fakeNow, nextUpdate: fakeNow + 1000 };
  test.for([
    [-1, /from after that time/],
    [0, null],
    [1000, null],
    [1001, /out of date/],
  ] as const)('%i seconds after thisUpdate', async ([seconds, reason]) => {
    const narrow = { ...(await withCrl(dates)), now: fakeNow + seconds };
    const { decision, failed, verdict } = await outcome(narrow);
    expect(failed).toEqual(reason === null ? [] : [validity]);
    expect(decision).toBe(reason === null ? 'accepted' : 'invalid');
    if (reason !== null) expect(checkOf(validity, verdict).reason).toMatch(reason);
    expect(verdict.expires).toBe(fakeNow + 1000);
  });
});

describe('whom it revokes', () => {
  const revoking = (...revoked: bigint[]) => ({
    revoked: revoked.map((serial) => ({ serial, at })),
  });
  test.for([
    ['nobody', 'vcek', [], true],
    ['the ASK', 'vcek', [serials.ask], false],
    ['the ASK among others', 'vcek', [1n, serials.ask, 2n], false],
    ['the ASVK, which signed no VCEK', 'vcek', [serials.asvk], true],
    ['the ASVK', 'vlek', [serials.asvk], false],
    ['the ASK, which signed no VLEK', 'vlek', [serials.ask], true],
    ['serial 0, which every VEK has', 'vcek', [0n], true],
    ['a serial that only ends alike', 'vcek', [serials.ask + (1n << 32n)], true],
  ] as const)('%s, and the report is under a %s', async ([, role, revoked, good]) => {
    const { decision, failed } = await outcome(await withCrl(revoking(...revoked), role));
    expect(failed).toEqual(good ? [] : [revocation]);
    expect(decision).toBe(good ? 'accepted' : 'invalid');
  });

  test('the reason names the certificate', async () => {
    const { verdict } = await outcome(await withCrl(revoking(serials.ask)));
    expect(checkOf(revocation, verdict).reason).toMatch(/AMD has revoked SEV-Milan/);
  });
});

describe('two lists', () => {
  const old = { thisUpdate: fakeNow - 2000, nextUpdate: fakeNow + 5000 };
  const recent = { thisUpdate: fakeNow - 1000, nextUpdate: fakeNow + 6000 };
  const ofAsk = [{ serial: serials.ask, at }];

  test('the newer one is used, in any order', async () => {
    for (const [oldRevoked, newRevoked] of [
      [[], ofAsk],
      [ofAsk, []],
    ]) {
      const lists = [
        await listOf({ ...old, revoked: oldRevoked ?? [] }),
        await listOf({ ...recent, revoked: newRevoked ?? [] }),
      ];
      for (const given of [lists, lists.toReversed()]) {
        const { failed } = await outcome(replaced(scene, 'ark-crl', ...given));
        expect(failed).toEqual(newRevoked === ofAsk ? [revocation] : []);
      }
    }
  });

  test('a forged newer one fails, it does not hide behind the genuine one', async () => {
    const genuine = await listOf({ ...old, revoked: ofAsk });
    const forged = await listOf({ ...recent, signer: keys.ask.privateKey });
    const { decision, failed } = await outcome(replaced(scene, 'ark-crl', genuine, forged));
    expect({ decision, failed }).toEqual({ decision: 'invalid', failed: [signature] });
  });

  test('another product’s beside it does not matter', async () => {
    const other = (await hierarchyOf('Turin')).crl.der;
    const own = (await hierarchyOf('Milan')).crl.der;
    for (const given of [
      [own, other],
      [other, own],
    ]) {
      expect((await outcome(replaced(scene, 'ark-crl', ...given))).decision).toBe('accepted');
    }
  });

  test('one that cannot be read fails, also beside a good one', async () => {
    const own = (await hierarchyOf('Milan')).crl.der;
    const { failed } = await outcome(replaced(scene, 'ark-crl', own, utf8('rubbish')));
    expect(failed).toEqual([signature]);
  });
});

describe('no list', () => {
  const strict = toPolicy({ ...genuinePolicy, waivers: [] });

  test('is waived by name under "genuine", open under a policy that does not', async () => {
    const none = without(scene, 'ark-crl');
    expect(idsWith('skip', await verifyScene(none))).toEqual([signature, validity, revocation]);
    const genuine = await verdictOf(none);
    expect(genuine.decision).toBe('accepted');
    expect(idsWith('waived', genuine)).toEqual([signature, validity, revocation]);
    expect((await verdictOf(none, strict)).decision).toBe('undecided');
    expect((await verdictOf(scene, strict)).decision).toBe('accepted');
  });

  test('a waiver of one check leaves the others open', async () => {
    const [one] = genuinePolicy.waivers;
    const policy = toPolicy({ ...genuinePolicy, waivers: [one] });
    const verdict = await verdictOf(without(scene, 'ark-crl'), policy);
    expect(idsWith('skip', verdict)).toEqual([validity, revocation]);
    expect(verdict.decision).toBe('undecided');
  });
});
