/** Every resource of the service: what it takes and what it gives. Requests are judged by this table, and openapi.ts prints it. */
import { bundleMediaType, collateralKinds, maxBundleLength } from '../abi/bundle.ts';
import { maxSnpEvidenceLength } from '../abi/snp-forms.ts';
import { arrayOf, type Decoded, version } from '../json.ts';
import { activityAnswer, decisions, decisionsAnswer } from './answers.ts';
import { placePattern } from './decisions.ts';
import type { ServeErrorCode } from './errors.ts';
import {
  base64,
  choice,
  hexText,
  type JsonSchema,
  maybe,
  pattern,
  record,
  type Value,
} from './schema.ts';
import { tokenKeysSchema, verdictSchema } from './schemas.ts';

export const eatMediaType = 'application/eat+jwt';
/** Evidence with the collateral to verify it by. */
export const collectedMediaType = 'application/vnd.affidavit.collected+json';

const policyName = pattern(
  '^[a-z0-9][a-z0-9._-]{0,63}$',
  'Name of the policy: its file’s, without the ending',
);
const challengeId = hexText(16, 'Id of a challenge of this service, which this request uses up');

/** What the evidence must show on top of the policy. */
const closure = hexText(32, 'Closure digest to require');
const treeRoot = hexText(32, 'Service tree to require');
const measurement = hexText(48, 'MEASUREMENT or MRTD to require');
const reportData = hexText(64, 'REPORT_DATA to require');

const place = (description: string) => pattern(placePattern, description);

const verifyQuery = {
  policy: policyName,
  challenge: maybe(challengeId),
  closure: maybe(closure),
  'tree-root': maybe(treeRoot),
  measurement: maybe(measurement),
  'report-data': maybe(reportData),
};

const expect = maybe(
  record({
    closureDigest: maybe(closure),
    treeRoot: maybe(treeRoot),
    measurement: maybe(measurement),
    reportData: maybe(reportData),
  }),
);

const collateralItem = record({
  kind: choice(...collateralKinds),
  data: base64('One DER object, or Intel’s JSON byte for byte'),
});

const firstVersion = { schema: { const: 1 }, decode: version(1) };

/** Of `collectedMediaType`. */
export const collectedEvidence = record({
  version: firstVersion,
  form: choice('bundle', 'report', 'quote'),
  evidence: base64('The bundle’s JSON, or the raw report or quote'),
  collateral: {
    schema: { type: 'array', maxItems: 64, items: collateralItem.schema },
    decode: arrayOf(collateralItem.decode, { max: 64 }),
  },
});

export const checkRequest = record({
  version: firstVersion,
  proof: base64('The proof file'),
  bundle: base64('The evidence bundle that the proof is about'),
  response: base64('The service’s response'),
  audience: pattern('^[^\\p{C}]{1,200}$', 'The name that the prover made the proof for'),
  challenge: challengeId,
  bundleChallenge: maybe(hexText(16, 'Id of the challenge that the bundle answers')),
  policy: policyName,
  expect,
});
export type CheckRequest = Decoded<typeof checkRequest.decode>;

export type Body = {
  /** Bytes. */
  limit: number;
  schema: JsonSchema;
};

export type Answer = { description: string; content: Record<string, JsonSchema> };

export type Operation = {
  id: string;
  method: 'GET' | 'POST';
  path: string;
  summary: string;
  query: Record<string, Value<string | undefined>>;
  /** By media type; empty where none is taken. */
  bodies: Record<string, Body>;
  status: number;
  answer: Answer;
  errors: readonly ServeErrorCode[];
};

const bundleBody: Body = {
  limit: maxBundleLength,
  schema: { type: 'object', description: 'An evidence bundle (docs/formats.md)' },
};

const evidenceErrors = [
  'query-malformed',
  'body-incomplete',
  'challenge-misplaced',
  'policy-unknown',
  'not-acceptable',
  'challenge-spent',
  'body-too-large',
  'media-type-unknown',
  'log-failed',
  'busy',
] as const;

const json = 'application/json';

export const operations = [
  {
    id: 'verify',
    method: 'POST',
    path: '/verify',
    summary: 'Verify evidence under a policy',
    query: verifyQuery,
    bodies: {
      [bundleMediaType]: bundleBody,
      [json]: bundleBody,
      'application/octet-stream': {
        limit: maxSnpEvidenceLength,
        schema: { description: 'A report or quote in any form that the command line reads' },
      },
      [collectedMediaType]: { limit: maxBundleLength, schema: collectedEvidence.schema },
    },
    status: 200,
    answer: {
      description: 'A verdict, whatever its decision; a token where the header Accept asks for one',
      content: { [json]: verdictSchema, [eatMediaType]: { type: 'string' } },
    },
    errors: evidenceErrors,
  },
  {
    id: 'check',
    method: 'POST',
    path: '/check',
    summary: 'Check a proof about a service’s response, with its evidence',
    query: {},
    bodies: { [json]: { limit: maxBundleLength, schema: checkRequest.schema } },
    status: 200,
    answer: {
      description: 'A verdict, whatever its decision; a token where the header Accept asks for one',
      content: { [json]: verdictSchema, [eatMediaType]: { type: 'string' } },
    },
    errors: [...evidenceErrors, 'checker-unavailable'],
  },
  {
    id: 'challenges',
    method: 'POST',
    path: '/challenges',
    summary: 'Draw a nonce that is good once and for a time',
    query: {},
    bodies: {},
    status: 201,
    answer: {
      description: 'The challenge',
      content: {
        [json]: {
          type: 'object',
          required: ['id', 'nonce', 'expires'],
          properties: {
            id: challengeId.schema,
            nonce: hexText(32, 'The nonce to have bound').schema,
            expires: { type: 'integer', description: 'Unix seconds from which it is spent' },
          },
        },
      },
    },
    errors: ['query-malformed', 'body-unexpected', 'busy'],
  },
  {
    id: 'jwks',
    method: 'GET',
    path: '/jwks.json',
    summary: 'The keys that the tokens are signed with',
    query: {},
    bodies: {},
    status: 200,
    answer: { description: 'A JWK set (RFC 7517)', content: { [json]: tokenKeysSchema } },
    errors: ['query-malformed'],
  },
  {
    id: 'metrics',
    method: 'GET',
    path: '/metrics',
    summary: 'Figures for Prometheus',
    query: {},
    bodies: {},
    status: 200,
    answer: { description: 'Text format 0.0.4', content: { 'text/plain': { type: 'string' } } },
    errors: ['query-malformed'],
  },
  {
    id: 'health',
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the service answers',
    query: {},
    bodies: {},
    status: 200,
    answer: {
      description: 'It does',
      content: { [json]: { type: 'object', properties: { status: { const: 'ok' } } } },
    },
    errors: ['query-malformed'],
  },
  {
    id: 'activity',
    method: 'GET',
    path: '/ui/activity',
    summary: 'What the service did lately; only with --ui',
    query: {},
    bodies: {},
    status: 200,
    answer: {
      description: 'For the live page, with an ETag; 304 where If-None-Match names it',
      content: { [json]: activityAnswer.schema },
    },
    errors: ['query-malformed', 'cross-site'],
  },
  {
    id: 'decisions',
    method: 'GET',
    path: '/ui/decisions',
    summary: 'Decisions, the newest first; only with --ui',
    query: {
      before: maybe(place('Only what comes before this place of an earlier answer')),
      after: maybe(place('Only what comes after this place of an earlier answer')),
      search: maybe(
        pattern(
          '^[ -~]{0,100}$',
          'Words that are all in the policy’s name, the decision or a check’s id, or begin the evidence’s digest',
        ),
      ),
      decision: maybe(choice(...decisions)),
      limit: maybe(pattern('^(?:[1-9][0-9]?|1[0-9]{2}|200)$', 'At most so many, 1 to 200')),
    },
    bodies: {},
    status: 200,
    answer: {
      description: 'As many as were found in as much of the log as is read for one answer',
      content: { [json]: decisionsAnswer.schema },
    },
    errors: ['query-malformed', 'cross-site', 'busy'],
  },
  {
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description',
    query: {},
    bodies: {},
    status: 200,
    answer: { description: 'OpenAPI 3.1', content: { [json]: { type: 'object' } } },
    errors: ['query-malformed'],
  },
] as const satisfies readonly Operation[];

export type OperationId = (typeof operations)[number]['id'];

/** What any request can end in. */
export const commonErrors = [
  'not-found',
  'method-not-allowed',
  'request-timeout',
  'url-too-long',
  'header-too-large',
  'http-malformed',
  'internal',
] as const satisfies readonly ServeErrorCode[];
