/**
 * Reports from Linux: configfs-tsm (Documentation/ABI/testing/configfs-tsm-report, Linux 6.7 and
 * newer). A directory made under /sys/kernel/config/tsm/report is one request; the kernel fills it
 * with these files: `inblob` (REPORT_DATA, written), `outblob` (the report or quote), `provider`, and
 * `generation`, which counts writes so that a reader notices another writer. `auxblob`, the host's
 * certificate table, is there for SEV-SNP alone: a TDX quote carries its own certificates.
 */
import type { Platform } from '#verifier/abi/bundle.ts';
import { parseCertificateTable } from '#verifier/abi/snp-certs.ts';
import { type Bytes, fromUtf8, quote, toHex } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { toCollateral } from './collateral.ts';
import { AgentError, type Logger } from './errors.ts';
import type { Evidence, EvidenceSource } from './source.ts';

/** The kernel's module behind the folder, by what `provider` says. */
const providers: ReadonlyMap<string, Platform> = new Map([
  ['sev_guest', 'sev-snp'],
  ['tdx_guest', 'tdx'],
]);

export const tsmReportFolder = '/sys/kernel/config/tsm/report';

/** File operations; they reject with the system's error, whose `code` is such as `ENOENT`. */
export type TsmFiles = {
  makeFolder(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  /** To the end of the file, whatever size its entry states. */
  read(path: string): Promise<Bytes>;
  /** In one piece. */
  write(path: string, bytes: Bytes): Promise<void>;
};

export type ConfigfsOptions = {
  readonly files: TsmFiles;
  readonly random: (length: number) => Bytes;
  readonly now: () => UnixTime;
  readonly logger: Logger;
};

/**
 * Finds out what the kernel offers by making an entry.
 * @throws AgentError `tee-missing` without the interface, the permission or a provider that this
 *   release knows
 */
export async function openConfigfs(options: ConfigfsOptions): Promise<EvidenceSource> {
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
  return {
    platform,
    name: 'configfs-tsm',
    report: (reportData) => withEntry(options, (entry) => readReport(opened, entry, reportData)),
  };
}

async function readProvider(options: ConfigfsOptions): Promise<string> {
  try {
    return await withEntry(options, (entry) => readText(options, entry, 'provider'));
  } catch (cause) {
    throw new AgentError('tee-missing', reasonOf(cause), { cause });
  }
}

type Opened = ConfigfsOptions & { readonly provider: string; readonly platform: Platform };

async function readReport(options: Opened, entry: string, reportData: Bytes): Promise<Evidence> {
  const { files, platform } = options;
  const before = await readGeneration(options, entry);
  await files.write(`${entry}/inblob`, reportData);
  await assertSameProvider(options, entry);
  const evidence = await files.read(`${entry}/outblob`);
  const table = platform === 'sev-snp' ? await files.read(`${entry}/auxblob`) : null;
  const after = await readGeneration(options, entry);
  // The kernel loses an error of the write when the file is closed; the count shows that too.
  if (after !== before + 1) {
    throw new AgentError(
      'device-failed',
      `configfs-tsm: generation went from ${before} to ${after}, expected 1 more: another writer`,
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
  { files, random, logger }: ConfigfsOptions,
  use: (entry: string) => Promise<T>,
): Promise<T> {
  const entry = `${tsmReportFolder}/affidavit-${toHex(random(8))}`;
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
  ENOENT: `${tsmReportFolder} is not there: no TEE, a kernel before 6.7, or no configfs or tsm`,
  ENXIO:
    'configfs-tsm has no provider: neither sev-guest nor tdx-guest is loaded, or this is no SEV-SNP or TDX guest',
  EACCES: `no permission to make an entry in ${tsmReportFolder}`,
  EPERM: `no permission to make an entry in ${tsmReportFolder}`,
  EROFS: `${tsmReportFolder} is read-only here`,
};

function reasonOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? reasons[code] : undefined;
  const said = cause instanceof Error ? cause.message : String(cause);
  return known ?? `configfs-tsm cannot be used: ${said}`;
}
