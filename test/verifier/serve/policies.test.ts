import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { policyDigest } from '#verifier/appraise/policy.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { lintPolicy } from '#verifier/policy-tools/lint.ts';
import { readPolicyFolder, watchFolder } from '#verifier/serve/host/folder.ts';
import { isPolicyFile, Policies, type PolicyFile } from '#verifier/serve/policies.ts';

const text = (name: string) => JSON.stringify({ ...genuinePolicy, name });
const file = (name: string, content: string): PolicyFile => ({
  file: name,
  content: utf8(content),
});
/** Lint finds an error in it. */
const closureOfUnnamed = JSON.stringify({ ...genuinePolicy, closureDigest: ['00'.repeat(32)] });

describe('Policies', () => {
  test('takes good files by name, JSON or YAML', () => {
    const policies = new Policies(lintPolicy);
    const yaml = `# in YAML\n${JSON.stringify(genuinePolicy, null, 1).replaceAll('\n', '\n ')}`;
    const files = [file('a.json', text('A')), file('b-2.yaml', yaml)];
    const [a, b, ...more] = policies.update(files, fakeNow);
    expect(a).toMatchObject({ result: 'loaded', file: 'a.json' });
    expect(b).toMatchObject({
      result: 'loaded',
      file: 'b-2.yaml',
      digest: toHex(policyDigest(genuinePolicy)),
    });
    expect(more).toEqual([]);
    expect([policies.get('a').name, policies.get('b-2').name]).toEqual(['A', 'genuine']);
    expect(() => policies.get('c')).toThrow(expect.objectContaining({ code: 'policy-unknown' }));
    expect(policies.update(files, fakeNow)).toEqual([]);
  });

  test.each([
    ['half written', text('half').slice(0, 100), /^json-malformed/],
    ['of an unknown member', text('x').replace('"devices"', '"device"'), /^json-shape/],
    ['that can never accept', closureOfUnnamed, /^unnamed-software-claims/],
    ['empty', '', /^json-/],
  ])('keeps the version before when the new one is %s', (_, bad, why) => {
    const policies = new Policies(lintPolicy);
    policies.update([file('a.json', text('first'))], fakeNow);
    const change = { file: 'a.json', why: expect.stringMatching(why) };
    expect(policies.update([file('a.json', bad)], fakeNow)).toEqual([
      { result: 'refused', kept: true, ...change },
    ]);
    expect(policies.get('a').name).toBe('first');
    // Said once; and the next good version is taken.
    expect(policies.update([file('a.json', bad)], fakeNow)).toEqual([]);
    expect(policies.update([file('a.json', text('second'))], fakeNow)).toMatchObject([
      { result: 'loaded' },
    ]);
    expect(policies.get('a').name).toBe('second');
    // What never was good is not there at all.
    expect(new Policies(lintPolicy).update([file('a.json', bad)], fakeNow)).toEqual([
      { result: 'refused', kept: false, ...change },
    ]);
  });

  test('keeps the version before when the file cannot be read', () => {
    const policies = new Policies(lintPolicy);
    policies.update([file('a.json', text('first'))], fakeNow);
    const unreadable = [{ file: 'a.json', problem: 'cannot be read: EACCES' }];
    expect(policies.update(unreadable, fakeNow)).toMatchObject([{ result: 'refused', kept: true }]);
    expect(policies.get('a').name).toBe('first');
  });

  test('takes neither of two files with one name', () => {
    const policies = new Policies(lintPolicy);
    const both = [file('a.json', text('one')), file('a.yaml', text('other'))];
    expect(policies.update(both, fakeNow)).toMatchObject([
      { result: 'refused', kept: false },
      { result: 'refused', kept: false },
    ]);
    expect(policies.update(both.slice(0, 1), fakeNow)).toMatchObject([{ result: 'loaded' }]);
    expect(policies.get('a').name).toBe('one');
  });

  test('forgets what is gone', () => {
    const policies = new Policies(lintPolicy);
    policies.update([file('a.json', text('A')), file('b.json', text('B'))], fakeNow);
    expect(policies.update([file('b.json', text('B'))], fakeNow)).toEqual([
      { result: 'removed', file: 'a.json' },
    ]);
    expect(policies.names).toEqual(['b']);
    expect(() => policies.get('a')).toThrow();
  });

  test('a policy that moves to a file of another ending is kept when that is good', () => {
    const policies = new Policies(lintPolicy);
    policies.update([file('a.json', text('first'))], fakeNow);
    expect(policies.update([file('a.yaml', text('second'))], fakeNow)).toMatchObject([
      { result: 'loaded', file: 'a.yaml' },
    ]);
    expect(policies.get('a').name).toBe('second');
    expect(policies.update([file('a.json', '{')], fakeNow)).toMatchObject([
      { result: 'refused', file: 'a.json', kept: false },
      { result: 'removed', file: 'a.yaml' },
    ]);
    expect(policies.size).toBe(0);
  });

  test('knows the names of policy files', () => {
    for (const name of ['a.json', '0.yaml', 'prod-1.2_x.yml', `${'a'.repeat(64)}.json`])
      expect(isPolicyFile(name)).toBe(true);
    for (const name of ['.json', 'A.json', 'a.txt', '-a.json', 'a.json~', `${'a'.repeat(65)}.json`])
      expect(isPolicyFile(name)).toBe(false);
  });
});

describe('the folder', () => {
  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'affidavit-policies-'));
    onTestFinished(() => rmSync(path, { recursive: true }));
    return path;
  }

  test('is read whole: policy files, and names that are none', async () => {
    const path = folder();
    writeFileSync(join(path, 'a.json'), text('A'));
    writeFileSync(join(path, 'README.md'), 'about');
    writeFileSync(join(path, '.a.json.swp'), '');
    writeFileSync(join(path, 'big.json'), ' '.repeat(1024 * 1024 + 1));
    expect(await readPolicyFolder(path)).toEqual({
      files: [
        { file: 'a.json', content: utf8(text('A')) },
        { file: 'big.json', problem: 'larger than 1 MiB' },
      ],
      ignored: ['README.md'],
    });
    await expect(readPolicyFolder(join(path, 'nothing'))).rejects.toThrow(/ENOENT/);
  });

  test('is looked at soon after a change, once for many, and not after the end', async () => {
    const path = folder();
    let looks = 0;
    const look = async () => {
      looks += 1;
    };
    const watch = watchFolder(path, look, { settle: 50, every: 60_000 });
    onTestFinished(() => watch.close());
    for (let i = 0; i < 10; i++) writeFileSync(join(path, 'a.json'), text(`A${i}`));
    await expect.poll(() => looks, { timeout: 5000 }).toBe(1);
    writeFileSync(join(path, '.new'), text('B'));
    renameSync(join(path, '.new'), join(path, 'a.json'));
    await expect.poll(() => looks, { timeout: 5000 }).toBe(2);
    await watch.close();
    writeFileSync(join(path, 'a.json'), text('C'));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(looks).toBe(2);
  });

  test('is looked at now and then without any notice, also after a look that failed', async () => {
    let looks = 0;
    const look = async () => {
      looks += 1;
      throw new Error('unreadable');
    };
    const watch = watchFolder(folder(), look, { settle: 10, every: 20 });
    await expect.poll(() => looks, { timeout: 5000 }).toBeGreaterThan(2);
    await watch.close();
  });
});
