/**
 * One line of a decision log: RFC 8785 JSON that holds the digest of the line before it and, last computed, its own.
 * digest = SHA-256(tag(decision) ‖ the line as RFC 8785 JSON without `digest`)
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Decision, Verdict } from '../appraise/verdict.ts';
import { type Bytes, concat, toHex, utf8 } from '../bytes.ts';
import type { CheckStatus } from '../checklist.ts';
import { AttestationError } from '../errors.ts';
import {
  arrayOf,
  canonicalJson,
  type Decoded,
  type Decoder,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  shapeError,
  text,
  unixTime,
  version,
} from '../json.ts';
import { tag } from '../tags.ts';
import type { UnixTime } from '../time.ts';

/** Longest line, in bytes without its line feed. */
export const maxLineLength = 262_144;

/** What the first line of the first file links to. */
export const noDigest = '00'.repeat(32);

const digestText = text(/^[0-9a-f]{64}$/, 'the 64 lower-case hex digits of a digest');
/** By form alone: a log outlives the release that wrote it, and checks are added. */
const checkIdText = text(/^[a-z0-9-]{1,60}\.[a-z0-9-]{1,60}$/, 'a check id');
const checkList = arrayOf(checkIdText, { max: 400 });
/** A certificate may end before 1970. */
const anyTime = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

const decision = {
  /** The time verified for. */
  at: unixTime,
  /** SHA-256 of the evidence as it was given: the bundle's JSON bytes, or the raw report or quote. */
  evidence: digestText,
  /** policyDigest */
  policy: digestText,
  policyName: text(/^[\x20-\x7e]{1,200}$/, '1 to 200 printable ASCII characters'),
  decision: oneOf('accepted', 'rejected', 'invalid', 'undecided'),
  /** Written by a service: whether the decision was acted on. */
  mode: optional(oneOf('enforce', 'observe')),
  failed: checkList,
  skipped: checkList,
  waived: checkList,
  /** When the first piece of collateral runs out. */
  expires: nullable(anyTime),
};
const link = {
  version: version(1),
  /** Lines before this one in the same file. */
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  /** When it was written, by the writer's clock. */
  time: unixTime,
  previous: digestText,
  digest: digestText,
};

const decisionLine = object({ ...link, kind: oneOf('decision'), ...decision });
/** The first line of a file that goes on where another ended. */
const startedLine = object({ ...link, kind: oneOf('started') });
/** A crash had cut a line short: so many bytes of it were found and moved away. */
const recoveredLine = object({
  ...link,
  kind: oneOf('recovered'),
  bytes: integer(1, maxLineLength),
});

export type DecisionLine = Decoded<typeof decisionLine>;
export type LogLine = DecisionLine | Decoded<typeof startedLine> | Decoded<typeof recoveredLine>;

/** What one line says, apart from its place in the chain. */
type Unlinked<Line> = Line extends LogLine
  ? Omit<Line, 'version' | 'seq' | 'time' | 'previous' | 'digest'>
  : never;
export type LineContent = Unlinked<LogLine>;

/** What a caller has to say of one decision. */
export type DecisionEntry = Readonly<{
  at: UnixTime;
  evidence: string;
  policy: string;
  policyName: string;
  decision: Decision;
  mode?: 'enforce' | 'observe';
  failed: readonly string[];
  skipped: readonly string[];
  waived: readonly string[];
  expires: UnixTime | null;
}>;

/** @param evidence the bytes that were verified */
export function toDecisionEntry(
  evidence: Bytes,
  verdict: Verdict,
  policyName: string,
  mode?: 'enforce' | 'observe',
): DecisionEntry {
  const idsWith = (wanted: CheckStatus) =>
    verdict.checks.filter(({ status }) => status === wanted).map(({ id }) => id);
  return {
    at: verdict.at,
    evidence: toHex(sha256(evidence)),
    policy: verdict.policy,
    policyName,
    decision: verdict.decision,
    ...(mode !== undefined && { mode }),
    failed: idsWith('fail'),
    skipped: idsWith('skip'),
    waived: idsWith('waived'),
    expires: verdict.expires,
  };
}

/** Where the next line goes: how many lines there are, and the digest of the last. */
export type Tail = Readonly<{ seq: number; digest: string }>;

const entryShape = object(decision);

/** @throws RangeError for an entry that would not be read again */
export function anEntry(entry: DecisionEntry): DecisionEntry {
  try {
    entryShape(entry, 'entry');
    return entry;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    throw new RangeError(`not a decision that a log can hold: ${error.message}`, { cause: error });
  }
}

/** The next line, without its line feed. */
export function sealLine(
  content: LineContent | ({ kind: 'decision' } & DecisionEntry),
  { seq, digest: previous }: Tail,
  time: UnixTime,
): { line: string; tail: Tail } {
  const linked = { ...content, version: 1, seq, time, previous };
  const digest = digestOf(linked);
  return { line: canonicalJson({ ...linked, digest }), tail: { seq: seq + 1, digest } };
}

/**
 * One line without its line feed, in its one form and with its right digest; whether it follows another is not looked at.
 * @throws AttestationError `too-large`, `json-malformed`, `json-shape`, `version-unknown`
 */
export function parseLine(line: string): LogLine {
  if (line.length > maxLineLength) {
    throw new AttestationError('too-large', `the line has more than ${maxLineLength} characters`);
  }
  const parsed = logLine(parseJson(line, 'line'), 'line');
  if (canonicalJson(parsed) !== line) {
    throw new AttestationError('json-malformed', 'the line is not in its canonical form');
  }
  const { digest, ...linked } = parsed;
  if (digestOf(linked) !== digest) {
    throw new AttestationError('json-shape', 'the digest is not that of the line');
  }
  return parsed;
}

const logLine: Decoder<LogLine> = (value, path) => {
  const kind = (value as { kind?: unknown } | null)?.kind;
  switch (kind) {
    case 'decision':
      return decisionLine(value, path);
    case 'started':
      return startedLine(value, path);
    case 'recovered':
      return recoveredLine(value, path);
    default:
      throw shapeError(`${path}.kind`, '"decision", "started" or "recovered"', kind);
  }
};

function digestOf(linked: object): string {
  return toHex(sha256(concat(tag('decision'), utf8(canonicalJson(linked)))));
}

/** How lines begin. A file that holds no whole line is a torn log only if it begins so. */
const beginnings = ['{"at":', '{"bytes":', '{"digest":"'];

/** Whether the bytes can be what a crash left of a log's first line. */
export function looksTorn(fragment: string): boolean {
  return beginnings.some((start) => fragment.startsWith(start) || start.startsWith(fragment));
}
