/** A text file from its end towards its beginning, line by line, whatever its length. */
import type { FileHandle } from 'node:fs/promises';

const blockLength = 256 * 1024;

export type LineBack = {
  /** Offset of its first byte. */
  at: number;
  /** Without its line feed. */
  text: string;
};

/**
 * Whole lines between two offsets, the last first, block by block. What follows the last line feed is no line. Of a line that is
 * longer than `longest` a part is given.
 * @param from where a line begins
 */
export async function* linesBackwards(
  file: Pick<FileHandle, 'read'>,
  { from, to, longest }: { from: number; to: number; longest: number },
): AsyncGenerator<readonly LineBack[]> {
  /** From `position` on, up to the line feed that ends the last line not given yet. */
  let rest = Buffer.alloc(0);
  let position = to;
  while (position > from) {
    const start = Math.max(from, position - blockLength);
    const block = Buffer.alloc(position - start);
    const { bytesRead } = await file.read(block, 0, block.length, start);
    // It got shorter meanwhile: what is left of it is not what was asked for.
    if (bytesRead < block.length) return;
    const bytes = Buffer.concat([block, rest]);
    position = start;
    const lines: LineBack[] = [];
    let end = bytes.lastIndexOf(10) + 1;
    while (end > 0) {
      const feed = end < 2 ? -1 : bytes.lastIndexOf(10, end - 2);
      if (feed < 0 && start > from) break;
      lines.push({ at: start + feed + 1, text: bytes.toString('utf8', feed + 1, end - 1) });
      end = feed + 1;
    }
    rest = bytes.subarray(0, end);
    // The line feed alone says that a line ends there.
    if (rest.length > longest) rest = rest.subarray(-1);
    yield lines;
  }
}
