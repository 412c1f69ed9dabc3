/**
 * `agent keygen`: a fresh key pair for each service of a guest, at its boot. The folders are in memory, and the agent and
 * the services start after it.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceId } from '#verifier/abi/service.ts';
import { AgentError } from './errors.ts';
import { KeyPairError, writeKeyPairs } from './key-pair.ts';

export type KeygenFolders = {
  /** Gets NAME.key, for the service alone; made with mode 0700 where it is not there. */
  readonly privateFolder: string;
  /** Gets NAME.pub, for the agent. */
  readonly publicFolder: string;
};

/**
 * New keys, in place of those of an earlier run.
 * @throws AgentError `key-unwritable`; AttestationError `value-out-of-range` for a name that no service can have, before
 *   any key is made
 */
export async function makeServiceKeys(
  names: readonly string[],
  { privateFolder, publicFolder }: KeygenFolders,
): Promise<void> {
  for (const name of names) serviceId(name);
  try {
    await mkdir(privateFolder, { recursive: true, mode: 0o700 });
    await mkdir(publicFolder, { recursive: true });
    const pairs = names.map((name) => ({
      outPrivate: join(privateFolder, `${name}.key`),
      outPublic: join(publicFolder, `${name}.pub`),
    }));
    await writeKeyPairs(pairs, { replace: true });
  } catch (cause) {
    if (!(cause instanceof KeyPairError || (cause instanceof Error && 'syscall' in cause))) {
      throw cause;
    }
    throw new AgentError('key-unwritable', cause.message, { cause });
  }
}
