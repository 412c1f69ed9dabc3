/** A decoder with the JSON Schema that says the same: what is published is what is asked. */
import type { Bytes } from '../bytes.ts';
import { base64Bytes, type Decoder, object, oneOf, optional, text } from '../json.ts';

/** JSON Schema, draft 2020-12, as OpenAPI 3.1 uses it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export type Value<T, D extends Decoder<T> = Decoder<T>> = {
  readonly schema: JsonSchema;
  readonly decode: D;
  /** It may be left out. */
  readonly optional?: boolean;
};

/** A member or parameter that may be left out. */
export function maybe<T>({ schema, decode }: Value<T>) {
  return { schema, decode: optional(decode), optional: true };
}

export function pattern(source: string, description: string): Value<string> {
  return {
    schema: { type: 'string', pattern: source, description },
    decode: text(new RegExp(source, 'u'), description),
  };
}

/** Lower-case hex of so many bytes, as text. */
export function hexText(length: number, description: string): Value<string> {
  return pattern(
    `^[0-9a-f]{${2 * length}}$`,
    `${description}: ${length} bytes as lower-case hex digits`,
  );
}

export function base64(description: string): Value<Bytes> {
  return {
    schema: { type: 'string', contentEncoding: 'base64', description },
    decode: base64Bytes,
  };
}

export function choice<const T extends string | number>(...choices: readonly T[]): Value<T> {
  return { schema: { enum: choices }, decode: oneOf(...choices) };
}

type Members = Record<string, Value<unknown>>;
type Decoders<M extends Members> = { [K in keyof M]: M[K]['decode'] };

/** Exactly these members. */
export function record<M extends Members>(members: M) {
  const entries = Object.entries(members);
  const decoders = Object.fromEntries(
    entries.map(([name, { decode }]) => [name, decode]),
  ) as Decoders<M>;
  return {
    schema: {
      type: 'object',
      additionalProperties: false,
      required: entries.filter(([, member]) => !member.optional).map(([name]) => name),
      properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    },
    decode: object(decoders),
  };
}
