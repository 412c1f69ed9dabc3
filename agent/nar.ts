/**
 * NAR, the serialisation of a file system object whose SHA-256 Nix calls its hash (E. Dolstra, "The Purely Functional Software
 * Deployment Model", 2006, figure 5.2). Streaming: memory does not grow with a file. Synchronous, since a hash of many small
 * files is quickest so: call it in a worker (closure/pool.ts).
 *
 *     str(s) = u64 little-endian length ‖ s ‖ zeros to a multiple of 8
 *     nar    = str("nix-archive-1") node
 *     node   = str("(") str("type") … str(")"):
 *       regular   [str("executable") str("")] str("contents") str(bytes)
 *       symlink   str("target") str(target)
 *       directory for each entry, by its name's bytes: str("entry") str("(") str("name") str(name) str("node") node str(")")
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';
import { describePath } from './closure/text.ts';
import { AgentError } from './errors.ts';

/** What precedes new bytes in a piece, so that whoever searches the stream sees across its joints. */
export const overlap = 31;
const pieceLength = 256 * 1024;

/**
 * Gets the NAR piece by piece: `piece` from `start` on is new, what is before (31 bytes at most) is the end of what came before.
 * The bytes are overwritten after the call.
 */
export type NarSink = (piece: Bytes, start: number) => void;

export type NarHash = {
  /** SHA-256 of the NAR, 32 bytes. */
  narHash: Bytes;
  /** Length of the NAR in bytes. */
  narSize: number;
};

/**
 * @param path a path of the file system, of any bytes but zero
 * @param also gets the NAR too
 * @throws AgentError `closure-unreadable` for what cannot be read, is no file, folder or symlink, or changes its size meanwhile
 */
export function hashNar(path: Bytes | string, also?: NarSink): NarHash {
  const hash = createHash('sha256');
  const narSize = writeNar(path, (piece, start) => {
    hash.update(piece.subarray(start));
    also?.(piece, start);
  });
  return { narHash: fromHex(hash.digest('hex'), 'NAR hash', 32), narSize };
}

/** @returns the NAR's length; @throws as `hashNar` */
export function writeNar(path: Bytes | string, sink: NarSink): number {
  const out = createOutput(sink);
  out.write(token('nix-archive-1'));
  const start = typeof path === 'string' ? utf8(path) : path;
  writeNode(start, kindOf(start), out);
  return out.end();
}

/** str(text) */
function token(...texts: readonly string[]): Bytes {
  return concat(...texts.map((text) => framed(utf8(text))));
}

function framed(bytes: Bytes): Bytes {
  const out = new Uint8Array(8 + padded(bytes.length));
  new DataView(out.buffer).setUint32(0, bytes.length, true);
  out.set(bytes, 8);
  return out;
}

const padded = (length: number) => Math.ceil(length / 8) * 8;

const tokens = {
  regular: token('(', 'type', 'regular', 'contents'),
  executable: token('(', 'type', 'regular', 'executable', '', 'contents'),
  symlink: token('(', 'type', 'symlink', 'target'),
  folder: token('(', 'type', 'directory'),
  entry: token('entry', '(', 'name'),
  node: token('node'),
  close: token(')'),
};
const zeros = new Uint8Array(8);

type Output = {
  write(bytes: Bytes): void;
  /** The contents of an open file, exactly `length` bytes of it. */
  copy(file: number, length: number, path: Bytes): void;
  /** @returns how many bytes there were */
  end(): number;
};

function createOutput(sink: NarSink): Output {
  const buffer = new Uint8Array(overlap + pieceLength);
  let kept = overlap;
  let at = overlap;
  let total = 0;

  function flush(): void {
    if (at === overlap) return;
    sink(buffer.subarray(kept, at), overlap - kept);
    total += at - overlap;
    // The last 31 bytes move in front of the next piece: fewer when there were not so many.
    kept = Math.max(0, overlap - (at - kept));
    buffer.copyWithin(kept, at - (overlap - kept), at);
    at = overlap;
  }

  function write(bytes: Bytes): void {
    for (let done = 0; done < bytes.length; ) {
      if (at === buffer.length) flush();
      const part = bytes.subarray(done, done + buffer.length - at);
      buffer.set(part, at);
      at += part.length;
      done += part.length;
    }
  }

  function copy(file: number, length: number, path: Bytes): void {
    for (let left = length; left > 0; ) {
      if (at === buffer.length) flush();
      const read = readSync(file, buffer, at, Math.min(left, buffer.length - at), null);
      if (read === 0) throw unreadable(path, 'it became shorter while it was read');
      at += read;
      left -= read;
    }
  }

  return {
    write,
    copy,
    end() {
      flush();
      return total;
    },
  };
}

type Kind = 'file' | 'symlink' | 'folder' | 'other';

type Typed = { isFile(): boolean; isSymbolicLink(): boolean; isDirectory(): boolean };

function typeOf(entry: Typed): Kind {
  if (entry.isFile()) return 'file';
  if (entry.isSymbolicLink()) return 'symlink';
  return entry.isDirectory() ? 'folder' : 'other';
}

function kindOf(path: Bytes): Kind {
  return reading(path, () => typeOf(lstatSync(asBuffer(path))));
}

function writeNode(path: Bytes, kind: Kind, out: Output): void {
  if (kind === 'file') writeFile(path, out);
  else if (kind === 'symlink') {
    const target = reading(path, () => readlinkSync(asBuffer(path), { encoding: 'buffer' }));
    out.write(tokens.symlink);
    out.write(framed(target));
  } else if (kind === 'folder') writeFolder(path, out);
  else throw unreadable(path, 'it is no file, folder or symlink, and has no NAR');
  out.write(tokens.close);
}

function writeFolder(path: Bytes, out: Output): void {
  const entries = reading(path, () =>
    readdirSync(asBuffer(path), { encoding: 'buffer', withFileTypes: true }),
  );
  entries.sort((a, b) => Buffer.compare(a.name, b.name));
  const prefix = concat(path, slash);
  out.write(tokens.folder);
  for (const entry of entries) {
    const inner = concat(prefix, entry.name);
    const kind = typeOf(entry);
    out.write(tokens.entry);
    out.write(framed(entry.name));
    out.write(tokens.node);
    // Some file systems list names without types.
    writeNode(inner, kind === 'other' ? kindOf(inner) : kind, out);
    out.write(tokens.close);
  }
}

const slash = utf8('/');
/** A path that has become a symlink or a pipe since it was looked at must not be followed or waited for. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function writeFile(path: Bytes, out: Output): void {
  reading(path, () => {
    const file = openSync(asBuffer(path), openFlags);
    try {
      const found = fstatSync(file);
      if (!found.isFile()) throw unreadable(path, 'it is no longer a file');
      const { size } = found;
      out.write((found.mode & constants.S_IXUSR) === 0 ? tokens.regular : tokens.executable);
      out.write(lengthOf(size));
      out.copy(file, size, path);
      out.write(zeros.subarray(0, padded(size) - size));
    } finally {
      closeSync(file);
    }
  });
}

function lengthOf(size: number): Bytes {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(size), true);
  return out;
}

/** node:fs takes bytes as a path in a Buffer alone. */
function asBuffer(path: Bytes): Buffer {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

/** An error of the system names the path. */
function reading<T>(path: Bytes, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw unreadable(path, code === 'ENOENT' ? 'it is missing' : code, cause);
  }
}

function unreadable(path: Bytes, problem: string, cause?: unknown): AgentError {
  const shown = describePath(new TextDecoder().decode(path));
  return new AgentError('closure-unreadable', `${shown}: ${problem}`, { cause });
}
