/** A port with a memory decides as one without, cold and warm; so do the two ports over node:crypto. */
import { sign } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { generateEcKey } from '#test/fake/keys.ts';
import type { AmdCollateralKind } from '#verifier/abi/bundle.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { nodeCrypto, pooledNodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import {
  bundleScene,
  collateralOf,
  hierarchyOf,
  idsWith,
  replaced,
  reportScene,
  type Scene,
  verifyScene,
  without,
} from './scene.ts';

function flippedAt(bytes: Bytes, at: number): Bytes {
  return bytes.with(at, (bytes.at(at) as number) ^ 1);
}

async function warm(scene: Scene, capacity?: number): Promise<CryptoPort> {
  const crypto = rememberingCrypto(nodeCrypto, capacity);
  await verifyScene(scene, crypto);
  return crypto;
}

async function decided(scene: Scene, crypto: CryptoPort) {
  const verified = await verifyScene(scene, crypto);
  return {
    decision: appraise(verified, genuinePolicy).decision,
    failed: idsWith('fail', verified),
  };
}

/** Counts how often the port beneath is asked. */
function counting() {
  const rsa = vi.fn(nodeCrypto.verifyRsaPssSha384);
  const ecdsa = vi.fn(nodeCrypto.verifyP384Sha384);
  const p256 = vi.fn(nodeCrypto.verifyP256Sha256);
  const port = {
    ...nodeCrypto,
    verifyRsaPssSha384: rsa,
    verifyP384Sha384: ecdsa,
    verifyP256Sha256: p256,
  };
  return { rsa, ecdsa, p256, port };
}

async function p256Signer() {
  const { publicKey, privateKey: key } = await generateEcKey('P-256');
  return {
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    sign: (text: string) =>
      new Uint8Array(sign('sha256', utf8(text), { key, dsaEncoding: 'ieee-p1363' })),
  };
}

const scenes: [string, () => Promise<Scene>][] = [
  ['good', () => reportScene()],
  ['good, VLEK', () => reportScene({ role: 'vlek' })],
  ['good, Turin', () => reportScene({ product: 'Turin' })],
  ['bundle', () => bundleScene()],
  ['no VEK', async () => without(await reportScene(), 'vek')],
  ['no CRL', async () => without(await reportScene(), 'ark-crl')],
  ['VEK that is no certificate', async () => replaced(await reportScene(), 'vek', utf8('x'))],
  ['CRL that is no list', async () => replaced(await reportScene(), 'ark-crl', utf8('x'))],
  ['too late', () => reportScene({ now: 9_000_000_000 })],
  [
    'wrong signature',
    () => reportScene({ report: { afterSigning: (b) => b.fill(7, 0x2a0, 0x2d0) } }),
  ],
  [
    'forged issuer',
    () => reportScene({ overrides: { ask: { editSignature: (s) => flippedAt(s, 9) } } }),
  ],
];

test.each(scenes)(
  '%s: the same checks with and without memory, and on the pool',
  async (_, make) => {
    const scene = await make();
    const { checks } = await verifyScene(scene, nodeCrypto);
    const crypto = rememberingCrypto(nodeCrypto);
    for (const port of [
      crypto,
      crypto,
      crypto,
      pooledNodeCrypto,
      rememberingCrypto(pooledNodeCrypto),
    ]) {
      expect((await verifyScene(scene, port)).checks).toEqual(checks);
    }
  },
);

test('scenes one after the other do not mix in one memory', async () => {
  const crypto = rememberingCrypto(nodeCrypto);
  const made = await Promise.all(scenes.map(([, make]) => make()));
  for (const scene of [...made, ...made.toReversed()]) {
    const { checks } = await verifyScene(scene, nodeCrypto);
    expect((await verifyScene(scene, crypto)).checks).toEqual(checks);
  }
});

describe('what is remembered', () => {
  test('RSA is asked once for each signature, the report’s own each time', async () => {
    const { rsa, ecdsa, port } = counting();
    const crypto = rememberingCrypto(port);
    const scene = await reportScene();
    for (let i = 0; i < 3; i++) await verifyScene(scene, crypto);
    // Root, issuer, VEK, CRL.
    expect(rsa).toHaveBeenCalledTimes(4);
    expect(ecdsa).toHaveBeenCalledTimes(3);
  });

  test('a bad signature is looked at anew', async () => {
    const { rsa, port } = counting();
    const crypto = rememberingCrypto(port);
    const scene = await reportScene({
      overrides: { ask: { editSignature: (s) => flippedAt(s, 9) } },
    });
    await verifyScene(scene, crypto);
    await verifyScene(scene, crypto);
    // Three good ones once, the bad one twice.
    expect(rsa).toHaveBeenCalledTimes(5);
  });

  test('a good P-256 signature is asked once, a bad one each time', async () => {
    const { p256, port } = counting();
    const crypto = rememberingCrypto(port);
    const { spki, sign } = await p256Signer();
    const good = sign('good');
    for (let i = 0; i < 3; i++)
      expect(await crypto.verifyP256Sha256(spki, utf8('good'), good)).toBe(true);
    expect(p256).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 2; i++)
      expect(await crypto.verifyP256Sha256(spki, utf8('bad'), good)).toBe(false);
    expect(p256).toHaveBeenCalledTimes(3);
  });

  test('of P-256 key, message and signature are compared whole', async () => {
    const crypto = rememberingCrypto(nodeCrypto);
    const { spki, sign } = await p256Signer();
    const signature = sign('good');
    const parts = [spki, utf8('good'), signature] as const;
    expect(await crypto.verifyP256Sha256(...parts)).toBe(true);
    for (const [part, bytes] of parts.entries()) {
      // The last eight bytes stay: the same place is found. Before the point, OpenSSL knows a second spelling (hybrid form).
      const first = part === 0 ? bytes.length - 64 : 0;
      for (let at = first; at < bytes.length - (part === 2 ? 8 : 0); at++) {
        const changed = parts.with(part, flippedAt(bytes, at)) as [Bytes, Bytes, Bytes];
        expect(await crypto.verifyP256Sha256(...changed)).toBe(false);
      }
    }
    expect(await crypto.verifyP256Sha256(...parts)).toBe(true);
  });

  test('signatures good under P-256 are not good under RSA, nor the other way', async () => {
    const yes = vi.fn(() => Promise.resolve(true));
    const no = vi.fn(() => Promise.resolve(false));
    const bytes = [utf8('key'), utf8('message'), utf8('signature')] as const;
    const ofP256 = rememberingCrypto({
      ...nodeCrypto,
      verifyP256Sha256: yes,
      verifyRsaPssSha384: no,
    });
    expect(await ofP256.verifyP256Sha256(...bytes)).toBe(true);
    expect(await ofP256.verifyRsaPssSha384(...bytes)).toBe(false);
    const ofRsa = rememberingCrypto({
      ...nodeCrypto,
      verifyP256Sha256: no,
      verifyRsaPssSha384: yes,
    });
    expect(await ofRsa.verifyRsaPssSha384(...bytes)).toBe(true);
    expect(await ofRsa.verifyP256Sha256(...bytes)).toBe(false);
  });

  test('no more P-256 signatures than there is room for, the oldest going first', async () => {
    const { p256, port } = counting();
    const crypto = rememberingCrypto(port, 2);
    const { spki, sign } = await p256Signer();
    const signed = ['0', '1', '2'].map((text) => [spki, utf8(text), sign(text)] as const);
    const [first, , last] = signed as [(typeof signed)[0], unknown, (typeof signed)[0]];
    for (const one of signed) expect(await crypto.verifyP256Sha256(...one)).toBe(true);
    expect(await crypto.verifyP256Sha256(...last)).toBe(true);
    expect(p256).toHaveBeenCalledTimes(3);
    expect(await crypto.verifyP256Sha256(...first)).toBe(true);
    expect(p256).toHaveBeenCalledTimes(4);
  });

  test('bytes that the caller changes later are not what is remembered', async () => {
    const crypto = rememberingCrypto(nodeCrypto);
    const { spki, sign } = await p256Signer();
    const signature = sign('good');
    const message = utf8('good');
    expect(await crypto.verifyP256Sha256(spki, message, signature)).toBe(true);
    message[0] = 0;
    expect(await crypto.verifyP256Sha256(spki, message, signature)).toBe(false);
  });

  test('what cannot be read is not remembered', () => {
    const crypto = rememberingCrypto(nodeCrypto);
    const fails = vi.fn(() => {
      throw new RangeError('unreadable');
    });
    const bytes = utf8('12345678');
    for (let i = 0; i < 2; i++)
      expect(() => crypto.remember?.('a', bytes, fails)).toThrow(RangeError);
    expect(fails).toHaveBeenCalledTimes(2);
    expect(crypto.remember?.('a', bytes, () => 'read')).toBe('read');
  });

  test('roles are kept apart', () => {
    const crypto = rememberingCrypto(nodeCrypto);
    const bytes = utf8('12345678');
    expect(crypto.remember?.('a', bytes, () => 1)).toBe(1);
    expect(crypto.remember?.('b', bytes, () => 2)).toBe(2);
    expect(crypto.remember?.('a', bytes, () => 3)).toBe(1);
  });

  test('bytes of the same place but not the same are told apart', () => {
    const crypto = rememberingCrypto(nodeCrypto);
    expect(crypto.remember?.('a', utf8('x-12345678'), () => 1)).toBe(1);
    expect(crypto.remember?.('a', utf8('y-12345678'), () => 2)).toBe(2);
    expect(crypto.remember?.('a', utf8('12345678'), () => 3)).toBe(3);
    expect(crypto.remember?.('a', utf8('x12345678-').subarray(0, 9), () => 4)).toBe(4);
  });
});

describe('after a warm run', () => {
  const kinds: AmdCollateralKind[] = ['vek', 'ask', 'ark', 'ark-crl'];
  test.each(kinds)('a changed byte of %s, anywhere, is refused', async (kind) => {
    const scene = await reportScene();
    const crypto = await warm(scene);
    expect((await decided(scene, crypto)).decision).toBe('accepted');
    const der = collateralOf(await hierarchyOf('Milan'))[kind];
    const places = [0, 1, 5, 40, 200, der.length >> 1, -500, -300, -9, -8, -1];
    for (const at of places) {
      const changed = replaced(scene, kind, flippedAt(der, at < 0 ? der.length + at : at));
      const { decision } = await decided(changed, crypto);
      expect(decision, `byte ${at}`).not.toBe('accepted');
      expect(decision, `byte ${at}`).toBe((await decided(changed, nodeCrypto)).decision);
    }
    expect((await decided(scene, crypto)).decision).toBe('accepted');
  });

  test('another key under the same name is refused', async () => {
    const crypto = await warm(await reportScene());
    const { keys } = await hierarchyOf('Milan');
    const forged = await reportScene({ overrides: { ask: { publicKey: keys.asvk.publicKey } } });
    expect((await decided(forged, crypto)).failed).toEqual(['chain.vek-signature']);
  });

  test('a part of the remembered triple is not enough', async () => {
    const { rsa, port } = counting();
    rsa.mockImplementation(async (_, message) => message[0] === 1);
    const crypto = rememberingCrypto(port);
    const [key, message, signature] = [utf8('key'), Uint8Array.of(1), utf8('signature')];
    const ask = crypto.verifyRsaPssSha384;
    expect(await ask(key, message, signature)).toBe(true);
    expect(await ask(key, message, signature)).toBe(true);
    expect(rsa).toHaveBeenCalledTimes(1);
    await ask(utf8('kez'), message, signature);
    await ask(key, Uint8Array.of(1, 0), signature);
    await ask(key, message, utf8('Signature'));
    expect(rsa).toHaveBeenCalledTimes(4);
    expect(await ask(key, Uint8Array.of(2), signature)).toBe(false);
  });

  test('a changed report is refused', async () => {
    const scene = await reportScene();
    const crypto = await warm(scene);
    const bytes = flippedAt(scene.evidence.bytes, 0x90);
    const changed: Scene = { ...scene, evidence: { form: 'report', bytes } };
    expect((await decided(changed, crypto)).failed).toEqual(['evidence.signature']);
  });

  test('dates are still looked at', async () => {
    const scene = await reportScene();
    const crypto = await warm(scene);
    const late = await decided({ ...scene, now: fakeNow + 365 * 86_400 }, crypto);
    expect(late.failed).toEqual(['collateral.crl-validity']);
    const early = await decided({ ...scene, now: 1_000_000_000 }, crypto);
    expect(early.failed).toContain('chain.vek-validity');
    expect(early.failed).toContain('chain.issuer-validity');
    expect(early.failed).toContain('chain.root-validity');
  });

  test('a new list that revokes the issuer is still looked at', async () => {
    const crypto = await warm(await reportScene());
    const revoking = await reportScene({
      overrides: { crl: { revoked: [{ serial: 0x010001n, at: fakeNow - 3600 }] } },
    });
    const found = await decided(revoking, crypto);
    expect(found).toEqual({ decision: 'invalid', failed: ['collateral.revocation'] });
  });

  test('the pin is still looked at', async () => {
    const scene = await reportScene();
    const crypto = await warm(scene);
    expect((await decided({ ...scene, roots: [] }, crypto)).failed).toEqual(['chain.root-pinned']);
  });

  test('the caller’s buffers are not the memory’s', async () => {
    const scene = await reportScene();
    // Its own copies, for this test writes into them.
    const own: Scene = {
      ...scene,
      collateral: scene.collateral.map(({ kind, data }) => ({ kind, data: data.slice() })),
    };
    const crypto = await warm(own);
    for (const { data } of own.collateral) data.fill(0xff);
    const { checks } = await verifyScene(scene, nodeCrypto);
    expect((await verifyScene(scene, crypto)).checks).toEqual(checks);
    expect((await decided(own, crypto)).decision).toBe('invalid');
  });
});

describe('the capacity', () => {
  test('bounds signatures: the oldest is forgotten first', async () => {
    const { rsa, port } = counting();
    rsa.mockResolvedValue(true);
    const crypto = rememberingCrypto(port, 3);
    const signature = (i: number) => utf8(`signature ${i}`);
    const ask = (i: number) => crypto.verifyRsaPssSha384(utf8('k'), utf8('m'), signature(i));
    for (const i of [0, 1, 2, 3]) await ask(i);
    expect(rsa).toHaveBeenCalledTimes(4);
    for (const i of [3, 2, 1]) await ask(i);
    expect(rsa).toHaveBeenCalledTimes(4);
    await ask(0);
    expect(rsa).toHaveBeenCalledTimes(5);
  });

  test('bounds each role on its own', () => {
    const crypto = rememberingCrypto(nodeCrypto, 2);
    const make = vi.fn((bytes: Bytes) => bytes.length);
    const ask = (role: string, i: number) => crypto.remember?.(role, utf8(`bytes ${i}`), make);
    for (const i of [0, 1, 2]) ask('a', i);
    ask('b', 0);
    for (const i of [1, 2]) ask('a', i);
    ask('b', 0);
    expect(make).toHaveBeenCalledTimes(4);
    ask('a', 0);
    expect(make).toHaveBeenCalledTimes(5);
  });

  test('of one still decides right', async () => {
    const crypto = await warm(await reportScene(), 1);
    expect((await decided(await reportScene(), crypto)).decision).toBe('accepted');
  });
});

test.each([
  ['key', 0],
  ['message', 1],
  ['signature', 2],
] as const)('both node:crypto ports refuse a broken %s and throw nothing', async (_, part) => {
  const broken = [new Uint8Array(0), utf8('x'), new Uint8Array(97).fill(0xff)];
  const { ask, vcek } = await hierarchyOf('Milan');
  const spki = new Uint8Array(vcek.plan.publicKey.export({ type: 'spki', format: 'der' }));
  const rsa = new Uint8Array(ask.plan.publicKey.export({ type: 'spki', format: 'der' }));
  const { spki: p256 } = await p256Signer();
  for (const bytes of broken) {
    for (const port of [nodeCrypto, pooledNodeCrypto]) {
      const { verifyP384Sha384, verifyP256Sha256, verifyRsaPssSha384 } = port;
      const inputs = (key: Bytes): [Bytes, Bytes, Bytes] =>
        [key, utf8('m'), new Uint8Array(96).fill(1)].with(part, bytes) as [Bytes, Bytes, Bytes];
      expect(await verifyP384Sha384(...inputs(spki))).toBe(false);
      expect(await verifyRsaPssSha384(...inputs(rsa))).toBe(false);
      expect(await verifyP256Sha256(...inputs(p256))).toBe(false);
    }
  }
});
