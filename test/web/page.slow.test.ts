/** Every case of the corpus that can be verified by itself: the page says what the command line says. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { browserMissing, chromiumPath, openBrowser, serveFolder } from './browser.ts';
import { builtPage } from './built-page.ts';
import { caseNames } from './corpus-cases.ts';
import { comparedInPage } from './page-cases.ts';

const missing = chromiumPath() === undefined ? browserMissing : hasShared ? null : sharedMissing;

describe.skipIf(missing !== null)(missing ?? 'corpus', () => {
  test('every case', async () => {
    const site = await serveFolder(await builtPage());
    const browser = await openBrowser();
    try {
      const names = caseNames();
      expect(names.length).toBeGreaterThan(140);
      const { differences, requests, complaints } = await comparedInPage(browser, site, names);
      expect(differences).toEqual([]);
      expect(complaints).toEqual([]);
      expect(requests).toEqual([]);
    } finally {
      await browser.close();
      await site.close();
    }
  });
});
