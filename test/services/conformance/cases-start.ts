/** The command line, the key file, and what is said of them. */
import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openClient } from '#test/services/client.ts';
import type { Case } from './cases.ts';
import type { Stage } from './stage.ts';

const secret = `${'0'.repeat(63)}7`;
const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const withoutCredentials = { CREDENTIALS_DIRECTORY: undefined };

/** Ends with 2, nothing on standard output, and one line on standard error that does not show the key. */
async function refuses(
  stage: Stage,
  args: readonly string[],
  says: RegExp,
  env: NodeJS.ProcessEnv = withoutCredentials,
): Promise<void> {
  const { code, stdout, stderr } = await stage.refused(args, env);
  const shown = JSON.stringify({ args, code, stdout, stderr });
  assert.equal(code, 2, shown);
  assert.equal(stdout, '', shown);
  assert.match(stderr, new RegExp(`^${stage.sample.program}: [^\n]+\n$`), shown);
  assert.match(stderr, says, shown);
  for (const key of [secret, order]) assert.ok(!stderr.includes(key), 'it shows the key');
}

/** Starts, serves, and stops. */
async function takes(
  stage: Stage,
  args: readonly string[],
  env: NodeJS.ProcessEnv = withoutCredentials,
): Promise<void> {
  const service = await stage.startWith(args, env);
  const client = await openClient(service.port);
  client.send('hello\n');
  assert.match(await client.line(), /^\{"version":1,/);
  client.socket.destroy();
  await stage.stop(service);
}

const usual = (key: string) => ['--key', key, '--name', 'echo', '--port', '0'];

async function madeKey(stage: Stage, text: string, mode = 0o600): Promise<string[]> {
  return usual(await stage.keyFile(text, mode));
}

/** Two at a time: a program that starts is busy. */
async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < all.length; i += 2) await Promise.all(all.slice(i, i + 2).map(work));
}

const formsOfKeys: readonly [what: string, text: string, says: RegExp][] = [
  ['empty', '', /64/],
  ['LF alone', '\n', /64/],
  ['a digit short', secret.slice(1), /64/],
  ['a digit long', `${secret}0`, /64/],
  ['upper case', order.toUpperCase(), /64/],
  ['a prefix', `0x${secret}`, /64/],
  ['a second line', `${secret}\n${secret}\n`, /64/],
  ['a second LF', `${secret}\n\n`, /64/],
  ['CR and LF', `${secret}\r\n`, /64/],
  ['a blank before it', ` ${secret}`, /64/],
  ['a blank behind it', `${secret} `, /64/],
  ['a NUL behind it', `${secret}\0`, /64/],
  ['a megabyte', secret.repeat(16_384), /64/],
  ['zero', '0'.repeat(64), /secp256k1/],
  ['the order', order, /secp256k1/],
  ['all ones', 'f'.repeat(64), /secp256k1/],
];

const options: readonly [given: readonly string[], says: RegExp][] = [
  [['--name', 'Echo'], /name/],
  [['--name', ''], /name/],
  [['--name', '-echo'], /name/],
  [['--name', 'a'.repeat(65)], /name/],
  [['--name', 'a b'], /name/],
  [['--port', '65536'], /--port/],
  [['--port', '1.5'], /--port/],
  [['--port', '0x10'], /--port/],
  [['--port', '+1'], /--port/],
  [['--port', ''], /--port/],
  [['--port', '99999999999999999999'], /--port/],
  [['--max-connections', '0'], /--max-connections/],
  [['--max-connections', '65536'], /--max-connections/],
  [['--idle-seconds', '0'], /--idle-seconds/],
  [['--idle-seconds', '86401'], /--idle-seconds/],
  [['--idle-seconds', '1s'], /--idle-seconds/],
  [['--verbose'], /--verbose/],
  [['stray'], /stray/],
  [['--host'], /--host/],
  [['--host', '203.0.113.1'], /cannot listen/],
  [['--host', 'no such host'], /./],
];

export const startCases: readonly Case[] = [
  {
    name: 'refuses to start with a key file that holds anything but a key',
    run: (stage) =>
      each(formsOfKeys, async ([what, text, says]) => {
        const args = usual(await stage.keyFile(text, 0o600, what.replaceAll(' ', '-')));
        await refuses(stage, args, says);
      }),
  },
  {
    name: 'starts with a key file: with LF, without, mode 0400, the order − 1',
    async run(stage) {
      await takes(stage, await madeKey(stage, `${secret}\n`));
      await takes(stage, await madeKey(stage, `${order.slice(0, -1)}0`, 0o400));
    },
  },
  {
    name: 'refuses to start with a key file that is missing, a folder, or that others may use',
    async run(stage) {
      await refuses(stage, usual(join(stage.folder, 'nothing')), /nothing/);
      await refuses(stage, usual(stage.folder), /key file/);
      await each([0o640, 0o440, 0o604, 0o620, 0o610, 0o601, 0o404], async (mode) => {
        await refuses(stage, await madeKey(stage, secret, mode), /others may use it/);
      });
    },
  },
  {
    name: 'takes mode 0440 directly in $CREDENTIALS_DIRECTORY, and nowhere else',
    async run(stage) {
      const folder = join(stage.folder, 'credentials');
      const env = { CREDENTIALS_DIRECTORY: folder };
      const file = async (name: string, mode: number) => {
        await writeFile(join(folder, name), secret);
        await chmod(join(folder, name), mode);
        return usual(join(folder, name));
      };
      await mkdir(join(folder, 'below'), { recursive: true });
      const key = await file('key', 0o440);
      await takes(stage, key, env);
      await takes(stage, await file('owner', 0o400), env);
      const refusedThere = (args: readonly string[], given: NodeJS.ProcessEnv = env) =>
        refuses(stage, args, /others may use it/, given);
      await refusedThere(key, withoutCredentials);
      await refusedThere(key, { CREDENTIALS_DIRECTORY: '' });
      await refusedThere(key, { CREDENTIALS_DIRECTORY: stage.folder });
      await refusedThere(key, { CREDENTIALS_DIRECTORY: join(folder, 'below') });
      await refusedThere(await file('below/key', 0o440));
      await each([0o444, 0o640, 0o460, 0o441], async (mode) => {
        await refusedThere(await file(`mode-${mode.toString(8)}`, mode));
      });
      const outside = await stage.keyFile(secret, 0o440);
      await symlink(outside, join(folder, 'link'));
      await refusedThere(usual(join(folder, 'link')));
    },
  },
  {
    name: 'refuses options that it does not know, and values that they cannot have',
    async run(stage) {
      const key = await stage.keyFile(secret);
      await each(options, ([given, says]) => refuses(stage, [...usual(key), ...given], says));
    },
  },
  {
    name: 'refuses to start without key, name or port',
    async run(stage) {
      const key = await stage.keyFile(secret);
      await refuses(stage, ['--name', 'echo', '--port', '0'], /--key/);
      await refuses(stage, ['--key', key, '--port', '0'], /--name/);
      await refuses(stage, ['--key', key, '--name', 'echo'], /--port/);
      await refuses(stage, [], /./);
    },
  },
  {
    name: 'takes the largest and the smallest values',
    async run(stage) {
      const more = (...args: string[]) => ['--max-connections', ...args];
      const key = await stage.keyFile(secret);
      const host = ['--host', '127.0.0.1'];
      await takes(stage, [...usual(key), ...more('1', '--idle-seconds', '86400'), ...host]);
      await takes(stage, [...usual(key), ...more('65535', '--idle-seconds', '1')]);
    },
  },
  {
    name: 'refuses to start on a port that is in use',
    async run(stage) {
      const other = createServer();
      await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
      const address = other.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const args = ['--key', await stage.keyFile(secret), '--name', 'echo', '--port', String(port)];
      await refuses(stage, args, /cannot listen/);
      await new Promise((done) => other.close(done));
      const service = await stage.startWith(args);
      assert.deepEqual([service.port, service.address], [port, '127.0.0.1']);
      await stage.stop(service);
    },
  },
  {
    name: 'logs nothing of a request or a key',
    async run(stage) {
      const service = await stage.startWith([
        ...(await madeKey(stage, secret)),
        ...['--max-connections', '2'],
      ]);
      const secrets = ['marker-of-a-request', 'a5'.repeat(32), secret, 'marker-of-a-bad-line'];
      const [good, bad] = [await openClient(service.port), await openClient(service.port)];
      good.send(`@${secrets[1]} ${secrets[0]}\n`);
      await good.line();
      bad.send('x\n');
      await bad.line();
      const turnedAway = await openClient(service.port);
      turnedAway.send(`${secrets[0]}\n`);
      await turnedAway.rest();
      bad.send(`@${secrets[3]}\n`);
      await bad.rest();
      for (const client of [good, bad, turnedAway]) client.socket.destroy();
      const { stdout } = await stage.stop(service);
      for (const text of secrets) assert.ok(!stdout.includes(text), `the log holds ${text}`);
      const { service: name, time } = service.log()[0] as { service: string; time: string };
      assert.equal(name, 'echo');
      assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
    },
  },
];
