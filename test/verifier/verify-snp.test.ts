/** Stage evidence: the report against the key, chip, product and TCB of its certificate. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { exchangeKeys } from '#test/fake/keys.ts';
import type { SnpReportOptions } from '#test/fake/snp-device.ts';
import { testHierarchy, testKeys } from '#test/fake/test-keys.ts';
import { type SnpReport, signedLength } from '#verifier/abi/snp.ts';
import { encodeTcb, type SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, bigEndian, fromBigEndian } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import type { Evidence } from '#verifier/evidence.ts';
import {
  checkOf,
  failuresOf,
  hierarchyOf,
  idsWith,
  replaced,
  reportScene,
  type SceneOptions,
  verdictOf,
  verifyScene,
} from './scene.ts';

let milan: AmdHierarchy;
beforeAll(async () => {
  milan = await hierarchyOf('Milan');
});

/** n, the order of P-384's group. */
const order = BigInt(`0x${'f'.repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`);
/** r or s in the report: 72 bytes, little-endian. */
type Part = 'r' | 's';
const offsetOf = { r: signedLength, s: signedLength + 72 };
const readPart = (bytes: Bytes, part: Part) =>
  fromBigEndian(bytes.slice(offsetOf[part], offsetOf[part] + 48).reverse());
const writePart = (part: Part, value: bigint) => (bytes: Bytes) =>
  bytes.set(bigEndian(value, 48).reverse(), offsetOf[part]);

async function expectFailures(options: SceneOptions, failing: CheckId[], reason: RegExp) {
  const scene = await reportScene(options);
  const verdict = await verdictOf(scene);
  const failed = idsWith('fail', verdict);
  expect(failed.filter((id) => !id.startsWith('policy.'))).toEqual(failing);
  expect(checkOf(failing[0] as CheckId, verdict).reason).toMatch(reason);
  expect(verdict.decision).toBe('invalid');
  // The other port, the same answer.
  expect((await verifyScene(scene, webCrypto)).checks).toEqual((await verifyScene(scene)).checks);
}

describe('the report’s signature', () => {
  const signature: CheckId = 'evidence.signature';

  test('s and n − s are as good as each other', async () => {
    const scene = await reportScene();
    const { bytes } = scene.evidence;
    const s = readPart(bytes, 's');
    for (const value of [s, order - s]) {
      const other = bytes.slice();
      writePart('s', value)(other);
      const evidence: Evidence = { form: 'report', bytes: other };
      for (const crypto of [undefined, webCrypto]) {
        const verified = await verifyScene({ ...scene, evidence }, crypto);
        expect(checkOf(signature, verified).status).toBe('pass');
      }
    }
  });

  const values: [string, bigint][] = [
    ['zero', 0n],
    ['n', order],
    ['n + 1', order + 1n],
    ['all ones', (1n << 384n) - 1n],
    ['one', 1n],
  ];
  test.for(values)('%s is no r and no s', async ([, value]) => {
    for (const part of ['r', 's'] as const) {
      const afterSigning = writePart(part, value);
      await expectFailures({ report: { afterSigning } }, [signature], /not signed by the key/);
    }
  });

  test('both zero', async () => {
    const afterSigning = (bytes: Bytes) => bytes.fill(0, signedLength);
    await expectFailures({ report: { afterSigning } }, [signature], /not signed by the key/);
  });

  test('bytes over 384 bits are not dropped', async () => {
    for (const at of [offsetOf.r + 48, offsetOf.r + 71, offsetOf.s + 48, offsetOf.s + 71]) {
      const afterSigning = (bytes: Bytes) => bytes.set([1], at);
      await expectFailures({ report: { afterSigning } }, [signature], /longer than 384 bits/);
    }
  });

  test('r and s exchanged', async () => {
    const afterSigning = (bytes: Bytes) => {
      const [r, s] = [readPart(bytes, 'r'), readPart(bytes, 's')];
      writePart('r', s)(bytes);
      writePart('s', r)(bytes);
    };
    await expectFailures({ report: { afterSigning } }, [signature], /not signed by the key/);
  });

  test('fields changed after signing', async () => {
    const edits: [string, number][] = [
      ['GUEST_SVN', 0x04],
      ['REPORT_DATA', 0x50],
      ['MEASUREMENT', 0x90],
      ['HOST_DATA', 0xc0],
      ['REPORT_ID', 0x140],
    ];
    for (const [, at] of edits) {
      const afterSigning = (bytes: Bytes) => bytes.set([(bytes[at] as number) ^ 0x80], at);
      await expectFailures(
        { report: { afterSigning } },
        [signature],
        /changed after it was signed/,
      );
    }
  });

  test('another chip’s key', async () => {
    const { vlek } = await testKeys();
    await expectFailures(
      { report: { signer: vlek.privateKey } },
      [signature],
      /not signed by the key of this VCEK/,
    );
  });
});

describe('whose report it is', () => {
  type Case = [
    name: string,
    options: SceneOptions & { with?: Partial<SnpReport>; signer?: 'vcek' | 'vlek' },
    failing: CheckId[],
    reason: RegExp,
  ];
  const otherTcb = (product: SnpProduct) =>
    encodeTcb(product, { fmc: 0, bootLoader: 1, tee: 0, snp: 2, microcode: 3 });
  const cases: Case[] = [
    [
      'another chip',
      { with: { chipId: new Uint8Array(64).fill(7) } },
      ['evidence.chip-id'],
      /another chip/,
    ],
    ['another TCB', { with: { reportedTcb: otherTcb('Milan') } }, ['evidence.tcb'], /another TCB/],
    [
      'a TCB with reserved bytes',
      { with: { reportedTcb: new Uint8Array(8).fill(9) } },
      ['evidence.tcb', 'evidence.tcb-order'],
      /another TCB/,
    ],
    [
      'a VCEK that calls itself a VLEK',
      { with: { signingKey: 'vlek' }, signer: 'vcek' },
      ['evidence.signing-key'],
      /says that a VLEK signed it, the certificate is a VCEK/,
    ],
    [
      'a VLEK that calls itself a VCEK',
      { role: 'vlek', with: { signingKey: 'vcek' }, signer: 'vlek' },
      ['evidence.signing-key'],
      /says that a VCEK signed it, the certificate is a VLEK/,
    ],
    [
      'no key at all',
      { with: { signingKey: 'none' } },
      ['evidence.signature', 'evidence.signing-key'],
      /not signed/,
    ],
    [
      'no key, signed all the same',
      { with: { signingKey: 'none' }, signer: 'vcek' },
      ['evidence.signing-key'],
      /says that nothing signed it/,
    ],
    [
      'a Genoa under the chain of Milan',
      { with: { cpuid: { family: 0x19, model: 0x11, stepping: 1 } } },
      ['evidence.product'],
      /chain is for another product/,
    ],
    [
      'a Turin under the chain of Genoa',
      { product: 'Genoa', with: { cpuid: { family: 0x1a, model: 2, stepping: 0 } } },
      ['evidence.product'],
      /chain is for another product/,
    ],
    [
      'an unknown processor',
      { with: { cpuid: { family: 0x1b, model: 1, stepping: 0 } } },
      ['evidence.product'],
      /does not know the processor/,
    ],
    [
      'rubbish after Turin’s 8 bytes',
      { product: 'Turin', with: { chipId: new Uint8Array(64).fill(1) } },
      ['evidence.chip-id'],
      /another chip/,
    ],
  ];
  test.for(cases)('refused: %s', async ([, options, failing, reason]) => {
    const report: SnpReportOptions = { ...(options.with && { with: options.with }) };
    if (options.signer !== undefined) {
      report.signer = (await testKeys())[options.signer].privateKey;
    }
    await expectFailures({ ...options, report }, failing, reason);
  });

  test('rubbish after the right 8 bytes of Turin’s chip id', async () => {
    const { hardwareId } = await hierarchyOf('Turin');
    const chip = (...tail: number[]) => {
      const chipId = new Uint8Array(64);
      chipId.set(hardwareId);
      chipId.set(tail, 64 - tail.length);
      return { product: 'Turin', report: { with: { chipId } } } as const;
    };
    expect(await failuresOf(await reportScene(chip()))).toEqual([]);
    await expectFailures(chip(1), ['evidence.chip-id'], /another chip/);
  });

  test('a masked chip id passes, and the verdict says so', async () => {
    const chipId = new Uint8Array(64);
    const verified = await verifyScene(await reportScene({ report: { with: { chipId } } }));
    expect(idsWith('fail', verified)).toEqual([]);
    expect(checkOf('evidence.chip-id', verified).actual).toMatch(/masked/);
  });

  test('the VCEK of another chip, under the same issuer', async () => {
    const other = await testHierarchy({ product: 'Milan', hardwareId: new Uint8Array(64).fill(3) });
    const scene = replaced(await reportScene(), 'vek', other.vcek.der);
    expect(await failuresOf(scene)).toEqual(['evidence.chip-id']);
    const keys = exchangeKeys(await testKeys());
    const foreign = await testHierarchy({ product: 'Milan', keys });
    expect(await failuresOf(replaced(scene, 'vek', foreign.vcek.der))).toEqual([
      'chain.vek-signature',
      'evidence.signature',
    ]);
  });

  test('the VCEK of the same chip at another TCB', async () => {
    const tcb = { ...milan.tcb, snp: milan.tcb.snp - 1 };
    const other = await testHierarchy({ product: 'Milan', tcb });
    const scene = replaced(await reportScene(), 'vek', other.vcek.der);
    expect(await failuresOf(scene)).toEqual(['evidence.tcb']);
  });

  test('version 2 names no processor: the product is the issuer’s', async () => {
    const verified = await verifyScene(
      await reportScene({ product: 'Genoa', fields: { version: 2 } }),
    );
    expect(checkOf('evidence.product', verified)).toMatchObject({
      status: 'pass',
      expected: 'Genoa',
    });
    expect(verified.claims).toMatchObject({ platform: 'sev-snp', product: 'Genoa' });
  });
});
