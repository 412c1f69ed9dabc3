/** A machine, its evidence in files, and its vendor on 127.0.0.1; `verify` as a user runs it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { AmdHierarchy, AmdHierarchyOptions } from '#test/fake/amd.ts';
import { createIntel, type Intel } from '#test/fake/intel.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import {
  amdReplies,
  type Replies,
  startVendorServer,
  type VendorServer,
} from '#test/fake/vendor-server.ts';
import { affidavitIn } from '#test/prover/run.ts';
import { intelKeys } from '#test/verifier/intel-scene.ts';
import type { Ended } from './run.ts';

export const mainScript = fileURLToPath(new URL('../../../verifier/cli/main.ts', import.meta.url));

/** The CLI takes the real time. */
export const now = (): number => Math.floor(Date.now() / 1000);

/** The program, gathering as it does for a user. */
export function affidavitWith(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return affidavitIn({ AFFIDAVIT_COLLATERAL: 'on', ...environment }, args);
}

export type Machine = {
  server: VendorServer;
  folder: string;
  /** Of the cache. */
  cache: string;
  /** Path of a file in `folder`. */
  file(name: string, content: Uint8Array | string): string;
  /** Options that name the cache, the vendor and its root. */
  options: string[];
  verify(...args: string[]): Promise<Ended>;
};

export type AmdMachine = Machine & { hierarchy: AmdHierarchy; report: string };
export type IntelMachine = Machine & { intel: Intel; quote: string };

async function machine(replies: Replies, rootPem: string): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-collateral-'));
  const server = await startVendorServer(replies);
  onTestFinished(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const cache = join(folder, 'cache');
  const options = [
    ...['--cache', cache, '--kds', server.url, '--pcs', server.url],
    ...['--insecure-root', file('root.pem', rootPem)],
  ];
  const verify = (...args: string[]) => affidavitWith(['verify', ...args, ...options]);
  return { server, folder, cache, file, options, verify };
}

const filled = new Uint8Array(64).fill(0x52);

export function amdHierarchy(options: Partial<AmdHierarchyOptions> = {}): Promise<AmdHierarchy> {
  return testHierarchy({ product: 'Milan', now: now(), ...options });
}

export async function amdMachine(given?: AmdHierarchy): Promise<AmdMachine> {
  const hierarchy = given ?? (await amdHierarchy());
  const base = await machine(amdReplies(hierarchy), hierarchy.rootsPem());
  const bytes = createSnpDevice(hierarchy, { signingKey: 'vcek' }).report(filled);
  return { ...base, hierarchy, report: base.file('report.bin', bytes) };
}

export async function intelMachine(replies: (intel: Intel) => Replies): Promise<IntelMachine> {
  const intel = createIntel({ keys: intelKeys, now: now() });
  const base = await machine(replies(intel), intel.rootsPem());
  return { ...base, intel, quote: base.file('quote.bin', createTdxDevice(intel).quote(filled)) };
}
