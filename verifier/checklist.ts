/** Collects the result of every check, once each. What was forgotten is a fault of the program, never a pass. */
import { type AnyCheckId, type CheckId, entryOf, type Stage } from './checks.ts';
import { AttestationError } from './errors.ts';

export type CheckStatus = 'pass' | 'fail' | 'skip' | 'waived';

/** One line of a verdict. Texts are for people: `expected` and `actual` are null where there is nothing to compare. */
export type CheckResult<Id extends AnyCheckId = CheckId> = {
  id: Id;
  stage: Stage;
  status: CheckStatus;
  expected: string | null;
  actual: string | null;
  reason: string | null;
  spec: string;
};

export type Comparison = { expected?: string; actual?: string; reason?: string };

/** The comparison of something that could not be read: the error's code is what was found in its place. */
export function unreadable(
  { message, code }: AttestationError,
  expected?: string,
): Comparison & { reason: string } {
  return {
    ...(expected !== undefined && { expected }),
    actual: `unreadable (${code})`,
    reason: message,
  };
}

/** Of a signature. */
export function signatureComparison(signer: string, valid: boolean): Comparison {
  return {
    expected: `a signature by ${signer}`,
    actual: valid ? 'it verifies' : 'it does not verify',
  };
}

export class Checklist {
  readonly #due: readonly CheckId[];
  /** Each at its check's place in `#due`; null until it is made. */
  readonly #results: (CheckResult | null)[];

  /** @param due every check that must have a result in the end */
  constructor(due: readonly CheckId[]) {
    this.#due = due;
    this.#results = due.map(() => null);
  }

  #record(
    id: CheckId,
    status: CheckStatus,
    { expected, actual }: Comparison,
    reason: string | null,
  ): void {
    const place = this.#due.indexOf(id);
    if (place < 0) throw new RangeError(`check ${id} does not apply here`);
    if (this.#results[place] !== null) throw new RangeError(`check ${id} was made twice`);
    const { stage, spec } = entryOf(id);
    this.#results[place] = Object.freeze({
      id,
      stage,
      status,
      expected: expected ?? null,
      actual: actual ?? null,
      reason,
      spec,
    });
  }

  pass(id: CheckId, comparison: Comparison = {}): void {
    this.#record(id, 'pass', comparison, comparison.reason ?? null);
  }

  /** A failure always says why. */
  fail(id: CheckId, comparison: Comparison & { reason: string }): void {
    this.#record(id, 'fail', comparison, comparison.reason);
  }

  /** The check could not be made. @param lacks what it needs, as a noun phrase */
  skip(id: CheckId, lacks: string): void {
    this.#record(id, 'skip', {}, `lacks ${lacks}`);
  }

  /** Passes when `holds`, and fails with the reason otherwise. */
  decide(id: CheckId, holds: boolean, comparison: Comparison & { reason: string }): boolean {
    if (holds) this.#record(id, 'pass', comparison, null);
    else this.fail(id, comparison);
    return holds;
  }

  /**
   * Runs a parser: its AttestationError is the check's failure, its value the input of later checks.
   * @param expected what there should be to read, as a noun phrase
   * @returns null when it failed
   */
  attempt<T>(
    id: CheckId,
    parse: () => T,
    describe: (value: T) => Comparison = () => ({}),
    expected?: string,
  ): T | null {
    try {
      const value = parse();
      this.pass(id, describe(value));
      return value;
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      this.fail(id, unreadable(error, expected));
      return null;
    }
  }

  /** The checks that have no result yet. */
  #open(): CheckId[] {
    return this.#due.filter((_, place) => this.#results[place] === null);
  }

  /** Gives every check that has no result yet the same skip. */
  skipRest(lacks: string): void {
    for (const id of this.#open()) this.skip(id, lacks);
  }

  /** The same for those of these checks that are due. */
  skipDue(ids: readonly CheckId[], lacks: string): void {
    for (const id of this.#open()) if (ids.includes(id)) this.skip(id, lacks);
  }

  /** Gives every check that has no result yet the same failure. */
  failRest(comparison: Comparison & { reason: string }): void {
    for (const id of this.#open()) this.fail(id, comparison);
  }

  /** Frozen, in the order of the catalogue. @throws Error if a check was forgotten */
  finish(): CheckResult[] {
    return this.#results.map((result, place) => {
      if (result === null)
        throw new Error(`check ${this.#due[place]} was never made: this is a fault of the program`);
      return result;
    });
  }
}
