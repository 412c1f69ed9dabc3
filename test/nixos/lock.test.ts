/** flake.lock is written by hand: one input, named by its commit and by the hash of its files, and nothing else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '#test/tools/layers.ts';
import { lockProblems } from './lock.ts';

const text = readFileSync(join(root, 'flake.lock'), 'utf8');

test('the lock has one input and says all of it', () => {
  expect(lockProblems(text)).toEqual([]);
});

test('flake.nix asks for what the lock names', () => {
  const flake = readFileSync(join(root, 'flake.nix'), 'utf8');
  const inputs = [...flake.matchAll(/inputs\.([a-z]+)\.url = "([^"]+)"/g)].map(([, ...one]) => one);
  const { owner, repo, ref } = JSON.parse(text).nodes.nixpkgs.original;
  expect(inputs).toEqual([['nixpkgs', `github:${owner}/${repo}/${ref}`]]);
});

test.each([
  ['a second input', (lock: Lock) => (lock.nodes['other'] = lock.nodes['nixpkgs'])],
  ['no hash', (lock: Lock) => delete lock.nodes['nixpkgs']?.locked?.['narHash']],
  ['a short commit', (lock: Lock) => edit(lock, 'rev', 'b51242d7')],
  ['a hash of another kind', (lock: Lock) => edit(lock, 'narHash', `sha512-${'A'.repeat(43)}=`)],
  ['a time that nobody looked up', (lock: Lock) => edit(lock, 'lastModified', 1790340521)],
  ['another owner', (lock: Lock) => edit(lock, 'owner', 'somebody')],
  ['another version of the format', (lock: Lock) => (lock.version = 8)],
])('%s is found', (_, change) => {
  const lock: Lock = JSON.parse(text);
  change(lock);
  expect(lockProblems(JSON.stringify(lock))).not.toEqual([]);
});

type Lock = {
  nodes: Record<string, { locked?: Record<string, unknown> } | undefined>;
  version: number;
};

function edit(lock: Lock, member: string, value: unknown): void {
  const locked = lock.nodes['nixpkgs']?.locked ?? {};
  locked[member] = value;
}
