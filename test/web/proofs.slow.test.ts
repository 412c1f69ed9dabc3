/**
 * Alice and Bob in the built page, with the ceremony's genuine points. `response-open-key` is the circuit that ships; those of linked
 * proofs are of test size, for the shipped ones take more points than tests have.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build, type Plugin } from 'vite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { circuitPin, loadArtifact } from '#prover/artifact.ts';
import { ceremonyG2 } from '#prover/ceremony.ts';
import { type CircuitName, circuitNames } from '#prover/circuit-names.ts';
import type { Compiled } from '#prover/compile.ts';
import { encodeSet } from '#prover/linked/sets.ts';
import { openBackend } from '#prover/native-backend.ts';
import { proveMachine } from '#prover/prove-attestation-command.ts';
import { compiledForTests } from '#test/circuits/compiled.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { type AliceScene, aliceScene, attestationNonce } from '#test/prover/linked/alice-scene.ts';
import { openTestTools } from '#test/prover/linked/alice-test-size.ts';
import { demandsFor } from '#test/prover/linked/bob-scene.ts';
import { genuineG1, hasPoints, pointsMissing } from '#test/prover/points.ts';
import { nonceHex, type Story, sampleAudience, tellStory } from '#test/prover/scene.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import { type CircuitFiles, circuitsPlugin } from '#web/circuits-plugin.ts';
import { pageConfig } from '#web/vite.config.ts';
import { chromiumPath, openBrowser, openPage, type Site, serveFolder } from './browser.ts';

const missing = hasPoints
  ? chromiumPath() === undefined && 'there is no chromium here (apt-get install chromium)'
  : pointsMissing;
const testBuilds = {
  'tdx-pck': 'linked_pck',
  'tdx-quote': 'linked_quote',
  response: 'linked_response',
} as const;
const patience = { timeout: 120_000 };

/** Circuits of test size have other inputs: they are cut to them where circuits are executed. */
const cutting: Plugin = {
  name: 'cut-inputs',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source.endsWith('/execute.ts') && importer?.endsWith('prover/linked/page.ts') === true
      ? fileURLToPath(new URL('proofs-execute.ts', import.meta.url))
      : null,
};

async function circuitsOfTest(cache: string): Promise<CircuitFiles> {
  const compiled = new Map<CircuitName, Compiled>([
    ['response-open-key', await loadArtifact('response-open-key')],
  ]);
  for (const [name, folder] of Object.entries(testBuilds)) {
    compiled.set(name as CircuitName, await compiledForTests(folder));
  }
  const backend = await openBackend('native', { g1: genuineG1(), g2: ceremonyG2 }, cache);
  const keys = new Map<CircuitName, Bytes>();
  // That of response is derived in the page, which is slow, once.
  for (const name of ['response-open-key', 'tdx-pck', 'tdx-quote'] as const) {
    keys.set(name, await backend.deriveKey(compiled.get(name) as Compiled));
  }
  await backend.close();
  const pins = await Promise.all(
    circuitNames.map(async (name) => {
      const shipped = await circuitPin(name);
      const { artifactHash } = compiled.get(name) ?? shipped;
      const points = Math.min(shipped.points, 32_769);
      return [name, { artifactHash, points }] as const;
    }),
  );
  return {
    pins: Object.fromEntries(pins) as CircuitFiles['pins'],
    artifacts: compiled,
    keys,
  };
}

describe.skipIf(missing !== false)(
  `the proofs view${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'affidavit-proofs-'));
    const path = (name: string) => join(folder, name);
    const dist = path('dist');
    let browser: Browser;
    let isolated: Site;
    let shared: Site;
    let story: Story;
    let alice: AliceScene;

    beforeAll(async () => {
      mkdirSync(path('cache'));
      const config = pageConfig(circuitsPlugin(() => circuitsOfTest(path('cache'))));
      await build({
        ...config,
        configFile: false,
        logLevel: 'silent',
        worker: { format: 'es', plugins: () => [cutting] },
        build: { ...config.build, outDir: dist },
      });
      mkdirSync(join(dist, 'crs'));
      writeFileSync(join(dist, 'crs/bn254_g1.dat'), genuineG1());
      browser = await openBrowser();
      isolated = await serveFolder(dist, true);
      shared = await serveFolder(dist, false);
      story = await tellStory();
      for (const [name, content] of Object.entries(story.files)) writeFileSync(path(name), content);
      writeFileSync(path('root.pem'), story.hierarchy.rootsPem());
      alice = await aliceScene();
      await attest();
    }, 600_000);

    /** As `prove attestation`: the secret file, and Bob's demands of it. */
    async function attest(): Promise<void> {
      const { inputs, story: told, files } = alice;
      const { accepted, levels, revoked, epochMin, epochMax } = inputs;
      for (const set of [accepted, levels, revoked]) {
        writeFileSync(path(`set-${set.kind}`), encodeSet(set));
      }
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(path(`linked-${name}`), content);
      }
      writeFileSync(path('intel-roots.pem'), told.intel.rootsPem());
      writeFileSync(path('intel-root.crl'), told.intel.rootCrl.der);
      const demands = demandsFor({ sets: { ...told.sets, accepted, levels, revoked } });
      writeFileSync(path('demands'), JSON.stringify(demands));
      const tools = await openTestTools(path('cache'), ['tdx-pck', 'tdx-quote']);
      // The command says how it goes on.
      const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      try {
        await proveMachine(
          {
            bundle: path('linked-bundle'),
            attestationNonce: toHex(attestationNonce),
            accepted: path('set-accepted'),
            levels: path('set-levels'),
            revoked: path('set-revoked'),
            epochMin: formatTime(epochMin),
            epochMax: formatTime(epochMax),
            at: formatTime(fakeNow),
            insecureRoot: path('intel-roots.pem'),
            outSecret: path('secret'),
          },
          () => tools,
        );
      } finally {
        said.mockRestore();
        await tools.close();
      }
    }

    afterAll(async () => {
      await browser?.close();
      await isolated?.close();
      await shared?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function visit({ address }: Site, work: (page: Page) => Promise<void>): Promise<void> {
      const { page, complaints, requests } = await openPage(browser, `${address}#proofs`);
      try {
        await page.waitForSelector('[data-test=proofs]');
        await work(page);
        expect(complaints).toEqual([]);
        const local = [address, 'blob:', 'data:'];
        expect(requests.filter((url) => !local.some((own) => url.startsWith(own)))).toEqual([]);
      } finally {
        await page.context().close();
      }
    }

    const give = (page: Page, ...names: readonly (string | { name: string; buffer: Buffer })[]) =>
      page.setInputFiles(
        '[data-test=proof-files]',
        names.map((one) =>
          typeof one === 'string'
            ? { name: one, mimeType: '', buffer: readFileSync(path(one)) }
            : { ...one, mimeType: '' },
        ),
      );

    async function askedBy(page: Page, side: 'check' | 'prove', nonce = nonceHex): Promise<void> {
      await page.click(`[data-test=side-${side}]`);
      await page.fill(`[data-test=audience-${side}]`, sampleAudience);
      await page.fill(`[data-test=nonce-${side}]`, nonce);
    }

    async function proved(page: Page): Promise<string> {
      await page.click('[data-test=prove]', patience);
      await page.waitForSelector('[data-test=proved], [data-test=proof-refused]', patience);
      expect(await page.locator('[data-test=proof-refused]').allTextContents()).toEqual([]);
      const downloading = page.waitForEvent('download');
      await page.click('[data-test=download]');
      return readFileSync(await (await downloading).path(), 'utf8');
    }

    async function checkedFor(page: Page, root: string): Promise<void> {
      await page.click('.proofs-more summary');
      await page.fill('[data-test=proof-at]', formatTime(fakeNow + 120));
      await page.setInputFiles('[data-test=proof-root] input', path(root));
    }

    async function verdict(page: Page) {
      await page.click('[data-test=check]', patience);
      const found = page.locator('[data-test=proof-verdict]');
      await found.waitFor(patience);
      const failed = page.locator('[data-check][data-status=fail]');
      const ids = await failed.evaluateAll((rows) =>
        rows.map((row) => row.getAttribute('data-check')),
      );
      return { decision: await found.getAttribute('data-decision'), failed: ids };
    }

    /** Another element of the proof, one below the field's order. */
    function changed(file: string): Buffer {
      const { proof, ...rest } = JSON.parse(file) as { proof: string };
      const bytes = Buffer.from(proof, 'base64');
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      return Buffer.from(JSON.stringify({ ...rest, proof: bytes.toString('base64') }));
    }

    test.for([
      { title: 'with threads', many: true },
      { title: 'with one thread, and says why', many: false },
    ])('proves beside a bundle and checks it: $title', { timeout: 300_000 }, async ({ many }) => {
      await visit(many ? isolated : shared, async (page) => {
        const threads = await page.textContent('[data-test=threads]');
        expect(threads?.includes('Cross-Origin-Opener-Policy')).toBe(!many);
        await askedBy(page, 'prove');
        await give(page, 'bundle', 'response', 'treeProof');
        await page.getByText('Show the service’s key too').click();
        const file = await proved(page);
        await page.click('[data-test=check-it]');
        await checkedFor(page, 'root.pem');
        expect(await verdict(page)).toEqual({ decision: 'accepted', failed: [] });
        expect(await page.textContent('[data-test=told]')).toContain('What stays hidden');
        await give(page, { name: 'changed', buffer: changed(file) });
        expect(await verdict(page)).toEqual({ decision: 'invalid', failed: ['proof.valid'] });
        await give(page, { name: 'whole', buffer: Buffer.from(file) });
        await page.click('[data-test=draw]');
        expect(await verdict(page)).toEqual({ decision: 'invalid', failed: ['proof.valid'] });
      });
    });

    test('proves a response under an attestation, and checks it against demands and sets', {
      timeout: 400_000,
    }, async () => {
      await visit(isolated, async (page) => {
        await askedBy(page, 'prove');
        await give(page, 'secret', 'linked-response', 'linked-treeProof');
        await proved(page);
        await page.click('[data-test=check-it]');
        await checkedFor(page, 'intel-roots.pem');
        await give(page, 'demands', 'intel-root.crl', 'set-accepted');
        expect(await verdict(page)).toEqual({ decision: 'accepted', failed: [] });
        await page.waitForSelector('text=2 entries, made');
        await page.fill('[data-test=audience-check]', 'eve.example');
        expect(await verdict(page)).toEqual({ decision: 'invalid', failed: ['link.response'] });
      });
    });

    test('refuses at once what would not verify', async () => {
      await visit(isolated, async (page) => {
        await askedBy(page, 'prove');
        const other = Buffer.from(story.treeProofOf('echo-cpp'));
        await give(page, 'bundle', 'response', { name: 'other', buffer: other });
        await page.waitForSelector('[data-test=prove-refused]');
        expect(await page.isDisabled('[data-test=prove]')).toBe(true);
      });
    });

    test('ends the worker when it is cancelled', { timeout: 60_000 }, async () => {
      await visit(isolated, async (page) => {
        await askedBy(page, 'prove');
        await give(page, 'bundle', 'response', 'treeProof');
        await page.getByText('Show the service’s key too').click();
        await page.click('[data-test=prove]');
        await page.click('[data-test=cancel]');
        await page.waitForSelector('[data-test=cancelled]');
        await expect.poll(() => page.workers()).toEqual([]);
      });
    });

    test('refuses points of another making', { timeout: 60_000 }, async () => {
      const wrong = Buffer.from(genuineG1());
      wrong.set(genuineG1().subarray(64 * 9, 64 * 10), 64 * 8);
      await visit(isolated, async (page) => {
        await askedBy(page, 'prove');
        await give(page, 'bundle', 'response', 'treeProof', { name: 'points', buffer: wrong });
        await page.getByText('Show the service’s key too').click();
        await page.click('[data-test=prove]');
        const refused = page.locator('[data-test=proof-refused]');
        await refused.waitFor(patience);
        expect(await refused.textContent()).toContain('Aztec Ignition');
      });
    });

    test('shows what is in hostile files as text, or not at all', async () => {
      await visit(isolated, async (page) => {
        const markup = '<img src=x onerror=alert(1)>';
        const deep = Buffer.from(utf8('['.repeat(1_000_000)));
        const proto = Buffer.from('{"__proto__":{"role":"linked-proof"},"constructor":1}');
        await give(
          page,
          { name: `${markup}.json`, buffer: proto },
          { name: 'deep', buffer: deep },
          { name: 'cut', buffer: Buffer.from('{"commitments":{},"machine":{}}') },
        );
        await page.waitForSelector('.proofs-file');
        expect(await page.locator('.proofs-file').count()).toBe(3);
        expect(await page.locator('main img').count()).toBe(0);
        expect(await page.textContent('.proofs-files')).toContain(markup);
        expect(await page.isDisabled('[data-test=check]')).toBe(true);
      });
    });
  },
);
