/** Stores in folders of their own, and objects to put there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export { sample } from './sample.ts';

/** A folder that goes when the test file ends. */
export function scratch(): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-collateral-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let count = 0;
  return () => join(folder, String(count++));
}
