/**
 * Reports from Linux: configfs-tsm (Documentation/ABI/testing/configfs-tsm-report, Linux 6.7 and
 * newer). A directory made under /sys/kernel/config/tsm/report is one request; the kernel fills it
 * with these files: `inblob` (REPORT_DATA, written), `outblob` (the report or quote), `provider`, and
 * `generation`, which counts writes so that a reader notices another writer. `auxblob`, the host's
 * certificate table, is there for SEV-SNP alone: a TDX quote carries its own certificates.
 * `privlevel` (written, counted like `inblob`) is the VMPL of the report, where the provider has one.
 */
import type { Platform } from '#verifier/abi/bundle.ts';
import { parseCertificateTable } from '#verifier/abi/snp-certs.ts';
import { type Bytes, fromUtf8, quote, utf8 } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { toCollateral } from './collateral.ts';
import {
  type EntryOwners,
  entryName,
  isOldKernel,
  removeStale,
  type TsmFiles,
  tsmReportFolder,
} from './configfs-entries.ts';
import { AgentError, type Logger } from './errors.ts';
import type { Evidence, EvidenceSource } from './source.ts';

/** The kernel's module behind the folder, by what `provider` says. */
const providers: ReadonlyMap<string, Platform> = new Map([
  ['sev_guest', 'sev-snp'],
  ['tdx_guest', 'tdx'],
]);

/** What tells a kernel that is too old from one without a TEE. */
export type KernelFacts = {
  /** As uname says it: `6.12.9`. */
  readonly release: string;
  /** Whether /dev/sev-guest is there. */
  readonly sevGuestDevice: boolean;
};

export type ConfigfsOptions = {
  readonly files: TsmFiles;
  readonly random: (length: number) => Bytes;
  readonly now: () => UnixTime;
  readonly logger: Logger;
  /** Default: `tsmReportFolder`. */
  readonly folder?: string;
  /** VMPL to ask for, 1 to 3; 0 (default): nothing is written, and the kernel decides. */
  readonly privlevel?: number;
  readonly owners: EntryOwners;
  /** Asked when the folder is not there. */
  readonly kernel: () => Promise<KernelFacts>;
};

/**
 * Removes what earlier processes left, then finds out what the kernel offers by making an entry.
 * @throws AgentError `tee-missing` without the interface, the permission or a provider that this
 *   release knows; `config-invalid` for a `privlevel` that the provider does not take
 */
export async function openConfigfs(options: ConfigfsOptions): Promise<EvidenceSource> {
  await removeStale({ ...options, folder: folderOf(options) });
  const provider = await readProvider(options);
  const platform = providers.get(provider);
  if (platform === undefined) {
    const known = [...providers.keys()].join(' and ');
    throw new AgentError(
      'tee-missing',
      `configfs-tsm offers provider ${quote(provider)}, this release knows ${known} alone`,
    );
  }
  const opened = { ...options, provider, platform };
  if (privlevelOf(options) > 0) await withEntry(options, (entry) => tryPrivlevel(opened, entry));
  return {
    platform,
    name: 'configfs-tsm',
    provider,
    report: (reportData) => withEntry(options, (entry) => readReport(opened, entry, reportData)),
  };
}

async function readProvider(options: ConfigfsOptions): Promise<string> {
  try {
    return await withEntry(options, (entry) => readText(options, entry, 'provider'));
  } catch (cause) {
    throw new AgentError('tee-missing', await reasonOf(cause, options), { cause });
  }
}

const folderOf = ({ folder = tsmReportFolder }: ConfigfsOptions) => folder;
const privlevelOf = ({ privlevel = 0 }: ConfigfsOptions) => privlevel;

/** Found at the start rather than at the first request. */
async function tryPrivlevel(options: Opened, entry: string): Promise<void> {
  const level = privlevelOf(options);
  try {
    await writePrivlevel(options, entry, level);
  } catch (cause) {
    const code = codeOf(cause);
    const why =
      code === 'EINVAL'
        ? `is out of the range that ${options.provider} takes`
        : `cannot be asked for: ${options.provider} offers no privlevel (${code})`;
    throw new AgentError('config-invalid', `privlevel ${level} ${why}`, { cause });
  }
}

async function writePrivlevel({ files }: ConfigfsOptions, entry: string, level: number) {
  await files.write(`${entry}/privlevel`, utf8(String(level)));
}

type Opened = ConfigfsOptions & { readonly provider: string; readonly platform: Platform };

async function readReport(options: Opened, entry: string, reportData: Bytes): Promise<Evidence> {
  const { files, platform } = options;
  const before = await readGeneration(options, entry);
  const level = privlevelOf(options);
  if (level > 0) await writePrivlevel(options, entry, level);
  const writes = level > 0 ? 2 : 1;
  await files.write(`${entry}/inblob`, reportData);
  await assertSameProvider(options, entry);
  const evidence = await files.read(`${entry}/outblob`);
  const table = platform === 'sev-snp' ? await files.read(`${entry}/auxblob`) : null;
  const after = await readGeneration(options, entry);
  // The kernel loses an error of the write when the file is closed; the count shows that too.
  if (after !== before + writes) {
    throw new AgentError(
      'device-failed',
      `configfs-tsm: generation went from ${before} to ${after}, expected ${writes} more: another writer`,
    );
  }
  return { evidence, collateral: table === null ? [] : hostCollateral(options, table) };
}

/** The table is the host's and unsigned: a malformed one costs the collateral, not the evidence. */
function hostCollateral({ now, logger }: ConfigfsOptions, table: Bytes) {
  if (table.length === 0) return [];
  try {
    return toCollateral(parseCertificateTable(table), now());
  } catch (cause) {
    logger.warn('the host sent a malformed certificate table; bundles go without it', cause);
    return [];
  }
}

/** An entry of our own for one request, removed whatever happens. */
async function withEntry<T>(
  options: ConfigfsOptions,
  use: (entry: string) => Promise<T>,
): Promise<T> {
  const { files, random, logger, owners } = options;
  const entry = `${folderOf(options)}/${entryName(owners.own, random(8))}`;
  await files.makeFolder(entry);
  try {
    return await use(entry);
  } finally {
    await files.removeFolder(entry).catch((cause: unknown) => {
      logger.warn(`${entry} could not be removed`, cause);
    });
  }
}

async function readText({ files }: ConfigfsOptions, entry: string, name: string): Promise<string> {
  return fromUtf8(await files.read(`${entry}/${name}`), name).trimEnd();
}

async function readGeneration(options: ConfigfsOptions, entry: string): Promise<number> {
  const text = await readText(options, entry, 'generation');
  if (!/^[0-9]{1,10}$/.test(text)) {
    throw new AgentError(
      'device-failed',
      `configfs-tsm: generation is ${quote(text)}, expected a number`,
    );
  }
  return Number(text);
}

/** What another provider writes would go out under the name of the first. */
async function assertSameProvider(options: Opened, entry: string): Promise<void> {
  const provider = await readText(options, entry, 'provider');
  if (provider !== options.provider) {
    throw new AgentError(
      'device-failed',
      `configfs-tsm: provider is ${quote(provider)}, at the start it was ${options.provider}`,
    );
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENXIO:
    'configfs-tsm has no provider: neither sev-guest nor tdx-guest is loaded, or this is no SEV-SNP or TDX guest',
  EACCES: `no permission to make an entry in ${tsmReportFolder}`,
  EPERM: `no permission to make an entry in ${tsmReportFolder}`,
  EROFS: `${tsmReportFolder} is read-only here`,
};

async function reasonOf(cause: unknown, options: ConfigfsOptions): Promise<string> {
  const code = codeOf(cause);
  if (code === 'ENOENT') return absentInterface(await options.kernel());
  const said = cause instanceof Error ? cause.message : String(cause);
  return reasons[code] ?? `configfs-tsm cannot be used: ${said}`;
}

function absentInterface({ release, sevGuestDevice }: KernelFacts): string {
  if (!isOldKernel(release)) {
    return `${tsmReportFolder} is not there: no TEE, or configfs is not mounted or tsm not loaded`;
  }
  const device = sevGuestDevice ? ' (it has /dev/sev-guest, which is not used)' : '';
  return `Linux ${quote(release)} is a kernel before 6.7, without configfs-tsm${device}`;
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown';
}
