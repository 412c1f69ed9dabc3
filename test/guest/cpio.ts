/** Archives of the form that Linux unpacks as its first file system: cpio "newc" (Documentation/driver-api/early-userspace/buffer-format.rst). */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Bytes, utf8 } from '#verifier/bytes.ts';

/** Owned by root. Folders above need no entry of their own. */
export type Entry =
  | { kind: 'folder'; mode: number }
  | { kind: 'link'; target: string }
  /** `from`: a file of this machine, or what the file holds. */
  | { kind: 'file'; mode: number; from: { file: string } | { bytes: Bytes } };

/** By absolute path in the guest. */
export type Tree = Map<string, Entry>;

const types = { folder: 0o040000, file: 0o100000, link: 0o120000 } as const;
const folderMode = 0o755;

/** @throws RangeError for a path that is not absolute or is not normal */
export async function writeCpio(path: string, tree: Tree): Promise<void> {
  const file = await open(path, 'w');
  try {
    let number = 0;
    for (const [name, entry] of withFolders(tree)) {
      number += 1;
      await writeEntry(file, name.slice(1), number, entry);
    }
    await file.writeFile(padded(header('TRAILER!!!', { number: 0, mode: 0, size: 0 })));
  } finally {
    await file.close();
  }
}

/** Each folder before what is in it. */
function withFolders(tree: Tree): [string, Entry][] {
  const whole: Tree = new Map();
  const add = (path: string) => {
    if (path === '/' || whole.has(path)) return;
    add(dirname(path));
    whole.set(path, tree.get(path) ?? { kind: 'folder', mode: folderMode });
  };
  for (const path of tree.keys()) {
    if (!/^(?:\/(?!\.\.?(?:\/|$))[^/\0]+)+$/.test(path))
      throw new RangeError(`${path}: not a path in a guest`);
    add(path);
  }
  return [...whole];
}

async function writeEntry(file: FileHandle, name: string, number: number, entry: Entry) {
  const content = await contentOf(entry);
  const mode = types[entry.kind] | (entry.kind === 'link' ? 0o777 : entry.mode);
  await file.writeFile(padded(header(name, { number, mode, size: content.length })));
  await file.writeFile(padded(content));
}

async function contentOf(entry: Entry): Promise<Bytes> {
  if (entry.kind === 'folder') return new Uint8Array();
  if (entry.kind === 'link') return utf8(entry.target);
  return 'bytes' in entry.from ? entry.from.bytes : await readFile(entry.from.file);
}

function header(
  name: string,
  { number, mode, size }: { number: number; mode: number; size: number },
): Bytes {
  const nameBytes = utf8(`${name}\0`);
  // ino, mode, uid, gid, nlink, mtime, filesize, device and its kind twice, namesize, check.
  const fields = [number, mode, 0, 0, 1, 1, size, 0, 0, 0, 0, nameBytes.length, 0];
  const digits = fields.map((field) => field.toString(16).padStart(8, '0'));
  return new Uint8Array([...utf8(`070701${digits.join('')}`), ...nameBytes]);
}

/** To a multiple of four bytes. */
function padded(bytes: Bytes): Bytes {
  const rest = (4 - (bytes.length % 4)) % 4;
  if (rest === 0) return bytes;
  const whole = new Uint8Array(bytes.length + rest);
  whole.set(bytes);
  return whole;
}
