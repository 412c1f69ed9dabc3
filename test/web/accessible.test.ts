/** The page for everybody: no violation that axe finds, a whole visit by keyboard, nothing wider than a phone, nothing that jumps. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Filling,
  fullEvidence,
  problemsOfViews,
  shiftsOf,
  views,
  visit,
  watchShifts,
} from './accessibility.ts';
import {
  browserMissing,
  chromiumPath,
  giveFiles,
  openBrowser,
  openPage,
  type Site,
  serveFolder,
} from './browser.ts';
import { builtPage } from './built-page.ts';

let site: Site;
let browser: Browser;
let evidence: Filling;

const chromium = chromiumPath();

describe.skipIf(chromium === undefined)(chromium ?? browserMissing, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    site = await serveFolder(await builtPage());
    browser = await openBrowser();
    evidence = await fullEvidence();
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  // Each width and each theme; accessible.slow.test.ts has the other two pairs.
  test.each([
    ['phone, light', { width: 390, dark: false }],
    ['desk, dark', { width: 1280, dark: true }],
  ])('%s: every view, empty and filled', async (_, look) => {
    const { page, complaints } = await openPage(browser, site.address, look);
    expect(await problemsOfViews(page, evidence)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('nothing moves while it loads, nor when the verdict comes', async () => {
    for (const width of [390, 1280]) {
      const { page } = await openPage(browser, 'about:blank', { width });
      await watchShifts(page);
      await page.goto(site.address);
      await page.waitForTimeout(200);
      expect(sumOf(await shiftsOf(page)), JSON.stringify(await shiftsOf(page))).toBeLessThan(0.01);
      // Under the vendors' roots: the warning about another root pushes everything down, as it should.
      const { files, at } = evidence;
      await giveFiles(page, { files, at });
      await page.waitForTimeout(200);
      expect(sumOf(await shiftsOf(page)), JSON.stringify(await shiftsOf(page))).toBeLessThan(0.01);
      await page.context().close();
    }
  });

  test('a whole visit by keyboard alone', async () => {
    const { page } = await openPage(browser, site.address, { width: 1280 });
    await page.keyboard.press('Tab');
    expect(await focused(page)).toMatchObject({ href: '#main', visible: true });
    // The browser's dialog is no part of the page; what it gives is.
    await giveFiles(page, evidence);
    await tabTo(page, '[data-test=station]');
    await page.keyboard.press('Enter');
    await tabTo(page, '[data-test=check] button');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toMatchObject({ expanded: 'true' });
    await tabTo(page, 'nav a[href="#policy"]', 'Shift+Tab');
    await page.keyboard.press('Enter');
    expect(await page.getAttribute('nav a[href="#policy"]', 'aria-current')).toBe('page');
    await tabTo(page, '[data-test=start-evidence]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-test=draft-decision]');
    await page.goBack();
    expect(await page.getAttribute('nav a[href="#evidence"]', 'aria-current')).toBe('page');
    expect(await page.getAttribute('[data-test=verdict]', 'data-decision')).toBe('accepted');
    await page.context().close();
  });

  test('Tab reaches all of every view, and the focus is seen', async () => {
    const { page } = await openPage(browser, site.address, { width: 1280 });
    await giveFiles(page, evidence);
    for (const view of views) {
      await visit(page, view);
      await page.evaluate(mark);
      // What a script focuses after a click has no ring: the first Tab is where looking begins.
      await page.focus('.skip-link');
      const seen = new Set(['0']);
      await page.keyboard.press('Tab');
      // Behind the last one comes the browser's own bar.
      for (let found = await focused(page); found !== null; found = await focused(page)) {
        expect({ view, ...found, visible: true }).toEqual({ view, ...found });
        seen.add(found.number);
        await page.keyboard.press('Tab');
      }
      const missed = await page.evaluate(`[...document.querySelectorAll('[data-number]')]
        .filter((one) => !${JSON.stringify([...seen])}.includes(one.dataset.number))
        .map((one) => one.outerHTML.slice(0, 120))`);
      expect({ view, missed }).toEqual({ view, missed: [] });
    }
    await page.context().close();
  });
});

function sumOf(shifts: readonly { value: number }[]): number {
  return shifts.reduce((sum, { value }) => sum + value, 0);
}

/** Numbers what Tab should reach: what is seen and can be used. Of a group that arrow keys walk through, one is enough. */
const mark = `(() => {
  const all = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
  let number = 0;
  for (const one of document.querySelectorAll(all)) {
    const usable = one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0;
    if (usable && !(one.type === 'radio' && !one.checked)) one.dataset.number = String(number++);
  }
})()`;

type Focused = { number: string; href: string | null; expanded: string | null; visible: boolean };

/** Null when it is nowhere in the page. `visible`: it has an outline or a shadow, or one of its parents has. */
function focused(page: Page): Promise<Focused | null> {
  return page.evaluate(`(() => {
    const one = document.activeElement;
    if (one === null || one === document.body) return null;
    const outlined = (node) => getComputedStyle(node).outlineStyle !== 'none';
    return {
      number: one.dataset.number ?? '', href: one.getAttribute('href'), expanded: one.getAttribute('aria-expanded'),
      visible: outlined(one) || outlined(one.parentElement) || getComputedStyle(one).boxShadow !== 'none',
    };
  })()`) as Promise<Focused | null>;
}

/** Presses Tab until something that the selector names has the focus. */
async function tabTo(page: Page, selector: string, key = 'Tab'): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (
      await page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)}) ?? false`)
    )
      return;
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not reach ${selector}`);
}
