/** The service's HTTP face. It listens to nothing by itself: host/listen.ts does, or a test. */
import Router from '@koa/router';
import Koa from 'koa';
import type { Decision } from '../appraise/verdict.ts';
import { type Bytes, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { Bodies, discard } from './body.ts';
import { wordsOf } from './decisions.ts';
import { ServeError, toProblem } from './errors.ts';
import { readJson } from './evidence.ts';
import { openApi } from './openapi.ts';
import {
  type CheckRequest,
  checkRequest,
  eatMediaType,
  type Operation,
  type OperationId,
  operations,
} from './routes.ts';
import { type Decided, expectationsOf, type Service } from './service.ts';
import { pageFiles, tagged, unchanged } from './ui.ts';

const maxUrlLength = 2048;
/** Of all bodies beyond 64 KiB each. */
const bodyBudget = 128 * 1024 * 1024;
/** Seconds that a client waits when there is no room. */
const retryAfter = '1';
const metricsMediaType = 'text/plain; version=0.0.4; charset=utf-8';

type Query = Readonly<Record<string, string | undefined>>;
/** @returns the body of the answer; its type is JSON unless the handler sets another */
type Handler = (ctx: Koa.Context, query: Query, body: Bytes) => unknown;

export function createApp(service: Service): Koa {
  const { logger, elapsed } = service.dependencies;
  const app = new Koa();
  const bodies = new Bodies(bodyBudget);
  service.load.bodyBytes = () => bodies.held;
  const router = createRouter(service, bodies);
  app.on('error', (error: unknown) => logger.error('a connection failed', error));
  app.use(async (ctx, next) => {
    const start = elapsed();
    service.load.requests += 1;
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Cache-Control', 'no-store');
    try {
      if (ctx.url.length > maxUrlLength) throw new ServeError('url-too-long', 'too long a URL');
      await next();
      if (ctx.status === 404) throw missing(ctx, router);
    } catch (error) {
      await writeProblem(ctx, error, service);
    } finally {
      service.load.requests -= 1;
    }
    const page = service.ui?.page.find(ctx.path) === undefined ? 'none' : '/ui/';
    const route = operations.find(({ path }) => path === ctx.path)?.path ?? page;
    service.metrics.requests.add({ route, status: String(ctx.status) });
    service.metrics.requestSeconds.observe({ route }, elapsed() - start);
  });
  if (service.ui !== null) app.use(pageFiles(service.ui));
  app.use(router.routes());
  return app;
}

function createRouter(service: Service, bodies: Bodies): Router {
  const router = new Router({ strict: true, sensitive: true });
  const handlers = handlersOf(service);
  for (const operation of operations) {
    const { id, method, path, status } = operation;
    if (path.startsWith('/ui/') && service.ui === null) continue;
    router.register(path, method === 'GET' ? ['GET', 'HEAD'] : [method], async (ctx) => {
      const query = readQuery(operation, ctx.querystring);
      const limit = limitOf(operation, ctx);
      const answer = await bodies.with(ctx.req, limit, async (body) =>
        handlers[id](ctx, query, body),
      );
      ctx.status = answer === unchanged ? 304 : status;
      if (answer !== unchanged) ctx.body = answer;
    });
  }
  return router;
}

function handlersOf(service: Service): Record<OperationId, Handler> {
  const { tokens } = service.dependencies;
  const description = JSON.stringify(openApi());
  return {
    verify: async (ctx, query, body) => {
      const give = answerFor(ctx, service);
      const { policy, challenge, closure, measurement } = query;
      const expectations = expectationsOf({
        closureDigest: closure,
        treeRoot: query['tree-root'],
        measurement,
        reportData: query['report-data'],
      });
      const asked = { policyName: policy as string, challenge, expectations };
      return give(await service.verify(mediaTypeOf(ctx), body, asked));
    },
    check: async (ctx, _, body) => {
      const give = answerFor(ctx, service);
      const request: CheckRequest = readJson(checkRequest.decode, body);
      return give(await service.check(request));
    },
    challenges: () => {
      const { id, nonce, expires } = service.draw();
      return { id, nonce: toHex(nonce), expires };
    },
    jwks: () => tokens?.jwks() ?? { keys: [] },
    metrics: (ctx) => {
      ctx.set('Content-Type', metricsMediaType);
      return service.metrics.text();
    },
    health: () => ({ status: 'ok' }),
    activity: (ctx) => tagged(ctx, service.activity()),
    decisions: async (_, { before, after, search, decision, limit }) =>
      service.decisions({
        before: before ?? null,
        after: after ?? null,
        words: wordsOf(search ?? ''),
        decision: (decision as Decision | undefined) ?? null,
        limit: Number(limit ?? 50),
      }),
    openapi: (ctx) => {
      ctx.set('Content-Type', 'application/json; charset=utf-8');
      return description;
    },
  };
}

/** Asked before anything is verified: what cannot be given must not use up a challenge. */
function answerFor(ctx: Koa.Context, { dependencies: { tokens } }: Service) {
  const given = ['application/json', ...(tokens === null ? [] : [eatMediaType])];
  const chosen = ctx.accepts(given);
  if (chosen === false) throw new ServeError('not-acceptable', 'nothing acceptable can be given');
  return async ({ verdict, policyName, mode }: Decided): Promise<unknown> => {
    ctx.set('Affidavit-Mode', mode);
    ctx.vary('Accept');
    if (chosen !== eatMediaType || tokens === null) return { policyName, mode, ...verdict };
    const token = await tokens.sign(verdict, policyName);
    ctx.set('Content-Type', eatMediaType);
    return token;
  };
}

/** @throws ServeError `query-malformed` */
function readQuery({ query }: Operation, text: string): Query {
  const malformed = (why: string) => new ServeError('query-malformed', why);
  const found: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const parameter = Object.hasOwn(query, name) ? query[name] : undefined;
    if (parameter === undefined || Object.hasOwn(found, name))
      throw malformed('a parameter is unknown, or there twice');
    try {
      parameter.decode(value, name);
    } catch (cause) {
      if (!(cause instanceof AttestationError)) throw cause;
      throw malformed(cause.message);
    }
    found[name] = value;
  }
  for (const [name, { optional }] of Object.entries(query))
    if (!optional && found[name] === undefined) throw malformed(`${name} is missing`);
  return found;
}

function mediaTypeOf(ctx: Koa.Context): string {
  return ctx.request.type.toLowerCase();
}

/**
 * Of the body's media type; 0 where no body is taken.
 * @throws ServeError `media-type-unknown`, `body-unexpected`
 */
function limitOf({ bodies }: Operation, ctx: Koa.Context): number {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = ctx.req.headers;
  const taken = Object.keys(bodies).length > 0;
  if (!taken) {
    if (length !== '0' || coding !== undefined)
      throw new ServeError('body-unexpected', 'no body is taken here');
    return 0;
  }
  const encoding = ctx.get('Content-Encoding');
  const body = Object.hasOwn(bodies, mediaTypeOf(ctx)) ? bodies[mediaTypeOf(ctx)] : undefined;
  if (body === undefined || (encoding !== '' && encoding.toLowerCase() !== 'identity'))
    throw new ServeError('media-type-unknown', 'a body of this type is not read here');
  return body.limit;
}

/** 405 where another method would have found something. */
function missing(ctx: Koa.Context, router: Router): ServeError {
  const found = operations.filter(({ path, method }) => {
    return path === ctx.path && router.match(ctx.path, method).route;
  });
  if (found.length === 0) return new ServeError('not-found', 'no such resource');
  const methods = found.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  ctx.set('Allow', methods.join(', '));
  return new ServeError('method-not-allowed', 'no such method here');
}

/** RFC 9457: the catalogue's words and nothing of the request. Faults of ours are a line in the log. */
async function writeProblem(ctx: Koa.Context, error: unknown, service: Service): Promise<void> {
  const problem = toProblem(error);
  const { status, code } = problem;
  service.metrics.errors.add({ code });
  if (status === 500) service.dependencies.logger.error(`answered ${code}`, error);
  if (code === 'busy') ctx.set('Retry-After', retryAfter);
  if (!ctx.req.complete) {
    // A body that nobody reads must not keep the connection, nor break it before the answer is read.
    ctx.set('Connection', 'close');
    await discard(ctx.req);
  }
  ctx.status = status;
  ctx.remove('Affidavit-Mode');
  ctx.set('Content-Type', 'application/problem+json');
  ctx.body = JSON.stringify(problem);
}
