/**
 * An agent's source on a folder of the file system, for crash.ts to kill: entries are real folders, the
 * kernel's files in them are simulated. Says `opened <names in the folder>`, then asks without end.
 */
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { now, random } from '#agent/cli.ts';
import { openConfigfs } from '#agent/configfs.ts';
import type { TsmFiles } from '#agent/configfs-entries.ts';
import { processOwners } from '#agent/files.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';

const [folder = ''] = process.argv.slice(2);
const generations = new Map<string, number>();

const files: TsmFiles = {
  async makeFolder(path) {
    mkdirSync(path);
    generations.set(path, 0);
  },
  async removeFolder(path) {
    rmdirSync(path);
    generations.delete(path);
  },
  async read(path): Promise<Bytes> {
    await sleep(1);
    const entry = path.slice(0, path.lastIndexOf('/'));
    if (path.endsWith('/provider')) return utf8('sev_guest\n');
    if (path.endsWith('/generation')) return utf8(`${generations.get(entry)}\n`);
    return new Uint8Array();
  },
  async write(path) {
    await sleep(1);
    const entry = path.slice(0, path.lastIndexOf('/'));
    generations.set(entry, (generations.get(entry) ?? 0) + 1);
  },
  list: async (path) => readdirSync(path),
};

const source = await openConfigfs({
  files,
  folder,
  random,
  now,
  logger: { info() {}, warn: console.error, error: console.error },
  owners: await processOwners(),
  kernel: async () => ({ release: '6.12.0', sevGuestDevice: false }),
});
process.stdout.write(`opened ${JSON.stringify(readdirSync(folder))}\n`);
for (;;) await source.report(new Uint8Array(64));
