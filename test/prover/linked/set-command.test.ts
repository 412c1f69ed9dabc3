/** `affidavit set` as a user gives it: accepted software, files, and what each refusal ends with. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chipTdx } from '#prover/linked/formulas.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { strictIntelPolicy, tdxBundleScene } from '#test/verifier/intel-scene.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import {
  affidavitSet,
  at,
  collateral,
  endOf,
  file,
  folder,
  make,
  moment,
  plain,
  refused,
  root,
} from './sets-run.ts';

describe('accepted', () => {
  const policyFile = (name: string, change: (policy: Policy) => Partial<Policy> = () => ({})) => {
    const policy = strictIntelPolicy('bundle');
    return file(name, JSON.stringify({ ...policy, ...change(policy) }));
  };
  const tdxWith = (change: Partial<NonNullable<Policy['tdx']>>) => (policy: Policy) => ({
    tdx: { ...(policy.tdx as NonNullable<Policy['tdx']>), ...change },
  });
  const policy = policyFile('policy.json');

  test('by policy and by evidence are the same software', async () => {
    const bundle = file('bundle.json', tdxBundleScene().evidence.bytes);
    const named = await make('accepted', '--policy', policy);
    const seen = await make('accepted', '--bundle', bundle);
    expect(named.set.entries).toHaveLength(1);
    expect(seen.set.root).toBe(named.set.root);
    expect(seen.set.made).toBe(fakeNow);
    expect(named.set.source).toMatch(/^INSECURE: .*; policy [0-9a-f]{16}$/);
    expect(seen.set.source).toMatch(/^INSECURE: .*; bundle [0-9a-f]{16}$/);
    const both = await make('accepted', '--policy', policy, '--bundle', bundle);
    expect(both.set.root).toBe(named.set.root);
  });

  test('hold every combination that a policy names', async () => {
    const register = (byte: string) => byte.repeat(48);
    const two = policyFile('two.json', (found) => ({
      ...tdxWith({
        mrTd: [register('01'), register('02')],
        rtmr3: [register('00'), register('03')],
      })(found),
      closureDigest: ['aa'.repeat(32), 'bb'.repeat(32), 'cc'.repeat(32)],
    }));
    const { set } = await make('accepted', '--policy', two, '--policy', policy);
    expect(set.entries).toHaveLength(2 * 2 * 3 + 1);
  });

  test.each(['mrTd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'] as const)(
    'need tdx.%s by name',
    async (member) => {
      const open = policyFile(`${member}.json`, tdxWith({ [member]: 'any' }));
      const run = make('accepted', '--policy', open);
      await expect(run).rejects.toThrow(`policy.tdx.${member} is "any"`);
      expect(await endOf(run)).toBe('json-shape 2');
      expect(await refused('accepted', '--policy', policy)).toBeNull();
    },
  );

  test('need a closure, and a policy that is of TDs', async () => {
    const open = policyFile('open.json', () => ({ closureDigest: 'any' }));
    await expect(make('accepted', '--policy', open)).rejects.toThrow(
      'policy.closureDigest is "any"',
    );
    const { tdx: _, ...other } = strictIntelPolicy('bundle');
    const none = file('none.json', JSON.stringify(other));
    await expect(make('accepted', '--policy', none)).rejects.toThrow('policy.tdx is missing');
    expect(await refused('accepted')).toBe('usage 2');
  });

  test('refuse evidence that does not verify, and say what it lacks', async () => {
    const forged = tdxBundleScene({
      edit: ({ bound }) => ({ bound: { ...bound, closureDigest: new Uint8Array(32) } }),
    });
    const named = (name: string, scene: ReturnType<typeof tdxBundleScene>) =>
      refused('accepted', '--bundle', file(name, scene.evidence.bytes));
    expect(await named('forged.json', forged)).toMatch(/^binding\.\S+ 20$/);
    const bare = tdxBundleScene({ edit: () => ({ collateral: [] }) });
    expect(await named('bare.json', bare)).toMatch(/^collateral\.\S+ 30$/);
    const debug = { tdAttributes: Uint8Array.of(1, 0, 0, 16, 0, 0, 0, 0) };
    expect(await named('debug.json', tdxBundleScene({ fields: debug }))).toMatch(
      /^policy\.\S+ 10$/,
    );
    expect(await named('good.json', tdxBundleScene())).toBeNull();
  });

  test('refuse a quote alone, which names no closure', async () => {
    const quote = file('quote.bin', createTdxDevice(plain).quote(new Uint8Array(64)));
    expect(await refused('accepted', '--bundle', quote, ...collateral(plain))).toBe('usage 2');
  });
});

describe('files', () => {
  test('are shown with the elements of their entries', async () => {
    const { out, set, stdout } = await make('revoked', '--ppid', 'cd'.repeat(16));
    const hex = set.root.toString(16).padStart(64, '0');
    expect(stdout).toBe(`${out} written: revoked, 1 entry\nroot ${hex}\n`);
    expect(await affidavitSet('show', out)).toBe(
      `kind     revoked\nroot     ${hex}\nmade     ${at}\nsource   ${set.source}\nentries  1\n{"chip":"${'cd'.repeat(16)}"}\n`,
    );
    const json = JSON.parse(await affidavitSet('show', out, '--format', 'json'));
    const element = chipTdx(new Uint8Array(16).fill(0xcd)).toString(16).padStart(64, '0');
    expect(json).toEqual({
      version: 1,
      kind: 'revoked',
      made: fakeNow,
      source: set.source,
      root: hex,
      entries: [{ chip: 'cd'.repeat(16), element }],
    });
  });

  test('are the same when they are made again, and are not overwritten unasked', async () => {
    const args = ['--ppid', '01'.repeat(16)];
    const { out } = await make('revoked', ...args);
    const text = readFileSync(out, 'utf8');
    const again = (...more: string[]) =>
      endOf(
        affidavitSet(
          'make',
          'revoked',
          '--out',
          out,
          ...moment,
          '--ppid',
          '02'.repeat(16),
          ...more,
        ),
      );
    expect(await again()).toBe('file-exists 2');
    expect(readFileSync(out, 'utf8')).toBe(text);
    expect(await again('--force')).toBeNull();
    expect(readFileSync(out, 'utf8')).not.toBe(text);
    const { out: second } = await make('revoked', ...args);
    expect(readFileSync(second, 'utf8')).toBe(text);
    // Nothing half-written is left beside them.
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('that are none, or state another root, are refused', async () => {
    const { out } = await make('revoked', '--ppid', '03'.repeat(16));
    const changed = readFileSync(out, 'utf8').replace('03'.repeat(16), '04'.repeat(16));
    expect(await endOf(affidavitSet('show', file('changed.json', changed)))).toBe(
      'value-out-of-range 20',
    );
    expect(await endOf(affidavitSet('show', join(folder, 'absent.json')))).toBe(
      'file-unreadable 2',
    );
    expect(await endOf(affidavitSet('show', out))).toBeNull();
  });

  test('need a place to be written to', async () => {
    const nowhere = join(root, 'set.json');
    const run = affidavitSet('make', 'revoked', '--out', nowhere, '--ppid', '01'.repeat(16));
    expect(await endOf(run)).toBe('file-unwritable 2');
  });
});
