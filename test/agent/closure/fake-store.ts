/** Store paths made by hand, below a folder that stands for the root of a file system. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ListedPath } from '#agent/closure/list.ts';
import { hashNar } from '#agent/nar.ts';
import { toHex } from '#verifier/bytes.ts';

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-closure-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const digitsOf = (digit: string) => digit.repeat(32);
export const storePath = (digit: string, name = 'x') => `/nix/store/${digitsOf(digit)}-${name}`;

/** A file by its contents, a symlink by `-> target`, a folder by its members. */
export type Content = string | { [name: string]: Content };

function put(place: string, content: Content): void {
  if (typeof content !== 'string') {
    mkdirSync(place, { recursive: true });
    for (const [name, inner] of Object.entries(content)) put(join(place, name), inner);
  } else {
    mkdirSync(dirname(place), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), place);
    else writeFileSync(place, content);
  }
}

/** @returns the root */
export function createFakeStore(paths: Record<string, Content>): string {
  const root = temporaryFolder();
  mkdirSync(join(root, 'nix/store'), { recursive: true });
  for (const [path, content] of Object.entries(paths)) put(join(root, path), content);
  return root;
}

/** What Nix would have on record of these paths. */
export function listOf(root: string, references: Record<string, readonly string[]>): ListedPath[] {
  return Object.entries(references).map(([path, references]) => ({
    path,
    ...hashNar(join(root, path)),
    references,
  }));
}

export function registrationOf(list: readonly ListedPath[]): string {
  return list
    .map(({ path, narHash, narSize, references }) =>
      [path, `sha256:${toHex(narHash)}`, narSize, '', references.length, ...references, ''].join(
        '\n',
      ),
    )
    .join('');
}

/** As Nix 2.8 writes it, or as 2.26 does. */
export function pathInfoOf(list: readonly ListedPath[], release: '2.8' | '2.26'): string {
  const infos = list.map(({ path, narHash, narSize, references }) => ({
    path,
    deriver: null,
    narHash: `sha256-${Buffer.from(narHash).toString('base64')}`,
    narSize,
    references,
    registrationTime: 1,
    ultimate: true,
  }));
  if (release === '2.8') return JSON.stringify(infos);
  const keyed = infos.map(({ path, ...info }) => [path, { ...info, ca: null, signatures: [] }]);
  return JSON.stringify(Object.fromEntries(keyed));
}
