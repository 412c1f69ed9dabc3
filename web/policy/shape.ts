/** What a member of the policy can be, read off the policy's own JSON Schema: a form made of it cannot fall behind the language. */
import { policySchema } from '#verifier/appraise/policy-schema.ts';
import type { JsonSchema } from '#verifier/json.ts';

export type Word = string | number | boolean | null;

export type Shape =
  /** One of these words. */
  | { kind: 'words'; words: readonly Word[] }
  /** One of these words, or one of these other things. */
  | { kind: 'either'; words: readonly Word[]; others: readonly Shape[] }
  /** Values, each once. */
  | { kind: 'set'; element: Shape }
  | { kind: 'integer'; minimum: number; maximum: number }
  /** `digits`: of hex, where their number is fixed. */
  | { kind: 'text'; digits: number | null }
  | { kind: 'object'; members: readonly ShapeMember[] };

export type ShapeMember = { name: string; shape: Shape; optional: boolean };

/** A member that the form has a row for. */
export type Row = {
  /** `sevSnp.guestPolicy.debug` */
  name: string;
  path: readonly string[];
  shape: Shape;
};

function shapeOf(schema: JsonSchema): Shape {
  const { type } = schema;
  if (type === 'object') return objectShape(schema);
  if (type === 'array') return { kind: 'set', element: fewWords(schema['items'] as JsonSchema) };
  if (type === 'integer') {
    return {
      kind: 'integer',
      minimum: schema['minimum'] as number,
      maximum: schema['maximum'] as number,
    };
  }
  if (type === 'string') return { kind: 'text', digits: digitsOf(schema['pattern']) };
  if (type === 'null') return { kind: 'words', words: [null] };
  if (Object.hasOwn(schema, 'const')) return { kind: 'words', words: [schema['const'] as Word] };
  if (Object.hasOwn(schema, 'enum')) return { kind: 'words', words: schema['enum'] as Word[] };
  return eitherOf((schema['anyOf'] as JsonSchema[]).map(shapeOf));
}

/** A set of a few numbers, such as privilege levels, is one of words to tick. */
function fewWords(schema: JsonSchema): Shape {
  const shape = shapeOf(schema);
  if (shape.kind !== 'integer' || shape.maximum - shape.minimum > 7) return shape;
  const length = shape.maximum - shape.minimum + 1;
  return { kind: 'words', words: Array.from({ length }, (_, index) => shape.minimum + index) };
}

function eitherOf(shapes: readonly Shape[]): Shape {
  const words = shapes.flatMap((one) => (one.kind === 'words' ? one.words : []));
  const others = shapes.filter(({ kind }) => kind !== 'words');
  return others.length === 0 ? { kind: 'words', words } : { kind: 'either', words, others };
}

function objectShape(schema: JsonSchema): Shape {
  const required = schema['required'] as string[];
  const members = Object.entries(schema['properties'] as Record<string, JsonSchema>);
  return {
    kind: 'object',
    members: members.map(([name, member]) => ({
      name,
      shape: shapeOf(member),
      optional: !required.includes(name),
    })),
  };
}

function digitsOf(pattern: unknown): number | null {
  const found = /^\^\[0-9a-f\]\{(\d+)\}\$$/.exec(String(pattern));
  return found === null ? null : Number(found[1]);
}

/** Neither is something to choose in a row: one is always 1, the other stands above the form. */
const apart = ['version', 'name'];

function* rowsOf(shape: Shape, path: readonly string[]): Generator<Row> {
  if (shape.kind !== 'object') yield { name: path.join('.'), path, shape };
  else for (const one of shape.members) yield* rowsOf(one.shape, [...path, one.name]);
}

let rows: readonly Row[] | null = null;

/** Every member of the policy, in the schema's order, down to what is one question. */
export function policyRows(): readonly Row[] {
  rows ??= [...rowsOf(shapeOf(policySchema()), [])].filter(({ name }) => !apart.includes(name));
  return rows;
}

/** @returns undefined for what is not there */
export function valueAt(holder: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, name) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, name)
        ? (found as Record<string, unknown>)[name]
        : undefined,
    holder,
  );
}

/** A copy with `value` at the path; undefined takes the member away. */
export function withValue(holder: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const object = isObject(holder) ? holder : {};
  const inner = withValue(valueAt(object, [name]), rest, value);
  if (inner !== undefined) return { ...object, [name]: inner };
  const { [name]: _, ...others } = object;
  return others;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isWord(value: unknown): value is Word {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Whether a value is of this make; what it holds is for the policy's own reader to judge. */
export function isOfShape(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case 'words':
      return shape.words.some((word) => word === value);
    case 'either':
      return (
        shape.words.some((word) => word === value) ||
        shape.others.some((one) => isOfShape(one, value))
      );
    case 'set':
      return Array.isArray(value);
    case 'integer':
      return typeof value === 'number';
    case 'text':
      return typeof value === 'string';
    case 'object':
      return isObject(value);
  }
}

/** Something of this shape to begin from; undefined where nobody but the reader can say. */
export function beginningOf(shape: Shape): unknown {
  switch (shape.kind) {
    case 'words':
      return shape.words[0];
    case 'either':
      return shape.words[0];
    case 'set':
      return shape.element.kind === 'words' ? [...shape.element.words] : [];
    case 'integer':
      return shape.minimum;
    case 'text':
      return shape.digits === null ? '' : '0'.repeat(shape.digits);
    case 'object':
      return Object.fromEntries(
        shape.members
          .filter(({ optional }) => !optional)
          .map((one) => [one.name, beginningOf(one.shape)]),
      );
  }
}
