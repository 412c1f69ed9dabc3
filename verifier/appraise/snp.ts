/** What the policy says of an SEV-SNP report, one check a question. */
import { platformInfoBits } from '../abi/snp-fields.ts';
import { decodeTcb, describeTcb, type TcbParts } from '../abi/snp-tcb.ts';
import { type Bytes, toHex } from '../bytes.ts';
import { type Checklist, unreadable } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import { AttestationError } from '../errors.ts';
import type { SnpClaims } from '../verified.ts';
import { checkMember } from './member.ts';
import type { SnpFloors, SnpPolicy } from './snp-policy.ts';
import {
  behindBy,
  bitsFound,
  bitsWanted,
  firmwareBehind,
  ordinal,
  vectorHex,
  vectorsText,
  versionText,
} from './snp-texts.ts';

/** Makes every check of stage policy that is about the report itself. */
export function checkSnp(list: Checklist, claims: SnpClaims, policy: SnpPolicy): void {
  checkKey(list, claims, policy);
  checkGuestPolicy(list, claims, policy);
  checkFirmware(list, claims, policy);
  checkTcbFloors(list, claims, policy);
  checkPlatform(list, claims, policy);
  checkIdBlock(list, claims, policy);
  checkCertificateTable(list, claims, policy);
  checkValues(list, claims, policy);
}

const fieldChecks = {
  'policy.measurement': ['measurement', 'another software was launched than the policy names'],
  'policy.chip-id': ['chipId', 'the chip is not one that the policy names'],
  'policy.host-data': ['hostData', 'the host gave other data at launch'],
  'policy.report-data': ['reportData', 'the guest had other data signed'],
  'policy.family-id': ['familyId', 'the ID block names another family'],
  'policy.image-id': ['imageId', 'the ID block names another image'],
  'policy.report-id': ['reportId', 'this is another instance of the guest'],
  'policy.report-id-ma': ['reportIdMa', 'the guest has another migration agent'],
} as const satisfies Partial<
  Record<CheckId, [keyof SnpPolicy & keyof SnpClaims['report'], string]>
>;

const tcbChecks = {
  'policy.reported-tcb': ['reported', 'reportedTcb'],
  'policy.current-tcb': ['current', 'currentTcb'],
  'policy.committed-tcb': ['committed', 'committedTcb'],
  'policy.launch-tcb': ['launch', 'launchTcb'],
} as const satisfies Partial<
  Record<CheckId, [keyof SnpPolicy['minimumTcb'], keyof SnpClaims['report']]>
>;

function checkKey(list: Checklist, { report, product, cspId }: SnpClaims, policy: SnpPolicy): void {
  const unnamed = 'the product is not one that the policy accepts';
  checkMember(list, 'policy.product', product ?? 'unknown', policy.product, unnamed);
  const key = 'the policy does not accept this kind of key';
  checkMember(list, 'policy.signing-key', report.signingKey, policy.signingKey, key);
  if (report.signingKey !== 'vlek') {
    return list.pass('policy.provider', { actual: 'none: a VCEK is of one chip' });
  }
  if (cspId === null)
    return list.skip('policy.provider', 'the VLEK certificate, which names the provider');
  checkMember(
    list,
    'policy.provider',
    cspId,
    policy.provider,
    'the VLEK belongs to another provider',
  );
}

function checkGuestPolicy(
  list: Checklist,
  { report }: SnpClaims,
  { guestPolicy }: SnpPolicy,
): void {
  const found = report.policy;
  list.decide('policy.debug', !found.debug || guestPolicy.debug === 'dangerously-allowed', {
    expected: guestPolicy.debug === 'refused' ? 'debug off' : 'any (debug dangerously allowed)',
    actual: found.debug ? 'debug on' : 'debug off',
    reason: 'the host can read and write the memory of this guest',
  });
  list.decide('policy.migration', !found.migrateMa || guestPolicy.migrateMa === 'allowed', {
    expected: guestPolicy.migrateMa === 'refused' ? 'no migration agent' : 'any',
    actual: found.migrateMa ? 'a migration agent is allowed' : 'no migration agent',
    reason: 'the guest may be migrated',
  });
  const faults = [
    ...bitFaults(
      found,
      guestPolicy,
      ['smt', 'cxlAllow'],
      ['singleSocket', 'memAes256Xts', 'raplDis', 'ciphertextHidingDram', 'pageSwapDisable'],
    ),
  ];
  const { minimumAbi } = guestPolicy;
  if (
    minimumAbi !== 'any' &&
    ordinal(minimumAbi) > ordinal({ major: found.abiMajor, minor: found.abiMinor })
  ) {
    faults.push(
      `ABI ${found.abiMajor}.${found.abiMinor} is below ${minimumAbi.major}.${minimumAbi.minor}`,
    );
  }
  decideFaults(list, 'policy.guest-policy', faults, {
    expected: bitsWanted(
      guestPolicy,
      minimumAbi === 'any' ? [] : [`ABI ${minimumAbi.major}.${minimumAbi.minor} or newer`],
    ),
    actual: bitsFound(found, [`ABI ${found.abiMajor}.${found.abiMinor}`]),
  });
}

function checkFirmware(list: Checklist, { report }: SnpClaims, policy: SnpPolicy): void {
  const { minimumGuestSvn, minimumFirmware, mitigations } = policy;
  list.decide('policy.guest-svn', minimumGuestSvn === 'any' || report.guestSvn >= minimumGuestSvn, {
    expected: minimumGuestSvn === 'any' ? 'any' : `at least ${minimumGuestSvn}`,
    actual: String(report.guestSvn),
    reason: `the guest image is older than the policy asks: ${behindBy(report.guestSvn, minimumGuestSvn)}`,
  });
  const vmpl = report.vmpl === 0xffffffff ? 'asked for by the host' : report.vmpl;
  checkMember(
    list,
    'policy.vmpl',
    vmpl,
    policy.vmpl,
    'the report comes from another privilege level',
  );

  const { current, committed } = report;
  const floor = minimumFirmware === 'any' ? 0 : ordinal(minimumFirmware);
  const behind = [current, committed].some((version) => ordinal(version) < floor);
  list.decide('policy.firmware-version', !behind, {
    expected: minimumFirmware === 'any' ? 'any' : `at least ${versionText(minimumFirmware)}`,
    actual: `current ${versionText(current)}, committed ${versionText(committed)}`,
    reason: `the firmware is older than the policy asks: ${firmwareBehind(report, minimumFirmware)}`,
  });
  const isCommitted =
    ordinal(current) === ordinal(committed) &&
    toHex(report.currentTcb) === toHex(report.committedTcb);
  list.decide(
    'policy.provisional-firmware',
    isCommitted || policy.provisionalFirmware === 'allowed',
    {
      expected:
        policy.provisionalFirmware === 'allowed' ? 'any' : 'current firmware and TCB committed',
      actual: isCommitted
        ? 'committed'
        : `current ${versionText(current)}, committed ${versionText(committed)}`,
      reason: 'the running firmware is not committed: the host could roll it back',
    },
  );
  const faults = (['launch', 'current'] as const).flatMap((which) => {
    const wanted = mitigations[which];
    const found = which === 'launch' ? report.launchMitVector : report.currentMitVector;
    if (wanted === 'any') return [];
    if (found === null)
      return [`report version ${report.version} has no ${which} mitigation vector`];
    const missing = BigInt(`0x${wanted}`) & ~found;
    return missing === 0n
      ? []
      : [`the ${which} vector 0x${found.toString(16)} lacks 0x${missing.toString(16)}`];
  });
  decideFaults(list, 'policy.mitigations', faults, {
    expected: vectorsText(mitigations.launch, mitigations.current),
    actual: vectorsText(vectorHex(report.launchMitVector), vectorHex(report.currentMitVector)),
  });
}

function checkTcbFloors(
  list: Checklist,
  { report, product }: SnpClaims,
  { minimumTcb }: SnpPolicy,
): void {
  for (const [id, [which, field]] of Object.entries(tcbChecks) as [
    CheckId,
    (typeof tcbChecks)[keyof typeof tcbChecks],
  ][]) {
    checkFloor(list, id, product, report[field], minimumTcb[which], field);
  }
}

function checkFloor(
  list: Checklist,
  id: CheckId,
  product: SnpClaims['product'],
  tcb: Bytes,
  floors: SnpFloors,
  field: string,
): void {
  if (product === null) {
    if (floors === 'any') return list.pass(id, { expected: 'any', actual: `0x${toHex(tcb)}` });
    return list.skip(id, 'the product, which tells how to read the TCB');
  }
  let parts: TcbParts;
  try {
    parts = decodeTcb(product, tcb, field);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return list.fail(id, unreadable(error, `a TCB of ${product}`));
  }
  if (floors === 'any') return list.pass(id, { expected: 'any', actual: describeTcb(parts) });
  const floor = floors[product];
  if (floor === undefined)
    return list.fail(id, {
      expected: `one of ${Object.keys(floors).join(', ')}, which have a floor`,
      actual: `${product}: ${describeTcb(parts)}`,
      reason: `the policy has no floor for ${product}`,
    });
  const behind = (Object.keys(floor) as (keyof TcbParts)[]).filter(
    (part) => parts[part] < floor[part],
  );
  list.decide(id, behind.length === 0, {
    expected: `at least ${describeTcb(floor)}`,
    actual: describeTcb(parts),
    reason: behind.map((part) => `${part} is ${floor[part] - parts[part]} behind`).join(', '),
  });
}

function checkPlatform(list: Checklist, { report }: SnpClaims, { platformInfo }: SnpPolicy): void {
  const id = 'policy.platform-info';
  const bits = report.platformInfo;
  const actual = `0x${bits.toString(16)}`;
  if (platformInfo === 'any') return list.pass(id, { expected: 'any', actual });
  const found = Object.fromEntries(
    platformInfoBits.map(({ bit, key }) => [key, ((bits >> BigInt(bit)) & 1n) === 1n]),
  ) as Record<Exclude<keyof typeof platformInfo, 'unknownBits'>, boolean>;
  const faults = bitFaults(
    found,
    platformInfo,
    ['smtEnabled', 'tsmeEnabled', 'tioEnabled'],
    ['eccEnabled', 'raplDisabled', 'ciphertextHidingDramEnabled', 'aliasCheckComplete'],
  );
  const known = platformInfoBits.reduce((all, { bit }) => all | (1n << BigInt(bit)), 0n);
  const unknown = bits & ~known;
  if (unknown !== 0n && platformInfo.unknownBits === 'refused') {
    faults.push(`unknown bits 0x${unknown.toString(16)} are set`);
  }
  decideFaults(list, id, faults, {
    expected: bitsWanted(
      platformInfo,
      platformInfo.unknownBits === 'refused' ? ['no unknown bits'] : [],
    ),
    actual,
  });
}

/**
 * The firmware checked the ID block's signatures at launch and reports the keys' digests; the policy says which keys
 * it trusts: the author's, for every ID key that the author signed, or the ID key's own.
 */
function checkIdBlock(list: Checklist, { report }: SnpClaims, { idBlock }: SnpPolicy): void {
  const id = 'policy.id-block';
  const idKey = toHex(report.idKeyDigest);
  const authorKey = report.authorKeyEn ? toHex(report.authorKeyDigest) : null;
  const actual = `ID key ${idKey}${authorKey === null ? '' : `, author key ${authorKey}`}`;
  if (idBlock === 'any') return list.pass(id, { expected: 'any', actual });
  const byAuthor = authorKey !== null && idBlock.trustedAuthorKeys.includes(authorKey);
  const byIdKey = idBlock.authorKey === 'any' && idBlock.trustedIdKeys.includes(idKey);
  const trusted = [...idBlock.trustedAuthorKeys, ...idBlock.trustedIdKeys].join(' or ');
  list.decide(id, byAuthor || byIdKey, {
    expected: `${idBlock.authorKey === 'required' ? 'an author key, one of' : 'one of'} ${trusted}`,
    actual,
    reason:
      authorKey === null && idBlock.authorKey === 'required'
        ? 'the guest was launched without an author key'
        : 'the guest was launched with keys that the policy does not trust',
  });
}

function checkCertificateTable(
  list: Checklist,
  { certificateTable }: SnpClaims,
  { certificateTable: policy }: SnpPolicy,
): void {
  const id = 'policy.certificate-table';
  if (certificateTable === null) {
    if (policy.requiredGuids.length === 0) return list.pass(id, { actual: 'no certificate table' });
    return list.skip(id, "the host's certificate table (an extended report)");
  }
  const missing = policy.requiredGuids.filter((guid) => !certificateTable.includes(guid));
  const unknown = certificateTable.filter((guid) => !policy.requiredGuids.includes(guid));
  const faults = missing.map((guid) => `entry ${guid} is missing`);
  if (policy.unknownGuids === 'refused')
    faults.push(...unknown.map((guid) => `entry ${guid} is not known`));
  const required = policy.requiredGuids.length === 0 ? 'nothing' : policy.requiredGuids.join(', ');
  decideFaults(list, id, faults, {
    expected: `${required} beyond AMD’s own${policy.unknownGuids === 'refused' ? ', no other' : ''}`,
    actual: certificateTable.length === 0 ? 'no entry beyond AMD’s' : certificateTable.join(', '),
  });
}

function checkValues(list: Checklist, { report }: SnpClaims, policy: SnpPolicy): void {
  for (const [id, [field, reason]] of Object.entries(fieldChecks) as [
    CheckId,
    (typeof fieldChecks)[keyof typeof fieldChecks],
  ][]) {
    checkMember(list, id, toHex(report[field]), policy[field], reason);
  }
}

/** Features that are on though refused, and protections that are off though required, by name. */
function bitFaults<F extends string, P extends string>(
  found: Record<F | P, boolean>,
  wanted: Record<F, 'refused' | 'allowed'> & Record<P, 'required' | 'any'>,
  features: readonly F[],
  protections: readonly P[],
): string[] {
  return [
    ...features
      .filter((name) => found[name] && wanted[name] === 'refused')
      .map((name) => `${name} is on`),
    ...protections
      .filter((name) => !found[name] && wanted[name] === 'required')
      .map((name) => `${name} is off`),
  ];
}

function decideFaults(
  list: Checklist,
  id: CheckId,
  faults: readonly string[],
  comparison: { expected: string; actual: string },
): void {
  list.decide(id, faults.length === 0, { ...comparison, reason: faults.join(', ') });
}
