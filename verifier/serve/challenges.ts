/** Nonces that this service drew: each is good once, for a time, for whoever names its id. */
import { type Bytes, toHex } from '../bytes.ts';
import type { UnixTime } from '../time.ts';
import { ServeError } from './errors.ts';

export type Challenge = {
  /** 16 random bytes, hex. */
  id: string;
  /** 32 random bytes. */
  nonce: Bytes;
  /** The first second in which it is no longer good. */
  expires: UnixTime;
};

export type ChallengeLimits = {
  /** Seconds. */
  lifetime: number;
  /** How many may be open at a time. */
  capacity: number;
};

export class Challenges {
  readonly #limits: ChallengeLimits;
  readonly #random: (length: number) => Bytes;
  /** In the order of their ends, for all live equally long and the clock of `draw` does not go back. */
  readonly #open = new Map<string, Challenge>();
  #latest: UnixTime = 0;

  constructor(limits: ChallengeLimits, random: (length: number) => Bytes) {
    this.#limits = limits;
    this.#random = random;
  }

  /**
   * @throws ServeError `busy` when as many are open as may be: an open one is never dropped for a new one, or strangers could
   * take everybody's
   */
  draw(now: UnixTime): Challenge {
    this.#sweep(now);
    if (this.#open.size >= this.#limits.capacity)
      throw new ServeError('busy', 'as many challenges are open as may be');
    // A clock that is set back must not put an early end behind a late one.
    this.#latest = Math.max(this.#latest, now);
    const challenge = {
      id: toHex(this.#random(16)),
      nonce: this.#random(32),
      expires: this.#latest + this.#limits.lifetime,
    };
    this.#open.set(challenge.id, challenge);
    return challenge;
  }

  /**
   * Takes the challenge away for good; nothing is awaited here, so of two requests one finds nothing.
   * @throws ServeError `challenge-spent` when it is unknown, was taken before or has run out
   */
  take(id: string, now: UnixTime): Bytes {
    const found = this.#open.get(id);
    this.#open.delete(id);
    if (found === undefined || found.expires <= now)
      throw new ServeError('challenge-spent', 'the challenge is not open');
    return found.nonce;
  }

  /** How many are open. */
  outstanding(now: UnixTime): number {
    this.#sweep(now);
    return this.#open.size;
  }

  #sweep(now: UnixTime): void {
    for (const [id, { expires }] of this.#open) {
      if (expires > now) return;
      this.#open.delete(id);
    }
  }
}
