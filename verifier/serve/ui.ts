/** The page of `--ui`: its files, as they were read at the start, and who may ask for them and for what it shows. */
import { sha256 } from '@noble/hashes/sha2.js';
import type Koa from 'koa';
import { type Bytes, toHex, utf8 } from '../bytes.ts';
import type { UnixTime } from '../time.ts';
import type { ActivityCounts } from './activity.ts';
import type { WatchedAgent } from './answers.ts';
import type { DecisionHistory } from './decisions.ts';
import { ServeError } from './errors.ts';
import type { DecisionEntry } from './ports.ts';

export type Ui = {
  page: Page;
  counts: ActivityCounts;
  history: DecisionHistory;
  /** Told of each decision that was given, and when that was. */
  decided(entry: DecisionEntry, now: UnixTime): void;
  agents(): readonly WatchedAgent[];
  /** Whether the service listens for this machine alone. */
  loopback: boolean;
};

const mediaTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
  png: 'image/png',
  gz: 'application/gzip',
  vk: 'application/octet-stream',
};

/** Whether the page may hold a file of this name, which is its path below the page's folder. */
export function isPageFile(name: string): boolean {
  const ending = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*[A-Za-z0-9_][A-Za-z0-9._-]*\.([a-z]+)$/.exec(
    name,
  );
  return ending !== null && Object.hasOwn(mediaTypes, ending[1] as string);
}

/** Where a page says nothing: it loads its own files, and asks this service alone. */
const strictPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'";

type PageFile = { body: Bytes; etag: string; mediaType: string; lasting: boolean; policy: string };

export type Page = {
  /** @param path of the URL, as it was sent */
  find(path: string): PageFile | undefined;
};

/** @param files by their names, which `isPageFile` takes; `live.html` among them */
export function makePage(files: ReadonlyMap<string, Bytes>): Page {
  const evidencePolicy = policyOf(files.get('index.html'));
  const all = new Map<string, PageFile>();
  for (const [name, body] of files) {
    const isHtml = name.endsWith('.html');
    all.set(`/ui/${name}`, {
      body,
      etag: etagOf(body),
      mediaType: mediaTypes[name.slice(name.lastIndexOf('.') + 1)] as string,
      // The builder puts a digest of the content into these names.
      lasting: name.startsWith('assets/'),
      // A worker obeys the policy of its own file, so every file has the page's.
      policy: name === 'live.html' ? strictPolicy : isHtml ? policyOf(body) : evidencePolicy,
    });
  }
  const alias = (path: string, name: string) => {
    const found = all.get(`/ui/${name}`);
    if (found !== undefined && !all.has(path)) all.set(path, found);
  };
  alias('/ui/', 'live.html');
  alias('/ui/evidence.html', 'index.html');
  return { find: (path) => all.get(path) };
}

/** What the builder wrote into the page itself. */
function policyOf(html: Bytes | undefined): string {
  if (html === undefined) return strictPolicy;
  const head = new TextDecoder().decode(html.subarray(0, 16_384));
  const tag = /<meta[^>]*http-equiv="Content-Security-Policy"[^>]*>/i.exec(head)?.[0] ?? '';
  const policy = /content="([^"\r\n]*)"/.exec(tag)?.[1]?.replaceAll('&#39;', "'");
  return policy === undefined || /[^ -~]/.test(policy) ? strictPolicy : policy;
}

function etagOf(body: Bytes): string {
  return `"${toHex(sha256(body).subarray(0, 16))}"`;
}

/** What is below `/ui` and no operation of the table: files. Whoever may not ask is refused, whatever was asked. */
export function pageFiles({ page, loopback }: Ui): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/ui' && !ctx.path.startsWith('/ui/')) return next();
    const found = page.find(ctx.path);
    refuseStrangers(ctx, loopback, found?.mediaType.startsWith('text/html') ?? false);
    ctx.set('Cross-Origin-Resource-Policy', 'same-origin');
    if (ctx.path === '/ui') {
      ctx.redirect('/ui/');
      ctx.status = 308;
      return;
    }
    if (found === undefined) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      throw new ServeError('method-not-allowed', 'a file of the page is only read');
    }
    ctx.set({
      'Content-Security-Policy': `${found.policy}; frame-ancestors 'none'`,
      // Only so do workers share memory, and proofs have threads.
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': found.lasting ? 'private, max-age=31536000, immutable' : 'no-cache',
      ETag: found.etag,
    });
    if (ctx.get('If-None-Match') === found.etag) {
      ctx.status = 304;
      return;
    }
    ctx.set('Content-Type', found.mediaType);
    ctx.body = Buffer.from(found.body.buffer, found.body.byteOffset, found.body.length);
  };
}

/** Says that the asker has the answer already. */
export const unchanged = Symbol('unchanged');

/** The answer as JSON with a tag, or `unchanged` for whoever named that tag. */
export function tagged(ctx: Koa.Context, answer: unknown): string | typeof unchanged {
  const text = JSON.stringify(answer);
  const etag = etagOf(utf8(text));
  ctx.set('ETag', etag);
  if (ctx.get('If-None-Match') === etag) return unchanged;
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  return text;
}

/**
 * A page of another site must not read what this one shows, nor find out by a name of its own that leads to this machine. A link
 * from elsewhere may lead here.
 * @throws ServeError `cross-site`
 */
function refuseStrangers(ctx: Koa.Context, loopback: boolean, isHtml: boolean): void {
  const site = ctx.get('Sec-Fetch-Site');
  const followed =
    isHtml && ctx.get('Sec-Fetch-Mode') === 'navigate' && ctx.get('Sec-Fetch-Dest') === 'document';
  if (!['', 'same-origin', 'none'].includes(site) && !followed)
    throw new ServeError('cross-site', 'another site’s page asked');
  if (loopback && !isOwnName(ctx.get('Host')))
    throw new ServeError('cross-site', 'asked under a name that is not this machine’s own');
}

/** A number, or what no name server is asked for. */
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return /^(?:(?:.+\.)?localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/.test(name);
}
