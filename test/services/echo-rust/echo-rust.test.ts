/** The Rust service as a process, its own tests and its verifier. What all services must do alike: ../conformance. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Client, openClient } from '#test/services/client.ts';
import { launch, type Service, startService } from '#test/services/process.ts';
import { buildEchoRust, buildMilliseconds, testEchoRust } from '#test/tools/cargo.ts';
import { parseResponse, responseHash, verifyResponse } from '#verifier/abi/response.ts';
import { bigEndian, fromBigEndian, toHex } from '#verifier/bytes.ts';

const built = await buildEchoRust();
const skipped = 'skipped' in built ? built.skipped : null;
const { server, verifier } = 'skipped' in built ? { server: '', verifier: '' } : built;
/** Of a test that is skipped: with the reason. */
const titled = (title: string) => (skipped === null ? title : `${title}: ${skipped}`);

const secret = `${'0'.repeat(63)}1`;
const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const lastKey = `${order.slice(0, -1)}0`;
/** x ‖ y of the key 1: secp256k1's generator. */
const publicKey = secp256k1.Point.BASE.toBytes(false).slice(1);
const nonce = '5a'.repeat(32);

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-echo-rust-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function keyFile(text: string, mode = 0o600, where = ''): Promise<string> {
  files += 1;
  const path = join(folder, where, `key-${files}`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

const usual = (key: string) => ['--key', key, '--name', 'echo-rust', '--port', '0'];

async function start(args: readonly string[], credentials?: string): Promise<Service> {
  const service = await startService([server, ...args], { CREDENTIALS_DIRECTORY: credentials });
  onTestFinished(() => service.kill('SIGKILL'));
  return service;
}

async function client(service: Service): Promise<Client> {
  const opened = await openClient(service.port);
  onTestFinished(() => void opened.socket.destroy());
  return opened;
}

/** Starts, and stops with 0. */
async function takes(args: readonly string[], credentials?: string): Promise<void> {
  const service = await start(args, credentials);
  service.kill('SIGTERM');
  expect(await service.ended).toMatchObject({ code: 0, stderr: '' });
}

async function refuses(args: readonly string[], why: RegExp, credentials?: string): Promise<void> {
  const program = launch([server, ...args], { CREDENTIALS_DIRECTORY: credentials });
  onTestFinished(() => program.kill('SIGKILL'));
  const { code, stdout, stderr } = await program.ended;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^echo-rust: [^\n]+\n$/);
  expect(stderr).toMatch(why);
  for (const key of [secret, order]) expect(stderr).not.toContain(key);
}

test.skipIf(skipped !== null)(
  titled('its own tests pass'),
  async () => {
    const tests = await testEchoRust();
    const output = 'output' in tests ? tests.output : tests.skipped;
    expect(output).toMatch(/test response::tests::test_vectors_of_the_protocol \.\.\. ok/);
    expect(output).toMatch(/test a_fault_ends_its_connection_alone \.\.\. ok/);
  },
  buildMilliseconds,
);

describe.skipIf(skipped !== null)(titled('the service'), () => {
  test('answers, and stops at SIGTERM with 0 and what it did', async () => {
    const service = await start(usual(await keyFile(`${secret}\n`)));
    const asking = await client(service);
    asking.send(`@${nonce} marker-of-a-request\n`);
    const response = parseResponse(await asking.line());
    expect(response.service).toBe('echo-rust');
    expect(toHex(response.nonce)).toBe(nonce);
    expect(Buffer.from(response.request).toString()).toBe('marker-of-a-request');
    expect(response.body).toEqual(response.request);
    expect(verifyResponse(response, publicKey)).toBe(true);
    asking.send('@marker-of-a-bad-line\n');
    expect(await asking.rest()).toBe('{"error":"bad-request"}\n');
    service.kill('SIGTERM');
    const { code, stderr, stdout } = await service.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const own = { service: 'echo-rust', level: 'info', time: expect.any(String) };
    expect(service.log()).toEqual([
      { ...own, event: 'listening', address: '127.0.0.1', port: service.port },
      { ...own, event: 'stopping' },
      { ...own, event: 'stopped', answered: 1, connections: 1 },
    ]);
    for (const text of ['marker', nonce, secret]) expect(stdout).not.toContain(text);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s answers what was read', async (signal) => {
    const service = await start(usual(await keyFile(secret)));
    const [asking, idle] = [await client(service), await client(service)];
    idle.send('unfinished');
    asking.send('hello\n'.repeat(300));
    const first = await asking.line();
    service.kill(signal);
    await service.said((log) => log.includes('"stopping"'));
    asking.send('too late\n');
    for (const line of [first, ...(await asking.lines(299))]) {
      const response = parseResponse(line);
      expect(Buffer.from(response.request).toString()).toBe('hello');
      expect(verifyResponse(response, publicKey)).toBe(true);
    }
    expect([await asking.rest(), await idle.rest()]).toEqual(['', '']);
    expect(asking.endedWell() && idle.endedWell()).toBe(true);
    expect(await service.ended).toMatchObject({ code: 0, stderr: '' });
    expect(service.log().at(-1)).toMatchObject({ answered: 300, connections: 2 });
  });

  test('a second SIGTERM ends it at once', async () => {
    const service = await start(usual(await keyFile(secret)));
    const slow = await client(service);
    slow.socket.pause();
    // More than the sockets between us hold, so that it waits for a reader.
    slow.send(`${'x'.repeat(4095)}\n`.repeat(4_000));
    await service.said((log) => log.includes('"listening"'));
    service.kill('SIGTERM');
    await service.said((log) => log.includes('"stopping"'));
    service.kill('SIGTERM');
    await service.ended;
    expect(service.child.signalCode).toBe('SIGTERM');
  });
});

describe.skipIf(skipped !== null)(titled('starts or refuses, with 2 and one line'), () => {
  test.each([
    ['too few digits', secret.slice(1), /expected 64 lower-case hex digits/],
    ['a second LF', `${secret}\n\n`, /expected 64 lower-case hex digits/],
    ['upper case', order.toUpperCase(), /expected 64 lower-case hex digits/],
    ['zero', '0'.repeat(64), /not a secp256k1 secret key/],
    ['the order', order, /not a secp256k1 secret key/],
  ])('a key file with %s', async (_, text, why) => {
    await refuses(usual(await keyFile(text)), why);
    await takes(usual(await keyFile(`${lastKey}\n`)));
  });

  test('a key file that others may use', async () => {
    for (const mode of [0o640, 0o440, 0o604, 0o620]) {
      await refuses(usual(await keyFile(secret, mode)), /others may use it \(mode 0\d\d\d\)/);
    }
    await takes(usual(await keyFile(secret, 0o400)));
  });

  test('a credential with mode 0440', async () => {
    const where = join(folder, 'credentials');
    const own = await keyFile(secret, 0o440, 'credentials');
    await takes(usual(own), where);
    await takes(usual(own), `${where}/`);
    await refuses(usual(own), /others may use it/);
    await refuses(usual(own), /others may use it/, folder);
    const below = await keyFile(secret, 0o440, 'credentials/below');
    await refuses(usual(below), /others may use it/, where);
    await refuses(usual(join(where, 'below/..', own.slice(where.length))), /others/, `${where}/x`);
    await symlink(below, join(where, 'link'));
    await refuses(usual(join(where, 'link')), /others may use it/, where);
    for (const mode of [0o444, 0o460, 0o640]) {
      const open = await keyFile(secret, mode, 'credentials');
      await refuses(usual(open), /others may use it/, where);
    }
  });

  test('a key that is no file', async () => {
    await refuses(usual(join(folder, 'nothing')), /there is no such file/);
    await refuses(usual(folder), /not a file/);
  });

  test.each([
    [['--name', 'Echo'], ['--name', 'echo'], /--name: service name/],
    [['--port', '65536'], ['--port=0'], /--port: expected a whole number from 0 to 65535/],
    [['--max-connections', '0'], ['--max-connections', '1'], /--max-connections: expected/],
    [['--idle-seconds', '86401'], ['--idle-seconds', '86400'], /--idle-seconds: expected/],
    [['--host', '203.0.113.1'], ['--host', '127.0.0.1'], /cannot listen/],
    [['--verbose'], [], /--verbose.*usage: echo-rust/],
    [['stray'], [], /stray.*usage: echo-rust/],
  ])('%j, not %j', async (wrong, right, why) => {
    const key = usual(await keyFile(secret));
    await refuses([...key, ...wrong], why);
    await takes([...key, ...right]);
  });

  test('without key, name or port', async () => {
    const all = usual(await keyFile(secret));
    for (const [i, option] of ['--key', '--name', '--port'].entries()) {
      await refuses(all.toSpliced(2 * i, 2), new RegExp(`${option} is missing`));
    }
  });
});

test.skipIf(skipped !== null)(
  titled('its verifier takes low s alone, and nothing that is bent'),
  async () => {
    const content = { service: 'echo-rust', nonce: bigEndian(1, 32), time: 1_700_000_002 };
    const hash = responseHash({ ...content, request: bigEndian(2, 4), body: bigEndian(2, 4) });
    const options = { prehash: false, lowS: true, format: 'compact', extraEntropy: false } as const;
    const signature = secp256k1.sign(hash, bigEndian(1, 32), options);
    const s = secp256k1.Point.Fn.ORDER - fromBigEndian(signature.subarray(32));
    const high = toHex(signature.subarray(0, 32)) + toHex(bigEndian(s, 32));
    const [key, digest, low] = [toHex(publicKey), toHex(hash), toHex(signature)];
    const bent = (hex: string) => `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`;
    const lines = [
      `${key} ${digest} ${low}`,
      `${key} ${digest} ${high}`,
      `${key} ${digest} ${bent(low)}`,
      `${key} ${bent(digest)} ${low}`,
      `${bent(key)} ${digest} ${low}`,
      `${key} ${digest} ${'0'.repeat(128)}`,
      `${key} ${digest} ${low} `,
      `${key} ${digest}`,
      '',
      `${key} ${digest} ${low}`,
    ];
    const { code, stdout, stderr } = await launch([verifier], {}, `${lines.join('\n')}\n`).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const wanted = lines.map((_, i) => (i === 0 || i === lines.length - 1 ? 'ok' : 'refused'));
    expect(stdout).toBe(`${wanted.join('\n')}\n`);
  },
);
