/** `affidavit verify` on good and bad input: the exit code, one clear line, no stack trace. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { bundleMediaType, parseBundle } from '#verifier/abi/bundle.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { affidavit, type Ended } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-cli-'));
const servers: Server[] = [];
let hierarchy: AmdHierarchy;
let agent: string;
let good: string[];

function file(name: string, content: string | Bytes): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One line on stderr that ends in what to do, and nothing of Node's. */
function aClearLine({ stderr }: Ended): void {
  expect(stderr).toMatch(/^affidavit: .+\. [A-Z].+\.\n$/);
  expect(stderr).not.toMatch(/\n\s+at |Error:|file:\/\//);
}

beforeAll(async () => {
  const now = Math.floor(Date.now() / 1000);
  hierarchy = await testHierarchy({ product: 'Milan', now });
  const { app } = await createInsecureAgent({
    hierarchy,
    logger: { info() {}, warn() {}, error() {} },
  });
  agent = await serve(app.callback());
  const report = createSnpDevice(hierarchy).report(new Uint8Array(64).fill(7));
  good = [
    'verify',
    '--report',
    file('report.bin', report),
    '--vek',
    file('vek.pem', hierarchy.vcek.pem),
    '--chain',
    file('chain.pem', hierarchy.chainPem('vcek')),
    '--insecure-root',
    file('roots.pem', hierarchy.rootsPem()),
  ];
});

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

/** `good` with the file of one option replaced. */
function withOption(option: string, value: string): string[] {
  const args = [...good];
  args[args.indexOf(option) + 1] = value;
  return args;
}

describe('a verdict', () => {
  test('accepts a raw report, PEM or DER, list or none', async () => {
    const der = withOption('--vek', file('vek.der', hierarchy.vcek.der));
    const crl = file('crl.der', hierarchy.crl.der);
    const [pem, both] = await Promise.all([affidavit(good), affidavit([...der, '--crl', crl])]);
    expect([pem.code, both.code]).toEqual([0, 0]);
    expect(pem.stdout).toContain('waived  collateral.crl-signature');
    expect(both.stdout).toContain('pass    collateral.revocation');
    expect(pem.stdout.trimEnd().split('\n').at(-1)).toBe(
      'ACCEPTED under policy "genuine", which names no software',
    );
  });

  test('says loudly that the root was handed over, in text and JSON', async () => {
    const [text, json] = await Promise.all([
      affidavit(good),
      affidavit([...good, '--format', 'json']),
    ]);
    expect(text.stdout).toContain('! INSECURE:');
    const verdict = JSON.parse(json.stdout) as { decision: string; warnings: string[]; at: number };
    expect(verdict).toMatchObject({ decision: 'accepted', at: expect.any(Number) });
    expect(verdict.warnings.some((warning) => warning.startsWith('INSECURE:'))).toBe(true);
  });

  test('keeps every line within 100 columns', async () => {
    const { stdout } = await affidavit(['verify', agent]);
    expect(Math.max(...stdout.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(
      100,
    );
  });

  test('asks an agent, refuses it under the vendor’s roots and accepts it under its own', async () => {
    const roots = ['--insecure-root', join(folder, 'roots.pem')];
    const [refused, accepted] = await Promise.all([
      affidavit(['verify', agent]),
      affidavit(['verify', `${agent}/attestation`, ...roots]),
    ]);
    expect(refused.code).toBe(20);
    expect(refused.stdout).toContain('FAIL    chain.root-pinned');
    expect(refused.stdout).toMatch(
      /INVALID: .*simulated\nhardware or a forged chain|simulated hardware/,
    );
    expect(accepted.code).toBe(0);
  });

  test('verifies a saved bundle, with its nonce and from standard input, without network', async () => {
    const nonce = 'ab'.repeat(32);
    const json = await (await fetch(`${agent}/attestation?nonce=${nonce}`)).text();
    const bundle = file('bundle.json', json);
    const roots = ['--insecure-root', join(folder, 'roots.pem'), '--offline'];
    const closure = toHex(parseBundle(utf8(json)).bound.closureDigest);
    const measurement = ['--measurement', '4d'.repeat(48)];
    const ended = await Promise.all([
      affidavit(['verify', bundle, '--nonce', nonce, ...roots]),
      affidavit(['verify', bundle, '--nonce', 'cd'.repeat(32), ...roots]),
      affidavit(['verify', '-', ...roots], json),
      affidavit(['verify', bundle, ...measurement, '--closure', closure, ...roots]),
      affidavit(['verify', bundle, ...measurement, '--closure', '00'.repeat(32), ...roots]),
      affidavit(['verify', bundle, '--closure', closure, ...roots]),
      affidavit(['verify', bundle, '--tree-root', '00'.repeat(32), ...roots]),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([0, 20, 0, 0, 10, 30, 10]);
  });

  test('is undecided when a certificate is missing, and names it', async () => {
    const [verify = '', ...rest] = good;
    const withoutVek = [verify, ...rest.slice(0, 2), ...rest.slice(4)];
    const { code, stdout } = await affidavit(withoutVek);
    expect(code).toBe(30);
    expect(stdout).toContain('UNDECIDED: chain.vek-certificate lacks the VCEK or VLEK certificate');
  });
});

describe('bad evidence ends with 20', () => {
  test.each([
    [
      'truncated',
      (bytes: Bytes) => bytes.subarray(0, 1183),
      'expected exactly 1184 bytes, got 1183',
    ],
    [
      'oversized',
      (bytes: Bytes) => Uint8Array.of(...bytes, 0),
      'expected exactly 1184 bytes, got 1185',
    ],
    [
      'bit-flipped',
      (bytes: Bytes) => bytes.with(0x90, (bytes[0x90] as number) ^ 1),
      'FAIL    evidence.signature',
    ],
    ['of version 6', (bytes: Bytes) => bytes.with(0, 6), 'version 6 is not known'],
    ['empty', () => new Uint8Array(0), 'expected exactly 1184 bytes, got 0'],
  ])('a report that is %s', async (name, change, reason) => {
    const report = createSnpDevice(hierarchy).report(new Uint8Array(64).fill(7));
    const { code, stdout } = await affidavit(
      withOption('--report', file(`${name}.bin`, change(report))),
    );
    expect(code).toBe(20);
    expect(stdout).toContain(reason);
    expect(stdout).toMatch(/\nINVALID: /);
  });

  test('a 100 MB file, unread', async () => {
    const ended = await affidavit(
      withOption('--report', file('big.bin', new Uint8Array(100_000_000))),
    );
    expect(ended.code).toBe(20);
    expect(ended.stderr).toContain('100000000 bytes, at most 1048576');
    aClearLine(ended);
  });

  test.each([
    [
      'a private key',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      'found "PRIVATE KEY"',
    ],
    ['half a block', '-----BEGIN CERTIFICATE-----\nAAAA\n', '1 PEM blocks begin, 0 are whole'],
    ['no certificate', 'hello', 'neither PEM nor whole DER objects'],
    ['an empty file', '', 'it is empty'],
  ])('%s where a certificate was due', async (name, content, reason) => {
    const ended = await affidavit(withOption('--vek', file(`${name}.pem`, content)));
    expect(ended.code).toBe(20);
    expect(ended.stderr).toContain(reason);
    aClearLine(ended);
  });

  test.each([
    ['HTML', '<!doctype html><title>hi</title>', 'expected a JSON value at character 0'],
    ['another JSON', '{"hello":1}', 'bundle: '],
    ['nothing', '', 'expected a JSON value'],
  ])('%s where a bundle was due', async (name, content, reason) => {
    const { code, stdout } = await affidavit(['verify', file(`${name}.json`, content)]);
    expect(code).toBe(20);
    expect(stdout).toContain(reason);
  });
});

describe('an agent that misbehaves', () => {
  const json = { 'content-type': bundleMediaType };
  test.each<[string, number, string, RequestListener]>([
    [
      'HTML',
      20,
      'answered text/html where an evidence bundle',
      (_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['404', 20, 'answered with status 404', (_, res) => res.writeHead(404).end()],
    [
      'a redirect',
      20,
      'answered with status 302',
      (_, res) => res.writeHead(302, { location: '/x' }).end(),
    ],
    ['500', 30, 'it answered with status 500', (_, res) => res.writeHead(500).end()],
    ['503', 30, 'it answered with status 503', (_, res) => res.writeHead(503).end()],
    ['a closed connection', 30, 'ECONNRESET', (_, res) => void res.socket?.destroy()],
    [
      'a body of 100 MB',
      20,
      'sent more than 8 MiB',
      (_, res) => void res.writeHead(200, json).end(new Uint8Array(100_000_000)),
    ],
    [
      'a gzip bomb',
      20,
      'sent more than 8 MiB',
      (_, res) =>
        res
          .writeHead(200, { ...json, 'content-encoding': 'gzip' })
          .end(gzipSync(new Uint8Array(100_000_000))),
    ],
  ])('%s', async (_, code, reason, listener) => {
    const ended = await affidavit(['verify', await serve(listener)]);
    expect(ended.stderr).toContain(reason);
    expect(ended.code).toBe(code);
    aClearLine(ended);
  });

  test('rubbish under the right media type is an invalid bundle', async () => {
    const url = await serve((_, res) => res.writeHead(200, json).end('{"version":2}'));
    const { code, stdout } = await affidavit(['verify', url]);
    expect(code).toBe(20);
    expect(stdout).toContain('version 2 is not known');
  });

  test('a recording is a replay', async () => {
    const recorded = await (await fetch(`${agent}/attestation`)).text();
    const url = await serve((_, res) => res.writeHead(200, json).end(recorded));
    const { code, stdout } = await affidavit([
      'verify',
      url,
      '--insecure-root',
      join(folder, 'roots.pem'),
    ]);
    expect(code).toBe(20);
    expect(stdout).toContain('FAIL    binding.nonce');
  });

  test('a dead agent', async () => {
    const ended = await affidavit(['verify', 'http://127.0.0.1:9']);
    expect(ended.code).toBe(30);
    expect(ended.stderr).toContain('ECONNREFUSED');
    aClearLine(ended);
  });
});

describe('wrong usage ends with 2', () => {
  test.each<[string, () => string[], string]>([
    ['no command', () => [], 'needs a command'],
    ['nothing to verify', () => ['verify'], 'nothing to verify was given'],
    [
      'two targets',
      () => [...good, 'bundle.json'],
      'more than one of a target, --report and --quote',
    ],
    ['an unknown option', () => [...good, '--lenient'], 'Unknown argument: lenient'],
    ['a missing file', () => withOption('--report', join(folder, 'none')), 'there is no such file'],
    ['a directory', () => withOption('--chain', folder), 'it is a directory'],
    ['a time without zone', () => [...good, '--at', '2026-01-01T00:00:00'], 'with its zone'],
    [
      'an option twice',
      () => [...good, '--at', '2026-01-01T00:00:00Z', '--at', '2026-01-01T00:00:00Z'],
      '2 times',
    ],
    ['short hex', () => [...good, '--measurement', '00'], 'expected 96 lower-case hex digits'],
    [
      'a nonce for a raw report',
      () => [...good, '--nonce', '00'.repeat(32)],
      'a raw report or quote holds no nonce',
    ],
    [
      'offline with a URL',
      () => ['verify', 'http://127.0.0.1:9', '--offline'],
      'contradict each other',
    ],
    [
      'a policy that is none',
      () => [...good, '--policy', file('policy.json', '{}')],
      'member "version" is missing',
    ],
    [
      'a root that is none',
      () => withOption('--insecure-root', file('vcek.pem', hierarchy.vcek.pem)),
      'common name should be',
    ],
    ['an unknown format', () => [...good, '--format', 'xml'], 'Given: "xml"'],
  ])('%s', async (_, args, reason) => {
    const ended = await affidavit(args());
    expect(ended.stderr).toContain(reason);
    expect(ended.code).toBe(2);
    aClearLine(ended);
  });

  test('an error under --format json is JSON on standard output too', async () => {
    const { stdout, code } = await affidavit(['verify', join(folder, 'none'), '--format', 'json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'file-unreadable', exitCode: 2 } });
  });
});

test('verify loads neither agent nor prover nor, for a file, an HTTP client', async () => {
  const { spawnSync } = await import('node:child_process');
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    process.argv.splice(1, process.argv.length, 'affidavit', ...${JSON.stringify(good)});
    await import(${JSON.stringify(new URL('../../../verifier/cli/main.ts', import.meta.url).href)});
    console.error(JSON.stringify(loaded));`;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  const loaded = JSON.parse(stderr) as string[];
  expect(loaded.some((url) => url.endsWith('/verifier/verify.ts'))).toBe(true);
  expect(
    loaded.filter((url) =>
      /\/(agent|prover|circuits|test|axios|koa|bb\.js|noir_js|noir_wasm)\//.test(url),
    ),
  ).toEqual([]);
});

test('bytes that are handed in are not changed, Buffers included', async () => {
  const { readFileSync } = await import('node:fs');
  const { webCrypto, vendorRoots, verify } = await import('#verifier/index.ts');
  const bytes = readFileSync(join(folder, 'report.bin'));
  const before = toHex(bytes);
  const collateral = [{ kind: 'vek' as const, data: Buffer.from(hierarchy.vcek.der) }];
  await verify({ form: 'report', bytes }, collateral, vendorRoots, 1_768_435_200, webCrypto);
  expect(toHex(bytes)).toBe(before);
});
