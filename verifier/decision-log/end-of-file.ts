/** Where the next line of a decision log goes: what its last lines say, and what a crash left after them. */
import type { FileHandle } from 'node:fs/promises';
import { AttestationError } from '../errors.ts';
import { LogChain } from './chain.ts';
import { type LogLine, looksTorn, maxLineLength, noDigest, parseLine, type Tail } from './line.ts';
import { DecisionLogError } from './log-error.ts';

/** What is known to be good, and where in the file it ends. */
export type Known = { size: number; tail: Tail };

/** The last whole line, read back from the end: what came before it is for `affidavit log verify`. */
export async function lastKnown(file: FileHandle, size: number, path: string): Promise<Known> {
  const from = Math.max(0, size - 2 * (maxLineLength + 1));
  const bytes = await readRange(file, from, size);
  const end = bytes.lastIndexOf(10);
  if (end < 0) {
    // A file that holds no line of a log is not ours to repair.
    if (from > 0 || !looksTorn(bytes.toString('latin1'))) throw noLog(path);
    return { size: 0, tail: { seq: 0, digest: noDigest } };
  }
  const before = bytes.lastIndexOf(10, end - 1);
  if (before < 0 && from > 0) throw noLog(path);
  const { seq, digest } = lineOf(bytes.toString('utf8', before + 1, end), path);
  return { size: from + end + 1, tail: { seq: seq + 1, digest } };
}

function lineOf(text: string, path: string): LogLine {
  try {
    return parseLine(text);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    throw damaged(path, 'ends in a line that is not as it was written', error);
  }
}

/** What was written since, which must go on from what is known; `torn` is what follows the last line feed. */
export async function readFrom(
  file: FileHandle,
  known: Known,
  end: number,
  path: string,
): Promise<{ good: Known; torn: Buffer }> {
  const chain = new LogChain(known.tail);
  let { size } = known;
  let torn: Buffer = Buffer.alloc(0);
  for (let at = known.size; at < end; ) {
    const chunk = await readRange(file, at, Math.min(end, at + 1_048_576));
    if (chunk.length === 0) throw damaged(path, 'got shorter while it was read');
    at += chunk.length;
    torn = Buffer.concat([torn, chunk]);
    for (let feed = torn.indexOf(10); feed >= 0; feed = torn.indexOf(10)) {
      if (chain.push(torn.toString('utf8', 0, feed)) === null) {
        throw damaged(path, `holds a line that ${chain.broken?.problem}`);
      }
      size += feed + 1;
      torn = torn.subarray(feed + 1);
    }
    if (torn.length > maxLineLength) throw damaged(path, 'ends in a line that is too long');
  }
  return { good: { size, tail: chain.tail }, torn };
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
  return bytes.subarray(0, bytesRead);
}

export function damaged(path: string, problem: string, cause?: unknown): DecisionLogError {
  return new DecisionLogError(
    'log-damaged',
    `the decision log ${path} ${problem}`,
    'Find the damage with affidavit log verify, and keep that file; start a new log beside it.',
    { cause },
  );
}

function noLog(path: string): DecisionLogError {
  return new DecisionLogError(
    'log-damaged',
    `${path} holds something else than a decision log`,
    'Name a new file, or a decision log.',
  );
}
