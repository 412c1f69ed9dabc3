/**
 * The boot's event log: what firmware and boot loader measured, event by event. It is nobody's word: a verifier replays it to the
 * registers that hardware signs, so evidence carries the one log whose registers it has.
 */
import type { Platform } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { EventLogConfig } from './devices/config.ts';
import { AgentError, type Logger } from './errors.ts';

/** The CC event log of a TD (ACPI table CCEL), replayed to its RTMRs. */
export const ccelFile = '/sys/firmware/acpi/tables/data/CCEL';
/** The TCG2 event log, replayed to a TPM's PCRs. */
export const tpmLogFile = '/sys/kernel/security/tpm0/binary_bios_measurements';

/** 4 MiB: with it a bundle has room for all else that it must carry. */
export const maxEventLogLength: number = 4 * 1024 * 1024;

export type EventLog = {
  /** Files that are looked for, in this order. */
  readonly files: readonly EventLogFile[];
  /**
   * As it is now, for it grows; null: there is none.
   * @throws AgentError `event-log-failed` for a file that the configuration names and that cannot be read
   */
  read(): Promise<{ readonly path: string; readonly bytes: Bytes } | null>;
};

export type EventLogFile = {
  readonly path: string;
  /** The configuration names it: without it there is no evidence. */
  readonly named: boolean;
};

export const noEventLog: EventLog = { files: [], read: async () => null };

/**
 * A TD's log, for the quote has the RTMRs; else the TPM's, where a TPM is among the devices: without PCRs nobody could check it.
 * @param config null: none; undefined: the kernel's files
 */
export function eventLogFiles(
  config: EventLogConfig | null | undefined,
  platform: Platform,
  deviceKinds: readonly string[],
): EventLogFile[] {
  if (config === null) return [];
  const { ccel, tpm } = config ?? {};
  return [
    ...(platform === 'tdx' ? fileOf(ccel, ccelFile) : []),
    ...(deviceKinds.includes('tpm') ? fileOf(tpm, tpmLogFile) : []),
  ];
}

function fileOf(configured: string | null | undefined, kernels: string): EventLogFile[] {
  if (configured === null) return [];
  return [{ path: configured ?? kernels, named: configured !== undefined }];
}

/** @param read the whole file; rejects past `limit` bytes */
export function eventLogOf(
  files: readonly EventLogFile[],
  read: (path: string, limit: number) => Promise<Bytes>,
  logger: Logger,
): EventLog {
  const complained = new Set<string>();

  async function readFile({ path, named }: EventLogFile): Promise<Bytes | null> {
    try {
      const bytes = await read(path, maxEventLogLength);
      if (bytes.length > 0) return bytes;
      if (named) throw new AgentError('event-log-failed', `the event log ${path} is empty`);
      return null;
    } catch (cause) {
      if (cause instanceof AgentError) throw cause;
      if (named) {
        throw new AgentError('event-log-failed', `the event log ${path} cannot be read`, { cause });
      }
      const absent = (cause as { code?: unknown } | null)?.code === 'ENOENT';
      if (!absent && !complained.has(path)) {
        complained.add(path);
        logger.warn(`evidence goes without the event log ${path}, which cannot be read`, cause);
      }
      return null;
    }
  }

  return {
    files,
    async read() {
      for (const file of files) {
        const bytes = await readFile(file);
        if (bytes !== null) return { path: file.path, bytes };
      }
      return null;
    },
  };
}
