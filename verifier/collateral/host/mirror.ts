/**
 * A mirror: answers at AMD's and Intel's own paths, from the cache and else from who publishes it. What it hands out was
 * accepted here and is accepted again where it is used, so nobody needs to trust it.
 */
import Koa from 'koa';
import type { CollateralErrorCode } from '../collateral-error.ts';
import { type CollectTools, collect, type Found } from '../collect.ts';
import { answerOf, objectOf } from '../endpoints.ts';
import { objectName } from '../vendor-object.ts';

const maxUrlLength = 2048;
/** All but a few wait for one of two hosts, which are asked one thing at a time. */
const maxUnderWay = 64;
/** Seconds. */
const retryAfter = '5';

export type MirrorTools = {
  /** For one request. */
  tools(): CollectTools;
  /** What was answered with, after each request for an object. */
  answered(found: Found): void;
  failed(error: unknown): void;
};

/** It listens to nothing by itself. */
export function createMirror({ tools, answered, failed }: MirrorTools): Koa {
  const app = new Koa();
  let underWay = 0;
  app.on('error', failed);
  app.use(async (ctx) => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    if (ctx.method !== 'GET') {
      ctx.set('Allow', 'GET');
      return refuse(ctx, 405, 'only GET is answered');
    }
    const object = ctx.url.length > maxUrlLength ? null : objectOf(ctx.url);
    if (object === null) return refuse(ctx, 404, 'no object of AMD’s or Intel’s is at this path');
    if (underWay >= maxUnderWay) {
      ctx.set('Retry-After', retryAfter);
      return refuse(ctx, 503, 'too many requests are under way');
    }
    underWay += 1;
    try {
      const { found } = await collect([object], tools());
      const one = found.find(({ name }) => name === objectName(object)) as Found;
      answered(one);
      answer(ctx, one);
    } finally {
      underWay -= 1;
    }
  });
  return app;
}

/** What is past its end is not handed out: whoever asks is told why there is nothing newer, and has an old one himself. */
function answer(ctx: Koa.Context, { object, stored, state, problem }: Found): void {
  if (stored === null || state === 'stale') {
    const code = problem?.code ?? 'vendor-unreachable';
    const status = statuses[code] ?? 502;
    if (status === 503) ctx.set('Retry-After', retryAfter);
    return refuse(ctx, status, `${code}: ${problem?.message}`);
  }
  const { body, headers } = answerOf(object, stored);
  ctx.set({ ...headers });
  ctx.status = 200;
  ctx.body = Buffer.from(body);
  if (headers['content-type'] !== undefined) ctx.set('Content-Type', headers['content-type']);
}

/** Every other is a fault of what is behind this mirror. */
const statuses: Partial<Record<CollateralErrorCode, number>> = {
  'vendor-unknown': 404,
  'not-cached': 404,
  'vendor-busy': 503,
};

function refuse(ctx: Koa.Context, status: number, why: string): void {
  ctx.status = status;
  ctx.type = 'text/plain; charset=utf-8';
  ctx.body = `${why}\n`;
}
