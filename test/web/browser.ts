/** The built page in a headless Chromium: served as a static site is, with its content policy, and every request noted. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from '#test/tools/chromium.ts';
import type { DroppedFile, Said } from './corpus-cases.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export type Site = { readonly address: string; close(): Promise<void> };

/** @param isolated so that workers may share memory: COOP and COEP */
export async function serveFolder(folder: string, isolated = false): Promise<Site> {
  const server = createServer(async (request, response) => {
    const path = normalize((request.url ?? '/').replace(/[?#].*$/, ''));
    const name = path === '/' ? 'index.html' : path.slice(1);
    try {
      const body = await readFile(join(folder, name));
      response.writeHead(200, {
        'content-type': types[extname(name)] ?? 'application/octet-stream',
        // Names of these files change with what is in them.
        ...(name.startsWith('assets/') && { 'cache-control': 'max-age=3600' }),
        ...(isolated && {
          'cross-origin-opener-policy': 'same-origin',
          'cross-origin-embedder-policy': 'require-corp',
        }),
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const browserMissing = 'there is no chromium here (apt-get install chromium)';

/** Undefined where no Chromium is installed. */
export function chromiumPath(): string | undefined {
  const name = findChromium();
  return name === undefined
    ? undefined
    : spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('there is no chromium here');
  // A container's root has no sandbox to give, and the page is our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export type OpenPage = {
  page: Page;
  /** Every address that was asked for. */
  requests: string[];
  /** What the page complained of: exceptions, and the console's errors (a policy's refusals are among them). */
  complaints: string[];
};

export async function openPage(
  browser: Browser,
  address: string,
  { width = 1024, height = 900, dark = false } = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('dialog', async (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(address);
  return { page, requests, complaints };
}

export type Visit = {
  files: readonly DroppedFile[];
  /** RFC 3339; default: now. */
  at?: string;
  /** Hex. */
  nonce?: string | null;
  root?: DroppedFile;
};

/** Gives files to the evidence view as a reader does, on a page that was just opened, and waits for the verdict or the refusal. */
export async function giveFiles(page: Page, { files, at, nonce, root }: Visit): Promise<void> {
  if (at !== undefined) await fillIn(page, '[data-test=at]', at);
  if (nonce !== undefined && nonce !== null) await fillIn(page, '[data-test=nonce]', nonce);
  if (root !== undefined) await page.setInputFiles('[data-test=insecure-root]', root);
  await page.setInputFiles('[data-test=evidence-files]', [...files]);
  await page.waitForSelector(ended, { timeout: 20_000 });
}

const ended = '[data-test=verdict], .refusal';

async function fillIn(page: Page, selector: string, text: string): Promise<void> {
  await page.fill(selector, text);
  await page.press(selector, 'Enter');
}

/** What the page shows: the verdict's decision, and each row of the list of checks. */
export async function pageSays(page: Page): Promise<Said> {
  return (await page.evaluate(`({
    decision: document.querySelector('[data-test=verdict]')?.dataset.decision ?? 'refused',
    checks: [...document.querySelectorAll('[data-test=check]')]
      .map((row) => row.dataset.check + ' ' + row.dataset.status),
  })`)) as Said;
}
