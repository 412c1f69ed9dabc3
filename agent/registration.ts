/**
 * The registration file that nixpkgs' `closureInfo` writes (what `nix-store --load-db` reads). A
 * record a path, each item a line: path, NAR hash, NAR size, deriver (may be empty), number of
 * references, the references.
 */
import { storePathPattern } from '#verifier/abi/closure.ts';
import { type Bytes, fromUtf8, quote } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type ListedPath, maxPaths, refuseMissingReferences } from './closure/list.ts';
import { parseNixHash } from './nix-hash.ts';

/**
 * Paths in the file's order. Each reference is one of them; derivers are checked for their form and
 * otherwise not used.
 * @throws AttestationError `closure-malformed` naming the line; `utf8-malformed`
 */
export function parseRegistration(bytes: Bytes): ListedPath[] {
  const lines = toLines(fromUtf8(bytes, 'registration file'));
  const paths: ListedPath[] = [];
  const seen = new Map<string, number>();
  let at = 0;

  function fail(problem: string): never {
    throw malformed(`line ${at}: ${problem}`);
  }

  function line(what: string): string {
    const found = lines[at];
    at += 1;
    return found ?? fail(`the file ends where ${what} should be`);
  }

  function storePath(what: string): string {
    const found = line(what);
    if (!storePathPattern.test(found)) fail(`expected ${what}, got ${quote(found)}`);
    return found;
  }

  function decimal(what: string): number {
    const found = line(what);
    if (!/^(?:0|[1-9][0-9]{0,14})$/.test(found)) fail(`expected ${what}, got ${quote(found)}`);
    return Number(found);
  }

  while (at < lines.length) {
    const path = storePath('a store path');
    const first = seen.get(path);
    if (first !== undefined) fail(`${path} is already on line ${first}`);
    seen.set(path, at);
    if (seen.size > maxPaths) fail(`more than ${maxPaths} paths`);
    const hash = line('a NAR hash');
    const narHash =
      parseNixHash(hash) ??
      fail(
        `expected a SHA-256 (hex, sha256:<hex or Nix base32>, sha256-<base64>), got ${quote(hash)}`,
      );
    const narSize = decimal('the NAR size');
    const deriver = line('the deriver');
    if (deriver !== '' && !storePathPattern.test(deriver)) {
      fail(`expected a deriver or an empty line, got ${quote(deriver)}`);
    }
    const count = decimal('the number of references');
    const references: string[] = [];
    for (let i = 0; i < count; i++) references.push(storePath(`reference ${i + 1} of ${count}`));
    paths.push({ path, narHash, narSize, references });
  }
  refuseMissingReferences(paths, 'registration file');
  return paths;
}

/** The last line feed may be missing. */
function toLines(text: string): string[] {
  if (text === '') throw malformed('it is empty, expected one record a store path');
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

function malformed(problem: string): AttestationError {
  return new AttestationError('closure-malformed', `registration file: ${problem}`);
}
