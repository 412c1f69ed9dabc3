import { describe, expect, test } from 'vitest';
import { bundleMediaType, maxBundleLength } from '#verifier/abi/bundle.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { attestationUrl as cliUrl } from '#verifier/cli/fetch-bundle.ts';
import {
  askClosure,
  askEvidence,
  askTreeProof,
  attestationUrl,
  type Fetch,
  likelyReasons,
  type Page,
} from '#web/input/agent-url.ts';
import { pastedFile, readFiles } from '#web/input/read-files.ts';

const page: Page = { origin: 'https://page.example', protocol: 'https:' };
const nonce = new Uint8Array(32).fill(0xab);
const url = new URL('https://host.example:8443/attestation');

const urlOf = (text: string) => {
  const read = attestationUrl(text);
  return 'url' in read ? read.url.href : null;
};
const answering =
  (body: ConstructorParameters<typeof Response>[0], status: number, type: string): Fetch =>
  async () =>
    new Response(body, { status, headers: { 'content-type': type } });
const failing: Fetch = async () => {
  throw new TypeError('Failed to fetch');
};
const codeOf = async (fetch: Fetch) => {
  const asked = await askEvidence(url, nonce, fetch, page);
  return 'problem' in asked ? asked.problem.code : null;
};

describe('the address that is asked', () => {
  test.each([
    'http://127.0.0.1:8080',
    'https://host.example',
    'https://host.example/',
    'https://host.example/agent//',
    'https://host.example/attestation',
    'https://host.example/a?x=1',
  ])('%s: as the command line takes it', (text) => {
    expect(urlOf(text)).toBe(cliUrl(text).href);
    expect(urlOf(`  ${text}\n`)).toBe(cliUrl(text).href);
  });

  test.each([
    '',
    'host.example',
    'host:8080',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'ftp://x',
  ])('“%s” is none', (text) => {
    expect(attestationUrl(text)).toMatchObject({ problem: { code: 'usage' } });
  });

  test('a password is refused, and a fragment is left out', () => {
    expect(urlOf('https://me:secret@host.example')).toBeNull();
    expect(urlOf('https://host.example/#evidence')).toBe('https://host.example/attestation');
  });
});

describe('a question', () => {
  test('holds the nonce, and nothing of the reader', async () => {
    const asked: { url: string; init: RequestInit }[] = [];
    const fetch: Fetch = async (to, init) => {
      asked.push({ url: to, init });
      return new Response('{}', { headers: { 'content-type': bundleMediaType } });
    };
    expect(await askEvidence(url, nonce, fetch, page)).toEqual({ bytes: utf8('{}') });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.url).toBe(`${url.href}?nonce=${toHex(nonce)}`);
    expect(asked[0]?.init).toMatchObject({
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      redirect: 'error',
      headers: { accept: bundleMediaType },
    });
  });

  test('for a manifest and a proof goes to the same agent', async () => {
    const asked: string[] = [];
    const fetch =
      (type: string): Fetch =>
      async (to) => {
        asked.push(to);
        return new Response('x', { headers: { 'content-type': `${type}; charset=utf-8` } });
      };
    const below = new URL('https://host.example/agent/attestation');
    expect(await askClosure(below, fetch('text/plain'), page)).toEqual({ bytes: utf8('x') });
    await askTreeProof(below, 'echo-node', fetch('application/json'), page);
    expect(asked).toEqual([
      'https://host.example/agent/closure',
      'https://host.example/agent/proofs/echo-node',
    ]);
  });
});

describe('an answer', () => {
  test('twin: a bundle is taken, of both media types', async () => {
    expect(await codeOf(answering('{}', 200, bundleMediaType))).toBeNull();
    expect(await codeOf(answering('{}', 200, 'application/json'))).toBeNull();
  });

  test.each([
    ['of another kind', answering('<p>', 200, 'text/html'), 'agent-answer'],
    ['with no content type', answering('{}', 200, ''), 'agent-answer'],
    ['that is refused', answering('{}', 404, 'application/json'), 'agent-answer'],
    ['of an agent that is busy', answering('{}', 503, 'application/json'), 'agent-unreachable'],
    ['that never comes', failing, 'agent-unreachable'],
  ])('%s', async (_, fetch, code) => {
    expect(await codeOf(fetch)).toBe(code);
  });

  test('of more than 8 MiB is not read to its end', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1 << 20;
        controller.enqueue(new Uint8Array(1 << 20));
      },
    });
    expect(await codeOf(answering(endless, 200, bundleMediaType))).toBe('too-large');
    expect(sent).toBeLessThan(maxBundleLength + (4 << 20));
    const most = new Uint8Array(maxBundleLength);
    expect(await codeOf(answering(most, 200, bundleMediaType))).toBeNull();
  });

  test('that breaks off is none', async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(utf8('{'));
        controller.error(new TypeError('network error'));
      },
    });
    expect(await codeOf(answering(broken, 200, bundleMediaType))).toBe('agent-unreachable');
  });
});

describe('where the browser keeps the answer', () => {
  test('the likely reasons come in order, with what an agent would have to send', async () => {
    const reasons = likelyReasons(url, page);
    expect(reasons[0]).toContain('Access-Control-Allow-Origin: https://page.example');
    expect(reasons[1]).toContain('host.example:8443');
    expect(reasons[2]).toMatch(/certificate/);
  });

  test('http from an https page comes first, but for the reader’s own machine', () => {
    const first = (to: string) => likelyReasons(new URL(to), page)[0];
    expect(first('http://host.example')).toMatch(/browsers refuse such requests/);
    expect(first('http://127.0.0.1:8080')).toMatch(/Access-Control/);
    expect(first('http://localhost:8080')).toMatch(/Access-Control/);
    expect(likelyReasons(url, { origin: 'null', protocol: 'file:' })[0]).toContain('Origin: null');
  });

  test('a page of the agent’s own origin needs no permission', () => {
    const own = { origin: url.origin, protocol: 'https:' };
    expect(likelyReasons(url, own).join()).not.toMatch(/Access-Control/);
  });

  test('the commands get the same as a file, in one word of a shell', async () => {
    const read = attestationUrl("https://host.example/it's;rm");
    if (!('url' in read)) throw new Error('it is a URL');
    const asked = await askEvidence(read.url, nonce, failing, page);
    if (!('problem' in asked)) throw new Error('it fails');
    const texts = asked.problem.commands.map(({ text }) => text);
    expect(texts).toEqual([
      "affidavit verify 'https://host.example/it%27s;rm/attestation' --save bundle.json",
      `curl --fail --output bundle.json 'https://host.example/it%27s;rm/attestation?nonce=${toHex(nonce)}'`,
    ]);
  });
});

describe('files', () => {
  const readable = (name: string, size: number, read = async () => new ArrayBuffer(size)) => ({
    name,
    size,
    arrayBuffer: read,
  });

  test('that are too large are not even read, and the others are', async () => {
    const never = async () => {
      throw new Error('it was read');
    };
    const given = [readable('a', 3), readable('huge\u202e', 50 * 1024 * 1024, never)];
    const { files, problems } = await readFiles(given);
    expect(files.map(({ name }) => name)).toEqual(['a']);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'too-large', file: 'huge\\u{202e}' });
  });

  test('that cannot be read, and more than there may be', async () => {
    const refusing = async () => Promise.reject(new DOMException('gone', 'NotFoundError'));
    const one = await readFiles([readable('folder', 0, refusing), readable('b', 1)]);
    expect(one.problems[0]?.code).toBe('file-unreadable');
    expect(one.files).toHaveLength(1);
    const many = await readFiles(Array.from({ length: 300 }, (_, i) => readable(String(i), 1)));
    expect([many.files.length, many.problems.length]).toEqual([256, 1]);
    const heavy = await readFiles([1, 2, 3].map((i) => readable(String(i), 15 << 20)));
    expect([heavy.files.length, heavy.problems[0]?.code]).toEqual([2, 'too-large']);
  });

  test('from pasted text: hex and base64 as people copy them, all else as it is', () => {
    const bytesOf = (text: string) => Buffer.from(pastedFile(text, 'x')?.bytes ?? []).toString();
    expect(bytesOf(' 0xAB cd:EF\n01 ')).toBe('ABcdEF01');
    expect(bytesOf('  AQID\n  BAUG\n')).toBe('AQIDBAUG');
    expect(bytesOf('{"a": 1}\n')).toBe('{"a": 1}\n');
    const line = `${'0'.repeat(64)} /nix/store/${'a'.repeat(32)}-x`;
    expect(bytesOf(line)).toBe(`${line}\n`);
    expect(pastedFile(' \n', 'x')).toBeNull();
  });
});
