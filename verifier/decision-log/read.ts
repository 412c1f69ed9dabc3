/** A decision log from its first line to its last, however long it is. */
import { createReadStream } from 'node:fs';
import { fromUtf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type LogBreak, LogChain } from './chain.ts';
import { type LogLine, maxLineLength, noDigest, type Tail } from './line.ts';
import { DecisionLogError } from './log-error.ts';

export type LogReport = {
  /** Null for a log that is as it was written, as far as its lines alone can tell. */
  broken: LogBreak | null;
  /** Of the good lines. */
  tail: Tail;
  decisions: number;
  /** Crashes that cut a line short. */
  recovered: readonly { line: number; bytes: number }[];
};

export type ReadOptions = {
  /** What the first line links to, hex; `any` takes the first line's word for it. Default: nothing before it. */
  after?: string;
  /** Digest of the last line, from somewhere else than the log: without it, lines cut off the end are not missed. */
  expectLast?: string;
  /** Sees each good line. */
  onLine?: (line: LogLine) => void;
};

/** @throws DecisionLogError `log-unreadable` */
export async function readDecisionLog(path: string, options: ReadOptions = {}): Promise<LogReport> {
  const { after = noDigest, expectLast, onLine } = options;
  const chain = new LogChain(after === 'any' ? null : { seq: 0, digest: after });
  let decisions = 0;
  /** Of the line that should be the last. */
  let last = expectLast === after ? 0 : null;
  const recovered: { line: number; bytes: number }[] = [];
  for await (const { bytes, whole } of linesOf(path)) {
    const line = whole ? pushBytes(chain, bytes) : chain.breakOff(unfinished(bytes.length));
    if (line === null) break;
    if (line.kind === 'decision') decisions += 1;
    if (line.kind === 'recovered') recovered.push({ line: line.seq + 1, bytes: line.bytes });
    if (line.digest === expectLast) last = line.seq + 1;
    onLine?.(line);
  }
  if (expectLast !== undefined && chain.tail.digest !== expectLast) {
    const { seq } = chain.tail;
    if (last === null) chain.breakOff(`is missing: the log should end in ${expectLast}`);
    else chain.breakOff(`should be the last, and is followed by ${seq - last} more`, last);
  }
  return { broken: chain.broken, tail: chain.tail, decisions, recovered };
}

function unfinished(length: number): string {
  return length > maxLineLength
    ? `has more than ${maxLineLength} bytes`
    : `has no end (${length} bytes): a crash cut it short, or it is being written now; the next writer repairs it`;
}

function pushBytes(chain: LogChain, bytes: Uint8Array): LogLine | null {
  let text: string;
  try {
    text = fromUtf8(bytes, 'line');
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return chain.breakOff(`is not as it was written (${error.message})`);
  }
  return chain.push(text);
}

/** `whole` is false for what ends without a line feed, or is too long to be a line. */
async function* linesOf(path: string): AsyncGenerator<{ bytes: Buffer; whole: boolean }> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 })) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      let start = 0;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
        yield { bytes: rest.subarray(start, end), whole: true };
        start = end + 1;
      }
      rest = rest.subarray(start);
      if (rest.length > maxLineLength) break;
    }
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new DecisionLogError(
      'log-unreadable',
      `the decision log ${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : code}`,
      'Check the path and its permissions.',
      { cause: error },
    );
  }
  if (rest.length > 0) yield { bytes: rest, whole: false };
}
