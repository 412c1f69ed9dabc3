/** A block of SHA-384 as circuits/test/sha384_hints takes it, right or as a liar would make it. */
import { acvm } from '@noir-lang/noir_js';
import { fieldOrder } from '#verifier/field.ts';
import { compiledForTests } from '../compiled.ts';

const ones = (1n << 64n) - 1n;

/** The primes from 2 on. */
const primes: readonly bigint[] = (() => {
  const found: bigint[] = [];
  for (let n = 2n; found.length < 80; n++) if (found.every((p) => n % p !== 0n)) found.push(n);
  return found;
})();

/** The first 64 bits behind the point of a prime's root (FIPS 180-4, 4.2.3 and 5.3.4). */
function rootBits(prime: bigint, degree: bigint): bigint {
  const scaled = prime << (64n * degree);
  let root = 0n;
  for (let bit = 1n << 72n; bit > 0n; bit >>= 1n) {
    if ((root + bit) ** degree <= scaled) root += bit;
  }
  return root & ones;
}

export const roundConstants: readonly bigint[] = primes.map((prime) => rootBits(prime, 3n));
export const initialState: readonly bigint[] = primes
  .slice(8, 16)
  .map((prime) => rootBits(prime, 2n));

/** A rotation to the right by `by` bits, `bits` of them carried around the right or the left end, or a shift to the right. */
type Turn = {
  readonly kind: 'right' | 'left' | 'shift';
  readonly by: bigint;
  readonly bits: bigint;
};
export type Sum = 'turns_a' | 'turns_e' | 'turns_0' | 'turns_1';

/** Σ0, Σ1, σ0, σ1 (FIPS 180-4, 4.1.3), as the circuit carries bits. */
export const turnsOf: Readonly<Record<Sum, readonly Turn[]>> = {
  turns_a: [turn('left', 28, 4), turn('right', 34, 2), turn('right', 39, 7)],
  turns_e: [turn('right', 14, 14), turn('left', 18, 14), turn('right', 41, 9)],
  turns_0: [turn('right', 1, 1), turn('right', 8, 8), turn('shift', 7, 7)],
  turns_1: [turn('left', 19, 13), turn('left', 61, 3), turn('shift', 6, 6)],
};

function turn(kind: Turn['kind'], by: number, bits: number): Turn {
  return { kind, by: BigInt(by), bits: BigInt(bits) };
}

export type Turned = { readonly word: bigint; readonly bits: bigint };
export type Reduced = { readonly word: bigint; readonly carry: bigint };

/** What a liar puts in place of what is right; what follows from it follows honestly. */
export type Lies = {
  /** The n-th rotation or shift of this sum of x. */
  readonly turned?: (right: Turned, sum: Sum, n: number, x: bigint) => Turned;
  /** W[at], a or e after round `at`, word `at` of the state after the block. */
  readonly reduced?: (right: Reduced, what: 'w' | 'a' | 'e' | 'state', at: number) => Reduced;
};

/** State before the block, eight words, and message, sixteen. */
export type Block = { readonly state: readonly bigint[]; readonly message: readonly bigint[] };

type Turns = { words: bigint[][]; bits: bigint[] };
type Word = { whole: bigint; hi: bigint; lo: bigint };
type Round = {
  turns_a: Turns;
  turns_e: Turns;
  t1: bigint;
  a: Word;
  e: Word;
  carry_a: bigint;
  carry_e: bigint;
};

/** The circuit's inputs, members in its order. */
export type BlockInputs = {
  state: Word[];
  message: bigint[];
  hints: {
    words: bigint[];
    carries: bigint[];
    turns_0: Turns[];
    turns_1: Turns[];
    rounds: Round[];
    state: Word[];
    state_carries: bigint[];
  };
};

const halves = (x: bigint) => [x >> 32n, x & 0xffff_ffffn];

function wordOf(whole: bigint): Word {
  return { whole, hi: whole >> 32n, lo: whole & 0xffff_ffffn };
}

/** By the equations of the circuit (turns.nr), which give something of an x of more than 64 bits as well: to what a lie leads. */
function turned(x: bigint, { kind, by, bits: count }: Turn): Turned {
  const lower = x & ((1n << count) - 1n);
  if (kind === 'shift') return { word: x >> count, bits: lower };
  const isRight = kind === 'right';
  const bits = isRight ? lower : ((x << count) - 1n) / ones;
  const word = isRight ? (x + bits * ones) >> count : (x << count) - bits * ones;
  return { word: by === (isRight ? count : 64n - count) ? word : exchanged(word), bits };
}

function exchanged(x: bigint): bigint {
  return ((x & 0xffff_ffffn) << 32n) + (x >> 32n);
}

/** The hints of the sum and the sum. */
function sumOf(sum: Sum, x: bigint, lies: Lies): [turns: Turns, xor: bigint] {
  const three = turnsOf[sum].map((one, n) => {
    const right = turned(x, one);
    return lies.turned?.(right, sum, n, x) ?? right;
  });
  return [
    { words: three.map(({ word }) => halves(word)), bits: three.map(({ bits }) => bits) },
    three.reduce((xor, { word }) => xor ^ word, 0n),
  ];
}

export function blockInputs(block: Block, lies: Lies = {}): BlockInputs {
  const reduce = (sum: bigint, what: 'w' | 'a' | 'e' | 'state', at: number) => {
    const right = { word: sum & ones, carry: sum >> 64n };
    return lies.reduced?.(right, what, at) ?? right;
  };
  const w = [...block.message];
  const word = (t: number) => w[t] as bigint;
  const [carries, turns_0, turns_1]: [bigint[], Turns[], Turns[]] = [[], [], []];
  for (let t = 16; t < 80; t++) {
    const [turns0, sum0] = sumOf('turns_0', word(t - 15), lies);
    const [turns1, sum1] = sumOf('turns_1', word(t - 2), lies);
    const { word: next, carry } = reduce(sum1 + word(t - 7) + sum0 + word(t - 16), 'w', t);
    w.push(next);
    carries.push(carry);
    turns_0.push(turns0);
    turns_1.push(turns1);
  }
  const rounds: Round[] = [];
  let s = [...block.state];
  for (let t = 0; t < 80; t++) {
    const [a, b, c, d, e, f, g, h] = s as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    const [turns_a, sum0] = sumOf('turns_a', a, lies);
    const [turns_e, sum1] = sumOf('turns_e', e, lies);
    const t1 = h + sum1 + ((e & f) ^ ((e ^ ones) & g)) + (roundConstants[t] as bigint) + word(t);
    const newA = reduce(t1 + sum0 + ((a & b) ^ (a & c) ^ (b & c)), 'a', t);
    const newE = reduce(t1 + d, 'e', t);
    rounds.push({
      turns_a,
      turns_e,
      t1,
      a: wordOf(newA.word),
      e: wordOf(newE.word),
      carry_a: newA.carry,
      carry_e: newE.carry,
    });
    s = [newA.word, a, b, c, newE.word, e, f, g];
  }
  const after = block.state.map((x, j) => reduce(x + (s[j] as bigint), 'state', j));
  return {
    state: block.state.map(wordOf),
    message: [...block.message],
    hints: {
      words: w.slice(16),
      carries,
      turns_0,
      turns_1,
      rounds,
      state: after.map((one) => wordOf(one.word)),
      state_carries: after.map(({ carry }) => carry),
    },
  };
}

/** `path` → value of each input, in the order of the circuit's witness. */
export type Values = ReadonlyMap<string, bigint>;

export function valuesOf(inputs: BlockInputs): Values {
  return new Map(leavesOf(inputs, ''));
}

function leavesOf(inputs: unknown, path: string): [path: string, value: bigint][] {
  if (typeof inputs === 'bigint') return [[path, inputs]];
  return Object.entries(inputs as object).flatMap(([name, value]) =>
    leavesOf(value, path === '' ? name : `${path}.${name}`),
  );
}

/**
 * Of each kind of value one. Of a kind are those that differ only by their place in a long array; of some it is the first that is
 * taken, of some the last.
 */
export function sampleOf(values: Values): string[] {
  const kinds = Map.groupBy(values.keys(), (path) => path.replace(/^((?:hints\.)?\w+)\.\d+/, '$1'));
  return [...kinds.values()].map((paths, i) => {
    const places = [0, Math.floor(paths.length * 0.6), paths.length - 1];
    return paths[places[i % 3] as number] as string;
  });
}

/** Those of the paths that are upper halves of words. */
export function upperHalves(paths: Iterable<string>): string[] {
  return [...paths].filter((path) => /\.words\.\d\.0$|\.hi$/.test(path));
}

/** The same sums of halves: the lower one takes 2^32 from the upper one at `hi`. */
export function borrowed(values: Values, hi: string): Values {
  const lo = hi.replace(/0$/, '1').replace(/hi$/, 'lo');
  return new Map([
    [hi, (values.get(hi) as bigint) - 1n],
    [lo, (values.get(lo) as bigint) + (1n << 32n)],
  ]);
}

/** `undefined` when the circuit takes the values, some of them changed, else the message of what refused them. */
export type BlockCircuit = (values: Values, changes?: Values) => Promise<string | undefined>;

type Refusal = Error & { readonly rawAssertionPayload?: { readonly selector: string } };

/** Takes values of any size in any place: what noir_js would refuse on the way in is for the circuit to refuse. */
export async function blockCircuit(): Promise<BlockCircuit> {
  const { bytecode, abi } = await compiledForTests('sha384_hints');
  const program = Buffer.from(bytecode, 'base64');
  return async (values, changes = new Map()) => {
    const entries = [...values].map(([path, value], i): [number, string] => [
      i,
      witnessOf(changes.get(path) ?? value),
    ]);
    try {
      await acvm.executeProgram(program, new Map(entries), async () => []);
      return undefined;
    } catch (error) {
      const { rawAssertionPayload, message } = error as Refusal;
      const kind = abi.error_types[rawAssertionPayload?.selector ?? ''];
      return kind?.error_kind === 'string' ? kind.string : message;
    }
  };
}

function witnessOf(value: bigint): string {
  const field = ((value % fieldOrder) + fieldOrder) % fieldOrder;
  return `0x${field.toString(16).padStart(64, '0')}`;
}
