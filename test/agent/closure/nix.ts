/** Real Nix, where it is installed (Debian: `apt-get install nix-bin`), with a store of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Bytes, fromHex } from '#verifier/bytes.ts';

/** Without it, even `nix-store --version` makes a `/nix`. */
const noStore = { ...process.env, NIX_REMOTE: 'dummy://' };
const asked = spawnSync('nix-store', ['--version'], { encoding: 'utf8', env: noStore });
export const hasNix: boolean = asked.status === 0;
/** The reason to print when a test skips. */
export const nixMissing = 'there is no nix-store here (Debian: apt-get install nix-bin)';

/** SHA-256 of what `nix-store --dump` writes. */
export function nixNarHash(path: string): Bytes {
  const script = 'set -o pipefail; nix-store --dump "$1" | sha256sum';
  const answer = execFileSync('bash', ['-c', script, 'bash', path], {
    encoding: 'utf8',
    env: noStore,
  });
  return fromHex(answer.slice(0, 64), 'sha256sum', 32);
}

export type NixStore = {
  /** The file system root that the store is below: `<root>/nix/store`. */
  root: string;
  /** Runs one of Nix's commands on this store. */
  nix(command: string, ...args: readonly string[]): string;
  /** What `nix` needs to use this store. */
  environment: Record<string, string>;
};

/** An empty store that any user can write, below `folder`. Logical paths stay `/nix/store/…`. */
export function createNixStore(folder: string): NixStore {
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  const conf = join(folder, 'conf');
  mkdirSync(conf);
  const settings = [
    'build-users-group =',
    'sandbox = false',
    'substituters =',
    'experimental-features = nix-command flakes',
    `store = ${root}`,
  ];
  writeFileSync(join(conf, 'nix.conf'), `${settings.join('\n')}\n`);
  const home = join(folder, 'home');
  mkdirSync(home);
  const environment = { NIX_CONF_DIR: conf, HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
  const env = { ...process.env, ...environment };
  const nix = (command: string, ...args: readonly string[]) =>
    execFileSync(command, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { root, nix, environment };
}

const busybox = '/bin/busybox';
/** Building takes a program that needs no other file; Debian's busybox-static is one. */
export const canBuild: boolean = hasNix && existsSync(busybox);
export const cannotBuild =
  'there is no Nix to build with (Debian: apt-get install nix-bin busybox-static)';

/**
 * Builds a system of a few store paths that refer to each other in every way: in a text, among other bytes, by a symlink's
 * target, by a file's name; and one more path that nothing refers to.
 * @returns the system's store path, in the store of `createNixStore`
 */
export function buildSystem({ nix }: NixStore, folder: string): { system: string; other: string } {
  mkdirSync(join(folder, 'shell/bin'), { recursive: true });
  copyFileSync(busybox, join(folder, 'shell/bin/busybox'));
  createTree(join(folder, 'tree'));
  const expression = join(folder, 'system.nix');
  writeFileSync(
    expression,
    `let
      shell = builtins.path { path = ./shell; name = "shell"; };
      tree = builtins.path { path = ./tree; name = "tree"; };
      conf = builtins.toFile "app.conf" "text";
      make = name: script: derivation {
        inherit name;
        system = builtins.currentSystem;
        builder = "\${shell}/bin/busybox";
        args = [ "sh" "-c" "bb=\${shell}/bin/busybox; \${script}" ];
      };
      lib = make "lib-1.0" ''
        $bb dd if=/dev/zero bs=1000 count=300 > $out
        printf '%s\\0\\377' \${tree} >> $out
        $bb dd if=/dev/zero bs=1000 count=300 >> $out
      '';
      app = make "app-2.0" ''
        $bb mkdir -p $out/bin $out/etc
        echo "exec \${lib} $out" > $out/bin/app
        $bb chmod 755 $out/bin/app
        $bb ln -s \${conf} $out/etc/conf
      '';
      data = make "data" "echo data > $out";
      other = make "other" "echo \${app} > $out";
      system = make "nixos-system-test" ''
        $bb mkdir $out
        $bb ln -s \${app}/bin $out/sw
        echo > $out/$($bb basename \${data})
      '';
    in { inherit system other; }`,
  );
  const build = (name: string) => nix('nix-build', '--no-out-link', '-A', name, expression).trim();
  return { system: build('system'), other: build('other') };
}

/** A folder with everything that a NAR can hold. */
export function createTree(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'contents');
  writeFileSync(join(folder, 'empty file'), '');
  writeFileSync(join(folder, 'run'), '#!/bin/sh\n');
  chmodSync(join(folder, 'run'), 0o755);
  symlinkSync('file', join(folder, 'link'));
  symlinkSync('/nowhere/ at all', join(folder, 'dangling'));
  mkdirSync(join(folder, 'empty'));
  mkdirSync(join(folder, 'a/b/c/d'), { recursive: true });
  writeFileSync(join(folder, 'a/b/c/d/deep'), 'deep');
  // By bytes: "B" before "a", "a" before "a b" before "a.b" before "ab".
  for (const name of ['B', 'a b', 'a.b', 'ab', 'ä', '日本', '\n', 'x\ty']) {
    writeFileSync(join(folder, name), name);
  }
  for (const bytes of [[0xff], [0x80, 0xfe], [0x61, 0xc3]]) {
    const name = Buffer.from(bytes);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), name);
    symlinkSync(name, Buffer.concat([Buffer.from(`${folder}/l`), name]));
  }
}
