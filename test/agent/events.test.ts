/** The socket at which the guest's root adds events: who may, what it takes, what it answers. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '#agent/config.ts';
import { answerEvent, serveEvents } from '#agent/events.ts';
import { createHistory } from '#agent/history.ts';
import { bootState } from '#agent/state.ts';
import { demoClosure } from '#test/fake/insecure-agent.ts';
import { logDigest, maxLogEntries, parseLog } from '#verifier/abi/log.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf, recorder } from './helpers.ts';

const digest = 'd1'.repeat(32);
const event = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({ version: 1, name: 'disk', digest, ...changes });

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-events-'));
  path = join(folder, 'events');
});
afterEach(() => rmSync(folder, { recursive: true }));

function newHistory() {
  const logger = recorder();
  const boot = bootState(demoClosure(), [], 1_800_000_000);
  const history = createHistory(boot, { now: () => 1_800_000_001, logger });
  return { history, logger };
}

async function start() {
  const { history, logger } = newHistory();
  const socket = await serveEvents(path, history, logger);
  onTestFinished(() => socket.close());
  return { history, logger, socket };
}

/** Sends, and reads to the end; `null` does not end its own side. */
function send(...parts: (string | Uint8Array | null)[]): Promise<string> {
  return new Promise((done) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    // Writing to who has ended already is an error here, and not what is looked at.
    socket.on('error', () => {}).on('close', () => done(text));
    for (const part of parts) if (part !== null) socket.write(part);
    if (!parts.includes(null)) socket.end();
  });
}

test('an event is an entry, and the answer the digest of the log with it', async () => {
  const { history } = await start();
  const answers = [await send(`${event()}\n`), await send(`${event({ name: 'ü' })}\n`, null)];
  const { log } = history.state();
  expect(answers).toEqual(
    [2, 3].map((length) => {
      const said = toHex(logDigest(log.slice(0, length)));
      return `{"ok":true,"logDigest":"${said}"}\n`;
    }),
  );
  expect(parseLog(log).entries.slice(1)).toEqual(
    ['disk', 'ü'].map((name) => ({
      kind: 'event',
      time: 1_800_000_001,
      name,
      digest: new Uint8Array(32).fill(0xd1),
    })),
  );
});

test('a line may come in parts', async () => {
  const { history } = await start();
  const text = `${event()}\n`;
  expect(await send(text.slice(0, 7), text.slice(7, 20), text.slice(20))).toContain('"ok":true');
  expect(history.state().log).toHaveLength(2);
});

describe('a line is refused, and is no entry, that', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['is no JSON', 'x\n', 'json-malformed'],
    ['is empty', '\n', 'json-malformed'],
    ['is no UTF-8', Uint8Array.of(0xff, 0x0a), 'utf8-malformed'],
    ['has another version', `${event({ version: 2 })}\n`, 'version-unknown'],
    ['has an unknown member', `${event({ time: 1 })}\n`, 'json-shape'],
    ['lacks a member', `{"version":1,"name":"disk"}\n`, 'json-shape'],
    ['has one twice', `${event().replace('{', '{"version":1,')}\n`, 'json-malformed'],
    ['has a short digest', `${event({ digest: 'd1' })}\n`, 'hex-malformed'],
    ['has a digest in upper case', `${event({ digest: digest.toUpperCase() })}\n`, 'hex-malformed'],
    ['has no name', `${event({ name: '' })}\n`, 'json-shape'],
    ['has too long a name', `${event({ name: 'x'.repeat(256) })}\n`, 'json-shape'],
    ['has a control character', `${event({ name: 'a\nb' })}\n`, 'json-shape'],
    ['has half a character', `${event().replace('disk', '\\ud800')}\n`, 'json-malformed'],
    ['is too long', `${event()}${' '.repeat(3000)}\n`, 'too-large'],
    ['never ends', 'x'.repeat(5000), 'too-large'],
    ['has no line feed', event(), 'event-malformed'],
    ['has bytes after it', `${event()}\n${event()}\n`, 'event-malformed'],
    ['is nothing', '', 'event-malformed'],
  ])('%s', async (_, text, code) => {
    const { history } = await start();
    const answer = JSON.parse(await send(text));
    expect(answer).toEqual({ ok: false, code, reason: expect.any(String) });
    expect(history.state().log).toHaveLength(1);
    expect(await send(`${event()}\n`)).toContain('"ok":true');
  });

  test('finds the log full', async () => {
    const { history } = await start();
    const { log } = history.state();
    while (history.state().log.length < maxLogEntries) history.addEvent('e', new Uint8Array(32));
    expect(log).toHaveLength(1);
    expect(JSON.parse(await send(`${event()}\n`))).toMatchObject({ ok: false, code: 'log-full' });
    expect(history.state().logFull).toBe(true);
  });

  test('is any bytes: a refusal or an entry, never a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { history, logger } = newHistory();
        expect(answerEvent(bytes, history, logger)).toMatch(/^\{"ok":false,/);
        expect(logger.lines).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (name) => {
        const { history, logger } = newHistory();
        const { ok } = JSON.parse(answerEvent(utf8(event({ name })), history, logger));
        const last = parseLog(history.state().log).entries.at(-1);
        expect(last).toMatchObject(ok ? { kind: 'event', name } : { kind: 'tree' });
      }),
    );
  });
});

describe('the socket', () => {
  test('is for its owner and root alone, from its first moment on', async () => {
    const mask = process.umask(0);
    onTestFinished(() => void process.umask(mask));
    const { socket } = await start();
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(process.umask(0)).toBe(0);
    await socket.close();
    expect(existsSync(path)).toBe(false);
  });

  test('takes the place of one that a killed agent left, and of nothing else', async () => {
    const { history, logger } = newHistory();
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, ['-e', script]);
    expect(lstatSync(path).isSocket()).toBe(true);
    const socket = await serveEvents(path, history, logger);
    expect(await send(`${event()}\n`)).toContain('"ok":true');
    await socket.close();
    writeFileSync(path, 'precious');
    expect(await codeOf(() => serveEvents(path, history, logger))).toBe('config-invalid');
    expect(existsSync(path)).toBe(true);
  });

  test('is not made where others may write, or where there is no folder', async () => {
    const { history, logger } = newHistory();
    for (const mode of [0o777, 0o775, 0o1777]) {
      chmodSync(folder, mode);
      expect(await codeOf(() => serveEvents(path, history, logger))).toBe('config-invalid');
      expect(existsSync(path)).toBe(false);
    }
    chmodSync(folder, 0o755);
    if (process.getuid?.() === 0) {
      chownSync(folder, 65_534, 65_534);
      expect(await codeOf(() => serveEvents(path, history, logger))).toBe('config-invalid');
      chownSync(folder, 0, 0);
    }
    const nowhere = join(folder, 'nothing', 'events');
    expect(await codeOf(() => serveEvents(nowhere, history, logger))).toBe('config-invalid');
    const socket = await serveEvents(path, history, logger);
    await socket.close();
  });

  test('waits for nobody for ever', { timeout: 15_000 }, async () => {
    const { history } = await start();
    const slow = send('{"version"', null);
    expect(await send(`${event()}\n`)).toContain('"ok":true');
    expect(await slow).toBe('');
    expect(history.state().log).toHaveLength(2);
  });
});

test('the configuration names it by an absolute path, or not at all', async () => {
  const parse = (events: unknown) =>
    parseConfig(
      utf8(
        JSON.stringify({
          version: 1,
          listen: { host: '::1', port: 0 },
          closure: { registration: 'r' },
          services: [],
          collateral: { vek: null, ask: null, ark: null, arkCrl: null },
          events,
        }),
      ),
    );
  expect(parse({ socket: '/run/affidavit/events' }).events).toEqual({
    socket: '/run/affidavit/events',
  });
  expect([parse(null).events, parse(undefined).events]).toEqual([null, undefined]);
  for (const events of [{ socket: 'events' }, {}, { socket: `/${'x'.repeat(107)}` }, { port: 1 }]) {
    expect(await codeOf(() => parse(events))).toBe('json-shape');
  }
});

test('the look at a listener that is open to all finds it', async () => {
  const mask = process.umask(0);
  onTestFinished(() => void process.umask(mask));
  const server = createServer();
  await new Promise<void>((done) => server.listen(path, done));
  onTestFinished(() => void server.close());
  expect(lstatSync(path).mode & 0o777).toBe(0o777);
});
