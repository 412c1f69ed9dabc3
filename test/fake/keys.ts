/**
 * Keys of the simulated AMD and Intel. AMD's three RSA-4096 keys take 1.4 to 3.2 seconds together
 * on two idle cores and up to 10 on busy ones (the search for primes is luck); P-384 and P-256 a
 * millisecond. So a run makes one set of AMD's and uses it for every product.
 */
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair as generateKeyPairCallback,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Bytes } from '#verifier/bytes.ts';

const generateKeyPair = promisify(generateKeyPairCallback);

export const keyRoles = ['ark', 'ask', 'asvk', 'vcek', 'vlek'] as const;
export type KeyRole = (typeof keyRoles)[number];

export type KeyPair = { publicKey: KeyObject; privateKey: KeyObject };
export type AmdKeys = Record<KeyRole, KeyPair>;

/** Private keys as PKCS #8 PEM: survives JSON and the way into a worker. */
export type ExportedKeys = Record<KeyRole, string>;

/** Generated in parallel. */
export async function generateKeys(): Promise<AmdKeys> {
  const [ark, ask, asvk, vcek, vlek] = await Promise.all([
    generateRsaKey(),
    generateRsaKey(),
    generateRsaKey(),
    generateEcKey(),
    generateEcKey(),
  ]);
  return { ark, ask, asvk, vcek, vlek };
}

/** @param bits AMD's are 4096; fewer makes a key that must be refused */
export function generateRsaKey(bits = 4096): Promise<KeyPair> {
  return generateKeyPair('rsa', { modulusLength: bits, publicExponent: 65537 });
}

export function generateEcKey(namedCurve: 'P-256' | 'P-384' | 'P-521' = 'P-384'): Promise<KeyPair> {
  return generateKeyPair('ec', { namedCurve });
}

/**
 * The same keys in other roles: a foreign hierarchy with the same names, without the price of new
 * keys.
 */
export function exchangeKeys(keys: AmdKeys): AmdKeys {
  return { ark: keys.ask, ask: keys.asvk, asvk: keys.ark, vcek: keys.vlek, vlek: keys.vcek };
}

export function exportKeys(keys: AmdKeys): ExportedKeys {
  return mapRoles((role) => String(keys[role].privateKey.export({ type: 'pkcs8', format: 'pem' })));
}

export function importKeys(exported: ExportedKeys): AmdKeys {
  return mapRoles((role) => {
    const privateKey = createPrivateKey(exported[role]);
    return { privateKey, publicKey: createPublicKey(privateKey) };
  });
}

function mapRoles<Value>(toValue: (role: KeyRole) => Value): Record<KeyRole, Value> {
  return {
    ark: toValue('ark'),
    ask: toValue('ask'),
    asvk: toValue('asvk'),
    vcek: toValue('vcek'),
    vlek: toValue('vlek'),
  };
}

let memoised: Promise<AmdKeys> | undefined;

/** One set per process, generated when first asked for. */
export function processKeys(): Promise<AmdKeys> {
  memoised ??= generateKeys();
  return memoised;
}

/** `stranger` is nobody's: it signs what none of the others may have signed. */
export const intelKeyRoles = [
  'root',
  'platformCa',
  'processorCa',
  'tcbSigning',
  'pck',
  'attestation',
  'stranger',
] as const;
export type IntelKeyRole = (typeof intelKeyRoles)[number];
export type IntelKeys = Record<IntelKeyRole, KeyPair>;

/** All P-256. @param seed the same keys each time; without it, new ones */
export function generateIntelKeys(seed?: string): IntelKeys {
  const pairs = intelKeyRoles.map((role) => [
    role,
    seed === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : p256KeyOf(`${seed}/${role}`),
  ]);
  return Object.fromEntries(pairs);
}

/** Private scalar = SHA-256(seed). Anyone can compute it: for keys of tests alone. */
export function p256KeyOf(seed: string): KeyPair {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(createHash('sha256').update(seed).digest());
  const point = ecdh.getPublicKey();
  const privateKey = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: ecdh.getPrivateKey('base64url'),
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** x ‖ y, 32 bytes each, of a P-256 key. */
export function rawPoint(key: KeyObject): Bytes {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }).subarray(-64));
}
