/** `affidavit idblock`: made, signed, verified and shown, and what is refused on the way. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CliError } from '#verifier/cli/cli-error.ts';
import {
  type IdblockMakeOptions,
  type IdblockVerifyOptions,
  runIdblockMake,
  runIdblockShow,
  runIdblockSign,
  runIdblockVerify,
} from '#verifier/cli/idblock-command.ts';

const digest = 'a1'.repeat(48);
const usual: IdblockMakeOptions = {
  launchDigest: digest,
  policy: '0x30000',
  guestSvn: 7,
  form: 'base64',
};

let folder: string;
const place = (name: string) => join(folder, name);
const base64 = { form: 'base64' } as const;

function writeKey(name: string, namedCurve: string, type: 'pkcs8' | 'sec1'): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve });
  writeFileSync(place(name), privateKey.export({ format: 'pem', type }));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-idblock-'));
  writeKey('id.pem', 'P-384', 'pkcs8');
  writeKey('author.pem', 'P-384', 'sec1');
  writeKey('p256.pem', 'P-256', 'pkcs8');
  await runIdblockMake({ ...usual, out: place('block') });
  await runIdblockSign({ ...keys(), ...base64, out: place('auth') });
});
afterAll(() => rmSync(folder, { recursive: true }));

const keys = () => ({
  block: place('block'),
  idKey: place('id.pem'),
  authorKey: place('author.pem'),
});

async function ending(
  run: () => Promise<{ exitCode: number }>,
): Promise<number | [number, string]> {
  try {
    return (await run()).exitCode;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [error.exitCode, error.code];
  }
}

const verify = (changes: Partial<IdblockVerifyOptions> = {}) =>
  runIdblockVerify({ block: place('block'), auth: place('auth'), format: 'json', ...changes });

describe('make', () => {
  test('base64 to standard output, raw to a file', async () => {
    const { stdout } = await runIdblockMake(usual);
    expect(Buffer.from(stdout, 'base64')).toHaveLength(96);
    const out = place('raw');
    await runIdblockMake({ ...usual, form: 'raw', out });
    expect(readFileSync(out)).toEqual(Buffer.from(stdout, 'base64'));
    expect((await runIdblockShow({ file: [out], format: 'text' })).stdout).toContain(digest);
  });

  test.each([
    ['a short digest', { launchDigest: 'ab' }, [2, 'hex-malformed']],
    ['a policy in words', { policy: 'debug' }, [2, 'usage']],
    ['a policy without bit 17', { policy: '0x10000' }, [2, 'reserved-not-zero']],
    ['half a version', { guestSvn: 0.5 }, [2, 'usage']],
    ['a short family', { familyId: '00' }, [2, 'hex-malformed']],
    ['raw to standard output', { form: 'raw' }, [2, 'usage']],
    [
      'nothing of these',
      { familyId: '0F'.repeat(16), policy: '0xB0000', guestSvn: 0xffff_ffff },
      0,
    ],
  ] as const)('%s', async (_name, changes, expected) => {
    expect(await ending(() => runIdblockMake({ ...usual, ...changes }))).toEqual(expected);
  });

  test('a file that is there stays, without --force', async () => {
    const out = place('once');
    const make = (force: boolean) => ending(() => runIdblockMake({ ...usual, out, force }));
    expect([await make(false), await make(false), await make(true)]).toEqual([
      0,
      [2, 'file-exists'],
      0,
    ]);
  });
});

describe('sign', () => {
  test('the digests of the keys are those that verify shows', async () => {
    const { stdout, stderr } = await runIdblockSign({ ...keys(), ...base64 });
    expect(Buffer.from(stdout, 'base64')).toHaveLength(4096);
    const { idKeyDigest, authorKeyDigest } = JSON.parse((await verify()).stdout);
    expect(stderr).toContain(idKeyDigest);
    expect(stderr).toContain(authorKeyDigest);
    expect(idKeyDigest).not.toBe(authorKeyDigest);
  });

  test('without an author', async () => {
    const { authorKey: _, ...rest } = keys();
    const auth = place('alone');
    await runIdblockSign({ ...rest, form: 'raw', out: auth });
    const { stdout, exitCode } = await verify({ auth });
    expect([exitCode, JSON.parse(stdout).authorKeyDigest]).toEqual([0, null]);
  });

  test.each([
    ['the same key twice', () => ({ authorKey: place('id.pem') }), [2, 'usage']],
    ['a key of P-256', () => ({ idKey: place('p256.pem') }), [2, 'key-unfit']],
    ['what is no key', () => ({ idKey: place('block') }), [2, 'pem-malformed']],
    ['no such key', () => ({ idKey: place('nothing') }), [2, 'file-unreadable']],
    ['what is no block', () => ({ block: place('auth') }), [20, 'length-wrong']],
    ['text', () => ({ block: place('id.pem') }), [20, 'base64-malformed']],
  ] as const)('%s', async (_name, changes, expected) => {
    expect(await ending(() => runIdblockSign({ ...keys(), ...base64, ...changes() }))).toEqual(
      expected,
    );
  });

  const openssl = '/usr/bin/openssl';
  const noOpenssl = existsSync(openssl) ? '' : ` (skipped: there is no ${openssl})`;
  test.skipIf(noOpenssl !== '')(`keys as openssl writes them${noOpenssl}`, async () => {
    const pkcs8 = ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'];
    for (const args of [pkcs8, ['ecparam', '-name', 'secp384r1', '-genkey']]) {
      execFileSync(openssl, [...args, '-out', place('openssl.pem')], {
        stdio: 'ignore',
      });
      const signed = () => runIdblockSign({ ...keys(), ...base64, idKey: place('openssl.pem') });
      expect(await ending(signed)).toBe(0);
    }
  });
});

describe('verify', () => {
  test('accepts what was signed, and the expectations', async () => {
    const { stdout, exitCode } = await verify({ launchDigest: digest });
    const { accepted, idKeyDigest, authorKeyDigest, checks } = JSON.parse(stdout);
    expect([exitCode, accepted, checks.length]).toEqual([0, true, 3]);
    expect(await ending(() => verify({ idKeyDigest, authorKeyDigest }))).toBe(0);
  });

  test.each(['launchDigest', 'idKeyDigest', 'authorKeyDigest'] as const)(
    'rejects another %s',
    async (expectation) => {
      const { stdout, exitCode } = await verify({ [expectation]: '00'.repeat(48), format: 'text' });
      expect(exitCode).toBe(10);
      expect(stdout).toMatch(/^FAILED .*expected 0{96}, got [0-9a-f]{96}$/m);
    },
  );

  test('rejects an expected author where there is none', async () => {
    const { authorKey: _, ...rest } = keys();
    const auth = place('no-author');
    await runIdblockSign({ ...rest, ...base64, out: auth });
    expect(await ending(() => verify({ auth, authorKeyDigest: '00'.repeat(48) }))).toBe(10);
    expect(await ending(() => verify({ auth }))).toBe(0);
  });

  test('rejects another block', async () => {
    const block = place('other');
    await runIdblockMake({ ...usual, guestSvn: 8, out: block });
    const { stdout, exitCode } = await verify({ block });
    expect(exitCode).toBe(10);
    expect(JSON.parse(stdout).checks.map(({ passed }: { passed: boolean }) => passed)).toEqual([
      false,
      true,
    ]);
  });

  test('a damaged authentication is invalid', async () => {
    const auth = place('damaged');
    const bytes = Buffer.from(readFileSync(place('auth'), 'latin1'), 'base64');
    bytes[0x644] = 1;
    writeFileSync(auth, bytes);
    expect(await ending(() => verify({ auth }))).toEqual([20, 'reserved-not-zero']);
  });

  test('an expectation that is no digest is wrong usage', async () => {
    expect(await ending(() => verify({ idKeyDigest: 'x' }))).toEqual([2, 'hex-malformed']);
  });
});

describe('show', () => {
  test('both, in either order, with what QEMU takes', async () => {
    for (const file of [
      [place('block'), place('auth')],
      [place('auth'), place('block')],
    ]) {
      const { stdout } = await runIdblockShow({ file, format: 'text' });
      expect(stdout).toMatch(/^guest SVN +7$/m);
      expect(stdout).toMatch(/^policy +0x30000: ABI 0\.0, allows or asks for smt$/m);
      const blobs = `id-block=<${place('block')}>,id-auth=<${place('auth')}>`;
      expect(stdout).toContain(`sev-snp-guest,policy=0x30000,${blobs},author-key-enabled=on (each`);
    }
  });

  test('JSON', async () => {
    const { stdout } = await runIdblockShow({ file: [place('block')], format: 'json' });
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      launchDigest: digest,
      guestSvn: 7,
      policy: { bits: '0x30000', smt: true, debug: false },
    });
  });

  test.each([
    ['two of a kind', ['block', 'block'], [2, 'usage']],
    ['another file', ['id.pem'], [20, 'base64-malformed']],
    ['another length', ['short'], [20, 'length-wrong']],
    ['one', ['auth'], 0],
  ] as const)('%s', async (_name, names, expected) => {
    writeFileSync(place('short'), 'AAAA');
    const file = names.map(place);
    expect(await ending(() => runIdblockShow({ file, format: 'text' }))).toEqual(expected);
  });
});
