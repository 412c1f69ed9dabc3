/**
 * `node test/tools/web-look.ts --out FOLDER [--case TEE/ID | --file FILE…] [--at TIME] [--root FILE] [--view NAME] [--width N]… [--dark]
 * [--select CSS]`: builds the page, gives it the files and takes a picture at each width, for a person's eyes.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { giveFiles, openBrowser, openPage, serveFolder } from '#test/web/browser.ts';
import { droppedCase, droppedFile } from '#test/web/corpus-cases.ts';
import { buildPage } from '#web/build.ts';

const options = yargs(process.argv.slice(2))
  .strict()
  .options({
    out: { type: 'string', demandOption: true },
    case: { type: 'string' },
    file: { type: 'string', array: true },
    at: { type: 'string' },
    root: { type: 'string' },
    view: { type: 'string', default: 'evidence' },
    width: { type: 'number', array: true, default: [390, 1024, 1600] },
    dark: { type: 'boolean', default: false },
    select: { type: 'string' },
  })
  .parseSync();

const dist = mkdtempSync(join(tmpdir(), 'affidavit-web-'));
await buildPage(dist);
const site = await serveFolder(dist);
const browser = await openBrowser();
try {
  mkdirSync(options.out, { recursive: true });
  const found = options.case === undefined ? null : await droppedCase(options.case);
  const files = [...(found?.files ?? []), ...(options.file ?? []).map(droppedFile)];
  const given = options.at ?? found?.at;
  const at = given === undefined ? {} : { at: given };
  const root = options.root === undefined ? {} : { root: droppedFile(options.root) };
  for (const width of options.width) {
    const { page, complaints } = await openPage(browser, site.address, {
      width,
      dark: options.dark,
    });
    if (files.length > 0) await giveFiles(page, { ...found, files, ...at, ...root });
    if (options.view !== 'evidence') await page.click(`nav a[href="#${options.view}"]`);
    await page.waitForTimeout(200);
    const path = join(options.out, `${options.view}-${width}${options.dark ? '-dark' : ''}.png`);
    if (options.select === undefined) await page.screenshot({ path, fullPage: true });
    else await page.locator(options.select).first().screenshot({ path });
    const wide = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    process.stdout.write(`${path}${Number(wide) > 0 ? `: ${wide} px too wide` : ''}\n`);
    for (const complaint of complaints) process.stdout.write(`  complaint: ${complaint}\n`);
    await page.context().close();
  }
} finally {
  await browser.close();
  await site.close();
  rmSync(dist, { recursive: true, force: true });
}
