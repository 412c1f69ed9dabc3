/** Files of `affidavit idblock`: blocks and authentications in either form, and the owner's keys. */
import { createPrivateKey, createPublicKey, type KeyObject, sign as nodeSign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type Bytes, concat, fromBase64, fromUtf8, toBase64, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { idAuthLength } from '#verifier/measure/snp/id-auth.ts';
import { idBlockLength } from '#verifier/measure/snp/id-block.ts';
import type { OwnerSigner } from '#verifier/measure/snp/owner-key.ts';
import { fromBase64Url } from '#verifier/tokens/base64url.ts';
import { blaming, CliError, usageError } from './cli-error.ts';
import { readFileLimited } from './files.ts';

/** An authentication in base64, with room for line breaks. */
const fileLimit = 16 * 1024;
const keyFileLimit = 64 * 1024;

/** Raw, by its length, or base64. @throws CliError */
export async function readBlob(path: string, what: string): Promise<Bytes> {
  const bytes = await readFileLimited(path, fileLimit, what, 'invalid');
  if (bytes.length === idBlockLength || bytes.length === idAuthLength) return bytes;
  return blaming('invalid', path, () =>
    fromBase64(fromUtf8(bytes, what).replace(/[\r\n]/g, ''), `${what}, neither raw nor base64`),
  );
}

export type OutputOptions = {
  out?: string | undefined;
  form: 'base64' | 'raw';
  force?: boolean | undefined;
};

/** @returns what goes to standard output @throws CliError wrong usage */
export async function writeBlob(
  bytes: Bytes,
  { out, form, force = false }: OutputOptions,
): Promise<string> {
  const text = `${toBase64(bytes)}\n`;
  if (out === undefined) {
    if (form === 'raw') throw usageError('--form raw needs --out');
    return text;
  }
  try {
    await writeFile(out, form === 'raw' ? bytes : utf8(text), { flag: force ? 'w' : 'wx' });
  } catch (error) {
    throw unwritable(out, error);
  }
  return `${out} written.\n`;
}

function unwritable(path: string, error: unknown): CliError {
  const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
  const reason = error instanceof Error ? error.message : String(error);
  return new CliError(
    'usage',
    exists ? 'file-exists' : 'file-unwritable',
    exists ? `${path} exists` : `${path} cannot be written: ${reason}`,
    exists ? 'Choose another name, or give --force.' : 'Check the path and its permissions.',
  );
}

/** @throws CliError wrong usage, for a file that is no such key */
export async function ownerSignerOf(path: string): Promise<OwnerSigner> {
  const pem = await readFileLimited(path, keyFileLimit, 'key', 'usage');
  return blaming('usage', `key ${path}`, () => ownerSignerOfPem(pem));
}

/** One block, unencrypted: PKCS#8, or SEC 1 as openssl ecparam writes it with the curve's parameters before it. */
const keyPem =
  /^(?:-----BEGIN EC PARAMETERS-----\n[^-]*-----END EC PARAMETERS-----\n)?(-----BEGIN (EC )?PRIVATE KEY-----\n[^-]*-----END \2PRIVATE KEY-----)$/;

/** @throws AttestationError `utf8-malformed`, `pem-malformed`; CliError for another kind of key */
export function ownerSignerOfPem(pem: Bytes): OwnerSigner {
  const text = fromUtf8(pem, 'key').replaceAll('\r', '').trim();
  const block = keyPem.exec(text)?.[1];
  if (block === undefined) {
    throw new AttestationError(
      'pem-malformed',
      'expected one block, PRIVATE KEY or EC PRIVATE KEY, not encrypted',
    );
  }
  const key = privateKeyOf(block);
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'secp384r1') {
    throw new CliError(
      'usage',
      'key-unfit',
      `the key is of ${asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType}, not of P-384`,
      'Make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out KEY.pem',
    );
  }
  const { x, y } = createPublicKey(key).export({ format: 'jwk' });
  return {
    key: concat(fromBase64Url(x as string, 'x'), fromBase64Url(y as string, 'y')),
    sign: async (message) =>
      new Uint8Array(nodeSign('sha384', message, { key, dsaEncoding: 'ieee-p1363' })),
  };
}

function privateKeyOf(block: string): KeyObject {
  try {
    return createPrivateKey(block);
  } catch (cause) {
    throw new AttestationError('pem-malformed', 'the block is not a private key', { cause });
  }
}
