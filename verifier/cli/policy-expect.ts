/** `policy test --expect FILE`: what each verdict should be, as JSON lines. */
import type { Decision } from '#verifier/appraise/verdict.ts';
import { fromUtf8 } from '#verifier/bytes.ts';
import { object, oneOf, parseJson, text } from '#verifier/json.ts';
import { blaming, usageError } from './cli-error.ts';
import { readFileLimited } from './files.ts';

const line = object({
  evidence: text(/^/, 'the name of a file'),
  decision: oneOf('accepted', 'rejected', 'invalid', 'undecided'),
});
const limit = 1024 * 1024;

/**
 * `{"evidence":"a.json","decision":"accepted"}` a line; names as on the command line.
 * @returns null without a file
 * @throws CliError wrong usage: not such lines, or not one for each piece of evidence and no more
 */
export async function readExpectations(
  path: string | undefined,
  evidence: readonly string[],
): Promise<ReadonlyMap<string, Decision> | null> {
  if (path === undefined) return null;
  const bytes = await readFileLimited(path, limit, 'expectations', 'usage');
  const found = new Map<string, Decision>();
  const lines = blaming('usage', path, () => fromUtf8(bytes, 'expectations')).split('\n');
  for (const [index, content] of lines.entries()) {
    if (content.trim() === '') continue;
    const where = `${path}, line ${index + 1}`;
    const wanted = blaming('usage', where, () => line(parseJson(content, 'line'), 'line'));
    if (found.has(wanted.evidence)) throw usageError(`${where}: ${wanted.evidence} stands twice`);
    found.set(wanted.evidence, wanted.decision);
  }
  const without = evidence.find((name) => !found.has(name));
  if (without !== undefined) throw usageError(`${path} expects nothing of ${without}`);
  const absent = [...found.keys()].find((name) => !evidence.includes(name));
  if (absent !== undefined) throw usageError(`${path} names ${absent}, which was not given`);
  return found;
}
