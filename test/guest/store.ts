/** The guest's Nix store: real Nix makes it from system.nix, in a folder of its own, without a daemon or a network. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createNixStore } from '../agent/closure/nix.ts';
import { agentBundle, bundleAgent } from '../tools/bundle-agent.ts';
import { busybox } from './userland.ts';

/** Where the guest lists its closure: beside the store, for a list cannot be in what it lists. */
export const registrationPath = '/nix/affidavit/registration';

export type Programs = {
  /** Node 24. */
  node: string;
  /** null where it could not be built. */
  echoCpp: string | null;
  echoRust: string | null;
};

export type GuestStore = {
  /** Folder that holds `nix/store`. */
  root: string;
  /** Store path of the system. */
  system: string;
  /** Every path of its closure. */
  paths: string[];
  /** File: `nix-store --dump-db` of the closure. */
  registration: string;
  /** For `nix` commands on this store. */
  environment: Record<string, string>;
};

/**
 * @param folder an empty one
 * @throws Error of Nix or esbuild
 */
export async function buildStore(folder: string, programs: Programs): Promise<GuestStore> {
  const parts = await collectParts(join(folder, 'parts'), programs);
  const { root, nix, environment } = createNixStore(folder);
  const expression = fileURLToPath(new URL('system.nix', import.meta.url));
  const args = Object.entries(parts).flatMap(([name, path]) => ['--arg', name, path]);
  const location = ['--argstr', 'registration', registrationPath];
  const system = nix('nix-build', '--no-out-link', expression, ...args, ...location).trim();
  const paths = nix('nix-store', '-qR', system).trim().split('\n');
  const registration = join(folder, 'registration');
  writeFileSync(registration, nix('nix-store', '--dump-db', ...paths));
  return { root, system, paths, registration, environment };
}

/** Each package as a folder of its own; Nix copies them as they are. @returns folders by argument of system.nix */
async function collectParts(folder: string, programs: Programs): Promise<Record<string, string>> {
  const parts: Record<string, string> = {};
  const add = (name: string, path: string) => {
    const file = join(folder, name, path);
    mkdirSync(join(file, '..'), { recursive: true });
    parts[name] = join(folder, name);
    return file;
  };
  copyFileSync(busybox, add('shell', 'bin/busybox'));
  // Without its symbols, as nixpkgs has it: every boot hashes it.
  execFileSync('strip', ['-o', add('node', 'bin/node'), programs.node]);
  await bundleAgent(add('agent', 'lib/affidavit-agent.mjs'));
  const echoNode = { ...agentBundle, entryPoints: ['services/echo-node/main.ts'] };
  await build({ ...echoNode, outfile: add('echo-node', 'lib/echo-node.mjs') });
  if (programs.echoCpp !== null) copyFileSync(programs.echoCpp, add('echo-cpp', 'bin/echo-cpp'));
  if (programs.echoRust !== null)
    copyFileSync(programs.echoRust, add('echo-rust', 'bin/echo-rust'));
  for (const path of Object.values(parts)) execFileSync('chmod', ['-R', 'u=rwX,go=rX', path]);
  return parts;
}
