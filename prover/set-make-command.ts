/** What `affidavit set make` makes its sets of: policies and bundles, vendors' documents and lists, certificates of keys. */
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, fromHex, fromUtf8, toHex } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { readCertificates } from '#verifier/cli/certificate-files.ts';
import { blaming, usageError } from '#verifier/cli/cli-error.ts';
import { readEvidence } from '#verifier/cli/evidence-file.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { settingsOf, type VerdictSettings, verifyEvidence } from '#verifier/cli/verify-command.ts';
import type { Collateral } from '#verifier/evidence.ts';
import type { Verified } from '#verifier/verified.ts';
import type { LevelTdx, Pck } from './linked/formulas.ts';
import {
  acceptedByPolicy,
  acceptedByReport,
  acceptedBySnpReport,
  policySource,
} from './linked/set-accepted.ts';
import type { AcceptedEntry, RevokedEntry, SetEntries } from './linked/set-entries.ts';
import { fileName } from './linked/set-files.ts';
import {
  type GivenCertificates,
  gatherLevels,
  gatherRevoked,
  gatherVek,
} from './linked/set-intel.ts';
import { floorStatuses } from './linked/set-levels.ts';
import {
  certificatesIn,
  type Found,
  fileLimit,
  type Material,
  readAll,
  refusedBy,
  several,
  verifying,
} from './set-inputs-command.ts';
import { parseChipId, snpLevelMaterial, snpVekMaterial } from './set-make-snp-command.ts';

/** 100,000 chip ids are 13 MB. */
const listLimit = 16 * 1024 * 1024;

export async function acceptedMaterial(
  found: Found,
  settings: VerdictSettings,
): Promise<Material<AcceptedEntry>> {
  const policies = several(found, 'policy');
  const bundles = several(found, 'bundle');
  if (policies.length + bundles.length === 0) {
    throw usageError('no software was named', 'Give --policy or --bundle.');
  }
  const entries: AcceptedEntry[] = [];
  const sources: string[] = [];
  for (const path of policies) {
    const { policy } = await settingsOf({ policy: path });
    entries.push(...blaming('usage', `policy ${path}`, () => acceptedByPolicy(policy)));
    sources.push(policySource(policy));
  }
  const collateral = [...settings.collateral, ...(await besideBundles(found))];
  for (const path of bundles) {
    const { entry, source } = await acceptedByBundle(path, { ...settings, collateral });
    entries.push(entry);
    sources.push(source);
  }
  return { entries, sources };
}

/** What verifies bundles, beside what every kind of set is made with. */
async function besideBundles(found: Found): Promise<Collateral[]> {
  const tcbInfo = await readAll(found, 'tcbInfo', fileLimit);
  const certificates = async (option: string, role: 'vek' | 'ask') =>
    (await readAll(found, option, fileLimit)).flatMap(({ path, bytes }) =>
      blaming('invalid', path, () => readCertificates(bytes, 'certificates', role)),
    );
  return [
    ...tcbInfo.map(({ bytes }): Collateral => ({ kind: 'tcb-info', data: bytes })),
    ...(await certificates('vek', 'vek')),
    ...(await certificates('chain', 'ask')),
  ];
}

async function acceptedByBundle(
  path: string,
  settings: VerdictSettings,
): Promise<{ entry: AcceptedEntry; source: string }> {
  const { evidence } = await readEvidence(path, null);
  const verified = await verifyEvidence(evidence, settings);
  const { decision, checks } = appraise(verified, genuinePolicy);
  if (decision !== 'accepted') {
    const wanted = decision === 'undecided' ? 'skip' : 'fail';
    throw refusedBy(path, checks.find(({ status }) => status === wanted) as CheckResult, decision);
  }
  const entry = entryOfBundle(path, verified);
  // All that "genuine" waives.
  const unlisted = checks.some(({ status }) => status === 'waived');
  const bundle = fileName('bundle', evidence.bytes);
  return { entry, source: unlisted ? `${bundle} without a revocation list` : bundle };
}

function entryOfBundle(path: string, { bundle, claims }: Verified): AcceptedEntry {
  if (bundle === null || claims === null) {
    const remedy = 'Give the bundle that the guest’s agent serves.';
    throw usageError(`${path} is no bundle, and evidence alone names no closure`, remedy);
  }
  const { closureDigest } = bundle.bound;
  if (claims.platform === 'sev-snp') return acceptedBySnpReport(claims.report, closureDigest);
  const body = 'quote' in claims ? claims.quote.body : null;
  if (body?.kind === 'tdx') return acceptedByReport(body.report, closureDigest);
  throw usageError(`${path} is of an enclave`, 'Give that of a TDX or SEV-SNP guest.');
}

export async function levelMaterial(
  found: Found,
  settings: VerdictSettings,
): Promise<Material<SetEntries['levels']>> {
  const intel = await intelLevelMaterial(found, settings);
  const material = joined(intel, await snpLevelMaterial(found));
  if (material.sources.length === 0)
    throw usageError('no floor was named', 'Give --tcb-info, --product with --tcb, or --policy.');
  return material;
}

/** What goes with a TCB info alone. */
const besideTcbInfo = ['tcbSigningChain', 'qeIdentity', 'qeIdentitySigningChain', 'rootCaCrl'];

async function intelLevelMaterial(
  found: Found,
  settings: VerdictSettings,
): Promise<Material<LevelTdx>> {
  const infos = await readAll(found, 'tcbInfo', fileLimit);
  if (infos.length === 0) {
    if (besideTcbInfo.every((option) => found[option] === undefined)) return nothing;
    throw usageError('Intel’s documents were given without --tcb-info', 'Give the TCB info too.');
  }
  const wanted = several(found, 'status');
  const accepted = floorStatuses.filter((status) => wanted.includes(status));
  const entries: LevelTdx[] = [];
  const sources = [`status ${accepted.join(' or ')}`];
  const fmspcs = new Set<string>();
  for (const { path, bytes } of infos) {
    const given = (kind: string) =>
      kind === 'tcb-info'
        ? [bytes]
        : settings.collateral.filter((item) => item.kind === kind).map(({ data }) => data);
    const gathered = await verifying(path, () =>
      gatherLevels(given, accepted, { ...settings, crypto: nodeCrypto }),
    );
    const [first] = gathered.entries;
    const fmspc = first && toHex(first.fmspc);
    if (fmspc !== undefined && fmspcs.has(fmspc)) {
      throw usageError(`${path}: a second TCB info of FMSPC ${fmspc}`, 'Give the newer one alone.');
    }
    if (fmspc !== undefined) fmspcs.add(fmspc);
    entries.push(...gathered.entries);
    sources.push(gathered.source);
  }
  return { entries, sources };
}

export async function revokedMaterial(
  found: Found,
  settings: VerdictSettings,
): Promise<Material<RevokedEntry>> {
  const ppids = await idsOf(found, 'ppid', (digits) => fromHex(digits.toLowerCase(), 'PPID', 16));
  const chipIds = await idsOf(found, 'chip-id', parseChipId);
  const { certificates, rootLists, caLists } = await readGiven(found, settings);
  if (ppids.length + chipIds.length + caLists.length === 0) {
    const remedy = 'Give --pck-crl, --ppid, --ppid-list, --chip-id or --chip-id-list.';
    throw usageError('nothing revoked was named', remedy);
  }
  const trust = { ...settings, crypto: nodeCrypto };
  const entries: RevokedEntry[] = [
    ...ppids.map((chip) => ({ chip })),
    ...chipIds.map((chipId) => ({ chipId })),
  ];
  const sources = [
    ...(ppids.length === 0 ? [] : [`${ppids.length} PPIDs`]),
    ...(chipIds.length === 0 ? [] : [`${chipIds.length} chip ids`]),
  ];
  for (const list of caLists) {
    const gathered = await verifying('--pck-crl', () =>
      gatherRevoked(list, { certificates, rootLists }, trust),
    );
    entries.push(...gathered.entries);
    sources.push(gathered.source);
  }
  return { entries, sources };
}

/** As people paste them, given one by one or as a list with blank lines between. */
async function idsOf(
  found: Found,
  option: 'ppid' | 'chip-id',
  parse: (digits: string) => Bytes,
): Promise<Bytes[]> {
  const name = option === 'ppid' ? 'ppid' : 'chipId';
  const from = (input: string) => (digits: string) => blaming('usage', input, () => parse(digits));
  const ids = several(found, name).map(from(`--${option}`));
  for (const { path, bytes } of await readAll(found, `${name}List`, listLimit)) {
    const lines = blaming('usage', path, () => fromUtf8(bytes, 'list')).split(/\s+/);
    ids.push(...lines.filter((line) => line !== '').map(from(path)));
  }
  return ids;
}

export async function vekMaterial(
  found: Found,
  settings: VerdictSettings,
): Promise<Material<SetEntries['veks']>> {
  const intel = await pckMaterial(found, settings);
  const material = joined(intel, await snpVekMaterial(found, settings));
  if (material.sources.length === 0) throw usageError('no key was named', 'Give --pck or --vek.');
  return material;
}

async function pckMaterial(found: Found, settings: VerdictSettings): Promise<Material<Pck>> {
  const given = await readGiven(found, settings);
  const trust = { ...settings, crypto: nodeCrypto };
  const entries: Pck[] = [];
  const sources: string[] = [];
  for (const { path, bytes } of await readAll(found, 'pck', fileLimit)) {
    const [pck, ...above] = certificatesIn(path, bytes);
    const certificates = [...above, ...given.certificates];
    if (pck === undefined) throw usageError(`${path} holds no certificate`);
    const { value } = await verifying(path, () =>
      gatherVek(pck, { ...given, certificates }, trust),
    );
    entries.push(value);
    sources.push(fileName('PCK certificate', pck));
  }
  return { entries, sources };
}

const nothing = { entries: [], sources: [] };

function joined<A, B>(one: Material<A>, other: Material<B>): Material<A | B> {
  return {
    entries: [...one.entries, ...other.entries],
    sources: [...one.sources, ...other.sources],
  };
}

async function readGiven(
  found: Found,
  { collateral }: VerdictSettings,
): Promise<GivenCertificates> {
  const chains = await readAll(found, 'chain', fileLimit);
  const of = (kind: string) => collateral.filter((item) => item.kind === kind);
  return {
    certificates: chains.flatMap(({ path, bytes }) => certificatesIn(path, bytes)),
    rootLists: of('intel-root-crl').map(({ data }) => data),
    caLists: of('pck-crl').map(({ data }) => data),
  };
}
