/** A process that writes decisions as fast as it can and says after each that it is on disk. Arguments: log, count. */
import { openDecisionLog } from '#verifier/decision-log/file.ts';
import { entry } from './entry.ts';

const [, , path = '', count = '0'] = process.argv;
const log = await openDecisionLog(path);
for (let n = 0; n < Number(count); n++) {
  await log.append(entry(n));
  process.stdout.write('.');
}
await log.close();
