/** What `/closure` answers with: made once, for the closure does not change while the agent runs. */
import { type Bytes, toHex } from '#verifier/bytes.ts';

export type ServedClosure = {
  readonly manifest: Bytes;
  readonly gzipped: Bytes;
  /** The digest in quotes. */
  readonly etag: string;
  /** Other bytes, so another strong ETag (RFC 9110, 8.8.3). */
  readonly gzipEtag: string;
};

/** @param gzip compresses: this file has no way to */
export function servedClosure(
  { manifest, closureDigest }: { manifest: Bytes; closureDigest: Bytes },
  gzip: (bytes: Bytes) => Bytes,
): ServedClosure {
  const digest = toHex(closureDigest);
  return {
    manifest,
    gzipped: gzip(manifest),
    etag: `"${digest}"`,
    gzipEtag: `"${digest}-gzip"`,
  };
}

export type ClosureRequest = {
  /** Request headers as they came; undefined or empty when there was none. */
  acceptEncoding?: string | undefined;
  ifNoneMatch?: string | undefined;
};

export type ClosureAnswer = {
  status: 200 | 304;
  headers: Record<string, string>;
  /** Null with 304. */
  body: Bytes | null;
};

export function answerClosure(
  served: ServedClosure,
  { acceptEncoding = '', ifNoneMatch = '' }: ClosureRequest,
): ClosureAnswer {
  const gzip = takesGzip(acceptEncoding);
  const headers: Record<string, string> = {
    ETag: gzip ? served.gzipEtag : served.etag,
    Vary: 'Accept-Encoding',
    'Cache-Control': 'no-cache',
  };
  if (isKnown(ifNoneMatch, served)) return { status: 304, headers, body: null };
  headers['Content-Type'] = 'text/plain; charset=utf-8';
  if (gzip) headers['Content-Encoding'] = 'gzip';
  return { status: 200, headers, body: gzip ? served.gzipped : served.manifest };
}

/** RFC 9110, 12.5.3: gzip by its name, or by `*` when it is not named; weight 0 is a refusal. */
function takesGzip(acceptEncoding: string): boolean {
  const weights = new Map<string, boolean>();
  for (const item of acceptEncoding.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim());
    weights.set(coding, !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter)));
  }
  return weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? false;
}

/** Either form is the same manifest to who has it. */
function isKnown(ifNoneMatch: string, { etag, gzipEtag }: ServedClosure): boolean {
  const tags = ifNoneMatch.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return tags.some((one) => one === '*' || one === etag || one === gzipEtag);
}
