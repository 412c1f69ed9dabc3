/** What runs inside the page: the verifier over WebCrypto, as a website would run it. */

import type { CollateralKind } from '#verifier/abi/bundle.ts';
import { fromBase64 } from '#verifier/bytes.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import { type Transcript, transcriptOf } from './transcript.ts';

/** A case on its way into the page; bytes are base64. */
export type SentCase = {
  id: string;
  form: 'report' | 'quote';
  bytes: string;
  collateral: { kind: CollateralKind; data: string }[];
  roots: (Omit<TrustedRoot, 'spkiSha256'> & { spkiSha256: string })[];
  now: number;
};

async function transcripts(cases: readonly SentCase[]): Promise<Record<string, Transcript>> {
  const found: Record<string, Transcript> = {};
  for (const { id, form, bytes, collateral, roots, now } of cases) {
    const one = {
      id,
      evidence: { form, bytes: fromBase64(bytes, 'evidence') },
      collateral: collateral.map(({ kind, data }) => ({ kind, data: fromBase64(data, kind) })),
      roots: roots.map((root) => ({
        ...root,
        spkiSha256: fromBase64(root.spkiSha256, 'root'),
      })) as TrustedRoot[],
      now,
    };
    found[id] = await transcriptOf(one, webCrypto);
  }
  return found;
}

Object.assign(globalThis, { transcripts });
