/** The closure manifest: what the system path contains, one line a store path (protocol, "What is bound"). */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  type Bytes,
  compareBytes,
  concat,
  fromHex,
  fromUtf8,
  quote,
  toHex,
  utf8,
} from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { tag } from '../tags.ts';

export type ClosurePath = { path: string; narHash: Bytes };

/** Nix base32 has no e, o, u, t. */
export const storePathPattern = /^\/nix\/store\/[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+._?=-]{1,211}$/;

/**
 * Manifest: for each path of the closure, once, `<SHA-256 of its NAR, hex> <path>\n`, sorted by the path's bytes.
 * @throws AttestationError `closure-malformed` on a malformed or repeated path, or no path at all
 */
export function encodeManifest(paths: readonly ClosurePath[]): Bytes {
  const lines = paths.map(({ path, narHash }) => {
    aStorePath(path);
    if (narHash.length !== 32) throw new RangeError('a NAR hash has 32 bytes');
    return { path: utf8(path), line: `${toHex(narHash)} ${path}\n` };
  });
  lines.sort((a, b) => compareBytes(a.path, b.path));
  const manifest = utf8(lines.map(({ line }) => line).join(''));
  parseManifest(manifest);
  return manifest;
}

/**
 * Takes exactly what `encodeManifest` writes.
 * @throws AttestationError `closure-malformed`, `utf8-malformed`
 */
export function parseManifest(manifest: Bytes): ClosurePath[] {
  const text = fromUtf8(manifest, 'closure manifest');
  if (text === '') throw malformed('it names no path');
  if (!text.endsWith('\n')) throw malformed('its last line has no line feed');
  const lines = text.slice(0, -1).split('\n');
  let previous: Bytes | null = null;
  return lines.map((line, index) => {
    const [hash = '', path = '', ...rest] = line.split(' ');
    if (rest.length > 0 || !/^[0-9a-f]{64}$/.test(hash)) {
      throw malformed(`line ${index + 1} is not "<64 hex digits> <path>"`);
    }
    aStorePath(path);
    const bytes = utf8(path);
    const order = previous === null ? -1 : compareBytes(previous, bytes);
    if (order === 0) throw malformed(`${path} occurs twice`);
    if (order > 0) throw malformed(`line ${index + 1} is out of order`);
    previous = bytes;
    return { path, narHash: fromHex(hash, 'NAR hash', 32) };
  });
}

/** closure digest = SHA-256(tag(closure) ‖ manifest) */
export function closureDigest(manifest: Bytes): Bytes {
  return sha256(concat(tag('closure'), manifest));
}

function aStorePath(path: string): void {
  if (!storePathPattern.test(path)) throw malformed(`${quote(path)} is not a Nix store path`);
}

function malformed(problem: string): AttestationError {
  return new AttestationError('closure-malformed', `closure manifest: ${problem}`);
}
