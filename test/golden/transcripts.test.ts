/** What users read does not change by itself, and is the same, byte for byte, in Node and in a browser. */
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { findChromium, inChromium } from '#test/tools/chromium.ts';
import { digestsOf, goldenDigests, goldenText, transcriptsOf } from '#test/tools/golden.ts';
import { root } from '#test/tools/layers.ts';
import type { Transcript, TranscriptCase } from '#test/tools/transcript.ts';
import { corpusTranscriptCases, simulatedTranscriptCases } from '#test/tools/transcript-cases.ts';
import type { SentCase } from '#test/tools/transcript-page.ts';
import { toBase64 } from '#verifier/bytes.ts';

const golden = goldenDigests();

function expectGolden(transcripts: Record<string, Transcript>): void {
  for (const [id, transcript] of Object.entries(transcripts)) {
    expect([id, digestsOf(transcript)]).toEqual([id, golden[id]]);
  }
}

function expectNarrow(transcripts: Record<string, Transcript>): void {
  for (const { text } of Object.values(transcripts)) {
    const lines = text.split('\n').map((line) => [...line].length);
    expect(Math.max(...lines)).toBeLessThanOrEqual(100);
  }
}

test('simulated cases read as in test/golden (npm run golden)', async () => {
  const found = await transcriptsOf(simulatedTranscriptCases());
  for (const [id, { text }] of Object.entries(found)) expect(text).toBe(goldenText(id));
  expectGolden(found);
  expectNarrow(found);
});

test('a transcript that differs in one character is another', async () => {
  const [one] = Object.values(await transcriptsOf(simulatedTranscriptCases()));
  const { text, ...rest } = one as Transcript;
  expect(digestsOf({ ...rest, text: text.replace('pass', 'Pass') })).not.toEqual(
    digestsOf({ ...rest, text }),
  );
});

describe.skipIf(!hasShared)(hasShared ? 'corpus' : sharedMissing, () => {
  test('thirty cases read as their digests say', async () => {
    const found = await transcriptsOf(corpusTranscriptCases());
    expect(Object.keys(found)).toHaveLength(30);
    expectGolden(found);
    expectNarrow(found);
    const decisions = Object.values(found).map(({ json }) => JSON.parse(json).decision as string);
    expect(new Set(decisions)).toEqual(new Set(['accepted', 'rejected', 'invalid', 'undecided']));
  });
});

const chromium = findChromium();
const browserMissing = 'there is no chromium here (apt-get install chromium)';

describe.skipIf(chromium === undefined)(chromium ?? browserMissing, () => {
  test('reads the same', { timeout: 60_000 }, async () => {
    const cases = [...simulatedTranscriptCases(), ...(hasShared ? corpusTranscriptCases() : [])];
    const { outputFiles } = await build({
      entryPoints: [`${root}test/tools/transcript-page.ts`],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
    });
    const script = outputFiles[0]?.text ?? '';
    const sent = JSON.stringify(cases.map(toSent));
    const found = await inChromium(chromium as string, script, `transcripts(${sent})`);
    expect(found).toEqual(await transcriptsOf(cases));
  });
});

function toSent({ id, evidence, collateral, roots, now }: TranscriptCase): SentCase {
  if (evidence.form !== 'report' && evidence.form !== 'quote')
    throw new RangeError('each case is a report or a quote');
  return {
    id,
    form: evidence.form,
    bytes: toBase64(evidence.bytes),
    collateral: collateral.map(({ kind, data }) => ({ kind, data: toBase64(data) })),
    roots: roots.map((one) => ({ ...one, spkiSha256: toBase64(one.spkiSha256) })),
    now,
  };
}
