/** The member `references` of a policy: whose word it takes for what a release measures. docs/policy.md explains each member. */
import {
  anyOr,
  arrayOf,
  type Decoded,
  type Decoder,
  described,
  integer,
  object,
  schemaOf,
  shapeError,
  text,
} from '../json.ts';
import { hexText, setOf } from './sets.ts';

const maxBuilders = 32;

const name = text(/^[\x20-\x7e]{1,100}$/, 'a name of 1 to 100 printable ASCII characters');

const builderList = arrayOf(object({ name, key: hexText(32) }), { min: 1, max: maxBuilders });
/** One key under two names would be two builders, and let its owner agree with himself. */
const builders: typeof builderList = described(
  (value: unknown, path: string) => {
    const found = builderList(value, path);
    for (const member of ['name', 'key'] as const) {
      const all = found.map((builder) => builder[member]);
      const again = all.find((one, index) => all.indexOf(one) !== index);
      if (again !== undefined) throw shapeError(path, `each ${member} once`, again);
    }
    return found;
  },
  // JSON Schema has no "unique by member": that a name or a key stands twice is for the reader to see.
  () => ({ ...schemaOf(builderList), uniqueItems: true }),
);

const shape = object({
  /** What is released: builders may build more than this. */
  name: anyOr(setOf(name)),
  release: anyOr(setOf(name)),
  /** By SHA-256 of the SubjectPublicKeyInfo of each one's P-256 key. */
  builders,
  /** How many of them must have signed equal values. */
  threshold: integer(1, maxBuilders),
});

export const referencesPolicy: typeof shape = described(
  (value: unknown, path: string) => {
    const found = shape(value, path);
    const { builders: listed, threshold } = found;
    if (threshold > listed.length) {
      const wanted = `an integer from 1 to ${listed.length}, as many as there are builders`;
      throw shapeError(`${path}.threshold`, wanted, threshold);
    }
    return found;
  },
  () => ({
    ...schemaOf(shape),
    // threshold ≤ number of builders: some count lies between them.
    anyOf: Array.from({ length: maxBuilders }, (_, index) => ({
      properties: { threshold: { maximum: index + 1 }, builders: { minItems: index + 1 } },
    })),
  }),
);

export type ReferencesPolicy = Decoded<typeof referencesPolicy>;

/** Members that may be left out beside `references`, which says what they would: then they are "any". */
const leftOut = {
  sevSnp: ['measurement'],
  tdx: ['mrTd', 'rtmr0', 'rtmr1', 'rtmr2'],
} as const;
const claimLeftOut = 'closureDigest';

/**
 * A policy with `references` need not name the software once more: this decoder reads it as if "any" stood where such a member is
 * missing. RTMR3, of which a reference file may say nothing, is always written.
 */
export function withReferences<T>(decode: Decoder<T>): Decoder<T> {
  const decodeFilled: Decoder<T> = (value, path) =>
    decode(isObject(value) && Object.hasOwn(value, 'references') ? filled(value) : value, path);
  return described(decodeFilled, () => relaxed(schemaOf(decode)));
}

type Json = { readonly [member: string]: unknown };

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function filled(policy: Json): Json {
  const out: Record<string, unknown> = { [claimLeftOut]: 'any', ...policy };
  for (const [member, names] of Object.entries(leftOut)) {
    const rules = policy[member];
    if (Object.hasOwn(policy, member) && isObject(rules))
      out[member] = { ...Object.fromEntries(names.map((one) => [one, 'any'])), ...rules };
  }
  return out;
}

/** The same rule as JSON Schema: either `references` is there, or all that it stands for. */
function relaxed(whole: Json): Json {
  const properties = { ...(whole['properties'] as Record<string, Json>) };
  const without = (schema: Json, names: readonly string[]) => ({
    ...schema,
    required: (schema['required'] as string[]).filter((one) => !names.includes(one)),
  });
  const needed: Record<string, Json> = {};
  for (const [member, names] of Object.entries(leftOut)) {
    properties[member] = without(properties[member] as Json, names);
    needed[member] = { required: names };
  }
  return {
    ...without(whole, [claimLeftOut]),
    properties,
    anyOf: [
      { properties: {}, required: ['references'] },
      { properties: needed, required: [claimLeftOut] },
    ],
  };
}
