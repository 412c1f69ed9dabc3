/** Where each member stands in the form, which check answers it, and whether the evidence fits it. */
import { acceptableStatuses } from '#verifier/appraise/intel-policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { Finding } from '#verifier/policy-tools/lint.ts';
import type { Seen } from './seen.ts';
import { isObject, type Row, type Shape } from './shape.ts';

export const topics = [
  'software',
  'freshness',
  'firmware',
  'machine',
  'revocation',
  'devices',
] as const;
export type Topic = (typeof topics)[number];

const topicPatterns: readonly [RegExp, Topic][] = [
  [/^(waivers|.*GracePeriod)$/, 'revocation'],
  [/^(devices|tpm\.(key|provider))/, 'devices'],
  [/^(freshness|channel|.*\.(reportData|reportId|userData|publicKey))$/, 'freshness'],
  [/\.(minimumTcb|minimumFirmware|provisionalFirmware|mitigations|tcb|firmware)(\.|$)/, 'firmware'],
  [/\.(minimumTeeTcbSvn|mrSeam|mrSignerSeam|seamAttributes)$/, 'firmware'],
  [/^(closureDigest|treeRoot|references)/, 'software'],
  [
    /\.(measurement|hostData|familyId|imageId|idBlock|minimumGuestSvn|pcrs|eventLog|secureBoot)$/,
    'software',
  ],
  [/\.(mr[A-Z]\w*|rtmr\d|isv\w+|minimumIsvSvn|configId|minimumConfigSvn)$/, 'software'],
];

/** What is asked first of each topic; the rest follows in the order of the policy. */
const foremost = [
  /\.(measurement|mrTd|mrEnclave|pcrs)$/,
  /\.rtmr\d$/,
  /debug$/,
  /\.acceptedStatuses$/,
  /minimumTcb/,
];

export function topicOf(name: string): Topic {
  return topicPatterns.find(([pattern]) => pattern.test(name))?.[1] ?? 'machine';
}

/** @returns topics that have a row, each with its rows */
export function byTopic(rows: readonly Row[]): { topic: Topic; rows: Row[] }[] {
  const rank = ({ name }: Row) => {
    const found = foremost.findIndex((pattern) => pattern.test(name));
    return found === -1 ? foremost.length : found;
  };
  return topics
    .map((topic) => ({
      topic,
      rows: rows.filter(({ name }) => topicOf(name) === topic).sort((a, b) => rank(a) - rank(b)),
    }))
    .filter((one) => one.rows.length > 0);
}

/** The part of a name after `tdx.` or `sgx.`, which share most of it. */
const checkPatterns: readonly [RegExp, CheckId][] = [
  [/\.tcb\.(acceptedStatuses|platformGracePeriod)$/, 'policy.tcb-status'],
  [/\.tcb\.minimumDate$/, 'policy.tcb-date'],
  [/\.tcb\.minimumEvaluationNumber$/, 'policy.tcb-evaluation-number'],
  [/\.tcb\.refusedAdvisories$/, 'policy.advisories'],
  [/\.tcb\.qeVendors$/, 'policy.qe-vendor'],
  [/\.tcb\.minimumQeSvn$/, 'policy.qe-svn'],
  [/\.tcb\.minimumPceSvn$/, 'policy.pce-svn'],
  [/\.platform\.fmspc$/, 'policy.fmspc'],
  [/\.platform\.ppid$/, 'policy.ppid'],
  [/\.platform\.instanceId$/, 'policy.platform-instance'],
  [/\.platform\./, 'policy.platform-configuration'],
  [/debug$/, 'policy.debug'],
  [/^tdx\.attributes\./, 'policy.td-attributes'],
  [/^tdx\.xfam$/, 'policy.xfam'],
  [/^tdx\.minimumTeeTcbSvn$/, 'policy.tee-tcb-svn'],
  [/^tdx\.mrSeam$/, 'policy.mrseam'],
  [/^tdx\.mrSignerSeam$/, 'policy.mrsignerseam'],
  [/^tdx\.seamAttributes$/, 'policy.seam-attributes'],
  [/^tdx\.mrTd$/, 'policy.mrtd'],
  [/^tdx\.mrConfigId$/, 'policy.mrconfigid'],
  [/^tdx\.mrOwner$/, 'policy.mrowner'],
  [/^tdx\.mrOwnerConfig$/, 'policy.mrownerconfig'],
  [/^tdx\.rtmr0$/, 'policy.rtmr0'],
  [/^tdx\.rtmr1$/, 'policy.rtmr1'],
  [/^tdx\.rtmr2$/, 'policy.rtmr2'],
  [/^tdx\.rtmr3$/, 'policy.rtmr3'],
  [/^tdx\.mrServiceTd$/, 'policy.mrservicetd'],
  [/^sgx\.mrEnclave$/, 'policy.mrenclave'],
  [/^sgx\.mrSigner$/, 'policy.mrsigner'],
  [/^sgx\.isvProdId$/, 'policy.isvprodid'],
  [/^sgx\.minimumIsvSvn$/, 'policy.isvsvn'],
  [/^sgx\.(attributes|miscSelect)$/, 'policy.sgx-attributes'],
  [/^sgx\.(configId|minimumConfigSvn|isvExtProdId|isvFamilyId)$/, 'policy.enclave-configuration'],
  [/\.reportData$/, 'policy.report-data'],
  [/^sevSnp\.product$/, 'policy.product'],
  [/^sevSnp\.signingKey$/, 'policy.signing-key'],
  [/^sevSnp\.provider$/, 'policy.provider'],
  [/\.migrateMa$/, 'policy.migration'],
  [/^sevSnp\.guestPolicy\./, 'policy.guest-policy'],
  [/^sevSnp\.minimumGuestSvn$/, 'policy.guest-svn'],
  [/^sevSnp\.vmpl$/, 'policy.vmpl'],
  [/^sevSnp\.minimumFirmware$/, 'policy.firmware-version'],
  [/^sevSnp\.provisionalFirmware$/, 'policy.provisional-firmware'],
  [/^sevSnp\.minimumTcb\.reported$/, 'policy.reported-tcb'],
  [/^sevSnp\.minimumTcb\.current$/, 'policy.current-tcb'],
  [/^sevSnp\.minimumTcb\.committed$/, 'policy.committed-tcb'],
  [/^sevSnp\.minimumTcb\.launch$/, 'policy.launch-tcb'],
  [/^sevSnp\.mitigations\./, 'policy.mitigations'],
  [/^sevSnp\.platformInfo$/, 'policy.platform-info'],
  [/^sevSnp\.idBlock$/, 'policy.id-block'],
  [/^sevSnp\.certificateTable\./, 'policy.certificate-table'],
  [/^sevSnp\.measurement$/, 'policy.measurement'],
  [/^sevSnp\.chipId$/, 'policy.chip-id'],
  [/^sevSnp\.hostData$/, 'policy.host-data'],
  [/^sevSnp\.familyId$/, 'policy.family-id'],
  [/^sevSnp\.imageId$/, 'policy.image-id'],
  [/^sevSnp\.reportId$/, 'policy.report-id'],
  [/^sevSnp\.reportIdMa$/, 'policy.report-id-ma'],
  [/^tpm\.(key|provider)$/, 'policy.tpm-key'],
  [/^tpm\.firmware$/, 'policy.tpm-firmware'],
  [/^tpm\.pcrs$/, 'policy.pcrs'],
  [/^tpm\.eventLog$/, 'policy.event-log'],
  [/^tpm\.secureBoot$/, 'policy.secure-boot'],
  [/^nitro\.pcrs$/, 'policy.nitro-pcrs'],
  [/^nitro\.(kind|moduleId)$/, 'policy.nitro-module'],
  [/^nitro\.userData$/, 'policy.nitro-user-data'],
  [/^nitro\.publicKey$/, 'policy.nitro-public-key'],
  [/^closureDigest$/, 'policy.closure-digest'],
  [/^treeRoot$/, 'policy.tree-root'],
  [/^devices$/, 'policy.devices'],
  [/^freshness$/, 'policy.freshness'],
  [/^channel$/, 'policy.channel'],
  [/^references\./, 'policy.reference-signatures'],
];

/** The check that asks what this member says; null for members that no single check is about. */
export function checkOf(name: string): CheckId | null {
  if (name === 'nitro.debug') return 'policy.nitro-debug';
  return checkPatterns.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** The first member that a check is about; null for those that no policy speaks of. */
export function memberOf(check: CheckId, rows: readonly Row[]): string | null {
  return rows.find(({ name }) => checkOf(name) === check)?.name ?? null;
}

/** What the evidence makes of a rule. */
export type Fit = 'fits' | 'fails' | 'open';

/**
 * A check that asks several members says which of them fails only where they are switches: those are compared here.
 * @returns null where nothing can be said of this one member
 */
export function fitOf(
  row: Row,
  rule: unknown,
  seen: Seen | undefined,
  verdict: Verdict,
): Fit | null {
  const id = checkOf(row.name);
  const check = verdict.checks.find((one) => one.id === id);
  if (check === undefined) return null;
  if (check.status === 'pass') return 'fits';
  if (row.shape.kind === 'words' && row.name !== 'freshness' && check.status === 'fail') {
    if (seen?.value === undefined)
      return rule === 'refused' || rule === 'required' ? 'open' : 'fits';
    const isOn = seen.value !== 'refused' && seen.value !== 'any';
    if (rule === 'refused') return isOn ? 'fails' : 'fits';
    if (rule === 'required') return isOn ? 'fits' : 'fails';
    return 'fits';
  }
  if (rule === 'any') return 'fits';
  return check.status === 'fail' ? 'fails' : 'open';
}

/** Each finding at the row that it is about; those of the policy as a whole are at none. */
export function findingsAt(
  findings: readonly Finding[],
  rows: readonly Row[],
): ReadonlyMap<string, readonly Finding[]> {
  const byRow = new Map<string, Finding[]>();
  for (const finding of findings) {
    const row = rows.find(({ name }) => isAbout(finding, name));
    if (row !== undefined) byRow.set(row.name, [...(byRow.get(row.name) ?? []), finding]);
  }
  return byRow;
}

/** What is said of several members together stands at each of them; the first is shown. */
export function isAbout({ path }: Finding, name: string): boolean {
  const isWhole = path.includes('.') && name.startsWith(`${path}.`);
  return isWhole || path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`);
}

/** Whether the rule is a floor: then what the evidence has is the least that is asked. */
export function isFloor(name: string): boolean {
  return /(^|\.)(minimum[A-Z]\w*|mitigations)(\.|$)/.test(name);
}

/** What one press makes of the rule so that it takes this evidence: floors of other products stay. */
export function pressed(row: Row, rule: unknown, seen: unknown): unknown {
  return isFloor(row.name) && isObject(rule) && isObject(seen) && hasKinds(row.shape)
    ? { ...rule, ...seen }
    : seen;
}

/** The rule with the evidence's value beside those that it has; undefined where that is no different from naming it alone. */
export function widened(rule: unknown, seen: unknown): unknown {
  if (!Array.isArray(rule) || !Array.isArray(seen) || rule.length === 0) return undefined;
  const added = seen.filter((one) => !rule.includes(one));
  if (added.length === 0) return undefined;
  const all = [...rule, ...added];
  // In the order in which Intel ranks them, as a person would write them.
  const ranked = acceptableStatuses.filter((one) => all.includes(one));
  return ranked.length === all.length ? ranked : all;
}

function hasKinds(shape: Shape): boolean {
  return (
    shape.kind === 'either' &&
    shape.others.some(
      (one) => one.kind === 'object' && one.members.every(({ optional }) => optional),
    )
  );
}
