/** What the service refuses to start with, each beside what it takes. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { keyFile, missing, run, scratchFolder, secret, start, stop } from './helpers.ts';

const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';

const options = (key: string) => ['--key', key, '--name', 'echo-cpp', '--port', '0'];

/** 2, nothing on standard output, and one line that says so much. */
async function expectRefusal(
  args: readonly string[],
  says: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const { code, stdout, stderr } = await run(args, env);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^echo-cpp: [^\n]*${says.source}[^\n]*\n$`));
  expect(stderr).not.toContain(secret);
}

async function expectStart(key: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  await stop(await start({ key, env }));
}

describe.skipIf(missing !== null)(missing ?? 'echo-cpp', () => {
  test.each([
    ['with LF', `${secret}\n`, 0o600],
    ['without LF', secret, 0o600],
    ['for reading alone', secret, 0o400],
    ['order − 1', `${order.slice(0, -1)}0`, 0o600],
  ])('takes a key %s', async (_, text, mode) => {
    await expectStart(await keyFile(text, mode));
  });

  test.each([
    ['an empty file', ''],
    ['LF alone', '\n'],
    ['too few digits', secret.slice(1)],
    ['too many digits', `${secret}0`],
    ['upper case', order.toUpperCase()],
    ['a prefix', `0x${secret}`],
    ['a second LF', `${secret}\n\n`],
    ['CR and LF', `${secret}\r\n`],
    ['a megabyte', secret.repeat(16_384)],
  ])('refuses %s as key', async (_, text) => {
    await expectRefusal(options(await keyFile(text)), /expected 64 lower-case hex digits/);
  });

  test.each([
    ['zero', '0'.repeat(64)],
    ['the order', order],
  ])('refuses %s as key', async (_, text) => {
    await expectRefusal(options(await keyFile(text)), /not a secp256k1 secret key/);
  });

  test.each(['640', '440', '604', '620', '610', '601'])('refuses mode %s', async (mode) => {
    const key = await keyFile(secret, Number.parseInt(mode, 8));
    await expectRefusal(options(key), new RegExp(`others may use it \\(mode 0${mode}\\)`));
  });

  test('refuses a path where no key file is', async () => {
    const folder = await scratchFolder();
    const pipe = join(folder, 'pipe');
    await promisify(execFile)('mkfifo', ['-m', '600', pipe]);
    await expectRefusal(options(join(folder, 'nothing')), /there is no such file/);
    await expectRefusal(options(folder), /not a file/);
    await expectRefusal(options(pipe), /not a file/);
    await expectRefusal(options(join(await keyFile(), 'below')), /Not a directory/);
  });

  describe('$CREDENTIALS_DIRECTORY', () => {
    async function credential(mode: number, name = 'key') {
      const folder = await scratchFolder();
      const path = join(folder, name);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, secret);
      await chmod(path, mode);
      return { folder, path };
    }

    test('makes 0440 good enough for a file directly in it', async () => {
      const { folder, path } = await credential(0o440);
      await expectStart(path, { CREDENTIALS_DIRECTORY: folder });
      await expectStart(path, { CREDENTIALS_DIRECTORY: `${folder}/` });
      for (const other of [undefined, '', '.', join(folder, '..')]) {
        const env = { CREDENTIALS_DIRECTORY: other };
        await expectRefusal(options(path), /others may use it/, env);
      }
    });

    test.each(['640', '444', '460', '450'])('does not make %s good enough', async (mode) => {
      const { folder, path } = await credential(Number.parseInt(mode, 8));
      const env = { CREDENTIALS_DIRECTORY: folder };
      await expectRefusal(options(path), /others may use it/, env);
    });

    test('says nothing of files below its folders, or that a link leads to', async () => {
      const { folder, path } = await credential(0o440, 'below/key');
      const env = { CREDENTIALS_DIRECTORY: folder };
      await expectRefusal(options(path), /others may use it/, env);
      await symlink(path, join(folder, 'link'));
      await expectRefusal(options(join(folder, 'link')), /others may use it/, env);
      // The same link to a file that nobody else may use.
      await chmod(path, 0o400);
      await expectStart(join(folder, 'link'), env);
    });
  });

  test.each([
    [['--port', '65536'], /--port: expected a whole number/],
    [['--max-connections', '0'], /--max-connections: expected a whole number/],
    [['--idle-seconds', '1s'], /--idle-seconds: expected a whole number/],
    [['--name', 'Echo'], /--name: expected/],
    [['--host'], /--host needs a value; usage: /],
    [['--verbose'], /unexpected argument --verbose; usage: /],
    [['stray\nline'], /unexpected argument stray line; usage: /],
    [['--host', 'localhost'], /localhost is not an IPv4 or IPv6 address/],
    [['--host', '203.0.113.1'], /cannot listen: bind: /],
  ])('refuses %j', async (more, says) => {
    await expectRefusal([...options(await keyFile()), ...more], says);
  });

  test('listens where it is told, and refuses a port that is in use', async () => {
    const other = createServer();
    onTestFinished(() => void other.close());
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const more = ['--host', '127.0.0.1', '--port', String(port)];
    const args = [...options(await keyFile()), ...more];
    await expectRefusal(args, /cannot listen: bind: Address already in use/);
    await new Promise((done) => other.close(done));
    const service = await start({ more });
    expect([service.address, service.port]).toEqual(['127.0.0.1', port]);
    await stop(service);
    const everywhere = await start({ more: ['--host', '::'] });
    expect(everywhere.address).toBe('::');
    const client = await everywhere.client();
    client.send('over IPv4\n');
    await client.line();
    await stop(everywhere);
  });
});
