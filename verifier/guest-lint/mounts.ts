/** Mounts and swaps as the kernel lists them (proc(5)), and what the device mapper says of their devices. */
import type { FileSystem } from './description.ts';

/** Path of a device → UUID: `CRYPT-VERITY-…`, `CRYPT-LUKS2-…`, `CRYPT-PLAIN-…` (libcryptsetup). */
export type Mapped = ReadonlyMap<string, string>;

export function parseDeviceMapper(
  devices: readonly { node: string; name: string; uuid: string }[],
): Map<string, string> {
  return new Map(
    devices.flatMap(({ node, name, uuid }) => [
      [`/dev/mapper/${name.trim()}`, uuid.trim()] as const,
      [`/dev/${node}`, uuid.trim()] as const,
    ]),
  );
}

/** Later lines lie over earlier ones of the same folder; relative sources (a pseudo file system’s name) are kept. */
export function parseMounts(text: string, mapped: Mapped): FileSystem[] {
  return rowsOf(text, 0).map(([device = '', mountPoint = '', type = '', options = '']) => ({
    mountPoint: unescaped(mountPoint),
    device: unescaped(device),
    type,
    options: options.split(',').filter((option) => option !== ''),
    protection: protectionOf(mapped.get(unescaped(device)) ?? ''),
  }));
}

/** The first line is a heading. */
export function parseSwaps(text: string, mapped: Mapped): { device: string; encrypted: boolean }[] {
  return rowsOf(text, 1).map(([name = '']) => {
    const device = unescaped(name);
    const inMemory = /^\/dev\/zram\d+$/.test(device);
    return { device, encrypted: inMemory || (mapped.get(device) ?? '').startsWith('CRYPT-') };
  });
}

function protectionOf(uuid: string): FileSystem['protection'] {
  if (uuid.startsWith('CRYPT-VERITY-')) return 'verity';
  return /^CRYPT-LUKS[12]-/.test(uuid) ? 'luks' : 'none';
}

function rowsOf(text: string, headings: number): string[][] {
  return text
    .split('\n')
    .slice(headings)
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));
}

/** Space, tab, line feed and backslash are written in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
