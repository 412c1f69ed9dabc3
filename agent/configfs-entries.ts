/** The folder of configfs-tsm, and the names of our entries: they say whose they are, so that those of a crash can be removed. */
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { Logger } from './errors.ts';

export const tsmReportFolder = '/sys/kernel/config/tsm/report';

/** Before 6.7, the first with configfs-tsm; a release that says no number is not called old. */
export function isOldKernel(release: string): boolean {
  const [, major = '', minor = ''] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return major !== '' && (Number(major) < 6 || (Number(major) === 6 && Number(minor) < 7));
}

/** File operations; they reject with the system's error, whose `code` is such as `ENOENT`. */
export type TsmFiles = {
  makeFolder(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  /** To the end of the file, whatever size its entry states. */
  read(path: string): Promise<Bytes>;
  /** In one piece. */
  write(path: string, bytes: Bytes): Promise<void>;
  /** Names of the folder's entries. */
  list(path: string): Promise<string[]>;
};

export type EntryOwners = {
  /** This process: boot (8 hex digits), number and start time, as `0123abcd-17-4711`. */
  readonly own: string;
  /** Whether the process of this name still runs. */
  isRunning(owner: string): Promise<boolean>;
};

const pattern = /^affidavit-([0-9a-f]{8}-[0-9]{1,10}-[0-9]{1,20})-[0-9a-f]{16}$/;

/** @param random 8 bytes */
export function entryName(owner: string, random: Bytes): string {
  const name = `affidavit-${owner}-${toHex(random)}`;
  if (!pattern.test(name)) throw new RangeError(`${name} is no name of an entry`);
  return name;
}

/**
 * Removes entries whose process is gone; those of other programs and of agents that run stay. What
 * cannot be removed is for the log: it costs the kernel's memory, no evidence.
 */
export async function removeStale(options: {
  readonly files: TsmFiles;
  readonly folder: string;
  readonly owners: EntryOwners;
  readonly logger: Logger;
}): Promise<void> {
  const { files, folder, owners, logger } = options;
  // Without the folder there is nothing to remove; making an entry then says why.
  const names = await files.list(folder).catch((): string[] => []);
  let removed = 0;
  for (const name of names) {
    const owner = pattern.exec(name)?.[1];
    if (owner === undefined || (await owners.isRunning(owner))) continue;
    try {
      await files.removeFolder(`${folder}/${name}`);
      removed += 1;
    } catch (cause) {
      logger.warn(`${folder}/${name}, left by an earlier process, could not be removed`, cause);
    }
  }
  if (removed > 0) logger.info(`removed ${removed} entries that an earlier process left`);
}
