/** The text of `affidavit --help`, which the launcher answers with without loading the command (verifier/cli/help.txt). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../verifier/cli/main.ts', import.meta.url));

/** As the command itself prints it, from the same descriptions as everything that it takes. */
export function helpText(): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--help'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`affidavit --help ended with ${status}: ${stderr}`);
  return stdout;
}
