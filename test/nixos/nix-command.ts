/** Debian's nix-bin, or any other Nix, for files that need no nixpkgs. Tests skip with `nixMissing` without one. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '#test/tools/layers.ts';

export const nixMissing = 'nix-instantiate is not here (Debian: apt-get install nix-bin)';

export const hasNix: boolean = spawnSync('nix-instantiate', ['--version']).status === 0;

/** Every Nix file of the repository, from its root. */
export function nixFiles(): string[] {
  const options = { recursive: true, withFileTypes: true } as const;
  const below = ['nixos', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), options)
      .filter((entry) => entry.isFile() && entry.name.endsWith('.nix'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  );
  return ['flake.nix', ...below].toSorted();
}

/** Runs nix-instantiate without a store of its own or settings of the machine's owner. */
export function instantiate(args: readonly string[]): {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  return spawnSync('nix-instantiate', [...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NIX_CONF_DIR: '/var/empty', NIX_REMOTE: 'dummy://' },
    maxBuffer: 64 * 1024 * 1024,
  });
}

/**
 * @param expression Nix; relative paths are from the repository's root
 * @throws Error with Nix's own words
 */
export function evaluate(expression: string): unknown {
  const { status, stdout, stderr } = instantiate([
    '--eval',
    '--strict',
    '--json',
    '--expr',
    expression,
  ]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
