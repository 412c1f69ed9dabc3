/** The page says of evidence what the command line says: the same decision, the same checks in the same order. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type BundleOptions, sampleTreeRoot, treeEntry } from '#test/verifier/scene.ts';
import { firstLoad } from '#web/build.ts';
import {
  browserMissing,
  chromiumPath,
  giveFiles,
  openBrowser,
  openPage,
  pageSays,
  type Site,
  serveFolder,
} from './browser.ts';
import { builtPage } from './built-page.ts';
import { type DroppedCase, type DroppedFile, saidOf } from './corpus-cases.ts';
import { comparedInPage, defaultCases } from './page-cases.ts';
import { simulatedBundle } from './simulated.ts';

let folder: string;
let site: Site;
let browser: Browser;

const chromium = chromiumPath();

describe.skipIf(chromium === undefined)(chromium ?? browserMissing, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    folder = await builtPage();
    site = await serveFolder(folder);
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test('the first load is at most 250 KB compressed, and nothing else is asked for', async () => {
    const parts = firstLoad(folder);
    expect(parts.reduce((sum, { gzip }) => sum + gzip, 0)).toBeLessThanOrEqual(250_000);
    const { page, requests, complaints } = await openPage(browser, site.address);
    await page.waitForSelector('[data-test=evidence-files]', { state: 'attached' });
    const asked = requests.map((url) => url.replace(site.address, '') || 'index.html');
    expect(asked.toSorted()).toEqual(parts.map(({ file }) => file).toSorted());
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('its content policy allows nothing inline', () => {
    for (const name of ['index.html', 'live.html']) {
      const html = readFileSync(join(folder, name), 'utf8');
      const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1] ?? '';
      expect(policy).toMatch(/^default-src &#39;none&#39;; /);
      expect(policy.replace('wasm-unsafe-eval', '')).not.toMatch(/unsafe|\*/);
      expect(html).not.toMatch(/<style|<script(?![^>]* src=)| on\w+=/);
    }
  });

  describe.skipIf(!hasShared)(hasShared ? 'corpus' : sharedMissing, () => {
    test.each(defaultCases)('%s: as the command line says', async (_, names) => {
      const found = await comparedInPage(browser, site, names);
      const { decisions, differences, requests, complaints } = found;
      expect(differences).toEqual([]);
      expect(new Set(decisions).size).toBeGreaterThanOrEqual(3);
      expect(complaints).toEqual([]);
      expect(requests).toEqual([]);
    });
  });

  const bundles: [string, BundleOptions, string][] = [
    ['a simulated bundle', {}, 'accepted'],
    [
      'a bundle whose log leads to another tree',
      { log: [treeEntry(sampleTreeRoot), treeEntry(sampleTreeRoot + 1n, 'reload')] },
      'invalid',
    ],
    ['a bundle that was changed later', { edit: ({ epoch }) => ({ epoch: epoch + 1 }) }, 'invalid'],
  ];
  test.each(bundles)('%s: as the command line says', async (_, options, decision) => {
    const { bundle, root, at } = await simulatedBundle(options);
    const { page, complaints } = await openPage(browser, site.address);
    await giveFiles(page, { files: [bundle], at, root });
    const said = await cliSaysOf({ bundle, root, at });
    expect(said.decision).toBe(decision);
    expect(await pageSays(page)).toEqual(said);
    expect(complaints).toEqual([]);
    expect(await page.locator('p.insecure').textContent()).toMatch(/^INSECURE/);
    await page.context().close();
  });
});

async function cliSaysOf(given: { bundle: DroppedFile; root: DroppedFile; at: DroppedCase['at'] }) {
  const scratch = mkdtempSync(join(tmpdir(), 'affidavit-page-'));
  const path = ({ name, buffer }: DroppedFile) => {
    writeFileSync(join(scratch, name), buffer);
    return join(scratch, name);
  };
  try {
    const { bundle, root, at } = given;
    return await saidOf({ target: path(bundle), insecureRoot: path(root), at });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
