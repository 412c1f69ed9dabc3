/** vitest `globalSetup`: one key set for the whole run, handed to the workers, and a folder for what they make once and share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type ExportedKeys, exportKeys, generateKeys } from './keys.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    amdKeys: ExportedKeys;
    /** Empty at first, and gone after the run. */
    runFolder: string;
  }
}

export async function setup(project: TestProject): Promise<() => void> {
  project.provide('amdKeys', exportKeys(await generateKeys()));
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-run-'));
  project.provide('runFolder', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
