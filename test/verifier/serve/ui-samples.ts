/** Decisions as a service tells of them, and a page small enough to look at. */
import { fakeNow } from '#test/fake/amd.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { openUi } from '#verifier/cli/serve-ui.ts';
import type { DecisionEntry } from '#verifier/serve/ports.ts';
import type { Ui } from '#verifier/serve/ui.ts';

export function entry(
  decision: DecisionEntry['decision'],
  more: Partial<DecisionEntry> = {},
): DecisionEntry {
  return {
    at: fakeNow,
    evidence: 'ab'.repeat(32),
    policy: 'cd'.repeat(32),
    policyName: 'genuine',
    mode: 'enforce',
    decision,
    failed: [],
    skipped: [],
    waived: [],
    expires: null,
    ...more,
  };
}

export const evidencePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

export function samplePage(): Map<string, Bytes> {
  const html = (policy: string) =>
    utf8(
      `<!doctype html><html><head><meta http-equiv="Content-Security-Policy" content="${policy}">`,
    );
  return new Map([
    ['live.html', html(evidencePolicy)],
    ['index.html', html(evidencePolicy.replaceAll("'", '&#39;'))],
    ['assets/live-abc123.js', utf8('export {};')],
    ['circuits/response.vk', new Uint8Array([1])],
  ]);
}

export function sampleUi(options: Partial<Parameters<typeof openUi>[0]> = {}): Ui {
  return openUi({
    files: samplePage(),
    since: fakeNow,
    log: undefined,
    host: '127.0.0.1',
    agents: () => [],
    ...options,
  });
}
