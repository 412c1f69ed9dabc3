/**
 * A process with a store. `write FOLDER NAME FROM` writes samples one after the other for ever, and prints the number of
 * each that is on disk; `alone FOLDER NAME LOG` works alone once when its input ends, and prints `alone` or `crowded`.
 */
import { appendFile, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '#verifier/collateral/host/store.ts';
import { sample } from './sample.ts';

const [, , command, folder = '', name = '', argument = ''] = process.argv;

if (command === 'write') {
  const store = await openStore(folder);
  for (let number = Number(argument); ; number++) {
    await store.write(name, sample(number));
    process.stdout.write(`${number}\n`);
  }
}

if (command === 'alone') {
  const store = await openStore(folder);
  process.stdout.write('ready\n');
  for await (const _ of process.stdin);
  const said = await store.alone(name, async () => {
    try {
      // Who is alone finds no such file.
      await writeFile(`${argument}.inside`, '', { flag: 'wx' });
    } catch {
      return 'crowded';
    }
    await appendFile(argument, `${process.pid}\n`);
    await sleep(1);
    await unlink(`${argument}.inside`);
    return 'alone';
  });
  process.stdout.write(`${said}\n`);
}
