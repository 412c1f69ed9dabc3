/** Keys that sign tokens, of node:crypto: from a file, or made for this run. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
} from 'node:crypto';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { fromBase64Url } from '#verifier/tokens/base64url.ts';
import { publicJwkOf, type TokenSigner } from '#verifier/tokens/keys.ts';
import { blaming, CliError } from './cli-error.ts';
import { readFileLimited } from './files.ts';

const keyFileLimit = 64 * 1024;

/** A key that nobody can know yet; its `kid` says so. */
export function freshSigner(): TokenSigner {
  return signerOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, true);
}

/** @throws CliError wrong usage, for a file that is no such key */
export async function signerOfFile(path: string): Promise<TokenSigner> {
  const bytes = await readFileLimited(path, keyFileLimit, 'key', 'usage');
  return blaming('usage', `key ${path}`, () => signerOfPem(bytes));
}

/**
 * An unencrypted PKCS#8 key on P-256.
 * @throws AttestationError `pem-malformed`, `utf8-malformed`; CliError for another kind of key
 */
export function signerOfPem(pem: Bytes): TokenSigner {
  const text = fromUtf8(pem, 'key').trim();
  if (
    !/^-----BEGIN PRIVATE KEY-----\n[^-]*-----END PRIVATE KEY-----$/.test(text.replace(/\r/g, ''))
  )
    throw new AttestationError('pem-malformed', 'expected one block, PRIVATE KEY (PKCS#8)');
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    throw new AttestationError('pem-malformed', 'the block is not a private key', { cause });
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CliError(
      'usage',
      'key-unfit',
      `the key is of ${asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType}, not of P-256`,
      'Make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem',
    );
  }
  return signerOf(key, false);
}

function signerOf(key: KeyObject, ephemeral: boolean): TokenSigner {
  const { x, y } = createPublicKey(key).export({ format: 'jwk' });
  const point = { x: fromBase64Url(x as string, 'x'), y: fromBase64Url(y as string, 'y') };
  const publicJwk = publicJwkOf(point, ephemeral);
  return {
    alg: 'ES256',
    kid: publicJwk.kid,
    publicJwk,
    sign: async (message) =>
      new Uint8Array(nodeSign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })),
  };
}
