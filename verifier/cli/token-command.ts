/** `affidavit token`: check a token, and print the JWKS that tokens of a key are checked with. */
import { type Bytes, fromHex, fromUtf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import { type Expected, maxTokenLength } from '#verifier/tokens/accept.ts';
import { verifyCwt } from '#verifier/tokens/cwt.ts';
import type { EarClaims } from '#verifier/tokens/ear.ts';
import { verifyJwt } from '#verifier/tokens/jwt.ts';
import { type Jwks, jwksOf, parseJwks } from '#verifier/tokens/keys.ts';
import { blaming, CliError, usageError } from './cli-error.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';
import { nodeCrypto } from './node-crypto.ts';
import { signerOfFile } from './node-signer.ts';

const jwksLimit = 64 * 1024;
/** A CWT begins with CBOR tag 18, which no text does. */
const coseTag = 0xd2;

export type TokenVerifyOptions = {
  file: string;
  jwks: string;
  nonce?: string | undefined;
  at?: string | undefined;
};

/** @returns the claims, for standard output. @throws CliError invalid for a token that is not to be believed, or wrong usage */
export async function runTokenVerify(options: TokenVerifyOptions): Promise<string> {
  const expected: Expected = {
    now: timeOf(options.at),
    nonce: nonceOf(options.nonce),
    crypto: nodeCrypto,
  };
  const keys = await readFileLimited(options.jwks, jwksLimit, 'JWKS', 'usage');
  const jwks = blaming('usage', `--jwks ${options.jwks}`, () => parseJwks(keys));
  const token =
    options.file === standardInput
      ? await readStdinLimited(maxTokenLength, 'token')
      : await readFileLimited(options.file, maxTokenLength, 'token', 'invalid');
  return `${JSON.stringify(await verified(token, jwks, expected), null, 2)}\n`;
}

/** @returns the JWKS, for standard output. @throws CliError wrong usage */
export async function runTokenJwks({ earKey }: { earKey: string }): Promise<string> {
  return `${JSON.stringify(jwksOf([await signerOfFile(earKey)]), null, 2)}\n`;
}

async function verified(token: Bytes, jwks: Jwks, expected: Expected): Promise<EarClaims> {
  try {
    if (token[0] === coseTag) return await verifyCwt(token, jwks, expected);
    // As a shell or an editor ends a line; the token itself holds no white space.
    const text = fromUtf8(token, 'token').replace(/\r?\n$/, '');
    return await verifyJwt(text, jwks, expected);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    throw new CliError('invalid', error.code, `token: ${error.message}`, error.remedy);
  }
}

function nonceOf(text: string | undefined): Expected['nonce'] {
  if (text === undefined) return 'any';
  const nonce = blaming('usage', '--nonce', () => fromHex(text.toLowerCase(), 'value'));
  if (nonce.length < 8 || nonce.length > 64)
    throw usageError('--nonce should have 8 to 64 bytes', 'Give it as it was sent.');
  return nonce;
}

function timeOf(at: string | undefined): UnixTime {
  if (at === undefined) return Math.floor(Date.now() / 1000);
  const time = parseTime(at);
  if (time !== null) return time;
  throw usageError(
    `--at ${at} is not an RFC 3339 time with its zone`,
    'Write for example 2026-01-31T12:00:00Z.',
  );
}
