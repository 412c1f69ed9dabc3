/**
 * `npm run golden`: writes what the verifier prints for the golden cases into test/golden. Look at the difference: it is what
 * users will read. Of corpus cases only SHA-256 digests are kept; texts are of simulated ones.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { type Transcript, type TranscriptCase, transcriptOf } from './transcript.ts';
import { corpusTranscriptCases, simulatedTranscriptCases } from './transcript-cases.ts';

const folder = new URL('../golden/', import.meta.url);

/** SHA-256 in hex, by case and format. */
export type Digests = Record<string, Record<keyof Transcript, string>>;

export function goldenDigests(): Digests {
  return JSON.parse(readFileSync(new URL('transcripts.json', folder), 'utf8')) as Digests;
}

/** @param id of a simulated case */
export function goldenText(id: string): string {
  return readFileSync(new URL(`${id}.txt`, folder), 'utf8');
}

export function digestsOf(transcript: Transcript): Digests[string] {
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const { text, markdown, json } = transcript;
  return { text: digest(text), markdown: digest(markdown), json: digest(json) };
}

/** Of each case, by id. */
export async function transcriptsOf(
  cases: readonly TranscriptCase[],
): Promise<Record<string, Transcript>> {
  const all = cases.map(async (one) => [one.id, await transcriptOf(one, nodeCrypto)] as const);
  return Object.fromEntries(await Promise.all(all));
}

async function main(): Promise<number> {
  if (!hasShared) {
    console.error(`golden: ${sharedMissing}`);
    return 1;
  }
  const corpus = await transcriptsOf(corpusTranscriptCases());
  const simulated = await transcriptsOf(simulatedTranscriptCases());
  const digests = Object.entries({ ...corpus, ...simulated }).map(([id, transcript]) => [
    id,
    digestsOf(transcript),
  ]);
  const text = `${JSON.stringify(Object.fromEntries(digests), null, 2)}\n`;
  writeFileSync(new URL('transcripts.json', folder), text);
  for (const [id, transcript] of Object.entries(simulated)) {
    writeFileSync(new URL(`${id}.txt`, folder), transcript.text);
  }
  console.log(`${digests.length} transcripts in ${fileURLToPath(folder)}`);
  return 0;
}

if (import.meta.main) process.exitCode = await main();
