/** `affidavit reference`: options as yargs reads them, files as they are written, exit codes, and what a person is told. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toHex } from '#verifier/bytes.ts';
import { referencesFor } from '#verifier/cli/reference-files.ts';
import { parseReference } from '#verifier/reference/file.ts';
import { formatTime } from '#verifier/time.ts';
import {
  alice,
  bob,
  carol,
  listOf,
  mallory,
  referring,
  snpValues,
  tdxValues,
} from '../reference/samples.ts';
import { bundleScene, hierarchyOf, strictPolicy } from '../scene.ts';

import {
  at,
  builderOption,
  cleanUp,
  closureDigest,
  file,
  head,
  measurement,
  path,
  prepare,
  reference,
  register,
  sign,
  signedFile,
  twoOfThree,
  unsignedText,
  validity,
  verify,
  written,
} from './reference-scene.ts';

beforeAll(prepare);
afterAll(cleanUp);

describe('make', () => {
  const parse = (text: string) => parseReference(new TextEncoder().encode(text));

  test('from values that are written out', async () => {
    expect(parse(unsignedText())).toEqual({ values: snpValues(), signatures: [] });
    const td = ['mr-td', 'rtmr0', 'rtmr1', 'rtmr2'].flatMap((name) => [
      `--${name}`,
      register('a0'),
    ]);
    const made = await reference(
      'make',
      ...head,
      ...td,
      '--rtmr3',
      'none',
      '--closure',
      closureDigest,
    );
    expect(parse(made.stdout).values).toMatchObject({ platform: 'tdx', rtmr3: null });
    // Whether RTMR3 is stated is not left to silence.
    const silent = await reference('make', ...head, ...td, '--closure', closureDigest);
    expect(silent).toMatchObject({ exitCode: 2, message: 'rtmr3 is not known' });
  });

  test('from what affidavit measure wrote, in several files', async () => {
    const launch = file(
      'launch.json',
      JSON.stringify({ version: 1, launchDigest: measurement, pages: 5 }),
    );
    const closure = file(
      'closure.json',
      JSON.stringify({ version: 1, closureDigest, systemPath: null, paths: 3 }),
    );
    const both = ['--measured', launch, '--measured', closure];
    expect((await reference('make', ...head, ...both)).stdout).toBe(unsignedText());
    const differs = await reference('make', ...head, ...both, '--closure', 'ee'.repeat(32));
    expect(differs).toMatchObject({ exitCode: 10, code: 'values-differ' });
    expect((await reference('make', ...head, '--measured', launch)).exitCode).toBe(2);
    const strangers = [
      { version: 2, launchDigest: measurement },
      { version: 1 },
      { version: 1, launchDigest: 'aa' },
      [],
    ];
    for (const document of strangers) {
      const stranger = file('stranger.json', JSON.stringify(document));
      const made = await reference('make', ...head, ...both, '--measured', stranger);
      expect(made.exitCode).toBe(2);
    }
  });

  test('from the registers of a TD; one that is not known is asked for, a log that differs refused', async () => {
    const rtmr = ['a0', 'a1', null, '00'].map((byte) => ({
      value: byte === null ? null : register(byte),
      needs: byte === null ? ['--kernel'] : [],
      fromLog: 0,
    }));
    const td = { version: 1, mrtd: register('4d'), rtmr, events: [], log: null };
    const make = (document: object, ...more: string[]) => {
      const measured = ['--measured', file('td.json', JSON.stringify(document))];
      return reference('make', ...head, ...measured, '--closure', closureDigest, ...more);
    };
    expect(await make(td)).toMatchObject({ exitCode: 2, message: 'rtmr2 is not known' });
    const made = await make(td, '--rtmr2', register('a2'));
    expect(parse(made.stdout).values).toEqual(tdxValues());
    const unstated = await make(td, '--rtmr2', register('a2'), '--rtmr3', 'none');
    expect(parse(unstated.stdout).values).toEqual(tdxValues({ rtmr3: null }));
    const differs = await make({ ...td, log: { events: 5, differences: [{}] } });
    expect(differs).toMatchObject({ exitCode: 10, code: 'values-differ' });
  });

  test('from evidence that is genuine, and from no other', async () => {
    const ark = file('ark.der', (await hierarchyOf('Milan')).ark.der);
    const { evidence } = await bundleScene();
    const good = [
      '--evidence',
      file('bundle.json', evidence.bytes),
      '--insecure-root',
      ark,
      '--at',
      at,
    ];
    expect((await reference('make', ...head, ...good)).stdout).toBe(unsignedText());
    expect((await reference('make', ...head, ...good, ...written)).stdout).toBe(unsignedText());
    expect((await reference('make', ...head, ...good, ...good.slice(0, 2))).stdout).toBe(
      unsignedText(),
    );
    const differs = await reference('make', ...head, ...good, '--measurement', register('ee'));
    expect(differs).toMatchObject({ exitCode: 10, code: 'values-differ' });
    const forged = await reference('make', ...head, ...good.slice(0, 2), '--at', at);
    expect(forged).toMatchObject({ exitCode: 20, code: 'evidence-invalid' });
  });

  test('writes no file over another, unless told to', async () => {
    const out = path('made.json');
    const make = (...more: string[]) =>
      reference('make', ...head, ...written, '--out', out, ...more);
    expect((await make()).exitCode).toBe(0);
    expect(await make()).toMatchObject({ exitCode: 2, code: 'file-exists' });
    expect((await make('--force')).exitCode).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(unsignedText());
    const alone = await reference('make', ...head, ...written, '--force');
    expect(alone.exitCode).toBe(2);
  });

  test.each<[string, string[]]>([
    ['no measurement', ['--closure', closureDigest]],
    ['no closure', ['--measurement', measurement]],
    ['values of two platforms', [...written, '--mr-td', register('a0')]],
    [
      'a value of another platform',
      [...written, '--platform', 'sev-snp', '--rtmr0', register('a0')],
    ],
    ['a register that SEV-SNP has not', [...written, '--rtmr3', 'none']],
    ['hex that is too short', ['--measurement', 'aa', '--closure', closureDigest]],
    ['a name that no file can hold', [...written, '--name', 'ü']],
    ['two names', [...written, '--name', 'other']],
  ])('wrong usage: %s', async (_, args) => {
    expect((await reference('make', ...head, ...args)).exitCode).toBe(2);
  });

  test('a validity that ends before it begins is wrong usage', async () => {
    const turned = head.with(5, head[7] as string).with(7, head[5] as string);
    expect((await reference('make', ...head, ...written)).exitCode).toBe(0);
    expect(await reference('make', ...turned, ...written)).toMatchObject({ exitCode: 2 });
    expect(await reference('make', ...head.with(5, 'today'), ...written)).toMatchObject({
      exitCode: 2,
    });
  });
});

describe('sign', () => {
  test('adds a signature to the file, or writes another', async () => {
    const target = await signedFile('signed.json', alice);
    const copy = path('copy.json');
    const ended = await sign(target, bob, '--out', copy);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ended.stdout.replace(/\s+/g, '')).toContain(bob.key);
    const keys = (name: string) =>
      parseReference(new Uint8Array(readFileSync(name))).signatures.map(({ key }) => key);
    expect([keys(target), keys(copy)]).toEqual([[alice.key], [alice.key, bob.key]]);
    expect(await sign(target, carol, '--out', copy)).toMatchObject({ code: 'file-exists' });
    expect((await sign(target, carol, '--out', copy, '--force')).exitCode).toBe(0);
  });

  test('refuses to sign twice with one key, and changes nothing', async () => {
    const target = await signedFile('twice.json', alice);
    const before = readFileSync(target);
    expect(await sign(target, alice)).toMatchObject({ exitCode: 2, code: 'signed-already' });
    expect(readFileSync(target)).toEqual(before);
  });

  test('adds no name to a file that was altered', async () => {
    const target = await signedFile('altered.json', alice);
    const text = readFileSync(target, 'utf8');
    file('altered.json', text.replace('1.2.0', '1.2.1'));
    expect(await sign(target, bob)).toMatchObject({ exitCode: 20, code: 'signature-false' });
    file('altered.json', text);
    expect((await sign(target, bob)).exitCode).toBe(0);
  });

  test('a key that is none, a file that is none', async () => {
    const target = file('whole.json', unsignedText());
    const args = ['--builder', 'a', '--source', 's', '--key'];
    const unfit = await reference('sign', target, ...args, path('alice.pem'));
    expect(unfit).toMatchObject({ exitCode: 2, code: 'pem-malformed' });
    const none = await reference('sign', file('none.json', '{}'), ...args, path('alice.key'));
    expect(none).toMatchObject({ exitCode: 20, code: 'json-shape' });
    expect((await reference('sign', target, ...args, path('alice.key'))).exitCode).toBe(0);
  });
});

describe('verify', () => {
  test('0 when enough agree, 10 when not, 20 when a signature is false', async () => {
    const [a, b] = [await signedFile('a.json', alice), await signedFile('b.json', bob)];
    const agreed = await verify([a, b], ...twoOfThree);
    expect(agreed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(agreed.stdout).toMatch(/good +alice: key/);
    expect(agreed.stdout).toMatch(/2 of 2 needed \(alice, bob\)/);
    expect(agreed.stdout).toContain('AGREED');

    const alone = await verify([a], ...twoOfThree);
    expect(alone.exitCode).toBe(10);
    expect(alone.stdout).toContain('NOT AGREED: too few');

    const text = readFileSync(b, 'utf8');
    const bad = file('bad.json', text.replace('git:bob', 'git:eve'));
    const altered = await verify([a, b, bad], ...twoOfThree);
    expect(altered.exitCode).toBe(20);
    expect(altered.stdout).toMatch(/FALSE +bob: key/);
    expect(altered.stdout).toContain('INVALID');

    expect((await verify([a, file('no.json', '{}')], ...twoOfThree)).exitCode).toBe(20);
  });

  test('signatures over other values do not add up', async () => {
    const a = await signedFile('one.json', alice);
    const { stdout } = await reference(
      'make',
      ...head,
      ...['--measurement', measurement, '--closure', 'ee'.repeat(32)],
    );
    const b = file('two.json', stdout);
    expect((await sign(b, bob)).exitCode).toBe(0);
    const ended = await verify([a, b], ...twoOfThree);
    expect(ended.exitCode).toBe(10);
    expect(ended.stdout).toContain('do not add up');
  });

  test('who is not listed does not count; a name without signature is nobody', async () => {
    const target = await signedFile('stranger.json', alice, mallory);
    const ended = await verify([target], ...twoOfThree);
    expect(ended.exitCode).toBe(10);
    expect(ended.stdout).toMatch(/not listed: key/);
    const nobody = await verify([file('nobody.json', unsignedText())], ...twoOfThree);
    expect(nobody.exitCode).toBe(10);
    expect(nobody.stdout).toContain('nobody has signed');
  });

  test('the time is part of it', async () => {
    const target = await signedFile('timely.json', alice, bob);
    const when = (seconds: number) =>
      reference('verify', target, '--at', formatTime(seconds), ...twoOfThree);
    const ended = await Promise.all(
      [validity.from - 1, validity.from, validity.until - 1, validity.until].map(when),
    );
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([10, 0, 0, 10]);
    expect(ended[3]?.stdout).toContain('do not hold at this time');
  });

  test('JSON says the same', async () => {
    const target = await signedFile('json.json', alice, mallory);
    const ended = await verify([target], ...twoOfThree, '--format', 'json');
    expect(ended.exitCode).toBe(10);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      version: 1,
      agreed: false,
      threshold: 2,
      files: [
        {
          file: target,
          values: snpValues(),
          signatures: [
            { key: alice.key, good: true, listed: 'alice', builder: 'alice builds' },
            { key: mallory.key, good: true, listed: null },
          ],
        },
      ],
      agreements: [{ signers: ['alice'], enough: false, validity: 'valid' }],
    });
  });

  test('builders by fingerprint, by file, or from a policy', async () => {
    const target = await signedFile('named.json', alice, bob);
    const prints = [alice, bob].flatMap(({ name, key }) => ['--builder', `${name}=${key}`]);
    expect((await verify([target], ...prints, '--threshold', '2')).exitCode).toBe(0);
    const policy = (name: string, change: object) =>
      file(name, JSON.stringify(referring(strict, change)));
    const strict = await strictPolicy();
    const good = policy('policy.json', {});
    expect((await verify([target], '--policy', good)).exitCode).toBe(0);
    const other = await verify([target], '--policy', policy('other.json', { name: ['other'] }));
    expect(other.exitCode).toBe(10);
    expect(other.stdout).toContain('does not name this release');
    const three = policy('three.json', { threshold: 3 });
    expect((await verify([target], '--policy', three)).exitCode).toBe(10);
    expect((await verify([target], '--policy', good, '--threshold', '1')).exitCode).toBe(2);
    const without = file('without.json', JSON.stringify(strict));
    expect((await verify([target], '--policy', without)).exitCode).toBe(2);
  });

  test('wrong usage', async () => {
    const target = await signedFile('usage.json', alice, bob);
    const [a, b] = [builderOption(alice), builderOption(bob)];
    const wrong = [
      [...a, ...b],
      ['--threshold', '1'],
      [...a, ...b, '--threshold', '0'],
      [...a, ...b, '--threshold', '3'],
      [...a, ...b, '--threshold', 'two'],
      [...a, '--builder', `alice=${bob.key}`, '--threshold', '1'],
      [...a, '--builder', `eve=${alice.key}`, '--threshold', '1'],
      ['--builder', alice.key, '--threshold', '1'],
      ['--builder', `alice=${path('alice.key')}`, '--threshold', '1'],
      ['--builder', `alice=${path('absent.pem')}`, '--threshold', '1'],
      [...a, ...b, '--threshold', '2', '--at', 'today'],
    ];
    const ended = await Promise.all(wrong.map((args) => reference('verify', target, ...args)));
    expect(ended.map(({ exitCode }) => exitCode)).toEqual(wrong.map(() => 2));
    expect((await verify([target], ...a, ...b, '--threshold', '2')).exitCode).toBe(0);
  });
});

describe('--reference of commands with a verdict', () => {
  test('files are read and checked for the policy; one that asks for none refuses them', async () => {
    const [a, b] = [await signedFile('x.json', alice), await signedFile('y.json', bob)];
    const policy = referring(await strictPolicy());
    const { files } = await referencesFor(policy, [a, b]);
    expect(files.map(({ signatures }) => signatures.map(({ key }) => key))).toEqual([
      [alice.key],
      [bob.key],
    ]);
    expect((await referencesFor(policy, a)).files).toHaveLength(1);
    expect((await referencesFor(policy, undefined)).files).toEqual([]);
    expect((await referencesFor(genuinePolicy, undefined)).files).toEqual([]);
    await expect(referencesFor(genuinePolicy, a)).rejects.toMatchObject({ exitCode: 2 });
    const many = Array.from({ length: 65 }, () => a);
    await expect(referencesFor(policy, many)).rejects.toMatchObject({ exitCode: 2 });
    await expect(referencesFor(policy, file('z.json', '{}'))).rejects.toMatchObject({
      exitCode: 20,
    });
  });
});

test('fingerprints are those that openssl and sha256sum give', async () => {
  const { webcrypto } = await import('node:crypto');
  const digest = await webcrypto.subtle.digest('SHA-256', new Uint8Array(alice.signer.spki));
  expect(toHex(new Uint8Array(digest))).toBe(alice.key);
  expect(listOf(alice)).toEqual([{ name: 'alice', key: alice.key }]);
});
