/** What flake.lock may hold: everything else is a change that nobody reviewed. */
import { AttestationError } from '#verifier/errors.ts';
import { object, parseJson, text, version } from '#verifier/json.ts';

const word = (expected: string) => text(new RegExp(`^${expected}$`), expected);

const source = { owner: word('NixOS'), repo: word('nixpkgs'), type: word('github') };

const lock = object({
  nodes: object({
    nixpkgs: object({
      locked: object({
        ...source,
        narHash: text(/^sha256-[A-Za-z0-9+/]{43}=$/, 'the SHA-256 of a NAR'),
        rev: text(/^[0-9a-f]{40}$/, 'a commit'),
      }),
      original: object({ ...source, ref: text(/^nixos-\d\d\.(05|11)$/, 'a release of NixOS') }),
    }),
    root: object({ inputs: object({ nixpkgs: word('nixpkgs') }) }),
  }),
  root: word('root'),
  version: version(7),
});

/** @returns what is wrong, nothing for a lock of one input */
export function lockProblems(file: string): string[] {
  try {
    lock(parseJson(file, 'flake.lock'), 'flake.lock');
    return [];
  } catch (error) {
    if (error instanceof AttestationError) return [error.message];
    throw error;
  }
}
