/** The built-in policy: what it says of hardware is all that can be said without knowing the user. */

import { nitroKinds } from '../abi/nitro.ts';
import { intelQeVendorId } from '../abi/quote.ts';
import { snpProducts } from '../abi/snp-tcb.ts';
import { toHex } from '../bytes.ts';
import type { CheckId } from '../checks.ts';
import { type Policy, toPolicy } from './policy.ts';
import { tpmKeys } from './tpm-policy.ts';

const revocationChecks: readonly CheckId[] = [
  'collateral.crl-signature',
  'collateral.crl-validity',
  'collateral.revocation',
];

const referenceChecks: readonly CheckId[] = [
  'collateral.rim-signature',
  'collateral.rim-validity',
  'collateral.gpu-driver',
  'collateral.gpu-firmware',
];

function waiving(checks: readonly CheckId[], what: string) {
  const reason = `the policy "genuine" does without ${what} when none is given`;
  return checks.map((check) => ({ check, reason, expires: null }));
}

const tcb = {
  acceptedStatuses: ['UpToDate'],
  minimumDate: 'any',
  minimumEvaluationNumber: 'any',
  refusedAdvisories: [],
  collateralGracePeriod: 0,
  platformGracePeriod: 0,
  qeVendors: [toHex(intelQeVendorId)],
  minimumQeSvn: 'any',
  minimumPceSvn: 'any',
};

const platform = {
  fmspc: 'any',
  ppid: 'any',
  instanceId: 'any',
  dynamicPlatform: 'allowed',
  cachedKeys: 'allowed',
  smt: 'allowed',
  sgxType: ['standard', 'scalable', 'scalable with integrity'],
};

/** The built-in policy: genuine hardware, production guest, any software. It names no software, and says so. */
export const genuinePolicy: Policy = toPolicy({
  version: 1,
  name: 'genuine',
  sevSnp: {
    product: [...snpProducts],
    signingKey: ['vcek', 'vlek'],
    provider: 'any',
    guestPolicy: {
      minimumAbi: 'any',
      smt: 'allowed',
      migrateMa: 'allowed',
      debug: 'refused',
      cxlAllow: 'allowed',
      singleSocket: 'any',
      memAes256Xts: 'any',
      raplDis: 'any',
      ciphertextHidingDram: 'any',
      pageSwapDisable: 'any',
    },
    minimumGuestSvn: 'any',
    vmpl: [0, 1, 2, 3],
    minimumFirmware: 'any',
    provisionalFirmware: 'allowed',
    minimumTcb: { reported: 'any', current: 'any', committed: 'any', launch: 'any' },
    mitigations: { launch: 'any', current: 'any' },
    platformInfo: 'any',
    idBlock: 'any',
    certificateTable: { unknownGuids: 'allowed', requiredGuids: [] },
    measurement: 'any',
    chipId: 'any',
    hostData: 'any',
    reportData: 'any',
    familyId: 'any',
    imageId: 'any',
    reportId: 'any',
    reportIdMa: 'any',
  },
  tdx: {
    tcb,
    platform,
    attributes: {
      debug: 'refused',
      septVeDisable: 'any',
      lass: 'any',
      icssd: 'any',
      migratable: 'allowed',
      pks: 'allowed',
      keyLocker: 'allowed',
      tpa: 'allowed',
      perfmon: 'allowed',
      servTdExt: 'allowed',
      unknownBits: 'refused',
    },
    xfam: 'any',
    minimumTeeTcbSvn: 'any',
    mrTd: 'any',
    mrSeam: 'any',
    mrSignerSeam: 'any',
    seamAttributes: 'any',
    mrConfigId: 'any',
    mrOwner: 'any',
    mrOwnerConfig: 'any',
    rtmr0: 'any',
    rtmr1: 'any',
    rtmr2: 'any',
    rtmr3: 'any',
    mrServiceTd: 'any',
    reportData: 'any',
  },
  sgx: {
    tcb,
    platform,
    debug: 'refused',
    attributes: 'any',
    miscSelect: 'any',
    mrEnclave: 'any',
    mrSigner: 'any',
    isvProdId: 'any',
    minimumIsvSvn: 'any',
    configId: 'any',
    minimumConfigSvn: 'any',
    isvExtProdId: 'any',
    isvFamilyId: 'any',
    reportData: 'any',
  },
  tpm: {
    key: [...tpmKeys],
    provider: 'any',
    firmware: 'any',
    pcrs: 'any',
    eventLog: 'any',
    secureBoot: 'any',
  },
  nitro: {
    kind: [...nitroKinds],
    debug: 'refused',
    moduleId: 'any',
    pcrs: 'any',
    userData: 'any',
    publicKey: 'any',
  },
  closureDigest: 'any',
  treeRoot: 'any',
  devices: 'any',
  freshness: 'any',
  channel: 'any',
  waivers: [
    ...waiving(revocationChecks, 'a revocation list'),
    ...waiving(['collateral.gpu-revocation'], 'OCSP answers of NVIDIA'),
    ...waiving(referenceChecks, 'reference manifests of NVIDIA'),
  ],
});
