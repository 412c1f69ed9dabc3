/** So many at a time, so many waiting, and nobody else. */
import { ServeError } from './errors.ts';

export class Gate {
  readonly #width: number;
  readonly #queue: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;
  #expected = 0;

  /** @param width how many at a time; @param queue how many may wait */
  constructor(width: number, queue: number) {
    this.#width = width;
    this.#queue = queue;
  }

  /** Under way and waiting. */
  get size(): number {
    return this.#expected;
  }

  /** Nothing of `work` is done before there is a place for it. @throws ServeError `busy` */
  async enter<T>(work: () => Promise<T>): Promise<T> {
    if (this.#expected >= this.#width + this.#queue)
      throw new ServeError('busy', 'as much is under way as may be');
    this.#expected += 1;
    try {
      if (this.#inside >= this.#width) await new Promise<void>((go) => this.#waiting.push(go));
      else this.#inside += 1;
      try {
        return await work();
      } finally {
        // A place is handed on, so that nobody who comes later takes it first.
        const next = this.#waiting.shift();
        if (next === undefined) this.#inside -= 1;
        else next();
      }
    } finally {
      this.#expected -= 1;
    }
  }
}
