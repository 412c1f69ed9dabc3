/** The page as `npm run web` builds it, once for all the tests of a run. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { buildPage } from '#web/build.ts';

/** @returns the folder: index.html, its assets, affidavit.html */
export async function builtPage(): Promise<string> {
  const folder = join(inject('runFolder'), 'web');
  const building = `${folder}.building`;
  while (!existsSync(folder)) {
    if (isMine(building)) {
      // Whoever finds the folder finds it whole.
      try {
        await buildPage(join(building, 'dist'));
        renameSync(join(building, 'dist'), folder);
      } finally {
        rmSync(building, { recursive: true });
      }
    } else await sleep(100);
  }
  return folder;
}

function isMine(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
