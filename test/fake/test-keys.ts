/**
 * What tests share: the key set of the run (global-setup.ts) or, where that is not configured, one
 * that the worker makes for itself.
 */
import { inject } from 'vitest';
import { type AmdHierarchy, type AmdHierarchyOptions, createAmdHierarchy } from './amd.ts';
import type {} from './global-setup.ts';
import { type AmdKeys, importKeys, processKeys } from './keys.ts';

let imported: AmdKeys | undefined;

export async function testKeys(): Promise<AmdKeys> {
  const exported = inject('amdKeys');
  if (exported === undefined) return processKeys();
  imported ??= importKeys(exported);
  return imported;
}

/** A hierarchy with the run's keys. */
export async function testHierarchy(options: AmdHierarchyOptions): Promise<AmdHierarchy> {
  return createAmdHierarchy({ keys: await testKeys(), ...options });
}
