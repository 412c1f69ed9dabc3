/** vitest `globalSetup`: one key set for the whole run, handed to the workers. */
import type { TestProject } from 'vitest/node';
import { type ExportedKeys, exportKeys, generateKeys } from './keys.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    amdKeys: ExportedKeys;
  }
}

export async function setup(project: TestProject): Promise<void> {
  project.provide('amdKeys', exportKeys(await generateKeys()));
}
