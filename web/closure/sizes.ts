/**
 * Sizes of store paths, which a manifest does not hold: from `nix path-info --json -r`, for those paths whose NAR hash there is the
 * manifest's. The hash speaks for the bytes and not for the number beside it, so a size is what that file says.
 */
import { type Bytes, fromHex, fromUtf8, toBase64 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseJson } from '#verifier/json.ts';
import type { Sizes } from './model.ts';
import type { StorePath } from './store-path.ts';

type PathInfo = { narHash: unknown; narSize: unknown };

/**
 * Both of Nix's forms: a list of objects with their `path`, and an object by path.
 * @returns sizes by path; paths that the file does not name, or names with another hash, have none
 * @throws AttestationError what the JSON's reader throws, `json-shape`, `value-out-of-range` when it speaks of none of the paths
 */
export function readSizes(bytes: Bytes, paths: readonly StorePath[]): Sizes {
  const infos = infosOf(parseJson(fromUtf8(bytes, 'path info'), 'path info'));
  const sizes = new Map<string, number>();
  for (const { path, narHash } of paths) {
    const info = infos.get(path);
    if (info === undefined || !isHash(info.narHash, narHash)) continue;
    if (typeof info.narSize !== 'number' || !Number.isSafeInteger(info.narSize)) continue;
    if (info.narSize >= 0) sizes.set(path, info.narSize);
  }
  if (sizes.size > 0) return sizes;
  throw new AttestationError('value-out-of-range', 'it tells the size of none of these paths');
}

function infosOf(json: unknown): ReadonlyMap<string, PathInfo> {
  if (typeof json !== 'object' || json === null) {
    throw new AttestationError(
      'json-shape',
      'path info: expected what nix path-info --json writes',
    );
  }
  const entries: [unknown, unknown][] = Array.isArray(json)
    ? json.map((info: unknown) => [isRecord(info) ? info['path'] : undefined, info])
    : Object.entries(json);
  const infos = new Map<string, PathInfo>();
  for (const [path, info] of entries) {
    if (typeof path !== 'string' || !isRecord(info)) continue;
    infos.set(path, { narHash: info['narHash'], narSize: info['narSize'] });
  }
  return infos;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As Nix writes one: SRI, or `sha256:` with hex or its own base32. */
function isHash(written: unknown, hex: string): boolean {
  if (typeof written !== 'string') return false;
  if (written === hex || written === `sha256:${hex}`) return true;
  const bytes = fromHex(hex, 'NAR hash');
  return written === `sha256-${toBase64(bytes)}` || written === `sha256:${toNixBase32(bytes)}`;
}

/** No e, o, u, t. */
const base32Alphabet = '0123456789abcdfghijklmnpqrsvwxyz';

/** One little-endian integer in digits of 5 bits, the most significant first. */
export function toNixBase32(bytes: Bytes): string {
  let value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = '';
  for (let left = Math.ceil((8 * bytes.length) / 5); left > 0; left--) {
    text = `${base32Alphabet[Number(value & 31n)]}${text}`;
    value >>= 5n;
  }
  return text;
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 MiB` */
export function sizeText(size: number): string {
  let [value, unit] = [size, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
