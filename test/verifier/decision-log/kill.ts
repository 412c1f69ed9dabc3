/** Kills writers at moments of chance and looks at what is left. */
import { readDecisionLog } from '#verifier/decision-log/read.ts';
import { startWriter } from './run-writer.ts';

export type Killed = {
  kills: number;
  /** Lines that a writer said are on disk. */
  acknowledged: number;
  /** Lines that are there. */
  decisions: number;
  recovered: number;
};

/**
 * Each writer goes on with the log that the killed one left.
 * @throws Error as soon as the log is broken by more than a torn end, or an acknowledged line is lost
 */
export async function killWriters(path: string, kills: number): Promise<Killed> {
  let acknowledged = 0;
  for (let n = 0; n < kills; n++) {
    const writer = startWriter(path, 1_000_000);
    await writer.acknowledged(1);
    await new Promise((resolve) => setTimeout(resolve, 40 * Math.random()));
    writer.child.kill('SIGKILL');
    const { lines, stderr } = await writer.ended;
    if (stderr !== '' || lines === 0) throw new Error(`writer ${n} did not write: ${stderr}`);
    acknowledged += lines;
  }
  // The last one ends in peace, and so repairs what the killed one before it left.
  const { code } = await startWriter(path, 1).ended;
  if (code !== 0) throw new Error(`the last writer ended with ${code}`);
  acknowledged += 1;
  const { broken, decisions, recovered } = await readDecisionLog(path);
  if (broken !== null) throw new Error(`line ${broken.line} ${broken.problem}`);
  return { kills, acknowledged, decisions, recovered: recovered.length };
}
