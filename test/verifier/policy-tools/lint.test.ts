/** Each finding on a policy that has it, and not on the one that differs only in it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, tighten, toPolicy } from '#verifier/appraise/policy.ts';
import { lintCatalogue } from '#verifier/policy-tools/finding.ts';
import { type LintId, lintPolicy } from '#verifier/policy-tools/lint.ts';
import { strictSgx, strictTdx } from '../intel-scene.ts';
import { strictPolicy } from '../scene.ts';

const at = 1_780_000_000;
type Json = Record<string, unknown>;

const platformInfo = {
  smtEnabled: 'allowed',
  tsmeEnabled: 'allowed',
  tioEnabled: 'refused',
  eccEnabled: 'required',
  raplDisabled: 'any',
  ciphertextHidingDramEnabled: 'any',
  aliasCheckComplete: 'required',
  unknownBits: 'refused',
};

/** Nothing is to be said about it. */
const clean: Policy = toPolicy({
  ...(await strictPolicy()),
  sevSnp: { ...(await strictPolicy()).sevSnp, platformInfo },
  tdx: strictTdx(),
});
const { sevSnp: _, tdx: __, ...withoutMachines } = clean;
const cleanSgx: Policy = toPolicy({
  ...withoutMachines,
  sgx: strictSgx(),
  closureDigest: 'any',
  treeRoot: 'any',
  freshness: 'any',
  channel: 'any',
});

/** With the members at these paths set, or removed by undefined. */
function edited(base: Policy, changes: Json): Policy {
  const document = structuredClone(base) as Json;
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split('.');
    const holder = names.slice(0, -1).reduce((inner, name) => inner[name] as Json, document);
    if (value === undefined) delete holder[names.at(-1) as string];
    else holder[names.at(-1) as string] = value;
  }
  return toPolicy(document);
}

const idsOf = (policy: Policy, time = at) => lintPolicy(policy, time).map(({ id }) => id);
const waiver = (check: string, expires: number | null = at + 1) => [
  { check, reason: 'x', expires },
];
const floor = { fmc: 0, bootLoader: 4, tee: 0, snp: 24, microcode: 219 };
const references = {
  name: ['guest'],
  release: ['1.2.0'],
  builders: [
    { name: 'alice', key: 'aa'.repeat(32) },
    { name: 'bob', key: 'bb'.repeat(32) },
  ],
  threshold: 2,
};
const keys = { authorKey: 'required', trustedAuthorKeys: ['aa'.repeat(48)], trustedIdKeys: [] };

const floors = { HOPPER: '535.86.09' };
const nvidia = {
  architectures: ['HOPPER', 'LS10'],
  minimumDriver: floors,
  minimumFirmware: { HOPPER: '96.00.5E.00.01', LS10: '96.10.5E.00.01' },
  confidentialMode: 'required',
  references: 'required',
  gpus: { minimum: 1, maximum: 8 },
  switches: { minimum: 0, maximum: 4 },
};
const tpm = {
  key: ['certificate', 'hcl'],
  provider: ['google'],
  firmware: 'any',
  pcrs: { sha256: { 4: ['ab'.repeat(32)], others: 'any' } },
  eventLog: 'required',
  secureBoot: 'required',
};
const nitro = {
  kind: ['tpm'],
  debug: 'refused',
  moduleId: 'any',
  pcrs: { 4: ['ab'.repeat(48)], 12: ['cd'.repeat(48)], others: 'any' },
  userData: 'any',
  publicKey: 'any',
};
/** With all that may stand beside a machine. */
const cleanBeside: Policy = toPolicy({
  ...clean,
  tpm,
  nitro,
  devices: { nvidia, tpm: 'required', nitroTpm: 'required' },
});
const bare = { ...withoutMachines, closureDigest: 'any', treeRoot: 'any', channel: 'any' };
const cleanTpm: Policy = toPolicy({ ...bare, tpm });
const enclave = { ...nitro, kind: ['enclave'], pcrs: { 0: ['ab'.repeat(48)], others: 'any' } };
const cleanNitro: Policy = toPolicy({ ...bare, nitro: enclave });
const cleanGpus: Policy = toPolicy({
  ...bare,
  devices: { nvidia, tpm: 'refused', nitroTpm: 'refused' },
});

test('a strict policy is clean', () => {
  for (const policy of [clean, cleanSgx, cleanBeside, cleanTpm, cleanNitro, cleanGpus])
    expect(lintPolicy(policy, at)).toEqual([]);
});

type Row = [ids: LintId[], path: string, changes: Json, base?: Policy];
const rows: Row[] = [
  [
    ['software-unnamed', 'unnamed-software-claims', 'unnamed-software-claims'],
    'closureDigest',
    { 'sevSnp.measurement': 'any' },
  ],
  [
    ['software-partly-named', 'unnamed-software-claims', 'unnamed-software-claims'],
    'closureDigest',
    { 'tdx.rtmr2': 'any' },
  ],
  [['never-bundled'], 'sgx', { sgx: strictSgx() }],
  [
    ['no-product-left', 'floor-for-refused-product'],
    'sevSnp.minimumTcb.reported',
    { 'sevSnp.product': ['Turin'] },
  ],
  [
    ['product-without-floor'],
    'sevSnp.minimumTcb.reported',
    { 'sevSnp.product': ['Milan', 'Turin'] },
  ],
  [
    ['floor-for-refused-product'],
    'sevSnp.minimumTcb.reported.Genoa',
    { 'sevSnp.minimumTcb.reported.Genoa': floor },
  ],
  [
    ['fmc-floor'],
    'sevSnp.minimumTcb.reported.Milan.fmc',
    { 'sevSnp.minimumTcb.reported.Milan': { ...floor, fmc: 1 } },
  ],
  [['no-tcb-floor'], 'sevSnp.minimumTcb', { 'sevSnp.minimumTcb.reported': 'any' }],
  [
    ['no-author-key', 'id-keys-unused'],
    'sevSnp.idBlock.trustedAuthorKeys',
    { 'sevSnp.idBlock': { ...keys, trustedAuthorKeys: [], trustedIdKeys: ['bb'.repeat(48)] } },
  ],
  [
    ['id-keys-unused'],
    'sevSnp.idBlock.trustedIdKeys',
    { 'sevSnp.idBlock': { ...keys, trustedIdKeys: ['bb'.repeat(48)] } },
  ],
  [[], '', { 'sevSnp.idBlock': keys }],
  [[], '', { 'sevSnp.idBlock': { ...keys, authorKey: 'any', trustedIdKeys: ['bb'.repeat(48)] } }],
  [['provider-without-vlek'], 'sevSnp.provider', { 'sevSnp.provider': ['CN=a'] }],
  [[], '', { 'sevSnp.provider': ['CN=a'], 'sevSnp.signingKey': ['vcek', 'vlek'] }],
  [['masked-chip'], 'sevSnp.chipId', { 'sevSnp.chipId': ['00'.repeat(64)] }],
  [['report-data-and-nonce'], 'sevSnp.reportData', { 'sevSnp.reportData': ['00'.repeat(64)] }],
  [
    ['debug-allowed'],
    'sevSnp.guestPolicy.debug',
    { 'sevSnp.guestPolicy.debug': 'dangerously-allowed' },
  ],
  [
    ['migration-allowed'],
    'sevSnp.guestPolicy.migrateMa',
    { 'sevSnp.guestPolicy.migrateMa': 'allowed' },
  ],
  [['host-may-ask'], 'sevSnp.vmpl', { 'sevSnp.vmpl': [0, 1, 2, 3] }],
  [['empty-mask'], 'sevSnp.mitigations.launch', { 'sevSnp.mitigations.launch': '00'.repeat(8) }],
  [
    ['provisional-firmware'],
    'sevSnp.provisionalFirmware',
    { 'sevSnp.provisionalFirmware': 'allowed' },
  ],
  [
    ['unknown-bits-allowed', 'alias-check'],
    'sevSnp.platformInfo',
    { 'sevSnp.platformInfo': 'any' },
  ],
  [
    ['unknown-bits-allowed'],
    'sevSnp.platformInfo.unknownBits',
    { 'sevSnp.platformInfo.unknownBits': 'allowed' },
  ],
  [
    ['alias-check'],
    'sevSnp.platformInfo.aliasCheckComplete',
    { 'sevSnp.platformInfo.aliasCheckComplete': 'any' },
  ],
  [
    ['software-unnamed'],
    'sevSnp.measurement',
    { 'sevSnp.measurement': 'any', closureDigest: 'any', treeRoot: 'any' },
  ],
  [
    ['software-by-signer'],
    'sevSnp.measurement',
    { 'sevSnp.measurement': 'any', 'sevSnp.idBlock': keys, closureDigest: 'any', treeRoot: 'any' },
  ],
  [['debug-allowed'], 'tdx.attributes.debug', { 'tdx.attributes.debug': 'dangerously-allowed' }],
  [['migration-allowed'], 'tdx.attributes.migratable', { 'tdx.attributes.migratable': 'allowed' }],
  [
    ['unknown-bits-allowed'],
    'tdx.attributes.unknownBits',
    { 'tdx.attributes.unknownBits': 'allowed' },
  ],
  [['sept-ve'], 'tdx.attributes.septVeDisable', { 'tdx.attributes.septVeDisable': 'any' }],
  [['xfam-illegal'], 'tdx.xfam', { 'tdx.xfam': ['e702060000000000', '0000000000000000'] }],
  [
    ['software-partly-named'],
    'tdx.rtmr1',
    { 'tdx.rtmr1': 'any', closureDigest: 'any', treeRoot: 'any' },
  ],
  [
    ['software-unnamed'],
    'tdx.mrTd',
    {
      'tdx.mrTd': 'any',
      'tdx.rtmr0': 'any',
      'tdx.rtmr1': 'any',
      'tdx.rtmr2': 'any',
      closureDigest: 'any',
      treeRoot: 'any',
    },
  ],
  [
    ['out-of-date-accepted'],
    'tdx.tcb.acceptedStatuses',
    { 'tdx.tcb.acceptedStatuses': ['UpToDate', 'OutOfDate'] },
  ],
  [
    ['configuration-accepted'],
    'tdx.tcb.acceptedStatuses',
    { 'tdx.tcb.acceptedStatuses': ['UpToDate', 'TDRelaunchAdvised'] },
  ],
  [[], '', { 'tdx.tcb.acceptedStatuses': ['UpToDate', 'SWHardeningNeeded'] }],
  [['date-in-future'], 'tdx.tcb.minimumDate', { 'tdx.tcb.minimumDate': at + 1 }],
  [[], '', { 'tdx.tcb.minimumDate': at }],
  [
    ['grace-period'],
    'tdx.tcb.collateralGracePeriod',
    { 'tdx.tcb.minimumEvaluationNumber': 'any', 'tdx.tcb.collateralGracePeriod': 2_592_000 },
  ],
  [
    ['long-grace'],
    'tdx.tcb.platformGracePeriod',
    { 'tdx.tcb.minimumEvaluationNumber': 'any', 'tdx.tcb.platformGracePeriod': 2_592_001 },
  ],
  [
    ['out-of-date-accepted', 'grace-period', 'grace-without-effect'],
    'tdx.tcb.acceptedStatuses',
    {
      'tdx.tcb.minimumEvaluationNumber': 'any',
      'tdx.tcb.platformGracePeriod': 1,
      'tdx.tcb.acceptedStatuses': ['OutOfDate'],
    },
  ],
  [
    ['out-of-date-accepted', 'configuration-accepted', 'grace-period'],
    'tdx.tcb.acceptedStatuses',
    {
      'tdx.tcb.minimumEvaluationNumber': 'any',
      'tdx.tcb.platformGracePeriod': 1,
      'tdx.tcb.acceptedStatuses': ['OutOfDate', 'ConfigurationNeeded'],
    },
  ],
  [['foreign-qe-vendor'], 'tdx.tcb.qeVendors', { 'tdx.tcb.qeVendors': ['00'.repeat(16)] }],
  [
    ['advisory-spelling'],
    'tdx.tcb.refusedAdvisories',
    { 'tdx.tcb.refusedAdvisories': ['INTEL-SA-837'] },
  ],
  [
    ['advisory-twice', 'advisory-spelling'],
    'tdx.tcb.refusedAdvisories',
    { 'tdx.tcb.refusedAdvisories': ['INTEL-SA-00837', 'INTEL-SA-837'] },
  ],
  [['devices-unverified'], 'devices', { devices: 'any' }],
  [['freshness-any'], 'freshness', { freshness: 'any' }],
  [['channel-any'], 'channel', { channel: 'any' }],
  [['waiver-expired'], 'waivers[0]', { waivers: waiver('collateral.revocation', at) }],
  [['waiver-of-revocation'], 'waivers[0]', { waivers: waiver('collateral.revocation') }],
  [
    ['waiver-without-expiry', 'waiver-of-revocation'],
    'waivers[0]',
    { waivers: waiver('collateral.revocation', null) },
  ],
  [['waiver-without-platform'], 'waivers[0]', { waivers: waiver('policy.mrenclave') }],
  [['waiver-without-effect'], 'waivers[0]', { waivers: waiver('policy.debug') }],
  [['waiver-without-effect'], 'waivers[0]', { waivers: waiver('policy.certificate-table') }],
  [
    ['waiver-undoes-rule'],
    'waivers[0]',
    {
      waivers: waiver('policy.certificate-table'),
      'sevSnp.certificateTable.requiredGuids': ['01234567-89ab-cdef-0123-456789abcdef'],
    },
  ],
  [['waiver-undoes-rule'], 'waivers[0]', { waivers: waiver('policy.channel') }],
  // The waiver lets it in: nothing is undecided any more, and lint says what the waiver does.
  [
    ['software-unnamed', 'waiver-undoes-rule', 'unnamed-software-claims'],
    'waivers[0]',
    { 'sevSnp.measurement': 'any', waivers: waiver('policy.closure-digest') },
  ],
  // Reference files name the software: nothing else has to.
  [[], '', { references, 'sevSnp.measurement': 'any', 'tdx.rtmr2': 'any' }],
  [['any-release-name'], 'references.name', { references: { ...references, name: 'any' } }],
  [['any-release'], 'references.release', { references: { ...references, release: 'any' } }],
  [
    ['one-builder-decides'],
    'references.threshold',
    { references: { ...references, threshold: 1 } },
  ],
  [['waiver-without-effect'], 'waivers[0]', { waivers: waiver('policy.reference-values') }],
  [
    ['waiver-undoes-rule'],
    'waivers[0]',
    { references, waivers: waiver('policy.reference-values') },
  ],
  [['never-referenced'], 'sgx', { references }, cleanSgx],
  [['debug-allowed'], 'sgx.debug', { 'sgx.debug': 'dangerously-allowed' }, cleanSgx],
  [
    ['debug-contradiction'],
    'sgx.attributes',
    { 'sgx.attributes': { value: `06${'00'.repeat(15)}`, mask: `06${'00'.repeat(15)}` } },
    cleanSgx,
  ],
  [
    ['mask-ignores-value'],
    'sgx.attributes.value',
    { 'sgx.attributes': { value: `06${'00'.repeat(15)}`, mask: `04${'00'.repeat(15)}` } },
    cleanSgx,
  ],
  [
    ['empty-mask'],
    'sgx.miscSelect.mask',
    { 'sgx.miscSelect': { value: '00000000', mask: '00000000' } },
    cleanSgx,
  ],
  [['software-by-signer'], 'sgx.mrEnclave', { 'sgx.mrEnclave': 'any' }, cleanSgx],
  [
    ['software-unnamed'],
    'sgx.mrEnclave',
    { 'sgx.mrEnclave': 'any', 'sgx.mrSigner': 'any' },
    cleanSgx,
  ],
  [
    ['status-never-occurs'],
    'sgx.tcb.acceptedStatuses',
    { 'sgx.tcb.acceptedStatuses': ['UpToDate', 'TDRelaunchAdvised'] },
    cleanSgx,
  ],
  [['never-bundled'], 'sgx', { freshness: 'verifier-nonce' }, cleanSgx],
  [['accepts-nothing'], 'policy', { sgx: undefined }, cleanSgx],
  [['accepts-nothing'], 'policy', { tpm: undefined }, cleanTpm],
  [['accepts-nothing'], 'policy', { 'devices.nvidia': 'refused' }, cleanGpus],
  [['never-bundled'], 'tpm', { closureDigest: ['c1'.repeat(32)] }, cleanTpm],
  [['never-bundled'], 'nitro', { channel: ['noise'] }, cleanNitro],
  [['never-referenced'], 'tpm', { references }, cleanTpm],
  [['freshness-any'], 'freshness', { freshness: 'any' }, cleanGpus],
  [['software-unnamed'], 'tpm.pcrs', { 'tpm.pcrs': 'any' }, cleanTpm],
  [['software-unnamed'], 'tpm.pcrs', { 'tpm.pcrs': { sha256: { others: 'any' } } }, cleanTpm],
  [
    ['sha1-pcrs'],
    'tpm.pcrs.sha1',
    { 'tpm.pcrs': { sha1: { 4: ['ab'.repeat(20)], others: 'any' } } },
    cleanTpm,
  ],
  [
    [],
    '',
    {
      'tpm.pcrs.sha1': { 4: ['ab'.repeat(20)], others: 'any' },
      'tpm.pcrs.sha256.4': ['ab'.repeat(32)],
    },
    cleanTpm,
  ],
  [['no-key-left'], 'tpm.provider', { 'tpm.key': ['trusted'] }, cleanTpm],
  [
    ['provider-without-certificate'],
    'tpm.provider',
    { 'tpm.key': ['certificate', 'trusted'] },
    cleanTpm,
  ],
  [[], '', { 'tpm.key': ['trusted'], 'tpm.provider': 'any' }, cleanTpm],
  [['debug-allowed'], 'nitro.debug', { 'nitro.debug': 'dangerously-allowed' }, cleanNitro],
  [['software-unnamed'], 'nitro.pcrs', { 'nitro.pcrs': 'any' }, cleanNitro],
  [['software-partly-named'], 'nitro.pcrs', { 'nitro.kind': ['enclave', 'tpm'] }, cleanNitro],
  [['tpm-not-required'], 'devices', { 'devices.tpm': 'allowed' }, cleanBeside],
  [['tpm-not-required'], 'devices', { 'devices.nitroTpm': 'refused' }, cleanBeside],
  [['device-without-rules'], 'devices.tpm', { tpm: undefined }, cleanBeside],
  [['device-without-rules'], 'devices.nitroTpm', { nitro: undefined }, cleanBeside],
  [[], '', { tpm: undefined, 'devices.tpm': 'refused' }, cleanBeside],
  [
    ['no-architecture-left', 'floor-for-refused-architecture'],
    'devices.nvidia.minimumDriver',
    { 'devices.nvidia.minimumDriver': { BLACKWELL: '575.32' } },
    cleanGpus,
  ],
  [
    ['architecture-without-floor'],
    'devices.nvidia.minimumFirmware',
    { 'devices.nvidia.minimumFirmware': { HOPPER: '96.00.5E.00.01' } },
    cleanGpus,
  ],
  [
    ['floor-for-refused-architecture'],
    'devices.nvidia.minimumDriver.BLACKWELL',
    { 'devices.nvidia.minimumDriver': { ...floors, BLACKWELL: '575.32' } },
    cleanGpus,
  ],
  [
    ['confidential-mode-any'],
    'devices.nvidia.confidentialMode',
    { 'devices.nvidia.confidentialMode': 'any' },
    cleanGpus,
  ],
  [
    [],
    '',
    { 'devices.nvidia.confidentialMode': 'any', 'devices.nvidia.gpus': { minimum: 0, maximum: 0 } },
    cleanGpus,
  ],
  [
    ['device-software-unnamed'],
    'devices.nvidia.references',
    { 'devices.nvidia.references': 'any' },
    cleanGpus,
  ],
  [
    ['count-contradiction'],
    'devices.nvidia.gpus',
    { 'devices.nvidia.gpus': { minimum: 2, maximum: 1 } },
    cleanGpus,
  ],
  [['waiver-of-manifests'], 'waivers[0]', { waivers: waiver('collateral.gpu-driver') }, cleanGpus],
  [['waiver-without-platform'], 'waivers[0]', { waivers: waiver('collateral.gpu-driver') }],
  [['waiver-without-platform'], 'waivers[0]', { waivers: waiver('policy.pcrs') }],
  [['waiver-without-effect'], 'waivers[0]', { waivers: waiver('policy.pcrs') }, cleanTpm],
  [
    ['waiver-undoes-rule'],
    'waivers[0]',
    { waivers: waiver('policy.pcrs'), 'tpm.pcrs.sha256.4': { events: ['ab'.repeat(32)] } },
    cleanTpm,
  ],
  [['waiver-undoes-rule'], 'waivers[0]', { waivers: waiver('policy.secure-boot') }, cleanTpm],
  [['waiver-undoes-rule'], 'waivers[0]', { waivers: waiver('policy.devices') }, cleanBeside],
  [
    ['waiver-undoes-rule'],
    'waivers[0]',
    { waivers: waiver('policy.rtmr1'), 'tdx.rtmr1': { events: ['ab'.repeat(48)] } },
  ],
  [['waiver-without-effect'], 'waivers[0]', { waivers: waiver('policy.rtmr1') }],
];

test.each(rows)('%j at %s', (ids, path, changes, base = clean) => {
  const found = lintPolicy(edited(base, changes), at);
  expect(found.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  if (ids.length > 0) expect(found.map((finding) => finding.path)).toContain(path);
  for (const { id, severity, remedy } of found)
    expect({ severity, remedy }).toEqual({
      severity: lintCatalogue[id].severity,
      remedy: lintCatalogue[id].remedy,
    });
});

test('every finding has a row here', () => {
  const seen = new Set<string>(rows.flatMap(([ids]) => ids));
  expect(Object.keys(lintCatalogue).filter((id) => !seen.has(id))).toEqual(['empty-set']);
});

describe('a narrowed policy', () => {
  test('that was narrowed to a value it holds is clean, to another it has an empty set', () => {
    const same = tighten(clean, { closureDigest: 'c1'.repeat(32) });
    expect(idsOf(same)).toEqual([]);
    const other = tighten(clean, { measurement: 'ee'.repeat(48) });
    expect(lintPolicy(other, at)).toMatchObject([
      { id: 'empty-set', severity: 'error', path: 'sevSnp.measurement' },
      { id: 'empty-set', severity: 'error', path: 'tdx.mrTd' },
    ]);
  });
});

test('the built-in policy: what it lets in, and no error', () => {
  const found = lintPolicy(genuinePolicy, at);
  expect(found.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(new Set(found.map(({ id }) => id))).toEqual(
    new Set<LintId>([
      'migration-allowed',
      'host-may-ask',
      'software-unnamed',
      'no-tcb-floor',
      'provisional-firmware',
      'unknown-bits-allowed',
      'alias-check',
      'sept-ve',
      'devices-unverified',
      'freshness-any',
      'channel-any',
      'waiver-without-expiry',
      'waiver-of-manifests',
      'waiver-of-revocation',
    ]),
  );
});

test('docs/policy-tools.md has every finding, as the catalogue says it', () => {
  const page = readFileSync(new URL('../../../docs/policy-tools.md', import.meta.url), 'utf8');
  for (const [id, { severity, means, remedy }] of Object.entries(lintCatalogue))
    expect(page).toContain(`| \`${id}\` | ${severity} | ${means} | ${remedy} |`);
});
