/**
 * What the live page of `--ui` is answered. Each answer is declared once: the service publishes its schema, and the page reads it
 * by the same declaration.
 */
import {
  arrayOf,
  bool,
  type Decoded,
  type Decoder,
  integer,
  nullable,
  oneOf,
  schemaOf,
  text,
  unixTime,
} from '../json.ts';
import { type JsonSchema, record, type Value } from './schema.ts';

export const decisions = ['accepted', 'rejected', 'invalid', 'undecided'] as const;

/** Most rows of one answer with decisions. */
export const maxRows = 200;
/** Most agents that a service watches. */
export const maxAgents = 100;
/** Minutes that are counted one by one. */
export const maxMinutes = 24 * 60;
/** Names of policies come and go with the folder's files; more than these are not told apart. */
export const maxPolicyRows = 1001;
/** Of the forecast of one agent. */
export const maxEndings = 8;

function plain<T>(decode: Decoder<T>): Value<T, Decoder<T>> {
  return { schema: schemaOf(decode) as JsonSchema, decode };
}

const many = <T>(of: Value<T>, max: number) => ({
  schema: { type: 'array', maxItems: max, items: of.schema },
  decode: arrayOf(of.decode, { max }),
});

const orNull = <T>(of: Value<T>) => ({
  schema: { anyOf: [{ type: 'null' }, of.schema] },
  decode: nullable(of.decode),
});

const count = plain(integer(0, Number.MAX_SAFE_INTEGER));
const time = plain(unixTime);
/** A certificate may end before 1970. */
const anyTime = plain(integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
const anyText = plain(text(/^[\s\S]{0,2000}$/, 'at most 2,000 characters'));
const decision = plain(oneOf(...decisions));
const digest = plain(text(/^[0-9a-f]{64}$/, 'the 64 lower-case hex digits of a digest'));
const checkId = plain(text(/^[a-z0-9-]{1,60}\.[a-z0-9-]{1,60}$/, 'a check id'));
const ids = many(checkId, 400);
const mode = plain(oneOf('enforce', 'observe'));

/** How often each decision was made. */
const tally = { accepted: count, rejected: count, invalid: count, undecided: count };

const ending = record({ what: anyText, at: anyTime });

/** One agent that the service asks again and again. */
const agent = record({
  url: anyText,
  policy: anyText,
  /** Seconds between two questions. */
  interval: count,
  /** When it was asked last; null before the first time. */
  asked: orNull(time),
  /** The last decision; null when there never was evidence to decide. */
  last: orNull(record({ at: time, decision, evidence: digest, failed: ids, skipped: ids })),
  /** Questions in a row without a decision, since when, and why the last one had none. */
  trouble: orNull(record({ count, since: time, problem: anyText })),
  /** When the decision was last another one than before, and which. */
  changed: orNull(record({ at: time, from: decision })),
  /** What runs out, the first first. */
  forecast: many(ending, maxEndings),
});

export const activityAnswer = record({
  /** When the service started; what is counted here is counted since then. */
  since: time,
  /** Evidence counts under a root that was handed over, not the vendor's. */
  insecure: plain(bool),
  /** Whether decisions are kept in a log. */
  logged: plain(bool),
  policies: many(anyText, maxPolicyRows),
  total: record(tally),
  /** Of the last 24 hours, by the minute's first second; minutes without a verification are left out. */
  minutes: many(record({ at: time, ...tally }), maxMinutes),
  /** What stood in the way of acceptance, the most frequent first: failed, or not made where a verdict was undecided. */
  refusals: many(record({ id: checkId, failed: count, skipped: count, last: time }), 400),
  /** Upper bounds of quantiles in microseconds; null is beyond 10 s. */
  byPolicy: many(
    record({ name: anyText, ...tally, mean: count, p50: orNull(count), p95: orNull(count) }),
    maxPolicyRows,
  ),
  agents: many(agent, maxAgents),
});

const row = record({
  /** Never given twice. */
  id: anyText,
  /** The time verified for. */
  at: time,
  evidence: digest,
  policy: digest,
  policyName: anyText,
  /** Null where the log's writer was no service. */
  mode: orNull(mode),
  decision,
  failed: ids,
  skipped: ids,
  waived: ids,
  expires: orNull(anyTime),
});

export const decisionsAnswer = record({
  /** The newest first. */
  decisions: many(row, maxRows),
  /** To ask for what comes after this answer. */
  newest: anyText,
  /** To ask for what comes before this answer; null when there is nothing. */
  older: orNull(anyText),
  /** Back to what time was looked, where something is left before it. */
  reached: orNull(time),
  /** Lines that are no decision log's: not shown. */
  damaged: count,
});

export type Activity = Decoded<typeof activityAnswer.decode>;
export type WatchedAgent = Activity['agents'][number];
export type Tally = Activity['total'];
export type DecisionsAnswer = Decoded<typeof decisionsAnswer.decode>;
export type DecisionRow = DecisionsAnswer['decisions'][number];
