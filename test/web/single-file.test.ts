/** The page as one HTML file opens from a disk, asks for nothing, and says what the command line says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { root } from '#test/tools/layers.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { singleFileName } from '#web/build.ts';
import { singleFile } from '#web/single-file.ts';
import {
  browserMissing,
  chromiumPath,
  giveFiles,
  openBrowser,
  openPage,
  pageSays,
} from './browser.ts';
import { builtPage } from './built-page.ts';
import { cliSays, droppedCase } from './corpus-cases.ts';
import { simulatedBundle } from './simulated.ts';

let path: string;
let browser: Browser;

const chromium = chromiumPath();

describe.skipIf(chromium === undefined)(chromium ?? browserMissing, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    path = join(await builtPage(), singleFileName);
    browser = await openBrowser();
  });

  afterAll(() => browser?.close());

  test('it is whole, and the same whenever it is built', async () => {
    const html = readFileSync(path, 'utf8');
    expect((await singleFile()) === html).toBe(true);
    expect(html.includes(root)).toBe(false);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toMatch(/<script[^>]*\bsrc=|<link[^>]*stylesheet|\bimport\(/);
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1] ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^ ]+'; style-src 'sha256-[^ ]+';/,
    );
    expect(policy).not.toContain('unsafe');
  });

  describe.skipIf(!hasShared)(hasShared ? 'corpus' : sharedMissing, () => {
    test.each(['tdx/tdx10-v4-dcap-qvl-tdx-quote', 'sev-snp/neg-genoa5-other-chip-vcek'])(
      '%s: as the command line says, and nothing is asked for',
      async (name) => {
        const address = pathToFileURL(path).href;
        const { page, requests, complaints } = await openPage(browser, address);
        await giveFiles(page, await droppedCase(name));
        expect(await pageSays(page)).toEqual(await cliSays(name));
        expect(requests).toEqual([address]);
        expect(complaints).toEqual([]);
        await page.context().close();
      },
    );
  });

  test('policy and compare are there, YAML too, and proofs say what they need', async () => {
    const address = pathToFileURL(path).href;
    const { page, requests, complaints } = await openPage(browser, address);
    const { bundle, root, at } = await simulatedBundle();
    const policy = Buffer.from(stringify({ ...genuinePolicy, name: 'written in YAML' }));
    const yaml = { name: 'policy.yaml', mimeType: 'text/yaml', buffer: policy };
    await giveFiles(page, { files: [bundle, yaml], root, at });
    expect(await page.textContent('[data-test=verdict]')).toContain('written in YAML');
    for (const view of ['policy', 'compare']) {
      await page.click(`nav a[href="#${view}"]`);
      await page.waitForSelector('main h2');
    }
    await page.click('nav a[href="#proofs"]');
    expect(await page.textContent('[data-test=proofs-elsewhere]')).toMatch(/http or https/);
    expect(requests).toEqual([address]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
