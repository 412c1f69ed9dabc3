/** What `affidavit set make` makes its sets of: policies and bundles, Intel's documents and lists, PCK certificates. */
import { readDerObjects } from '#verifier/abi/pem.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, fromHex, fromUtf8, toHex } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf } from '#verifier/checks.ts';
import { blaming, CliError, type exitCodes, usageError } from '#verifier/cli/cli-error.ts';
import { readEvidence } from '#verifier/cli/evidence-file.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { settingsOf, type VerdictSettings, verifyEvidence } from '#verifier/cli/verify-command.ts';
import type { LevelTdx, Pck } from './linked/formulas.ts';
import { acceptedByPolicy, acceptedByReport, policySource } from './linked/set-accepted.ts';
import type { AcceptedEntry, RevokedEntry } from './linked/set-entries.ts';
import { fileName } from './linked/set-files.ts';
import {
  type Gathered,
  type GivenCertificates,
  gatherLevels,
  gatherRevoked,
  gatherVek,
} from './linked/set-intel.ts';
import { floorStatuses } from './linked/set-levels.ts';

/** What yargs found; names are in camel case. */
export type Found = Readonly<Record<string, unknown>>;

/** What makes a set: entries, and where they are from. */
export type Material<T> = { readonly entries: readonly T[]; readonly sources: readonly string[] };

const fileLimit = 1024 * 1024;
/** 100,000 PPIDs. */
const listLimit = 8 * 1024 * 1024;

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
  const tcbInfo = await readAll(found, 'tcbInfo', fileLimit);
  const collateral = [
    ...settings.collateral,
    ...tcbInfo.map(({ bytes }) => ({ kind: 'tcb-info' as const, data: bytes })),
  ];
  for (const path of bundles) {
    const { entry, source } = await acceptedByBundle(path, { ...settings, collateral });
    entries.push(entry);
    sources.push(source);
  }
  return { entries, sources };
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
  const { claims, bundle } = verified;
  if (bundle === null || claims === null || claims.platform === 'sev-snp') {
    throw usageError(`${path} is not the bundle of a TD`, 'Give the bundle of a TDX guest.');
  }
  const { body } = claims.quote;
  if (body.kind !== 'tdx') throw usageError(`${path} is of an enclave`, 'Give that of a TD.');
  const entry = acceptedByReport(body.report, bundle.bound.closureDigest);
  return { entry, source: fileName('bundle', evidence.bytes) };
}

export async function levelMaterial(
  found: Found,
  settings: VerdictSettings,
): Promise<Material<LevelTdx>> {
  const wanted = several(found, 'status');
  const accepted = floorStatuses.filter((status) => wanted.includes(status));
  const entries: LevelTdx[] = [];
  const sources = [`status ${accepted.join(' or ')}`];
  const fmspcs = new Set<string>();
  for (const { path, bytes } of await readAll(found, 'tcbInfo', fileLimit)) {
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
  const ppids = await ppidsOf(found);
  const { certificates, rootLists, caLists } = await readCertificates(found, settings);
  if (ppids.length + caLists.length === 0) {
    throw usageError('nothing revoked was named', 'Give --pck-crl, --ppid or --ppid-list.');
  }
  const trust = { ...settings, crypto: nodeCrypto };
  const entries: RevokedEntry[] = ppids.map((chip) => ({ chip }));
  const sources = ppids.length === 0 ? [] : [`${ppids.length} PPIDs`];
  for (const list of caLists) {
    const gathered = await verifying('--pck-crl', () =>
      gatherRevoked(list, { certificates, rootLists }, trust),
    );
    entries.push(...gathered.entries);
    sources.push(gathered.source);
  }
  return { entries, sources };
}

/** As people paste them: either case, blank lines between. */
async function ppidsOf(found: Found): Promise<Bytes[]> {
  const parse = (input: string) => (ppid: string) =>
    blaming('usage', input, () => fromHex(ppid.toLowerCase(), 'PPID', 16));
  const ppids = several(found, 'ppid').map(parse('--ppid'));
  for (const { path, bytes } of await readAll(found, 'ppidList', listLimit)) {
    const lines = blaming('usage', path, () => fromUtf8(bytes, 'list of PPIDs')).split(/\s+/);
    ppids.push(...lines.filter((line) => line !== '').map(parse(path)));
  }
  return ppids;
}

export async function vekMaterial(found: Found, settings: VerdictSettings): Promise<Material<Pck>> {
  const given = await readCertificates(found, settings);
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

async function readCertificates(
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

function certificatesIn(path: string, bytes: Bytes): Bytes[] {
  return blaming('invalid', path, () => readDerObjects(bytes, 'CERTIFICATE', 'certificates'));
}

/** @returns what was gathered and believed @throws CliError for anything else */
async function verifying<R extends Gathered<unknown> | { kind: 'believed' }>(
  input: string,
  gather: () => Promise<R>,
): Promise<Extract<R, { kind: 'gathered' | 'believed' }>> {
  const found = await gather().catch((error: unknown) =>
    blaming('invalid', input, () => {
      throw error;
    }),
  );
  if (found.kind === 'refused') {
    const { check } = found;
    throw refusedBy(input, check, check.status === 'skip' ? 'undecided' : 'invalid');
  }
  if (found.kind === 'no-floor') {
    const remedy = 'Add the status of the level that is not accepted, or leave out the other.';
    throw new CliError('usage', 'no-floor', `${input}: ${found.problem}`, remedy);
  }
  return found as Extract<R, { kind: 'gathered' | 'believed' }>;
}

function refusedBy(
  input: string,
  check: CheckResult,
  ending: Exclude<keyof typeof exitCodes, 'accepted'>,
): CliError {
  const { remedy } = entryOf(check.id);
  return new CliError(ending, check.id, `${input}: ${check.reason}`, remedy);
}

async function readAll(
  found: Found,
  name: string,
  limit: number,
): Promise<{ path: string; bytes: Bytes }[]> {
  const read: { path: string; bytes: Bytes }[] = [];
  for (const path of several(found, name)) {
    read.push({ path, bytes: await readFileLimited(path, limit, 'file', 'invalid') });
  }
  return read;
}

export function text(found: Found, name: string): string | undefined {
  const value = found[name];
  return typeof value === 'string' ? value : undefined;
}

export function one(found: Found, name: string): string {
  const value = text(found, name);
  if (value === undefined) throw usageError(`--${name} is missing`);
  return value;
}

export function several(found: Found, name: string): string[] {
  return [found[name] ?? []].flat().map(String);
}
