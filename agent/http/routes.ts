/**
 * What the agent serves: one table that requests are checked by, that answers are found by, and that
 * /openapi.json is written from.
 */
import { bundleMediaType, collateralKinds } from '#verifier/abi/bundle.ts';
import { deviceKinds } from '../devices/devices.ts';
import type { AgentErrorCode } from '../errors.ts';

export type Parameter = {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly required: boolean;
  /** Of the whole value, as both JSON Schema and JavaScript read it. */
  readonly pattern: string;
  readonly description: string;
  /** The problem of a value that does not match. */
  readonly refusal: AgentErrorCode;
};

export type Schema = { readonly [member: string]: unknown };

export type Route = {
  /** `:name` stands for one segment. */
  readonly path: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly mediaType: string;
  /** Of a JSON answer that no other document describes. */
  readonly schema?: Schema;
  /** Whether no cache may keep the answer. */
  readonly fresh: boolean;
  /** Beside those that every resource has. */
  readonly problems: readonly AgentErrorCode[];
};

/** What any request may be answered. */
export const commonProblems = [
  'query-malformed',
  'request-malformed',
  'not-found',
  'method-not-allowed',
  'request-timeout',
  'body-not-accepted',
  'url-too-long',
  'headers-too-large',
  'internal',
] as const satisfies readonly AgentErrorCode[];

/** Characters of a URL, with its query. */
export const maxUrlLength = 2048;
/** Bytes of all headers together. */
export const maxHeaderBytes = 8192;

const json = 'application/json';
const hex32 = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const count = { type: 'integer', minimum: 0 };

/** A JSON Schema in which every member is required and no other may be there. */
function exactly(properties: Schema): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

const nullableTime = { type: ['integer', 'null'], minimum: 0 };
const nullableText = { type: ['string', 'null'] };
const kind = { enum: collateralKinds };
const kinds = { type: 'array', items: kind };

/** Evidence is served whatever stands here. */
const collateral = exactly({
  items: {
    type: 'array',
    items: exactly({ kind, source: { type: 'string' }, fetched: count, expires: nullableTime }),
  },
  missing: kinds,
  leftOut: kinds,
  expires: nullableTime,
  staleSince: nullableTime,
  checked: nullableTime,
  problem: nullableText,
  damaged: nullableText,
});

/** In the order of a bundle's. */
const devices = {
  type: 'array',
  items: exactly({
    index: count,
    kind: { enum: deviceKinds },
    source: { type: 'string' },
    state: { enum: ['ready', 'waiting', 'failing', 'hanging'] },
  }),
};

const status = (value: string) => exactly({ status: { const: value } });

export const routes = {
  attestation: {
    path: '/attestation',
    summary: 'Evidence made now, for this nonce alone',
    parameters: [
      {
        name: 'nonce',
        in: 'query',
        required: false,
        pattern: '^[0-9a-f]{64}$',
        description: 'The verifier’s 32 random bytes; without it the agent draws them.',
        refusal: 'nonce-malformed',
      },
    ],
    mediaType: bundleMediaType,
    fresh: true,
    problems: [
      'nonce-malformed',
      'device-failed',
      'device-busy',
      'device-hanging',
      'event-log-failed',
      'bundle-too-large',
      'log-full',
      'not-ready',
      'device-timeout',
    ],
  },
  services: {
    path: '/services',
    summary: 'The services of the tree, with their keys and store paths',
    parameters: [],
    mediaType: json,
    schema: exactly({
      version: { const: 1 },
      treeRoot: hex32,
      services: {
        type: 'array',
        items: exactly({
          name: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' },
          id: hex32,
          narHash: hex32,
          publicKey: { type: 'string', pattern: '^[0-9a-f]{128}$' },
          storePath: { type: 'string' },
        }),
      },
    }),
    fresh: false,
    problems: ['not-ready'],
  },
  proof: {
    path: '/proofs/:name',
    summary: 'Proof that a service is in the tree, or that it is not',
    parameters: [
      {
        name: 'name',
        in: 'path',
        required: true,
        pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
        description: 'The name of the service.',
        refusal: 'name-malformed',
      },
      {
        name: 'root',
        in: 'query',
        required: false,
        pattern: '^[0-9a-f]{64}$',
        description: 'Root of a tree of this boot; without it, the present one.',
        refusal: 'root-malformed',
      },
    ],
    mediaType: json,
    fresh: false,
    problems: ['name-malformed', 'root-malformed', 'tree-unknown', 'tree-gone', 'not-ready'],
  },
  history: {
    path: '/history',
    summary: 'The log of this boot: every tree and runtime event, as evidence binds it',
    parameters: [],
    mediaType: json,
    schema: exactly({
      version: { const: 1 },
      entries: { type: 'array', items: { type: 'string', contentEncoding: 'base64' } },
      logDigest: hex32,
    }),
    fresh: true,
    problems: ['not-ready'],
  },
  closure: {
    path: '/closure',
    summary: 'The closure manifest, the very bytes whose digest is bound',
    parameters: [],
    mediaType: 'text/plain; charset=utf-8',
    fresh: false,
    problems: ['not-ready'],
  },
  'event-log': {
    path: '/event-log',
    summary: 'The boot’s event log, the very bytes that evidence carries now; 4 MiB at most',
    parameters: [],
    mediaType: 'application/octet-stream',
    fresh: true,
    problems: ['event-log-missing', 'event-log-failed', 'not-ready'],
  },
  info: {
    path: '/info',
    summary: 'What this agent is and speaks for; nothing of it is signed',
    parameters: [],
    mediaType: json,
    schema: exactly({
      version: { const: 1 },
      agent: { type: 'string' },
      platform: { enum: ['sev-snp', 'tdx'] },
      source: { type: 'string' },
      provider: { type: ['string', 'null'] },
      devices,
      eventLog: { type: 'array', items: { type: 'string' } },
      closure: exactly({ digest: hex32, paths: count, computed: count, ageSeconds: count }),
      treeRoot: hex32,
      services: count,
      limits: exactly({
        urlLength: count,
        headerBytes: count,
        bodyBytes: { const: 0 },
        nonceBytes: { const: 32 },
        queue: count,
        requestMilliseconds: count,
        deviceMilliseconds: count,
        abandonedCalls: count,
      }),
      collateral,
    }),
    fresh: true,
    problems: ['not-ready'],
  },
  healthz: {
    path: '/healthz',
    summary: 'Whether the process answers',
    parameters: [],
    mediaType: json,
    schema: status('ok'),
    fresh: true,
    problems: [],
  },
  readyz: {
    path: '/readyz',
    summary:
      'Whether closure, secure processor and every device have been seen, and none of them hangs',
    parameters: [],
    mediaType: json,
    schema: exactly({ status: { const: 'ready' }, devices, collateral }),
    fresh: true,
    problems: ['not-ready', 'log-full', 'device-hanging'],
  },
  metrics: {
    path: '/metrics',
    summary: 'Counters in Prometheus’ text format',
    parameters: [],
    mediaType: 'text/plain; version=0.0.4; charset=utf-8',
    fresh: true,
    problems: [],
  },
  openapi: {
    path: '/openapi.json',
    summary: 'This description',
    parameters: [],
    mediaType: json,
    fresh: false,
    problems: [],
  },
} as const satisfies Record<string, Route>;

export type RouteId = keyof typeof routes;

export const routeIds = Object.keys(routes) as RouteId[];
