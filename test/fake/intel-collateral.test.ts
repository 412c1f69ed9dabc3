import { verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseQeIdentity } from '#verifier/abi/qe-identity.ts';
import { parseTcbInfo } from '#verifier/abi/tcb-info.ts';
import { assessTcb } from '#verifier/abi/tcb-status.ts';
import { type Bytes, equalBytes, fromHex } from '#verifier/bytes.ts';
import { hasShared, sharedFile, sharedMissing } from '../shared.ts';
import { fakeNow } from './amd.ts';
import { collateralOf, createIntel, type Intel, type IntelOverrides } from './intel.ts';
import { qeIdentityStatus, tcbInfoStatus } from './intel-collateral.ts';
import { generateIntelKeys } from './keys.ts';

const keys = generateIntelKeys('intel-collateral.test');
const intelWith = (overrides: IntelOverrides): Intel => createIntel({ keys, overrides });
const hex = (text: string) => fromHex(text, 'test');

describe('TCB info and QE identity', () => {
  const signedBy = (key: 'tcbSigning' | 'stranger', signed: Bytes, signature: Bytes) =>
    verify('sha256', signed, { key: keys[key].publicKey, dsaEncoding: 'ieee-p1363' }, signature);

  /** What the simulated machine is worth, its quoting enclave and TDX module being current. */
  function statusOf(intel: Intel, teeTcbSvn = hex('0d010400000000000000000000000000')) {
    const { info } = parseTcbInfo(intel.tcbInfo.bytes);
    const { identity } = parseQeIdentity(intel.qeIdentity.bytes);
    const { components, pceSvn } = intel.machine;
    const tee = intel.tee === 'sgx' ? null : { teeTcbSvn, teeTcbSvn2: null };
    const qeIsvSvn = intel.tee === 'sgx' ? 10 : 7;
    return assessTcb({ info, identity, pck: { components, pceSvn }, tee, qeIsvSvn }).status;
  }

  test.for(['tdx', 'sgx'] as const)('%s: signed, current, up to date', (tee) => {
    const intel = createIntel({ keys, tee });
    const tcbInfo = parseTcbInfo(intel.tcbInfo.bytes);
    const qeIdentity = parseQeIdentity(intel.qeIdentity.bytes);
    expect(tcbInfo.info).toMatchObject({ id: tee.toUpperCase(), fmspc: intel.machine.fmspc });
    expect(qeIdentity.identity.id).toBe(tee === 'sgx' ? 'QE' : 'TD_QE');
    for (const { issueDate, nextUpdate } of [tcbInfo.info, qeIdentity.identity]) {
      expect(issueDate).toBeLessThan(fakeNow);
      expect(nextUpdate).toBeGreaterThan(fakeNow);
    }
    for (const { signed, signature } of [tcbInfo, qeIdentity]) {
      expect(signedBy('tcbSigning', signed, signature)).toBe(true);
      expect(signedBy('stranger', signed, signature)).toBe(false);
    }
    expect(statusOf(intel)).toBe('UpToDate');
    expect(statusOf(createIntel({ keys, tee, machine: { ca: 'processor' } }))).toBe('UpToDate');
  });

  test('the genuine TCB info, signed again, keeps every byte', ({ skip }) => {
    skip(!hasShared, sharedMissing);
    const name = 'tcbinfo-tdx-90c06f000000-2026-06-08-e19.json';
    const { info, signed } = parseTcbInfo(sharedFile(`corpus/collateral/intel/${name}`));
    const ours = parseTcbInfo(intelWith({ tcbInfo: info }).tcbInfo.bytes);
    expect(equalBytes(ours.signed, signed)).toBe(true);
    expect(signedBy('tcbSigning', ours.signed, ours.signature)).toBe(true);
  });

  test.each<[string, IntelOverrides]>([
    ['OutOfDate', { tcbInfo: tcbInfoStatus({ platform: 'OutOfDate' }) }],
    ['SWHardeningNeeded', { tcbInfo: tcbInfoStatus({ platform: 'SWHardeningNeeded' }) }],
    ['Revoked', { tcbInfo: tcbInfoStatus({ platform: 'Revoked' }) }],
    ['OutOfDate', { tcbInfo: tcbInfoStatus({ module: 'OutOfDate' }) }],
    ['Revoked', { qeIdentity: qeIdentityStatus('Revoked', ['INTEL-SA-00615']) }],
    ['NotSupported', { tcbInfo: { tdxModuleIdentities: [] } }],
  ])('made %s', (status, overrides) => {
    expect(statusOf(createIntel({ keys, overrides }))).toBe(status);
  });

  test('an older machine is out of date, a still older one unknown', () => {
    const withComponent = (svn: number) =>
      createIntel({ keys, machine: { components: [svn, ...new Array<number>(15).fill(9)] } });
    expect(statusOf(withComponent(3))).toBe('UpToDate');
    expect(statusOf(withComponent(2))).toBe('OutOfDate');
    expect(statusOf(withComponent(1))).toBe('NotSupported');
  });

  test('other signers, edits before signing and edits after it', () => {
    const foreign = parseTcbInfo(
      intelWith({ tcbInfo: { signer: keys.stranger.privateKey } }).tcbInfo.bytes,
    );
    expect(signedBy('tcbSigning', foreign.signed, foreign.signature)).toBe(false);
    expect(signedBy('stranger', foreign.signed, foreign.signature)).toBe(true);

    const edit = (text: string) => text.replace('"isvprodid":2', '"isvprodid":3');
    const misbuilt = parseQeIdentity(
      intelWith({ qeIdentity: { editText: edit } }).qeIdentity.bytes,
    );
    expect(misbuilt.identity.isvProdId).toBe(3);
    expect(signedBy('tcbSigning', misbuilt.signed, misbuilt.signature)).toBe(true);
    const tampered = parseQeIdentity(
      intelWith({ qeIdentity: { editFile: edit } }).qeIdentity.bytes,
    );
    expect(tampered.identity.isvProdId).toBe(3);
    expect(signedBy('tcbSigning', tampered.signed, tampered.signature)).toBe(false);
  });
});

describe('collateral', () => {
  test('the two documents share a signer until it is changed for one', () => {
    const [info, identity] = ['tcb-signing', 'qe-identity-signing'].map(
      (kind) => (intel: Intel) => collateralOf(intel).find((item) => item.kind === kind)?.data,
    ) as [(intel: Intel) => Bytes, (intel: Intel) => Bytes];
    const same = createIntel({ keys });
    expect(identity(same)).toEqual(info(same));
    const other = intelWith({ qeIdentitySigning: { notAfter: fakeNow - 1 } });
    expect(other.tcbSigning.plan.notAfter).toBeGreaterThan(fakeNow);
    expect(identity(other)).not.toEqual(info(other));
  });

  test('collateral has all kinds, the CRL of the machine’s CA among them', () => {
    const intel = createIntel({ keys, machine: { ca: 'processor' } });
    expect(collateralOf(intel).map(({ kind }) => kind)).toEqual([
      'tcb-info',
      'tcb-signing',
      'qe-identity',
      'qe-identity-signing',
      'pck-crl',
      'intel-root-crl',
      'intel-root',
    ]);
    const crl = collateralOf(intel).find(({ kind }) => kind === 'pck-crl');
    expect(crl?.data).toEqual(intel.processorCrl.der);
    expect(crl?.data).not.toEqual(intel.platformCrl.der);
  });
});
