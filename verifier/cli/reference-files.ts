/** Reference files, and public keys of builders, from disk. */
import { createPublicKey } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { Policy } from '#verifier/appraise/policy.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import {
  maxReferenceLength,
  parseReference,
  type ReferenceFile,
} from '#verifier/reference/file.ts';
import { fingerprintOf } from '#verifier/reference/key.ts';
import {
  maxReferenceFiles,
  noReferences,
  type VerifiedReferences,
  verifyReferences,
} from '#verifier/reference/verified.ts';
import { blaming, CliError, usageError } from './cli-error.ts';
import { readFileLimited } from './files.ts';
import { nodeCrypto } from './node-crypto.ts';

const keyFileLimit = 64 * 1024;

/** @throws CliError invalid for a file that is none, wrong usage for one that cannot be read */
export async function readReference(path: string): Promise<ReferenceFile> {
  const bytes = await readFileLimited(path, maxReferenceLength, 'reference file', 'invalid');
  return blaming('invalid', `reference file ${path}`, () => parseReference(bytes));
}

/** @throws CliError as `readReference`, and wrong usage for too many files */
export async function readReferences(paths: readonly string[]): Promise<readonly ReferenceFile[]> {
  if (paths.length > maxReferenceFiles)
    throw usageError(
      `${paths.length} reference files were given`,
      `Give ${maxReferenceFiles} at most.`,
    );
  const files = [];
  for (const path of paths) files.push(await readReference(path));
  return files;
}

/**
 * What `appraise` compares with: the files of `--reference`, their signatures checked.
 * @throws CliError as `readReferences`, and wrong usage where the policy does not ask for them
 */
export async function referencesFor(
  { references }: Policy,
  given: string | readonly string[] | undefined,
): Promise<VerifiedReferences> {
  if (given === undefined) return noReferences;
  if (references === undefined) {
    throw usageError(
      '--reference was given, but the policy has no member references: nothing would be compared',
      'Write the builders that you trust into the policy (docs/policy.md).',
    );
  }
  return verifyReferences(await readReferences([given].flat()), nodeCrypto);
}

/** Fingerprint of a P-256 public key in a PEM file. @throws CliError wrong usage */
export async function fingerprintOfFile(path: string): Promise<string> {
  const bytes = await readFileLimited(path, keyFileLimit, 'key', 'usage');
  return blaming('usage', `key ${path}`, () => fingerprintOf(spkiOfPem(bytes), 'key'));
}

function spkiOfPem(pem: Bytes): Bytes {
  const text = fromUtf8(pem, 'key').trim().replace(/\r/g, '');
  // OpenSSL would take a private key too, and make its public half.
  if (!/^-----BEGIN PUBLIC KEY-----\n[^-]*-----END PUBLIC KEY-----$/.test(text))
    throw new AttestationError('pem-malformed', 'expected one block, PUBLIC KEY (SPKI)');
  try {
    return new Uint8Array(createPublicKey(text).export({ format: 'der', type: 'spki' }));
  } catch (cause) {
    throw new AttestationError('pem-malformed', 'the block is not a public key', { cause });
  }
}

/** Whole or not at all. @throws CliError wrong usage for a file that is there, unless `replace`, or cannot be written */
export async function writeReference(
  path: string,
  content: string,
  replace: boolean,
): Promise<void> {
  try {
    if (!replace) return await writeFile(path, content, { flag: 'wx' });
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, content, { flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    throw code === 'EEXIST' && !replace
      ? new CliError(
          'usage',
          'file-exists',
          `${path} exists`,
          'Choose another name, or give --force.',
        )
      : new CliError(
          'usage',
          'file-unwritable',
          `${path} cannot be written: ${code}`,
          'Check the path and its permissions.',
        );
  }
}
