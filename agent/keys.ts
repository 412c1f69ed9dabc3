/** The services' public keys: those of the configuration, and those of the files that it names. */
import { checkPublicKey } from '#verifier/abi/service.ts';
import { type Bytes, fromHex, fromUtf8, quote } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type KeyedService, refuseSharedKeys, type ServiceConfig } from './config.ts';
import { AgentError } from './errors.ts';

/** Far more than a key has: a wrong path must not fill the memory. */
export const maxKeyFileLength = 1024;

/**
 * All keys, read anew.
 * @param read a file by the name that the configuration gives it
 * @throws AgentError `config-invalid` naming the member: a file that cannot be read or holds no key, a
 *   key off the curve, one that two services have
 */
export async function readServiceKeys(
  services: readonly ServiceConfig[],
  read: (file: string) => Promise<Bytes>,
): Promise<KeyedService[]> {
  const keys: Bytes[] = [];
  for (const [index, { key }] of services.entries()) {
    keys.push('file' in key ? await readKey(index, key.file, read) : key.publicKey);
  }
  refuseSharedKeys(services, keys);
  return services.map(({ name, storePath }, index) => ({
    name,
    storePath,
    publicKey: keys[index] as Bytes,
  }));
}

async function readKey(
  index: number,
  file: string,
  read: (file: string) => Promise<Bytes>,
): Promise<Bytes> {
  const member = `configuration.services[${index}].publicKeyFile`;
  let bytes: Bytes;
  try {
    bytes = await read(file);
  } catch (cause) {
    throw new AgentError('config-invalid', `${member}: ${quote(file)} cannot be read`, { cause });
  }
  try {
    return parsePublicKeyFile(bytes);
  } catch (cause) {
    if (!(cause instanceof AttestationError)) throw cause;
    const problem = `${quote(file)} holds no key: ${cause.message}`;
    throw new AgentError('config-invalid', `${member}: ${problem}`, { cause });
  }
}

/**
 * What `affidavit keygen` writes: x ‖ y as 128 lower-case hex digits, with or without a final LF.
 * @throws AttestationError `utf8-malformed`, `hex-malformed`, `signature-malformed` for a point that
 *   is not on secp256k1
 */
export function parsePublicKeyFile(bytes: Bytes): Bytes {
  const text = fromUtf8(bytes, 'key file');
  const key = fromHex(text.endsWith('\n') ? text.slice(0, -1) : text, 'key file', 64);
  checkPublicKey(key);
  return key;
}
