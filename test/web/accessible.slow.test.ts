/** Every view in each theme at three widths; and with each kind of evidence. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type Filling, fullEvidence, problemsOfViews } from './accessibility.ts';
import {
  browserMissing,
  chromiumPath,
  openBrowser,
  openPage,
  type Site,
  serveFolder,
} from './browser.ts';
import { builtPage } from './built-page.ts';
import { droppedCase } from './corpus-cases.ts';

const missing = chromiumPath() === undefined ? browserMissing : hasShared ? null : sharedMissing;

const cases = [
  'tdx/tdx10-v4-dcap-qvl-tdx-quote',
  'sev-snp/neg-genoa5-other-chip-vcek',
  'sgx/sgx-v3-dcap-qvl-sgx-quote',
  'azure-snp-vtpm/trustee-az-snp-evidence-genoa',
  'nvidia/nvidia-sdk-hopper-535-vbios-rim',
  'aws-nitro/dstack-attest-dbg',
  'tpm-quote/kinvolk-azure-vtpm-quote',
];
const phone = { width: 390, dark: false };
const screen = { width: 1600, dark: true };
const others = [
  { width: 390, dark: true },
  { width: 1024, dark: false },
  { width: 1024, dark: true },
  { width: 1600, dark: false },
];

describe.skipIf(missing !== null)(missing ?? 'chromium', () => {
  let site: Site;
  let browser: Browser;
  beforeAll(async () => {
    site = await serveFolder(await builtPage());
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  const problemsIn = async (look: typeof phone, filling: Filling) => {
    const { page, complaints } = await openPage(browser, site.address, look);
    const problems = await problemsOfViews(page, filling);
    await page.context().close();
    return [...problems, ...complaints];
  };

  test.each([phone, screen, ...others])('a bundle, %o', async (look) => {
    expect(await problemsIn(look, await fullEvidence())).toEqual([]);
  });

  test.each(cases)('%s', async (name) => {
    const filling = await droppedCase(name);
    expect(await problemsIn(phone, filling)).toEqual([]);
    expect(await problemsIn(screen, filling)).toEqual([]);
  });
});
