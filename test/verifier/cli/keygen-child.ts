/** Writes keys without end, for keygen-kill.ts to kill. Says `ready` when the first pair is there. */
import { runKeygen } from '#verifier/cli/keygen-command.ts';

const [outPrivate = '', outPublic = ''] = process.argv.slice(2);
const options = { outPrivate, outPublic, replace: true };
await runKeygen(options);
process.stdout.write('ready\n');
for (;;) await runKeygen(options);
