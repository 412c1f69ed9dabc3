/**
 * Strict JSON. JSON.parse keeps the last of two equal members and invents nothing against unknown ones, and both
 * have been used to make two readers see two documents; here each is an error. The decoders below turn `unknown`
 * into exactly the declared shape and name the path of what is wrong.
 */
import { type Bytes, fromBase64, fromHex, quote } from './bytes.ts';
import { AttestationError } from './errors.ts';

const maxDepth = 32;
/** A number or literal, which JSON.parse then judges. */
const word = /[-+.0-9A-Za-z]+/y;

/**
 * RFC 8259 text, nested 32 deep at most, no member twice. Objects have no prototype.
 * @throws AttestationError `json-malformed`, `too-large` for hundreds of thousands of values
 */
export function parseJson(text: string, what: string): unknown {
  refuseTooMany(text, what);
  const plain = parsePlain(text);
  if (plain !== undefined) return plain;
  let at = 0;

  function fail(problem: string): never {
    throw new AttestationError('json-malformed', `${what}: ${problem} at character ${at}`);
  }

  function skipWhitespace(): void {
    for (let code = text.charCodeAt(at); isWhitespace(code); code = text.charCodeAt(at)) at += 1;
  }

  /** Takes `token` with the whitespace around it. */
  function next(token: string): boolean {
    skipWhitespace();
    if (text[at] !== token) return false;
    at += 1;
    skipWhitespace();
    return true;
  }

  function literal(): unknown {
    word.lastIndex = at;
    const found = word.exec(text)?.[0] ?? fail('expected a JSON value');
    let value: unknown;
    try {
      value = JSON.parse(found);
    } catch {
      fail('expected a JSON value');
    }
    if (typeof value === 'number' && !Number.isFinite(value)) fail('a number is out of range');
    at += found.length;
    return value;
  }

  /** JSON.parse judges the literal (escapes, control characters); here we only find where it ends. */
  function string(): string {
    let end = at;
    do {
      end = text.indexOf('"', end + 1);
      if (text[at] !== '"' || end === -1) fail('expected a string');
    } while (isEscaped(text, end));
    const found = text.slice(at, end + 1);
    let value: unknown;
    try {
      value = JSON.parse(found);
    } catch {
      fail('malformed string');
    }
    if (typeof value !== 'string' || !value.isWellFormed())
      fail('a string is not well-formed Unicode');
    at = end + 1;
    return value;
  }

  function members(depth: number): object {
    const out: Record<string, unknown> = Object.create(null);
    if (next('}')) return out;
    do {
      const name = string();
      if (name in out) fail(`member ${quote(name)} occurs twice`);
      if (!next(':')) fail('expected ":"');
      out[name] = value(depth);
    } while (next(','));
    if (!next('}')) fail('expected "," or "}"');
    return out;
  }

  function elements(depth: number): unknown[] {
    const out: unknown[] = [];
    if (next(']')) return out;
    do out.push(value(depth));
    while (next(','));
    if (!next(']')) fail('expected "," or "]"');
    return out;
  }

  function value(depth: number): unknown {
    if (depth > maxDepth) fail(`nested more than ${maxDepth} deep`);
    if (text[at] === '"') return string();
    if (next('{')) return members(depth + 1);
    if (next('[')) return elements(depth + 1);
    return literal();
  }

  skipWhitespace();
  const result = value(0);
  skipWhitespace();
  if (at !== text.length) fail('unexpected text after the document');
  return result;
}

/** The largest honest documents, policies that name ten thousand values in every set, have fewer. */
const maxCommas = 200_000;

/** Millions of empty objects fit into a few megabytes, and would take seconds. @throws AttestationError `too-large` */
function refuseTooMany(text: string, what: string): void {
  let count = 0;
  for (let at = text.indexOf(','); at !== -1; at = text.indexOf(',', at + 1)) {
    count += 1;
    if (count > maxCommas) {
      throw new AttestationError(
        'too-large',
        `${what}: more than ${maxCommas} commas, no document here has as many values`,
      );
    }
  }
}

/**
 * The quick way for what a machine wrote: a text that JSON.stringify gives back byte for byte holds no member twice, no second
 * spelling and nothing after its end.
 * @returns undefined when the text is not of that kind, or not JSON
 */
function parsePlain(text: string): unknown {
  // An escape may hide what is not well-formed Unicode; raw text from UTF-8 cannot.
  if (text.includes('\\')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return text.isWellFormed() && JSON.stringify(value) === text && isShallow(value, maxDepth)
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether nothing is nested deeper than `depth`, counted as the reader above counts. */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1));
}

/** Space, tab, line feed, carriage return. */
function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

function isEscaped(text: string, quoteAt: number): boolean {
  let backslashes = 0;
  while (text[quoteAt - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** RFC 8785 (JSON Canonicalization Scheme): members by UTF-16 code units, numbers and strings as ECMAScript writes them. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** JSON Schema, draft 2020-12. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** Turns `unknown` into T or throws `json-shape` naming the path. */
export interface Decoder<T> {
  (value: unknown, path: string): T;
  /** What it takes, for readers other than this one. Made when asked for: decoding pays nothing for it. */
  readonly schema?: () => JsonSchema;
}
export type Decoded<D> = D extends Decoder<infer T> ? T : never;

/** The same decoder, with the schema of what it takes: for decoders that are written by hand. */
export function described<D extends Decoder<unknown>>(decode: D, schema: () => JsonSchema): D {
  return Object.assign(decode, { schema });
}

/** @throws RangeError for a decoder that was written by hand and not `described` */
export function schemaOf(decode: Decoder<unknown>): JsonSchema {
  if (decode.schema === undefined) throw new RangeError('this decoder has no schema');
  return decode.schema();
}

export function shapeError(path: string, expected: string, actual: unknown): AttestationError {
  const kind = actual === null ? 'null' : Array.isArray(actual) ? 'an array' : typeof actual;
  const shown =
    typeof actual === 'string'
      ? quote(actual)
      : typeof actual === 'number' || typeof actual === 'boolean'
        ? String(actual)
        : kind;
  return new AttestationError('json-shape', `${path}: expected ${expected}, got ${shown}`);
}

const optionalMark = Symbol('optional');
type Optional<T> = Decoder<T> & { [optionalMark]: true };

/** A member that may be left out; in every other way as strict as the rest. */
export function optional<T>(decode: Decoder<T>): Optional<T> {
  return Object.assign((value: unknown, path: string) => decode(value, path), {
    [optionalMark]: true as const,
    schema: () => schemaOf(decode),
  });
}

type Members = Record<string, Decoder<unknown>>;
type OptionalNames<M extends Members> = {
  [K in keyof M]: M[K] extends Optional<unknown> ? K : never;
}[keyof M];
type ObjectOf<M extends Members> = { [K in Exclude<keyof M, OptionalNames<M>>]: Decoded<M[K]> } & {
  [K in OptionalNames<M>]?: Decoded<M[K]>;
};

/** Exactly these members. */
export function object<M extends Members>(members: M): Decoder<ObjectOf<M>> {
  const decodeObject: Decoder<ObjectOf<M>> = (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw shapeError(path, 'an object', value);
    }
    // First, since an unknown version explains every other difference.
    const { version: versionOf } = members;
    if (versionOf !== undefined && 'version' in value) versionOf(value.version, `${path}.version`);
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(members, name)) {
        const known = Object.keys(members).join(', ');
        throw new AttestationError(
          'json-shape',
          `${path}: unknown member ${quote(name)} (known: ${known})`,
        );
      }
    }
    const out: Record<string, unknown> = {};
    for (const [name, decode] of Object.entries(members)) {
      if (Object.hasOwn(value, name)) {
        out[name] = decode((value as Record<string, unknown>)[name], `${path}.${name}`);
      } else if (!(optionalMark in decode)) {
        throw new AttestationError('json-shape', `${path}: member "${name}" is missing`);
      }
    }
    return out as ObjectOf<M>;
  };
  return described(decodeObject, () => {
    const entries = Object.entries(members);
    const needed = entries.filter(([, decode]) => !(optionalMark in decode));
    return {
      type: 'object',
      properties: Object.fromEntries(entries.map(([name, decode]) => [name, schemaOf(decode)])),
      required: needed.map(([name]) => name),
      additionalProperties: false,
    };
  });
}

export function arrayOf<T>(
  decode: Decoder<T>,
  limits: { min?: number; max: number },
): Decoder<T[]> {
  const decodeArray: Decoder<T[]> = (value, path) => {
    if (!Array.isArray(value)) throw shapeError(path, 'an array', value);
    if (value.length < (limits.min ?? 0) || value.length > limits.max) {
      throw shapeError(path, `${limits.min ?? 0} to ${limits.max} elements`, value.length);
    }
    return value.map((element, index) => decode(element, `${path}[${index}]`));
  };
  return described(decodeArray, () => ({
    type: 'array',
    items: schemaOf(decode),
    ...(limits.min !== undefined && { minItems: limits.min }),
    maxItems: limits.max,
  }));
}

/** One of these JSON literals. */
export function oneOf<const T extends string | number | boolean | null>(
  ...choices: readonly T[]
): Decoder<T> {
  const decodeChoice: Decoder<T> = (value, path) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined)
      throw shapeError(path, choices.map((c) => JSON.stringify(c)).join(' or '), value);
    return found;
  };
  return described(decodeChoice, () => ({ enum: choices }));
}

/** `version`: an unknown one has a code of its own, since the remedy differs. */
export function version<const V extends number>(...known: readonly V[]): Decoder<V> {
  const decodeVersion: Decoder<V> = (value, path) => {
    const found = known.find((v) => v === value);
    if (found === undefined) {
      const shown = typeof value === 'number' ? value : typeof value;
      throw new AttestationError(
        'version-unknown',
        `${path}: version ${shown} is not known (known: ${known.join(', ')})`,
      );
    }
    return found;
  };
  return described(decodeVersion, () => ({ enum: known }));
}

export function nullable<T>(decode: Decoder<T>): Decoder<T | null> {
  const decodeNullable: Decoder<T | null> = (value, path) =>
    value === null ? null : decode(value, path);
  return described(decodeNullable, () => ({ anyOf: [{ type: 'null' }, schemaOf(decode)] }));
}

/** `"any"`, written out, or what the inner decoder takes: silence never means any. */
export function anyOr<T>(decode: Decoder<T>): Decoder<T | 'any'> {
  const decodeAny: Decoder<T | 'any'> = (value, path) =>
    value === 'any' ? 'any' : decode(value, path);
  return described(decodeAny, () => ({ anyOf: [{ const: 'any' }, schemaOf(decode)] }));
}

export const bool: Decoder<boolean> = oneOf(true, false);

export function integer(min: number, max: number): Decoder<number> {
  const decodeInteger: Decoder<number> = (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw shapeError(path, `an integer from ${min} to ${max}`, value);
    }
    return value;
  };
  return described(decodeInteger, () => ({ type: 'integer', minimum: min, maximum: max }));
}

/** Unix seconds, below 2^53. */
export const unixTime: Decoder<number> = integer(0, Number.MAX_SAFE_INTEGER);

/** A pattern with flags means something else in a schema: such a decoder is `described` where it is made. */
export function text(pattern: RegExp, expected: string): Decoder<string> {
  const decodeText: Decoder<string> = (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw shapeError(path, expected, value);
    return value;
  };
  if (pattern.flags !== '') return decodeText;
  return described(decodeText, () => ({ type: 'string', pattern: pattern.source }));
}

/** Lower-case hex of exactly `length` bytes, decoded. */
export function hexBytes(length: number): Decoder<Bytes> {
  const decodeHex: Decoder<Bytes> = (value, path) => {
    if (typeof value !== 'string') throw shapeError(path, `${2 * length} hex digits`, value);
    return fromHex(value, path, length);
  };
  return described(decodeHex, () => ({ type: 'string', pattern: `^[0-9a-f]{${2 * length}}$` }));
}

/** Standard padded base64, decoded. */
export const base64Bytes: Decoder<Bytes> = described(
  (value, path) => {
    if (typeof value !== 'string') throw shapeError(path, 'base64 text', value);
    return fromBase64(value, path);
  },
  // The last digit before padding has unused bits, which are zero.
  () => ({
    type: 'string',
    pattern:
      '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$',
  }),
);
