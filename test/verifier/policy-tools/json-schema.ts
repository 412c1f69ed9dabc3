/** Just enough of JSON Schema draft 2020-12 to hold the schema of policies to its word; an unknown keyword is an error. */
import { isDeepStrictEqual } from 'node:util';

type Schema = Readonly<Record<string, unknown>>;
type Check = (value: unknown, keyword: never, schema: Schema) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const codePoints = (text: string) => [...text].length;

/** A keyword says nothing of values of another type. */
const onText = (holds: (text: string, keyword: never) => boolean): Check => {
  return (value, keyword) => typeof value !== 'string' || holds(value, keyword);
};
const onNumber = (holds: (number: number, keyword: never) => boolean): Check => {
  return (value, keyword) => typeof value !== 'number' || holds(value, keyword);
};
const onArray = (holds: (array: unknown[], keyword: never, schema: Schema) => boolean): Check => {
  return (value, keyword, schema) => !Array.isArray(value) || holds(value, keyword, schema);
};
const onObject = (
  holds: (object: Record<string, unknown>, keyword: never, schema: Schema) => boolean,
): Check => {
  return (value, keyword, schema) => !isObject(value) || holds(value, keyword, schema);
};

const regExps = new Map<string, RegExp>();

function regExpOf(pattern: string): RegExp {
  const known = regExps.get(pattern) ?? new RegExp(pattern, 'u');
  regExps.set(pattern, known);
  return known;
}

const types: Record<string, (value: unknown) => boolean> = {
  null: (value) => value === null,
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  array: Array.isArray,
  object: isObject,
};

const keywords: Record<string, Check> = {
  $schema: () => true,
  $id: () => true,
  title: () => true,
  description: () => true,
  type: (value, type: string) => (types[type] as (value: unknown) => boolean)(value),
  enum: (value, values: unknown[]) => values.includes(value),
  const: (value, wanted: unknown) => value === wanted,
  pattern: onText((text, pattern: string) => regExpOf(pattern).test(text)),
  minLength: onText((text, least: number) => codePoints(text) >= least),
  maxLength: onText((text, most: number) => codePoints(text) <= most),
  minimum: onNumber((number, least: number) => number >= least),
  maximum: onNumber((number, most: number) => number <= most),
  items: onArray((array, items: Schema) => array.every((value) => isValid(items, value))),
  minItems: onArray((array, least: number) => array.length >= least),
  maxItems: onArray((array, most: number) => array.length <= most),
  uniqueItems: onArray((array) => {
    if (array.every((value) => typeof value !== 'object'))
      return new Set(array).size === array.length;
    return array.every((a, i) => array.slice(0, i).every((b) => !isDeepStrictEqual(a, b)));
  }),
  contains: onArray((array, wanted: Schema, { minContains = 1, maxContains }) => {
    const count = array.filter((value) => isValid(wanted, value)).length;
    return count >= Number(minContains) && count <= Number(maxContains ?? count);
  }),
  minContains: () => true,
  maxContains: () => true,
  properties: onObject((object, properties: Record<string, Schema>) =>
    Object.entries(properties).every(
      ([name, schema]) => !Object.hasOwn(object, name) || isValid(schema, object[name]),
    ),
  ),
  required: onObject((object, names: string[]) =>
    names.every((name) => Object.hasOwn(object, name)),
  ),
  additionalProperties: onObject((object, allowed: boolean, { properties }) => {
    if (allowed) throw new RangeError('only additionalProperties false is known');
    return Object.keys(object).every((name) => Object.hasOwn(properties as object, name));
  }),
  minProperties: onObject((object, least: number) => Object.keys(object).length >= least),
  anyOf: (value, schemas: Schema[]) => schemas.some((schema) => isValid(schema, value)),
  allOf: (value, schemas: Schema[]) => schemas.every((schema) => isValid(schema, value)),
  not: (value, schema: Schema) => !isValid(schema, value),
};

/** @throws RangeError for a schema with a keyword that is not known here */
export function isValid(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    const check = keywords[keyword];
    if (check === undefined) throw new RangeError(`keyword ${keyword} is not known`);
    return check(value, wanted as never, schema);
  });
}
