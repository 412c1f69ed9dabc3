/** Kills `keygen` with SIGKILL at random moments, and looks at what it leaves. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('keygen-child.ts', import.meta.url));

export type Kills = {
  /** Files that were not whole, or of another mode, after a kill. */
  broken: string[];
  /** Kills that came in the middle of a write: without one the test would show nothing. */
  left: number;
  /** Files of another name once a later run has ended by itself. */
  remain: string[];
  /** How often a kill found another key than the one before. */
  changed: number;
};

export async function killKeygen(times: number): Promise<Kills> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-keygen-'));
  const paths = [join(folder, 'key'), join(folder, 'pub')] as const;
  const seen: Kills = { broken: [], left: 0, remain: [], changed: 0 };
  let last = '';
  try {
    for (let round = 0; round < times; round++) {
      await runAndKill(paths);
      const key = readFileSync(paths[0], 'latin1');
      const pub = readFileSync(paths[1], 'latin1');
      if (!/^[0-9a-f]{64}\n$/.test(key)) seen.broken.push(key);
      if (!/^[0-9a-f]{128}\n$/.test(pub)) seen.broken.push(pub);
      const modes = paths.map((path) => (statSync(path).mode & 0o777).toString(8));
      if (modes.join() !== '600,644') seen.broken.push(modes.join());
      if (key !== last) seen.changed += 1;
      last = key;
      const others = readdirSync(folder).filter((name) => name !== 'key' && name !== 'pub');
      if (others.some((name) => (statSync(join(folder, name)).mode & 0o077) === 0)) seen.left += 1;
    }
    const { runKeygen } = await import('#verifier/cli/keygen-command.ts');
    await runKeygen({ outPrivate: paths[0], outPublic: paths[1], replace: true });
    seen.remain = readdirSync(folder).filter((name) => name !== 'key' && name !== 'pub');
    return seen;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runAndKill(paths: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [script, ...paths], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  const ready = new Promise<void>((done) => child.stdout.once('data', () => done()));
  await Promise.race([ready, ended]);
  await sleep(Math.random() * 20);
  child.kill('SIGKILL');
  await ended;
}
