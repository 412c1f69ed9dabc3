/** The page's own figures: what its first load weighs, when it can be used, and how long evidence takes in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { hasShared } from '#test/shared.ts';
import { agentEvidence } from '#test/web/agent-evidence.ts';
import {
  browserMissing,
  chromiumPath,
  giveFiles,
  openBrowser,
  openPage,
  type Site,
  serveFolder,
  type Visit,
} from '#test/web/browser.ts';
import { droppedCase } from '#test/web/corpus-cases.ts';
import { buildPage, firstLoad } from '#web/build.ts';
import { line, median, ms } from './bench-figures.ts';

const loads = 7;
const rounds = 20;
const quote = 'tdx/tdx10-v4-dcap-qvl-tdx-quote';

export async function benchWeb(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-web-'));
  try {
    await buildPage(folder);
    const weight = firstLoad(folder).reduce((sum, { gzip }) => sum + gzip, 0);
    line('page: first load, gzip', `${(weight / 1000).toFixed(1)} kB`, '≤ 250 kB');
    if (chromiumPath() === undefined) {
      console.log(`${browserMissing}: the page’s times are left out.`);
      return;
    }
    const site = await serveFolder(folder);
    const browser = await openBrowser();
    try {
      await benchPage(browser, site);
    } finally {
      await browser.close();
      await site.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function benchPage(browser: Browser, site: Site): Promise<void> {
  const usable: number[] = [];
  for (let i = 0; i < loads; i++) usable.push(await timeToUse(browser, site));
  line(`page: usable after (median of ${loads} cold loads)`, ms(median(usable)), '≤ 1000 ms');
  const { bundle, root, at } = await agentEvidence('tdx');
  await benchVisit(browser, site, 'TDX bundle, simulated', { files: [bundle], root, at });
  if (hasShared) await benchVisit(browser, site, 'TDX quote', await droppedCase(quote));
}

/** From the click on a link until the place for files stands and the page’s thread is free. */
async function timeToUse(browser: Browser, { address }: Site): Promise<number> {
  const { page } = await openPage(browser, 'about:blank');
  await page.addInitScript(`
    new MutationObserver((_, observer) => {
      if (document.querySelector('[data-test=evidence-files]') === null) return;
      observer.disconnect();
      setTimeout(() => { globalThis.usable = performance.now(); });
    }).observe(document, { childList: true, subtree: true });`);
  await page.goto(address);
  await page.waitForFunction('globalThis.usable !== undefined');
  const usable = Number(await page.evaluate('globalThis.usable'));
  await page.context().close();
  return usable;
}

async function benchVisit(browser: Browser, site: Site, what: string, visit: Visit) {
  const { page } = await openPage(browser, site.address);
  const times: number[] = [];
  for (let i = 0; i <= rounds; i++) {
    await page.reload();
    times.push(await timeOfVerdict(page, visit));
  }
  const [cold = Number.NaN, ...others] = times;
  line(`page: ${what}, from files to verdict, first`, ms(cold), '≤ 300 ms');
  line(`page: ${what}, median of ${rounds} fresh pages`, ms(median(others)), '≤ 300 ms');
  await page.context().close();
}

/** As the page’s clock has it: from the files’ arrival until the verdict stands in the page. */
async function timeOfVerdict(page: Page, visit: Visit): Promise<number> {
  await page.evaluate(`(() => {
    addEventListener('change', ({ target }) => {
      if (target.matches('[data-test=evidence-files]')) globalThis.begun = performance.now();
    }, true);
    new MutationObserver((_, observer) => {
      if (document.querySelector('[data-test=verdict]') === null) return;
      observer.disconnect();
      globalThis.ended = performance.now();
    }).observe(document, { childList: true, subtree: true });
  })()`);
  await giveFiles(page, visit);
  return Number(await page.evaluate('globalThis.ended - globalThis.begun'));
}
