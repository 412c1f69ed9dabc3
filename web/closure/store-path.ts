/** `/nix/store/<hash>-<name>-<version>-<output>` for people. The split is a guess by Nix's own rule: a path is one text to Nix. */
import type { ClosurePath } from '#verifier/abi/closure.ts';
import { toHex } from '#verifier/bytes.ts';

export type StorePath = {
  readonly path: string;
  /** Of the path: 32 characters of Nix's base32. */
  readonly hash: string;
  readonly name: string;
  /** Empty where the path names none. */
  readonly version: string;
  /** `bin`, `dev`, `man` …; empty for the only or first one. */
  readonly output: string;
  /** hex */
  readonly narHash: string;
};

const prefixLength = '/nix/store/'.length;
const hashLength = 32;

/** What packages of nixpkgs call their outputs; a version may end in other words. */
const outputs: ReadonlySet<string> = new Set([
  'bin',
  'data',
  'debug',
  'dev',
  'devdoc',
  'devman',
  'dist',
  'doc',
  'drivers',
  'etc',
  'getent',
  'host',
  'info',
  'installedTests',
  'kmod',
  'lib',
  'libgcc',
  'locale',
  'man',
  'modules',
  'modules-shrunk',
  'nss',
  'out',
  'pam',
  'plugins',
  'python',
  'static',
  'tools',
  'udev',
]);

export function splitStorePath({ path, narHash }: ClosurePath): StorePath {
  const hash = path.slice(prefixLength, prefixLength + hashLength);
  const rest = path.slice(prefixLength + hashLength + 1);
  return { path, hash, ...splitName(rest), narHash: toHex(narHash) };
}

/** The version begins after the first dash that a letter does not follow (Nix, parseDrvName). */
export function splitName(text: string): Pick<StorePath, 'name' | 'version' | 'output'> {
  const found = /-(?=[^A-Za-z])/.exec(text);
  if (found === null || found.index === 0) return { name: text, version: '', output: '' };
  const name = text.slice(0, found.index);
  const rest = text.slice(found.index + 1);
  const [, version, output] = /^(.+?)-([A-Za-z]+(?:-shrunk)?)$/.exec(rest) ?? [];
  return version !== undefined && output !== undefined && outputs.has(output)
    ? { name, version, output }
    : { name, version: rest, output: '' };
}
