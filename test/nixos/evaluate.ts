/** Runs Nix on test/nixos/eval: an attribute of items.nix as JSON, with what it cost. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '#test/tools/layers.ts';

export type Evaluated<T> = {
  readonly value: T;
  readonly seconds: number;
  /** Of the garbage collector's heap. */
  readonly megabytes: number;
};

/** What is missing, said so that it can be mended. */
export class NixMissing extends Error {}

/** nixpkgs of today needs it. */
const oldest = [2, 18] as const;

export class Nix {
  readonly version: string;
  readonly #command: string;
  readonly #nixpkgs: string;

  /**
   * @param nixpkgs absolute path of a nixpkgs tree
   * @throws NixMissing when the command is not there, or is too old
   */
  constructor(command: string, nixpkgs: string) {
    const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    const version = /(\d+)\.(\d+)(\.\d+)?/.exec(stdout ?? '');
    if (version === null) throw new NixMissing(`no Nix: ${command} does not answer (NIX=command)`);
    const [text, major, minor] = version;
    if (Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1])) {
      throw new NixMissing(`${command} is Nix ${text}, nixpkgs needs ${oldest.join('.')} or newer`);
    }
    this.version = text;
    this.#command = command;
    this.#nixpkgs = nixpkgs;
  }

  /**
   * @param attribute of items.nix: `systems.vm`
   * @throws Error with Nix's own words when it does not evaluate
   */
  evaluate<T>(attribute: string): Evaluated<T> {
    const scratch = mkdtempSync(join(tmpdir(), 'affidavit-nix-'));
    try {
      const statistics = join(scratch, 'statistics.json');
      writeFileSync(join(scratch, 'nix.conf'), settings);
      const start = performance.now();
      const { status, stdout, stderr } = spawnSync(this.#command, this.#arguments(attribute), {
        encoding: 'utf8',
        maxBuffer: 256 * 1024 * 1024,
        env: {
          ...process.env,
          NIX_CONF_DIR: scratch,
          NIX_SHOW_STATS: '1',
          NIX_SHOW_STATS_PATH: statistics,
        },
      });
      if (status !== 0) throw new Error(`${attribute} does not evaluate:\n${stderr}`);
      const { gc } = JSON.parse(readFileSync(statistics, 'utf8')) as { gc: { heapSize: number } };
      return {
        value: JSON.parse(stdout) as T,
        seconds: (performance.now() - start) / 1000,
        megabytes: gc.heapSize / 2 ** 20,
      };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  /** @returns what Nix says against flake.lock, or that it would write another; null when it takes it as it is */
  lockProblem(): string | null {
    const scratch = mkdtempSync(join(tmpdir(), 'affidavit-lock-'));
    try {
      for (const name of ['flake.nix', 'flake.lock']) {
        copyFileSync(join(root, name), join(scratch, name));
      }
      writeFileSync(join(scratch, 'nix.conf'), settings);
      const { status, stderr } = spawnSync(
        this.#command,
        ['flake', 'lock', '--offline', `path:${scratch}`],
        { encoding: 'utf8', env: { ...process.env, NIX_CONF_DIR: scratch } },
      );
      if (status !== 0) return stderr;
      const [before, after] = [root, scratch].map((folder) =>
        readFileSync(join(folder, 'flake.lock'), 'utf8'),
      );
      return before === after ? null : `Nix would write another lock: ${after}`;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  #arguments(attribute: string): string[] {
    const items = `import ${join(root, 'test/nixos/eval/items.nix')}`;
    const folders = `{ nixpkgs = "${this.#nixpkgs}"; repository = "${root.replace(/\/$/, '')}"; }`;
    const expression = `(${items} ${folders}).${attribute}`;
    return ['eval', '--impure', '--offline', '--json', '--expr', expression];
  }
}

/** Nothing is built and nothing fetched. */
const settings = `build-users-group =
substituters =
experimental-features = nix-command flakes
`;
