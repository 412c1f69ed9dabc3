/** What a guest needs of this machine, and the programs that run in it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { buildEchoCpp } from '../services/echo-cpp/build.ts';
import { buildEchoRust } from '../tools/cargo.ts';
import { debianMissing } from '../tools/debian.ts';
import { qemu } from './qemu.ts';
import type { Programs } from './store.ts';
import { busybox } from './userland.ts';

/** Command → Debian package. */
const commands = {
  [qemu]: 'qemu-system-x86',
  'nix-store': 'nix-bin',
  gcc: 'gcc',
  make: 'make',
  strip: 'binutils',
  xz: 'xz-utils',
  curl: 'curl',
  setpriv: 'util-linux',
};

/** Why no guest can be booted here; null where one can. */
export function guestMissing(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'a guest takes Linux on x86-64';
  for (const [command, name] of Object.entries(commands)) {
    const found = spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
    if (!found) return `there is no ${command} here (Debian: apt-get install ${name})`;
  }
  if (!existsSync(busybox))
    return `there is no ${busybox} (Debian: apt-get install busybox-static)`;
  return debianMissing();
}

/** Builds what is compiled; what cannot be built here is left out, and a line says so. */
export async function buildPrograms(): Promise<Programs> {
  const [echoCpp, echoRust] = await Promise.all([buildEchoCpp(), buildEchoRust()]);
  return {
    node: process.execPath,
    echoCpp: serverOf('echo-cpp', echoCpp),
    echoRust: serverOf('echo-rust', echoRust),
  };
}

function serverOf(name: string, built: { server: string } | { skipped: string }): string | null {
  if ('server' in built) return built.server;
  console.log(`guest: ${name} is left out: ${built.skipped}`);
  return null;
}
