/** The member `sevSnp` that one report fits. */
import type { SnpReport } from '../abi/snp.ts';
import { platformInfoBits } from '../abi/snp-fields.ts';
import { decodeTcb, snpProducts } from '../abi/snp-tcb.ts';
import type { SnpFloors, SnpPolicy } from '../appraise/snp-policy.ts';
import { type Bytes, equalBytes, isZero, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { SnpClaims } from '../verified.ts';
import { any, feature, type PinnedPart, protection, type Remark } from './pin-parts.ts';

/** @throws AttestationError `value-out-of-range` for a chip that should be named and is masked */
export function pinSnp(claims: SnpClaims, pinChip: boolean): PinnedPart<SnpPolicy> {
  const { report, product, cspId, certificateTable } = claims;
  if (pinChip && isZero(report.chipId)) {
    throw new AttestationError(
      'value-out-of-range',
      'the report names no chip: its CHIP_ID is masked, or it is signed by a VLEK',
    );
  }
  const rules: SnpPolicy = {
    // Without a product nothing of the chain was verified, and the appraisal says so.
    product: product === null ? [...snpProducts] : [product],
    signingKey: [report.signingKey === 'vlek' ? 'vlek' : 'vcek'],
    provider: cspId === null ? 'any' : [cspId],
    guestPolicy: pinGuestPolicy(report.policy),
    minimumGuestSvn: report.guestSvn,
    // A report that the host asked for is of no level, and fits none.
    vmpl: [report.vmpl > 3 ? 0 : report.vmpl],
    minimumFirmware: lowerOf(report.current, report.committed),
    provisionalFirmware: isCommitted(report) ? 'refused' : 'allowed',
    minimumTcb: {
      reported: floorOf(product, report.reportedTcb),
      current: floorOf(product, report.currentTcb),
      committed: floorOf(product, report.committedTcb),
      launch: floorOf(product, report.launchTcb),
    },
    mitigations: {
      launch: maskOf(report.launchMitVector),
      current: maskOf(report.currentMitVector),
    },
    platformInfo: pinPlatformInfo(report.platformInfo),
    idBlock: pinIdBlock(report),
    certificateTable: {
      unknownGuids:
        certificateTable === null || certificateTable.length === 0 ? 'refused' : 'allowed',
      requiredGuids: [],
    },
    measurement: [toHex(report.measurement)],
    chipId: pinChip ? [toHex(report.chipId)] : 'any',
    hostData: [toHex(report.hostData)],
    reportData: 'any',
    familyId: [toHex(report.familyId)],
    imageId: [toHex(report.imageId)],
    reportId: 'any',
    // All ones is none: the report id of a migration agent is new whenever it is launched.
    reportIdMa: isNone(report.reportIdMa) ? [toHex(report.reportIdMa)] : 'any',
  };
  return { rules, believed: believedOf(rules, report), open: openOf(rules) };
}

function believedOf({ idBlock, chipId }: SnpPolicy, report: SnpReport): Remark[] {
  const ids = 'compare with the ID block of your launch';
  const digests = idBlock === 'any' ? [] : [...idBlock.trustedAuthorKeys, ...idBlock.trustedIdKeys];
  const given: [string, Bytes, string][] = [
    ['measurement', report.measurement, 'compute it from the image that you built'],
    ['hostData', report.hostData, 'compare with what you pass at launch'],
    ['familyId', report.familyId, ids],
    ['imageId', report.imageId, ids],
  ];
  return [
    ...given.map(([name, value, about]) => ({
      path: `sevSnp.${name}`,
      value: toHex(value),
      about,
    })),
    ...digests.map((value) => ({ path: 'sevSnp.idBlock', value, about: 'is it your key?' })),
    {
      path: 'sevSnp.minimumGuestSvn',
      value: String(report.guestSvn),
      about: 'the version that the image gives itself',
    },
    ...(chipId === 'any'
      ? []
      : chipId.map((value) => ({ path: 'sevSnp.chipId', value, about: 'is it your machine?' }))),
  ];
}

function openOf(rules: SnpPolicy): Remark[] {
  const open = [
    any('sevSnp.reportData', 'new with every nonce'),
    any('sevSnp.reportId', 'new at every launch'),
  ];
  if (rules.chipId === 'any') open.push(any('sevSnp.chipId', 'any chip (--pin-chip)'));
  if (rules.idBlock === 'any') open.push(any('sevSnp.idBlock', 'launched without a key'));
  if (rules.reportIdMa === 'any') {
    open.push(any('sevSnp.reportIdMa', 'the guest has a migration agent, of any launch'));
  }
  return open;
}

function pinGuestPolicy(found: SnpReport['policy']): SnpPolicy['guestPolicy'] {
  return {
    minimumAbi: { major: found.abiMajor, minor: found.abiMinor },
    smt: feature(found.smt),
    migrateMa: feature(found.migrateMa),
    debug: 'refused',
    cxlAllow: feature(found.cxlAllow),
    singleSocket: protection(found.singleSocket),
    memAes256Xts: protection(found.memAes256Xts),
    raplDis: protection(found.raplDis),
    ciphertextHidingDram: protection(found.ciphertextHidingDram),
    pageSwapDisable: protection(found.pageSwapDisable),
  };
}

function pinPlatformInfo(bits: bigint): SnpPolicy['platformInfo'] {
  const isOn = (wanted: string) =>
    platformInfoBits.some(({ bit, key }) => key === wanted && ((bits >> BigInt(bit)) & 1n) === 1n);
  const known = platformInfoBits.reduce((all, { bit }) => all | (1n << BigInt(bit)), 0n);
  return {
    smtEnabled: feature(isOn('smtEnabled')),
    tsmeEnabled: feature(isOn('tsmeEnabled')),
    tioEnabled: feature(isOn('tioEnabled')),
    eccEnabled: protection(isOn('eccEnabled')),
    raplDisabled: protection(isOn('raplDisabled')),
    ciphertextHidingDramEnabled: protection(isOn('ciphertextHidingDramEnabled')),
    aliasCheckComplete: protection(isOn('aliasCheckComplete')),
    unknownBits: feature((bits & ~known) !== 0n),
  };
}

/** By the author if there is one: his key outlives the ID keys that it signs. */
function pinIdBlock(report: SnpReport): SnpPolicy['idBlock'] {
  if (report.authorKeyEn && !isZero(report.authorKeyDigest)) {
    return {
      authorKey: 'required',
      trustedAuthorKeys: [toHex(report.authorKeyDigest)],
      trustedIdKeys: [],
    };
  }
  if (isZero(report.idKeyDigest)) return 'any';
  return { authorKey: 'any', trustedAuthorKeys: [], trustedIdKeys: [toHex(report.idKeyDigest)] };
}

function floorOf(product: SnpClaims['product'], tcb: Bytes): SnpFloors {
  if (product === null) return 'any';
  try {
    return { [product]: decodeTcb(product, tcb, 'TCB') };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    // A TCB that cannot be read is refused under "any" too.
    return 'any';
  }
}

function maskOf(vector: bigint | null): string {
  // No bit is nothing to ask for, and a mask of none would still refuse older reports.
  return vector === null || vector === 0n ? 'any' : vector.toString(16).padStart(16, '0');
}

type Version = SnpReport['current'];

function lowerOf(a: Version, b: Version): Version {
  const { major, minor, build } = ordinal(a) < ordinal(b) ? a : b;
  return { major, minor, build };
}

const ordinal = ({ major, minor, build }: Version) => major * 0x10000 + minor * 0x100 + build;

function isCommitted(report: SnpReport): boolean {
  return (
    ordinal(report.current) === ordinal(report.committed) &&
    equalBytes(report.currentTcb, report.committedTcb)
  );
}

function isNone(id: Bytes): boolean {
  return id.every((byte) => byte === 0xff);
}
