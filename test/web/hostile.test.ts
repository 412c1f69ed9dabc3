/** What a page may be given by somebody who means harm: it is shown as text, or refused in words, and the page goes on. */
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { stringify } from 'yaml';
import { fakeNow } from '#test/fake/amd.ts';
import { fakeBanks } from '#test/fake/tpm.ts';
import { encodeEventLog, eventTypes } from '#test/fake/tpm-log.ts';
import { sampleTreeRoot, treeEntry } from '#test/verifier/scene.ts';
import { encodeLogEntry } from '#verifier/abi/log.ts';
import { hashOf } from '#verifier/abi/tpm/hash.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { utf8 } from '#verifier/bytes.ts';
import { encodeLink } from '#web/model/permalink.ts';
import { fileOf } from './agent-evidence.ts';
import {
  browserMissing,
  chromiumPath,
  giveFiles,
  type OpenPage,
  openBrowser,
  openPage,
  type Site,
  serveFolder,
} from './browser.ts';
import { builtPage } from './built-page.ts';
import { simulatedBundle } from './simulated.ts';

const markup = '<img src=x onerror="globalThis.harmed=1"><script>harmed=2</script>';
/** Marks that turn text around, hide it, or are no text: none may reach a reader as it is. */
const tricks = '\u202egnp.\u2066\u200b\u0007\u001b[31m\u2029';
const nasty = `${markup}${tricks}`;

let site: Site;
let browser: Browser;
let open: OpenPage;

/** No verdict, or one that says that the evidence is not what it should be. */
const refused = /No verdict.*\w{4}|Invalid evidence/;

const chromium = chromiumPath();

describe.skipIf(chromium === undefined)(chromium ?? browserMissing, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    site = await serveFolder(await builtPage());
    browser = await openBrowser();
    open = await openPage(browser, site.address);
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  beforeEach(async () => {
    await open.page.goto('about:blank');
    await open.page.goto(site.address);
  });

  afterEach(async () => {
    expect(await harmOf(open.page)).toEqual({ harmed: null, polluted: null, elements: 0, raw: [] });
    expect(open.complaints.splice(0)).toEqual([]);
  });

  describe('names', () => {
    test('of certificates, files, policies and log events are text', async () => {
      const subject = [{ type: 'CN', value: nasty, string: 'utf8' }] as const;
      const event = { kind: 'event', time: fakeNow, name: nasty } as const;
      const log = [
        treeEntry(sampleTreeRoot, nasty),
        encodeLogEntry({ ...event, digest: new Uint8Array(32) }),
      ];
      const made = await simulatedBundle({ log, overrides: { ask: { subject } } });
      const policy = JSON.stringify({ ...genuinePolicy, name: markup });
      const { page } = open;
      await giveFiles(page, {
        files: [{ ...made.bundle, name: nasty }, fileOf(`${nasty}.json`, policy)],
        root: { ...made.root, name: nasty },
        at: made.at,
      });
      const text = await page.textContent('body');
      expect(text).toContain(markup);
      expect(text).toContain('\\u{202e}');
      expect(await page.getAttribute('[data-test=verdict]', 'data-decision')).toBe('invalid');
      await readAll(page);
      for (const view of ['policy', 'compare', 'proofs']) {
        await page.click(`nav a[href="#${view}"]`);
        await page.waitForTimeout(100);
        expect(await harmOf(page)).toMatchObject({ harmed: null, elements: 0, raw: [] });
      }
    });

    test('in a boot event log are text', async () => {
      const data = utf8(`grub_cmd: ${nasty}\0`);
      const digests = fakeBanks.map((bank) => [bank, hashOf(bank, data)] as const);
      const log = encodeEventLog(fakeBanks, [{ pcr: 8, type: eventTypes.ipl, digests, data }]);
      const { bundle, root, at } = await simulatedBundle();
      await giveFiles(open.page, { files: [bundle, fileOf('log.bin', log)], root, at });
      await readAll(open.page);
    });
  });

  describe('large and twisted files', () => {
    test('50 MB are refused without being read', async () => {
      const { page } = open;
      const path = join(inject('runFolder'), 'large');
      writeFileSync(path, Buffer.alloc(50_000_000, '{"a":['));
      const time = await timeOf(page, async () => {
        await page.setInputFiles('[data-test=evidence-files]', path);
        expect(await wordsOf(page)).toMatch(/50.000.000 bytes/);
      });
      expect(time).toBeLessThan(0.5);
    });

    const fill = (text: string) => Buffer.alloc(15_000_000, text);
    const large: [string, Buffer][] = [
      ['blanks', fill(' ')],
      ['hex digits', fill('a')],
      ['open brackets', fill('[')],
      ['a DER length', Buffer.concat([Uint8Array.of(0x30, 0x83, 0xe4, 0xe1, 0xb8), fill('0')])],
      ['beginnings of certificates', fill('-----BEGIN CERTIFICATE-----\n')],
      ['a bundle of one string', Buffer.concat([utf8('{"evidence":"'), fill('A'), utf8('"}')])],
    ];
    test.each(large)('15 MB of %s are refused in words', async (_, content) => {
      // From the disk: what is sent over the browser's wire takes longer than all that the page does.
      const path = join(inject('runFolder'), 'large');
      writeFileSync(path, content);
      const { page } = open;
      const time = await timeOf(page, async () => {
        await page.setInputFiles('[data-test=evidence-files]', path);
        expect(await wordsOf(page)).toMatch(refused);
      });
      expect(time).toBeLessThan(2);
    });

    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const key = '"__proto__":{"polluted":1}';
    const twisted: [string, string][] = [
      ['100,000 arrays in each other', deep],
      ['a bundle with 100,000 arrays in each other', `{"evidence":${deep}}`],
      ['a bundle whose key is __proto__', `{"evidence":"AA==",${key}}`],
      ['a bundle whose key is constructor', '{"evidence":"AA==","constructor":{"prototype":{}}}'],
      ['TCB info whose key is __proto__', `{"tcbInfo":{${key}},"signature":""}`],
    ];
    test.each(twisted)('%s is refused in words', async (_, text) => {
      await open.page.setInputFiles('[data-test=evidence-files]', fileOf('file.json', text));
      expect(await wordsOf(open.page)).toMatch(refused);
    });

    const policies: [string, string][] = [
      ['JSON', JSON.stringify(genuinePolicy).replace('{', `{${key},`)],
      ['YAML', `${stringify(genuinePolicy)}__proto__:\n  polluted: 1\n`],
    ];
    test.each(policies)('a policy in %s whose key is __proto__ is refused', async (_, text) => {
      const { bundle, root, at } = await simulatedBundle();
      await giveFiles(open.page, { files: [bundle, fileOf('policy', text)], root, at });
      expect(await wordsOf(open.page)).toMatch(/__proto__/);
    });
  });

  describe('links', () => {
    const zeros = deflateRawSync(new Uint8Array(64 * 1024 * 1024)).toString('base64url');
    const broken: [string, string][] = [
      ['rubbish', '!!!%00<script>'],
      ['base64 of rubbish', 'AAAA'],
      ['markup', encodeURIComponent(markup)],
      ['a bomb of 64 MiB', zeros],
    ];
    test.each(broken)('%s is refused in words', async (_, data) => {
      await open.page.goto(`${site.address}#evidence=${data}`);
      expect(await open.page.textContent('.refusal')).toMatch(/link/);
    });

    test('a root that a link brings is not trusted by itself, and its name is text', async () => {
      const { bundle, root } = await simulatedBundle();
      const given = ({ buffer }: typeof bundle, name: string) => ({
        name,
        bytes: new Uint8Array(buffer),
      });
      const files = [given(bundle, nasty)];
      const insecureRoot = given(root, nasty);
      const data = await encodeLink({ files, policy: null, insecureRoot, at: fakeNow });
      const { page } = open;
      await page.goto(`${site.address}#evidence=${data}`);
      await page.waitForSelector('[data-test=verdict]');
      expect(await page.getAttribute('[data-test=verdict]', 'data-decision')).toBe('invalid');
      expect(await page.locator('p.insecure').count()).toBe(0);
      expect(await page.textContent('[data-test=brought-root]')).toContain(markup);
      expect(await harmOf(page)).toMatchObject({ harmed: null, elements: 0, raw: [] });
      await page.click('[data-test=brought-root] button');
      await page.waitForSelector('p.insecure');
    });
  });

  describe('addresses', () => {
    let agent: Server;
    let origin: string;
    beforeAll(async () => {
      agent = createServer(answer);
      await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
      origin = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      agent.close();
      agent.closeAllConnections();
    });

    const addresses: [string, (origin: string) => string, RegExp][] = [
      ['one that redirects', (at) => `${at}/redirect`, /redirect/],
      ['one that answers HTML', (at) => `${at}/html`, /text\/html/],
      ['one that names a hostile type', (at) => `${at}/type`, /answered .*img/],
      ['one that never answers', (at) => `${at}/hang`, /no answer .* within 30 s/],
      ['one that never ends', (at) => `${at}/endless`, /8 MiB/],
      ['one that refuses', (at) => `${at}/teapot`, /418/],
      ['one that shares with nobody', (at) => `${at}/alone`, /Access-Control-Allow-Origin/],
      ['a script', () => 'javascript:alert(1)', /no http/],
      ['markup', () => nasty, /no http/],
      ['one with a password', () => 'https://user:secret@host.example', /password/],
    ];
    test.each(addresses)('%s is refused in words', async (_, address, words) => {
      const { page, complaints } = open;
      // Half a minute of waiting shows no more than half a second.
      if (address(origin).endsWith('/hang')) {
        await page.evaluate(`(() => {
          const real = AbortSignal.timeout;
          AbortSignal.timeout = (ms) => real.call(AbortSignal, ms / 60);
        })()`);
      }
      await page.fill('[data-test=agent-url]', address(origin));
      await page.press('[data-test=agent-url]', 'Enter');
      await page.waitForSelector('[data-test=agent-problem]');
      expect(await page.textContent('[data-test=agent-problem]')).toMatch(words);
      expect(complaints.filter((text) => !isNetwork(text))).toEqual([]);
      complaints.length = 0;
    });
  });
});

/** The browser itself says in its console that a request failed: this is no complaint about the page. */
function isNetwork(text: string): boolean {
  return /CORS policy|net::ERR_|status of 4\d\d/.test(text);
}

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const path = url.replace(/\/attestation.*/, '');
  const shared = { 'access-control-allow-origin': '*' };
  const json = { ...shared, 'content-type': 'application/json' };
  switch (path) {
    case '/redirect':
      response.writeHead(302, { ...shared, location: '/html' }).end();
      return;
    case '/html':
      response.writeHead(200, { ...shared, 'content-type': 'text/html' }).end(markup);
      return;
    case '/type':
      response.writeHead(200, { ...shared, 'content-type': '<img src=x>' }).end('{}');
      return;
    case '/hang':
      return;
    case '/endless': {
      response.writeHead(200, json);
      const more = () => {
        while (response.write(Buffer.alloc(65_536, ' ')));
      };
      response.on('drain', more);
      more();
      return;
    }
    case '/teapot':
      response.writeHead(418, json).end('{}');
      return;
    default:
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }
}

async function wordsOf(page: Page): Promise<string> {
  await page.waitForSelector('.refusal, [data-test=verdict]');
  return (await page.textContent('.refusal, [data-test=verdict]')) ?? '';
}

/** Opens all that can be opened, so that every text of the evidence is on the page. */
async function readAll(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    for (const one of document.querySelectorAll('details')) one.open = true;
    for (const one of document.querySelectorAll('main [aria-expanded=false]')) one.click();
  })()`);
  await page.waitForTimeout(100);
  const found = await harmOf(page);
  expect(found).toEqual({ harmed: null, polluted: null, elements: 0, raw: [] });
}

/** What came of the names: code that ran, a prototype that changed, elements that are not the page's, marks that were not spelt. */
function harmOf(page: Page): Promise<unknown> {
  return page.evaluate(`({
    harmed: globalThis.harmed ?? null,
    polluted: ({}).polluted ?? null,
    elements: document.querySelectorAll('#app :is(img, script, iframe, object, embed, style, link)').length,
    raw: document.documentElement.outerHTML.match(/.{0,20}[\\u0000-\\u0008\\u001b\\u200b\\u2029\\u202a-\\u202e\\u2066-\\u2069]/gu) ?? [],
  })`);
}

/** @returns seconds of the page's own thread, whatever else the machine does: for so long at most it could stand still */
async function timeOf(page: Page, work: () => Promise<unknown>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const before = await spent();
  await work();
  return (await spent()) - before;
}
