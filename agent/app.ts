/** The agent's HTTP face. It listens to nothing by itself: `serve` in listen.ts does, or a test. */
import Router from '@koa/router';
import Koa from 'koa';
import type { Channel } from '#verifier/abi/report-data.ts';
import { AgentError, type AgentErrorCode, type Logger } from './errors.ts';
import { answers, type Context } from './http/answers.ts';
import { type Problem, problemOf } from './http/problem.ts';
import { readParameters, refuseBody } from './http/request.ts';
import { maxUrlLength, type Route, type RouteId, routeIds, routes } from './http/routes.ts';

/** One request, without anything of its own but its method: no URL, query, nonce, header or body. */
export type AccessEntry = {
  /** GET, HEAD or `other`. */
  readonly method: string;
  /** null for a request that found none. */
  readonly route: RouteId | null;
  readonly status: number;
  readonly code: AgentErrorCode | null;
  /** Of the answer's body. */
  readonly bytes: number;
};

export type AppDependencies = Context & {
  /** From the agent's own end of the connection, never from what the request says. */
  readonly channelOf: (connection: Koa.Context['socket']) => Channel;
  readonly logger: Logger;
  /** Called when a request comes; what it returns is called when its answer is ready. */
  readonly access?: () => (entry: AccessEntry) => void;
};

type Found = { route: RouteId | null; code: AgentErrorCode | null };

export function createApp(dependencies: AppDependencies): Koa {
  const app = new Koa();
  const router = createRouter(dependencies);
  const { logger, metrics, access } = dependencies;
  app.on('error', (error: unknown) => logger.error('a connection failed', error));
  app.use(async (ctx, next) => {
    const finish = access?.();
    const found = foundOf(ctx);
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      if (ctx.url.length > maxUrlLength)
        throw new AgentError('url-too-long', 'the URL is too long');
      await next();
      if (found.route === null) throw missing(ctx, router);
    } catch (error) {
      const problem = problemOf(error);
      writeProblem(ctx, problem);
      found.code = problem.code;
      metrics.error(problem.code);
      if (problem.status >= 500) logger.error(`answered ${problem.code}`, error);
    }
    const { route, code } = found;
    metrics.request(route, ctx.status);
    const method = /^(?:GET|HEAD)$/.test(ctx.method) ? ctx.method : 'other';
    finish?.({ method, route, status: ctx.status, code, bytes: ctx.length ?? 0 });
  });
  app.use(router.routes());
  return app;
}

function foundOf(ctx: Koa.Context): Found {
  ctx.state['found'] ??= { route: null, code: null } satisfies Found;
  return ctx.state['found'];
}

function createRouter(dependencies: AppDependencies): Router {
  const router = new Router({ strict: true, sensitive: true });
  for (const id of routeIds) {
    const route: Route = routes[id];
    router.get(route.path, async (ctx) => {
      foundOf(ctx).route = id;
      if (route.fresh) ctx.set('Cache-Control', 'no-store');
      refuseBody(ctx.headers);
      const parameters = readParameters(route, ctx.querystring, ctx['params']);
      const reply = await answers[id](
        { ...dependencies, channel: dependencies.channelOf(ctx.socket) },
        parameters,
        { acceptEncoding: ctx.get('Accept-Encoding'), ifNoneMatch: ctx.get('If-None-Match') },
      );
      const {
        body,
        headers = {},
        status = 200,
      } = typeof reply === 'string' ? { body: reply } : reply;
      ctx.set(headers);
      ctx.set('Content-Type', route.mediaType);
      // Koa would write bytes that are no Buffer as JSON.
      ctx.body =
        typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.length);
      ctx.status = status;
    });
  }
  return router;
}

/** 405 where GET would have found something. */
function missing(ctx: Koa.Context, router: Router): AgentError {
  if (!router.match(ctx.path, 'GET').route) return new AgentError('not-found', 'no such resource');
  ctx.set('Allow', 'GET, HEAD');
  return new AgentError('method-not-allowed', 'only GET and HEAD are served');
}

function writeProblem(ctx: Koa.Context, { status, headers, body, code }: Problem): void {
  // A body that nobody will read must not keep the connection.
  if ((ctx.method !== 'GET' && ctx.method !== 'HEAD') || code === 'body-not-accepted') {
    ctx.set('Connection', 'close');
  }
  ctx.status = status;
  ctx.set(headers);
  ctx.body = body;
}
