/** Whether lines follow each other as they were written: each names the digest of the one before it. */
import { AttestationError } from '../errors.ts';
import { type LogLine, noDigest, parseLine, type Tail } from './line.ts';

/** The first line that is not as it was written. */
export type LogBreak = {
  /** From 1. */
  line: number;
  problem: string;
};

export class LogChain {
  #seq: number;
  /** Null: the first line may link to anything. */
  #digest: string | null;
  #broken: LogBreak | null = null;

  /** @param after what comes before the first line; null takes the first line's word for it */
  constructor(after: Tail | null = { seq: 0, digest: noDigest }) {
    this.#seq = after?.seq ?? 0;
    this.#digest = after?.digest ?? null;
  }

  /** Of the lines that are good. */
  get tail(): Tail {
    return { seq: this.#seq, digest: this.#digest ?? noDigest };
  }

  /** The first break. What comes after it is not looked at. */
  get broken(): LogBreak | null {
    return this.#broken;
  }

  /** @param text one line without its line feed @returns null for the first line that is not as it was written, and after it */
  push(text: string): LogLine | null {
    if (this.#broken !== null) return null;
    let line: LogLine;
    try {
      line = parseLine(text);
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      return this.breakOff(`is not as it was written (${error.message})`);
    }
    const problem = this.#misplaced(line);
    if (problem !== null) return this.breakOff(problem);
    this.#seq += 1;
    this.#digest = line.digest;
    return line;
  }

  /** Says what is wrong with a line, the next unless another is named. */
  breakOff(problem: string, line = this.#seq + 1): null {
    this.#broken ??= { line, problem };
    return null;
  }

  #misplaced({ seq, previous, kind }: LogLine): string | null {
    if (seq > this.#seq)
      return `was written as line ${seq + 1}: lines before it were removed, or it was moved`;
    if (seq < this.#seq) return `was written as line ${seq + 1}: it was moved or repeated here`;
    if (kind === 'started' && seq !== 0) return 'starts a file, but stands inside one';
    if (this.#digest === null || previous === this.#digest) return null;
    return seq === 0
      ? `goes on from ${previous}, not from ${this.#digest === noDigest ? 'nothing: it is not the first line of a first file' : this.#digest}`
      : 'does not follow the line before it: one of the two was edited, replaced or inserted';
  }
}
