/** Whether a page is for everybody: what axe finds, what is too wide, what jumps. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { agentEvidence } from './agent-evidence.ts';
import { giveFiles } from './browser.ts';
import type { DroppedFile } from './corpus-cases.ts';

export const views = ['evidence', 'policy', 'compare', 'proofs'] as const;
export type ViewName = (typeof views)[number];

export type Filling = { files: readonly DroppedFile[]; at: string; root?: DroppedFile };

/** A bundle with all that can stand beside it. */
export async function fullEvidence(): Promise<Filling> {
  const { bundle, beside, root, at } = await agentEvidence();
  return { files: [bundle, ...beside], root, at };
}

export async function visit(page: Page, view: ViewName): Promise<void> {
  await page.click(`nav a[href="#${view}"]`);
  await page.waitForSelector('main h2');
}

/** Every view as it is empty, and as full of the evidence as a reader can make it. @returns what is wrong, with where */
export async function problemsOfViews(page: Page, filling: Filling): Promise<string[]> {
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.evaluate(`${readFileSync(axe, 'utf8')}; undefined`);
  const problems: string[] = [];
  const look = async (where: string) => {
    const found = [...(await violations(page)), ...(await tooWide(page))];
    problems.push(...found.map((problem) => `${where}: ${problem}`));
  };
  for (const view of views) {
    await visit(page, view);
    await look(`${view}, empty`);
  }
  await visit(page, 'evidence');
  await giveFiles(page, filling);
  for (const view of views) {
    await visit(page, view);
    await fill(page, view, filling);
    await look(`${view}, filled`);
  }
  await page.click('[data-test=side-prove]');
  await look('proofs, proving');
  return problems;
}

async function fill(page: Page, view: ViewName, { files }: Filling): Promise<void> {
  switch (view) {
    case 'evidence':
      await page.evaluate(`(() => {
        for (const one of document.querySelectorAll('details')) one.open = true;
        [...document.querySelectorAll('main [aria-expanded=false]')].slice(0, 5).forEach((one) => one.click());
      })()`);
      return;
    case 'policy':
      await page.click('[data-test=start-evidence]');
      await page.waitForSelector('[data-test=draft-decision]');
      return;
    case 'compare':
      await page.setInputFiles('[data-test=compare-files]', [...files]);
      await page.waitForSelector('[data-test=decision-right]');
      return;
    case 'proofs':
      return;
  }
}

/** Every rule of axe: WCAG 2.2 A and AA, and its own advice. */
function violations(page: Page): Promise<string[]> {
  return page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.map(
    ({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html, any }) =>
      html.slice(0, 160) + ' ' + (any[0]?.message ?? '')).join(' | ')))`);
}

/** What makes the page wider than its window, unless it is inside of something that scrolls. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return ['wider than the window', ...[...document.body.querySelectorAll('*')]
      .filter((one) => one.getBoundingClientRect().right > clientWidth + 1 && one.closest('.scroll') === null)
      .map((one) => one.nodeName + '.' + one.getAttribute('class')).slice(0, 5)];
  })()`);
}

/** From the next load on every shift counts, one right after a key as well. */
export async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(`
    globalThis.shifts = [];
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries())
        shifts.push({ value, what: sources.map(({ node, previousRect, currentRect }) =>
          (node?.outerHTML ?? node?.textContent ?? '').slice(0, 80) + ' from ' + previousRect.y + ' to ' + currentRect.y) });
    }).observe({ type: 'layout-shift', buffered: true });`);
}

export function shiftsOf(page: Page): Promise<{ value: number; what: string[] }[]> {
  return page.evaluate('shifts');
}
