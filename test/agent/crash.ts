/** Kills an agent's source with SIGKILL at random moments, and looks at what the next one leaves. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('crash-child.ts', import.meta.url));

export type Crashes = {
  /** Entries found after a kill: without one the test would show nothing. */
  left: number;
  /** Entries of dead processes that the next start let live. */
  survived: string[];
  /** Names of another program, which must stay. */
  foreign: string[];
};

export async function crash(times: number): Promise<Crashes> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-configfs-'));
  mkdirSync(join(folder, 'trustee'));
  const seen: Crashes = { left: 0, survived: [], foreign: [] };
  try {
    let stale: string[] = [];
    for (let round = 0; round <= times; round++) {
      const opened = await runAndKill(folder);
      seen.survived.push(...stale.filter((name) => opened.includes(name)));
      stale = readdirSync(folder).filter((name) => name !== 'trustee');
      seen.left += stale.length;
    }
    seen.foreign = readdirSync(folder).filter((name) => !name.startsWith('affidavit-'));
    return seen;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns what was in the folder once the source was open */
async function runAndKill(folder: string): Promise<string[]> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  let said = '';
  const opened = new Promise<void>((done) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (said.includes('\n')) done();
    });
  });
  await Promise.race([opened, ended]);
  await sleep(Math.random() * 20);
  child.kill('SIGKILL');
  await ended;
  const line = /^opened (.*)\n/.exec(said)?.[1];
  if (line === undefined) throw new Error('the source did not open');
  return JSON.parse(line) as string[];
}
