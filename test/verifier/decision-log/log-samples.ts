/** Logs of decisions in a folder of their own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openDecisionLog } from '#verifier/decision-log/file.ts';
import { readDecisionLog } from '#verifier/decision-log/read.ts';
import { entry } from './entry.ts';

export { entry };

/** A folder that goes when the test file ends. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-log-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

export async function writeLog(path: string, count: number, from = 0): Promise<void> {
  const log = await openDecisionLog(path);
  for (let n = from; n < from + count; n++) await log.append(entry(n));
  await log.close();
}

/** Without their line feeds. */
export function linesIn(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

export function putLines(path: string, lines: readonly string[]): void {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
}

/** The first broken line, null for a good log. */
export async function brokenLine(path: string, expectLast?: string): Promise<number | null> {
  const { broken } = await readDecisionLog(path, expectLast === undefined ? {} : { expectLast });
  return broken?.line ?? null;
}
