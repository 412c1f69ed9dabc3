/** Writes two files of collateral in turn, without end, to the folder that is its argument: for SIGKILL at random moments. */
import { writeCollateralFile } from '#agent/collateral-folder.ts';

const [folder = ''] = process.argv.slice(2);

/** 300 KiB: a write that a kill can cut. SEQUENCE, with a length of three bytes. */
const large = new Uint8Array(300 * 1024);
const inside = large.length - 5;
large.set([0x30, 0x83, inside >> 16, (inside >> 8) & 255, inside & 255]);

for (let checked = 0; ; checked += 1) {
  const item = { kind: 'ark-crl', data: large, source: `${checked}`, fetched: checked } as const;
  const items = checked % 2 === 0 ? [item] : [];
  await writeCollateralFile(folder, { version: 1, items, checked, problem: null });
  if (checked === 0) process.stdout.write('writing\n');
}
