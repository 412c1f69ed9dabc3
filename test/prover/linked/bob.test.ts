/**
 * Bob's checks of linked proofs with tools that are sound by definition: what he asks them about, what he refuses besides, and what
 * he says. Real proofs are in bob-proofs.test.ts.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { ProverError } from '#prover/errors.ts';
import type { Demands } from '#prover/linked/demands.ts';
import { demandsDigest } from '#prover/linked/demands.ts';
import { timeInteger } from '#prover/linked/public-inputs.ts';
import { digitsOf } from '#test/circuits/linked/scene.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { type LinkedCheckId, linkedChecks } from '#verifier/catalogue/linked.ts';
import { fieldOrder } from '#verifier/field.ts';
import { type Row, rows } from './bob-rows.ts';
import {
  type Changes,
  demandsFor,
  hexOf,
  linkedScene,
  nonce,
  now,
  resultOf,
  type Scene,
  until,
  verdictIn,
  withStatus,
} from './bob-scene.ts';

let scene: Scene;
let member: Scene;
let text: Scene;
let shown: Scene;
let other: Scene;

beforeAll(async () => {
  scene = await linkedScene();
  member = await linkedScene({ key: 'member' });
  text = await linkedScene({ response: 'text' });
  shown = await linkedScene({ key: 'shown' });
  other = await linkedScene({}, { seed: 'another' });
});

describe('Bob accepts', () => {
  test.each([
    ['a certified key and a whole response', () => scene],
    ['a key of his set', () => member],
    ['parts of a response', () => text],
    ['a key whose certificate is shown', () => shown],
  ])('%s', async (_, of) => {
    const verdict = await verdictIn(of());
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(withStatus('skip', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  });

  test('every check of the catalogue, in its order', async () => {
    const all = Object.keys(linkedChecks);
    const made = await Promise.all([scene, member, text, shown].map((one) => verdictIn(one)));
    for (const { checks } of made) {
      const ids = checks.map(({ id }) => id);
      expect(ids).toEqual(all.filter((id) => ids.includes(id as LinkedCheckId)));
    }
    expect(new Set(made.flatMap(({ checks }) => checks.map(({ id }) => id))).size).toBe(all.length);
  });

  test('a key of any of his sets', async () => {
    const roots = [hexOf(5n), hexOf(member.story.sets.veks.root)].map((root) => ({ root, until }));
    const verdict = await verdictIn(member, { demands: { key: [{ kind: 'veks', roots }] } });
    expect(verdict.decision).toBe('accepted');
    expect(resultOf('link.key', verdict).actual).toBe(roots[1]?.root);
  });

  test('the last second of every window', async () => {
    const sets = (list: Demands['accepted']) => list.map((set) => ({ ...set, until: now }));
    const { accepted, levels, revoked } = scene.settings.demands;
    const demands: Partial<Demands> = {
      accepted: sets(accepted),
      levels: sets(levels),
      revoked: sets(revoked),
      epoch: { maxAge: 420, maxFuture: 0 },
      key: [{ kind: 'pck-ca', maxAge: 120 }],
      responseTime: { maxAge: 60, maxFuture: 0 },
    };
    expect((await verdictIn(scene, { demands })).decision).toBe('accepted');
  });
});

describe('Bob refuses', () => {
  test.for(rows)('$name', async ({ changes, failing, decision, of = 'scene' }: Row) => {
    const scenes = { scene, member, text, shown, other };
    const verdict = await verdictIn(scenes[of], changes(scenes));
    expect(withStatus('fail', verdict)).toEqual(failing);
    expect(verdict.decision).toBe(decision);
  });

  test('each check has a row; keys can only be lacking, and lists are tested with the issuer', () => {
    const failing = new Set(rows.flatMap((row) => row.failing));
    const elsewhere = ['link.verification-keys', 'link.issuer-crl', 'link.challenge'];
    const missing = Object.keys(linkedChecks).filter((id) => !failing.has(id as LinkedCheckId));
    expect(missing).toEqual(elsewhere);
  });

  test.each([
    ['no proof file', () => utf8('<html>'), 'json-malformed'],
    ['an open proof', () => utf8('{"version":1}'), 'version-unknown'],
    [
      'C_att plus the field order',
      () => {
        const plain = hexOf(scene.file.attestation);
        const above = (scene.file.attestation + fieldOrder).toString(16).padStart(64, '0');
        return utf8(new TextDecoder().decode(scene.given.proof).replaceAll(plain, above));
      },
      'field-not-canonical',
    ],
  ])('%s', async (_, proof, code) => {
    const verdict = await verdictIn(scene, { given: { proof: proof() } });
    expect(resultOf('link.file', verdict).actual).toBe(`unreadable (${code})`);
    expect(withStatus('fail', verdict)).toEqual(['link.file']);
    expect(verdict.decision).toBe('invalid');
  });

  test('a nonce of another length is the caller’s mistake', async () => {
    const given = { nonce: nonce.subarray(1) };
    await expect(verdictIn(scene, { given })).rejects.toThrow(RangeError);
  });
});

const lacks = () =>
  Promise.reject(new ProverError('points-missing', 'circuit x needs 5 points', 'Get them.'));

describe('Bob leaves undecided', () => {
  test.each([
    ['without the response', { given: { response: null } }, 'link.message', /--response/],
    ['without the root’s list', { intel: { rootCrls: [] } }, 'link.issuer-crl', /--root-ca-crl/],
    ['without points', { tools: { key: lacks } }, 'link.verification-keys', /x needs 5 points/],
    ['without a backend', { tools: { verify: lacks } }, 'link.machine', /x needs 5 points/],
    ['without a register', { demands: { challenge: 'register' } }, 'link.challenge', /register/],
  ] satisfies [string, Changes, LinkedCheckId, RegExp][])('%s', async (_, changes, id, reason) => {
    const verdict = await verdictIn(scene, changes);
    expect(verdict.decision).toBe('undecided');
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(resultOf(id, verdict)).toMatchObject({ status: 'skip' });
    expect(resultOf(id, verdict).reason).toMatch(reason);
  });

  test('no list is needed for a key of a set', async () => {
    const verdict = await verdictIn(member, { intel: { rootCrls: [] } });
    expect(verdict.decision).toBe('accepted');
  });

  test('a fault of the program is no verdict', async () => {
    const fault = new TypeError('a fault');
    const verify = () => Promise.reject(fault);
    await expect(verdictIn(scene, { tools: { verify } })).rejects.toBe(fault);
  });
});

describe('the register of nonces', () => {
  function register() {
    const drawn = new Set([toHex(nonce)]);
    const asked: string[] = [];
    const spend = async (one: Uint8Array) => {
      asked.push(toHex(one));
      return drawn.delete(toHex(one));
    };
    return { asked, changes: { demands: { challenge: 'register' }, tools: { spend } } as const };
  }

  test('accepts the first proof and refuses the same again', async () => {
    const { changes, asked } = register();
    expect((await verdictIn(scene, changes)).decision).toBe('accepted');
    const again = await verdictIn(scene, changes);
    expect(withStatus('fail', again)).toEqual(['link.challenge']);
    expect(again.decision).toBe('rejected');
    expect(asked).toEqual([toHex(nonce), toHex(nonce)]);
  });

  test('is not asked about proofs that do not hold, a key that was not checked, or no answer', async () => {
    const { changes, asked } = register();
    const forged = await verdictIn(scene, {
      ...changes,
      file: (file) => ({ ...file, attestation: 5n }),
    });
    expect(forged.decision).toBe('invalid');
    const demands = { ...changes.demands, key: scene.settings.demands.key.slice(0, 1) };
    expect((await verdictIn(member, { ...changes, demands })).decision).not.toBe('accepted');
    const { spend } = changes.tools;
    const lacking = await verdictIn(scene, { ...changes, tools: { spend, key: lacks } });
    expect(lacking.decision).toBe('undecided');
    expect(asked).toEqual([]);
  });
});

describe('a time in the circuits', () => {
  test.each([
    [0, 19700101000000n],
    [fakeNow, digitsOf(fakeNow)],
    [253_402_300_799, 99991231235959n],
    [253_402_300_800, null],
    [-1, null],
    [2 ** 53 - 1, null],
  ])('%i', (seconds, expected) => {
    expect(timeInteger(seconds)).toBe(expected);
  });
});

describe('the verdict', () => {
  test('names the demands by their digest', async () => {
    const { policy } = await verdictIn(scene);
    expect(policy).toBe(toHex(demandsDigest(demandsFor(scene.story))));
    const changed = await verdictIn(scene, { demands: { name: 'others' } });
    expect(changed.policy).not.toBe(policy);
  });

  test('says when it runs out', async () => {
    const { expires, forecast } = await verdictIn(scene);
    // The attestation may be from 300 seconds before the story, and 600 are allowed.
    expect(expires).toBe(fakeNow + 300);
    expect(forecast.map(({ what }) => what)).toEqual([
      'the attestation',
      'the time at which the certificate was valid',
      'the set of accepted software',
      'the set of TCB levels',
      'the set of revoked chips and certificates',
      "the root's revocation list",
      'the certificate of the PCK CA',
    ]);
  });

  test('tells what is proved, hidden and not stated, of an acceptance alone', async () => {
    const words = (await verdictIn(scene)).warnings.join('\n');
    expect(words).toMatch(/Proved: a TDX machine .* PCK CA .* echo-node's signed this response/);
    expect(words).toMatch(/Hidden: the chip, the PCK certificate, which software/);
    expect(words).toMatch(/Not stated by the proof: devices, log, channel/);
    expect(words).toMatch(/nothing here counts its uses/);
    expect((await verdictIn(member)).warnings.join()).toMatch(/which key of the set/);
    const rejected = await verdictIn(scene, { demands: { services: ['echo-cpp'] } });
    expect(rejected.warnings).toEqual([expect.stringMatching(/^INSECURE/)]);
  });

  test('shows the bytes that are shown, and warns of those between', async () => {
    const words = (await verdictIn(text)).warnings.join('\n');
    expect(words).toMatch(/bytes 0 to \d+ "Paid 12\.50 EUR.*can change what they mean/);
    expect(words).toMatch(/a response with the parts shown below/);
  });

  test('says that the age is only the guest’s word', async () => {
    const words = /age is the guest's word alone/;
    const loose = await verdictIn(scene, { demands: { attestationNonce: 'guest-clock' } });
    expect(loose.decision).toBe('accepted');
    expect(loose.warnings.join()).toMatch(words);
    expect((await verdictIn(scene)).warnings.join()).not.toMatch(words);
  });

  test('says when a response can be replayed, and when its signature gives the key away', async () => {
    const signed = { given: { response: utf8(encodeResponse(scene.story.response)) } };
    expect((await verdictIn(scene, signed)).warnings.join()).toMatch(/can be computed from it/);
    expect((await verdictIn(scene)).warnings.join()).not.toMatch(/can be computed from it/);
    const zero = await linkedScene({}, { content: { nonce: new Uint8Array(32) } });
    expect((await verdictIn(zero)).warnings.join()).toMatch(/can be replayed/);
    expect((await verdictIn(scene)).warnings.join()).not.toMatch(/can be replayed/);
  });

  test('says that a root was handed over', async () => {
    expect((await verdictIn(scene)).warnings[0]).toMatch(/^INSECURE/);
    const { root } = scene.settings.intel;
    const intel = { root: root && { ...root, insecure: false } };
    const verdict = await verdictIn(scene, { intel });
    expect(verdict.warnings.join()).not.toMatch(/INSECURE/);
  });
});
