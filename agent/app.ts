/** The agent's HTTP face. It listens to nothing by itself: `serve` in cli.ts does, or a test. */
import Router from '@koa/router';
import Koa from 'koa';
import { bundleMediaType, encodeBundle } from '#verifier/abi/bundle.ts';
import type { Channel } from '#verifier/abi/report-data.ts';
import { serviceId, serviceName } from '#verifier/abi/service.ts';
import { buildTreeProof, encodeTreeProof } from '#verifier/abi/tree-proof.ts';
import { type Bytes, fromHex, fromUtf8, toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import { AgentError, agentErrorCatalogue, type Logger } from './errors.ts';
import { makeBundle } from './evidence.ts';
import type { EvidenceSource } from './source.ts';
import type { AgentState } from './state.ts';

export type AppDependencies = {
  /** The state to answer from; asked once for each request. */
  readonly state: () => AgentState;
  /** Guarded already (`oneAtATime`). */
  readonly source: EvidenceSource;
  /** From the agent's own end of the connection, never from what the request says. */
  readonly channelOf: (connection: Koa.Context['socket']) => Channel;
  /** The guest's clock, Unix seconds. */
  readonly now: () => UnixTime;
  /** Random bytes that nobody can foresee. */
  readonly random: (length: number) => Bytes;
  readonly logger: Logger;
};

const maxUrlLength = 2048;
/** Seconds that a client waits when the queue is full. */
const retryAfter = '1';

export function createApp(dependencies: AppDependencies): Koa {
  const app = new Koa();
  const router = createRouter(dependencies);
  app.on('error', (error: unknown) => dependencies.logger.error('a connection failed', error));
  app.use(async (ctx, next) => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      if (ctx.url.length > maxUrlLength)
        throw new AgentError('url-too-long', 'the URL is too long');
      await next();
      if (ctx.status === 404) throw missing(ctx, router);
    } catch (error) {
      writeProblem(ctx, error, dependencies.logger);
    }
  });
  app.use(router.routes());
  return app;
}

function createRouter(dependencies: AppDependencies): Router {
  const router = new Router({ strict: true, sensitive: true });

  router.get('/attestation', async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    const bundle = await makeBundle({
      ...dependencies,
      state: dependencies.state(),
      nonce: nonceOf(ctx.querystring),
      channel: dependencies.channelOf(ctx.socket),
    });
    ctx.set('Content-Type', bundleMediaType);
    ctx.body = encodeBundle(bundle);
  });

  router.get('/services', (ctx) => {
    refuseQuery(ctx.querystring);
    ctx.body = describeServices(dependencies.state());
  });

  router.get('/proofs/:name', (ctx) => {
    refuseQuery(ctx.querystring);
    const name = nameOf(ctx['params']['name']);
    const { tree, services } = dependencies.state();
    const service = services.find((known) => known.name === name) ?? null;
    ctx.body = encodeTreeProof(buildTreeProof(tree, name, service));
  });

  router.get('/closure', (ctx) => {
    refuseQuery(ctx.querystring);
    ctx.set('Content-Type', 'text/plain; charset=utf-8');
    ctx.body = fromUtf8(dependencies.state().manifest, 'closure manifest');
  });

  router.get('/healthz', (ctx) => {
    refuseQuery(ctx.querystring);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { status: 'ok' };
  });
  return router;
}

/**
 * `version` 1 · `treeRoot` · `services`: what the tree holds, and the store path that each NAR hash
 * is of.
 */
function describeServices({ tree, services }: AgentState) {
  return {
    version: 1,
    treeRoot: toHex(fieldToBytes(tree.root)),
    services: services.map(({ name, narHash, publicKey, storePath }) => ({
      name,
      id: toHex(serviceId(name)),
      narHash: toHex(narHash),
      publicKey: toHex(publicKey),
      storePath,
    })),
  };
}

function nonceOf(query: string): Bytes | null {
  const parameters = [...new URLSearchParams(query)];
  const [first] = parameters;
  if (first === undefined) return null;
  if (parameters.length > 1 || first[0] !== 'nonce') {
    throw new AgentError('query-malformed', 'the query is not nonce alone, once');
  }
  try {
    return fromHex(first[1], 'nonce', 32);
  } catch (cause) {
    throw new AgentError('nonce-malformed', 'the nonce is not 64 hex digits', { cause });
  }
}

function refuseQuery(query: string): void {
  if (query !== '') throw new AgentError('query-malformed', 'this resource takes no query');
}

function nameOf(name: unknown): string {
  try {
    return serviceName(name, 'name');
  } catch (cause) {
    throw new AgentError('name-malformed', 'no service can have this name', { cause });
  }
}

/** 405 where GET would have found something. */
function missing(ctx: Koa.Context, router: Router): AgentError {
  if (!router.match(ctx.path, 'GET').route) return new AgentError('not-found', 'no such resource');
  ctx.set('Allow', 'GET, HEAD');
  return new AgentError('method-not-allowed', 'only GET and HEAD are served');
}

/**
 * RFC 9457. A client sees the catalogue's words and nothing of its own request; what is not ours is
 * a bare 500 here and a line in the log.
 */
function writeProblem(ctx: Koa.Context, error: unknown, logger: Logger): void {
  const code = error instanceof AgentError && isPublic(error) ? error.code : 'internal';
  const { means, remedy, status } = agentErrorCatalogue[code];
  if (status === null || status >= 500) logger.error(`answered ${code}`, error);
  if (code === 'device-busy') ctx.set('Retry-After', retryAfter);
  // A body that nobody will read must not keep the connection.
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') ctx.set('Connection', 'close');
  ctx.status = status ?? 500;
  ctx.set('Content-Type', 'application/problem+json');
  const problem = { type: 'about:blank', title: ctx.message, status: ctx.status, code };
  const words = code === 'internal' ? {} : { detail: `${means} ${remedy}` };
  ctx.body = JSON.stringify({ ...problem, ...words });
}

function isPublic(error: AgentError): boolean {
  return agentErrorCatalogue[error.code].status !== null;
}
