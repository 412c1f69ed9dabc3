/** Random policies: documents that the schema describes, and ones with something about them changed. The same for the same seed. */

import { policySchema } from '#verifier/appraise/policy-schema.ts';
import type { JsonSchema } from '#verifier/json.ts';

export type Random = {
  /** 0 to n - 1 */
  below: (n: number) => number;
  chance: (probability: number) => boolean;
  of: <T>(values: readonly T[]) => T;
};

/** mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    below,
    chance: (probability) => next() < probability,
    of: (values) => values[below(values.length)] as (typeof values)[number],
  };
}

const schema = policySchema();

/** Mostly a policy; cross-member rules may make it none. */
export function describedPolicy(random: Random): unknown {
  return makeValue(schema, random);
}

/** Like `describedPolicy`, then one to three things changed. */
export function editedPolicy(random: Random): unknown {
  const document = describedPolicy(random);
  for (let edits = 1 + random.below(3); edits > 0; edits -= 1) edit(document, random);
  return document;
}

function makeValue(found: JsonSchema, random: Random): unknown {
  const { enum: choices, const: only, anyOf, type } = found;
  if (Array.isArray(choices)) return random.of(choices);
  if (only !== undefined) return only;
  // An anyOf beside a type is a rule between members.
  if (type === undefined && Array.isArray(anyOf)) return makeValue(random.of(anyOf), random);
  switch (type) {
    case 'null':
      return null;
    case 'integer':
      return integerOf(Number(found['minimum']), Number(found['maximum']), random);
    case 'string':
      return textOf(found, random);
    case 'array':
      return arrayOf(found, random);
    case 'object':
      return objectOf(found, random);
    default:
      throw new RangeError(`no value for ${JSON.stringify(found)}`);
  }
}

function integerOf(min: number, max: number, random: Random): number {
  const any = min + random.below(Math.min(max - min + 1, 2 ** 32));
  return random.of([min, max, any, any, Math.max(0, min)]);
}

const digits = (length: number, random: Random) => {
  let text = '';
  while (text.length < length)
    text += random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return text.slice(0, length);
};

/** What fits a pattern: hex of a length, or samples of the few other texts that policies have. */
type Texts = { hexDigits: number } | { samples: string[] };
const textsOfPattern = new Map<string, Texts>();

function textsOf(pattern: string): Texts {
  const known = textsOfPattern.get(pattern);
  if (known !== undefined) return known;
  const hex = /^\^\[0-9a-f\]\{(\d+)\}\$$/.exec(pattern)?.[1];
  const samples = [
    'a policy',
    '~ !"\\',
    'CN=provider',
    'INTEL-SA-00837',
    'INTEL-SA-837',
    'INTEL-SA-01036',
    '01234567-89ab-cdef-0123-456789abcdef',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '590.12',
    '535.86.09',
    '96.00.5E.00.01',
    '31.2E.36.39.30',
    '',
    'c0ffee',
  ].filter((sample) => new RegExp(pattern, 'u').test(sample));
  const found = hex === undefined ? { samples } : { hexDigits: Number(hex) };
  textsOfPattern.set(pattern, found);
  return found;
}

function textOf({ pattern, maxLength }: JsonSchema, random: Random): string {
  if (pattern === undefined) {
    return random.of(['why', 'ü\n€😀', 'x'.repeat(Number(maxLength)), '"\\\u0000', ' ']);
  }
  const texts = textsOf(String(pattern));
  if ('samples' in texts) return random.of(texts.samples);
  // Zeros and repeats are what rules are about; whole random digests would seldom meet.
  if (random.chance(0.3)) return digits(texts.hexDigits, random);
  return random.of(['00', 'ff', '01', 'a5', '02']).repeat(texts.hexDigits / 2);
}

function arrayOf({ items, minItems = 0, uniqueItems }: JsonSchema, random: Random): unknown[] {
  const length = Math.max(Number(minItems), random.of([0, 1, 1, 2, 3, 4, 8]));
  const found = Array.from({ length }, () => makeValue(items as JsonSchema, random));
  if (uniqueItems === true) return random.chance(0.1) ? [...new Set(found)] : distinct(found);
  // Waivers: of each check one, mostly.
  const checks = found.map((waiver) => (waiver as { check: string }).check);
  return random.chance(0.1) ? found : found.filter((_, i) => checks.indexOf(checks[i] ?? '') === i);
}

/** Each value once; of builders each name and each key. */
function distinct(found: readonly unknown[]): unknown[] {
  const parts = (value: unknown) =>
    typeof value === 'object' && value !== null ? Object.values(value) : [value];
  const seen = new Set<unknown>();
  return found.filter((value) => {
    if (parts(value).some((part) => seen.has(part))) return false;
    for (const part of parts(value)) seen.add(part);
    return true;
  });
}

function objectOf(found: JsonSchema, random: Random): object {
  const { properties, required, anyOf, minProperties } = found;
  const names = required as readonly string[];
  const entries = Object.entries(properties as Record<string, JsonSchema>);
  const made = (chosen: readonly [string, JsonSchema][]): Holder =>
    Object.fromEntries(chosen.map(([name, member]) => [name, makeValue(member, random)]));
  const out: Holder = made(
    entries.filter(
      ([name]) => names.includes(name) || random.chance(entries.length > 20 ? 0.1 : 0.6),
    ),
  );
  // Mostly what the rules between members ask for.
  if (random.chance(0.1)) return out;
  if (minProperties !== undefined && Object.keys(out).length === 0) {
    Object.assign(out, made([random.of(entries)]));
  }
  // The first few: of 32 rules the last ones ask for as many builders.
  if (Array.isArray(anyOf)) obey(out, random.of(anyOf.slice(0, 3)), found, random);
  return out;
}

/** Changes what the rule asks for. */
function obey(out: Holder, rule: JsonSchema, found: JsonSchema, random: Random): void {
  const members = found['properties'] as Record<string, JsonSchema>;
  for (const name of (rule['required'] ?? []) as string[]) {
    if (!Object.hasOwn(out, name)) out[name] = makeValue(members[name] as JsonSchema, random);
  }
  for (const [name, asked] of Object.entries(rule['properties'] as Record<string, JsonSchema>)) {
    const member = members[name] as JsonSchema;
    if (asked['const'] !== undefined) {
      out[name] = asked['const'];
      continue;
    }
    const value = out[name];
    if (typeof value === 'number') out[name] = Math.min(value, Number(asked['maximum'] ?? value));
    if (Array.isArray(value)) {
      while (value.length < Number(asked['minItems'] ?? 0))
        value.push(makeValue(member['items'] as JsonSchema, random));
    } else if (typeof value === 'object' && value !== null && asked['required'] !== undefined)
      obey(value as Holder, { required: asked['required'], properties: {} }, member, random);
  }
}

type Holder = Record<string | number, unknown>;

/** Something else, somewhere: removed, added, twice, of another type, at the edge of its range. */
function edit(document: unknown, random: Random): void {
  const holders: Holder[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Object.keys(value).length > 0) holders.push(value as Holder);
    Object.values(value).forEach(walk);
  };
  walk(document);
  if (holders.length === 0) return;
  const holder = random.of(holders);
  const name = random.of(Object.keys(holder));
  const old = holder[name];
  switch (random.below(7)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else delete holder[name];
      break;
    case 1:
      if (Array.isArray(holder)) holder.push(structuredClone(old));
      else holder[random.of(['extra', 'Name', 'toString', 'version', 'fmc', 'check'])] = old;
      break;
    case 2:
      holder[name] = nearly(old, random);
      break;
    case 3:
      // Not itself inside itself: the document stays a tree.
      holder[name] = structuredClone(random.of(holders));
      break;
    default:
      holder[name] = structuredClone(random.of(oddities));
  }
}

const oddities: readonly unknown[] = [
  'any',
  'none',
  'allowed',
  'refused',
  'required',
  'dangerously-allowed',
  'verifier-nonce',
  'OutOfDate',
  'Revoked',
  'Milan',
  'vlek',
  'hcl',
  'trusted',
  'HOPPER',
  'unused',
  '535.86.9x',
  'ANY',
  '',
  '00',
  '00'.repeat(8),
  '00'.repeat(16),
  'FF'.repeat(32),
  'ab'.repeat(48),
  'ab'.repeat(48).slice(1),
  `0x${'00'.repeat(31)}`,
  'é',
  'a\n',
  'x'.repeat(101),
  'policy.debug',
  'collateral.revocation',
  'chain.root-pinned',
  'INTEL-SA-00837',
  null,
  true,
  false,
  0,
  1,
  2,
  4,
  255,
  256,
  65535,
  65536,
  4294967295,
  4294967296,
  -1,
  0.5,
  2 ** 53 - 1,
  2 ** 53,
  315_360_000,
  315_360_001,
  [],
  {},
  ['any'],
  [[]],
  [0, 0],
  [3],
  ['00'.repeat(32)],
  { major: 1, minor: 55 },
  { events: ['ab'.repeat(48)] },
  { others: 'any' },
  { others: 'any', 4: ['ab'.repeat(32)] },
  { HOPPER: '535.86.09' },
  { hopper: '535.86.09' },
  { minimum: 2, maximum: 1 },
  { Milan: { fmc: 0, bootLoader: 4, tee: 0, snp: 24, microcode: 219 } },
];

function nearly(value: unknown, random: Random): unknown {
  if (typeof value === 'number') return value + random.of([-1, 1, 0.5]);
  if (typeof value === 'string') {
    return random.of([`${value}0`, value.slice(1), value.toUpperCase(), ` ${value}`, `${value}\n`]);
  }
  if (Array.isArray(value)) return value.concat(value);
  return value === null ? 0 : [value];
}
