import { verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeGuestPolicy, parseReport, reportVersions, signedLength } from '#verifier/abi/snp.ts';
import { decodeTcb, hardwareIdLength, productOfCpuid, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, isZero } from '#verifier/bytes.ts';
import type { AmdHierarchy } from './amd.ts';
import { createSnpDevice, reportSignature } from './snp-device.ts';
import { testHierarchy } from './test-keys.ts';

describe('the simulated secure processor', () => {
  const reportData = Uint8Array.from({ length: 64 }, (_, i) => i);

  function signedBy(hierarchy: AmdHierarchy, kind: 'vcek' | 'vlek', bytes: Bytes): boolean {
    return verify(
      'sha384',
      bytes.subarray(0, signedLength),
      { key: hierarchy.keys[kind].publicKey, dsaEncoding: 'ieee-p1363' },
      reportSignature(bytes),
    );
  }

  test.for(snpProducts)(
    '%s: every version parses, is consistent and is signed',
    async (product) => {
      const hierarchy = await testHierarchy({ product });
      const device = createSnpDevice(hierarchy);
      for (const version of reportVersions) {
        const bytes = device.report(reportData, { with: { version } });
        const report = parseReport(bytes);
        expect(report).toMatchObject({ version, reportData, vmpl: 0, signingKey: 'vcek' });
        expect(report.policy).toEqual(decodeGuestPolicy(0x30000n));
        for (const field of ['currentTcb', 'reportedTcb', 'committedTcb', 'launchTcb'] as const) {
          expect(decodeTcb(product, report[field], field)).toEqual(hierarchy.tcb);
        }
        if (report.cpuid !== null) expect(productOfCpuid(report.cpuid)).toBe(product);
        expect(report.cpuid === null).toBe(version < 3);
        expect(report.launchMitVector === null).toBe(version < 5);
        const idLength = hardwareIdLength[product];
        expect(report.chipId.slice(0, idLength)).toEqual(hierarchy.hardwareId);
        expect(isZero(report.chipId.slice(idLength))).toBe(true);
        expect(signedBy(hierarchy, 'vcek', bytes)).toBe(true);
        expect(signedBy(hierarchy, 'vlek', bytes)).toBe(false);
      }
    },
  );

  test('a VLEK signs without naming the chip; no key leaves no signature', async () => {
    const hierarchy = await testHierarchy({ product: 'Milan' });
    const device = createSnpDevice(hierarchy, { signingKey: 'vlek' });
    const bytes = device.report(reportData);
    expect(parseReport(bytes).signingKey).toBe('vlek');
    expect(isZero(parseReport(bytes).chipId)).toBe(true);
    expect(signedBy(hierarchy, 'vlek', bytes)).toBe(true);
    const unsigned = device.report(reportData, { with: { signingKey: 'none' } });
    expect(isZero(unsigned.subarray(signedLength))).toBe(true);
  });

  test('fields and bytes change before signing, bytes after it', async () => {
    const hierarchy = await testHierarchy({ product: 'Genoa' });
    const device = createSnpDevice(hierarchy, { hostData: new Uint8Array(32).fill(7), vmpl: 1 });
    const fields = device.report(reportData, { with: { vmpl: 3 } });
    expect(parseReport(fields)).toMatchObject({ vmpl: 3, hostData: new Uint8Array(32).fill(7) });
    expect(signedBy(hierarchy, 'vcek', fields)).toBe(true);

    const flip = (bytes: Bytes): void => {
      bytes[0x90] = (bytes[0x90] as number) ^ 1;
    };
    const misbuilt = device.report(reportData, { beforeSigning: flip });
    expect(signedBy(hierarchy, 'vcek', misbuilt)).toBe(true);
    const tampered = device.report(reportData, { afterSigning: flip });
    expect(signedBy(hierarchy, 'vcek', tampered)).toBe(false);
    expect(tampered.subarray(0, signedLength)).toEqual(misbuilt.subarray(0, signedLength));

    const foreign = device.report(reportData, { signer: hierarchy.keys.vlek.privateKey });
    expect(signedBy(hierarchy, 'vcek', foreign)).toBe(false);
    expect(signedBy(hierarchy, 'vlek', foreign)).toBe(true);
  });

  test('report data of another length is the caller’s mistake', async () => {
    const device = createSnpDevice(await testHierarchy({ product: 'Milan' }));
    expect(() => device.report(new Uint8Array(63))).toThrow(RangeError);
  });
});
