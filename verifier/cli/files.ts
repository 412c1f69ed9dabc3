/** Local files and standard input, with a limit: a wrong path must not fill the memory. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Bytes } from '#verifier/bytes.ts';
import { CliError } from './cli-error.ts';

/** What stands for `-` after the command line is read: yargs makes a bare dash an empty string. */
export const standardInput = 'standard-input:';

/** @throws CliError `file-unreadable` (wrong usage), `too-large` (ending as `tooLarge` says) */
export async function readFileLimited(
  path: string,
  limit: number,
  what: string,
  tooLarge: 'invalid' | 'usage',
): Promise<Bytes> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { size } = await file.stat();
    if (size > limit) throw oversized(`${what} ${path}`, `${size} bytes`, limit, tooLarge);
    return await readAll(
      file.createReadStream({ autoClose: false }),
      limit,
      `${what} ${path}`,
      tooLarge,
    );
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(
      'usage',
      'file-unreadable',
      `${what} ${path} cannot be read: ${reasonOf(error)}`,
      'Check the path and its permissions.',
    );
  } finally {
    await file?.close();
  }
}

/** @throws CliError `too-large` */
export function readStdinLimited(limit: number, what: string): Promise<Bytes> {
  return readAll(process.stdin, limit, `${what} on standard input`, 'invalid');
}

async function readAll(
  stream: AsyncIterable<Buffer | string>,
  limit: number,
  what: string,
  tooLarge: 'invalid' | 'usage',
): Promise<Bytes> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > limit) throw oversized(what, `more than ${limit} bytes`, limit, tooLarge);
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function oversized(
  what: string,
  size: string,
  limit: number,
  ending: 'invalid' | 'usage',
): CliError {
  return new CliError(
    ending,
    'too-large',
    `${what} has ${size}, at most ${limit} are allowed`,
    'Check that this is the right file.',
  );
}

const systemErrors: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return systemErrors[code] ?? (code || 'unknown reason');
}
