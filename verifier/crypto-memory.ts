/**
 * For a verifier that sees many machines and the same issuers over and over: remembers which certificate signatures were
 * good and what certificates say. Dates, names, pins and revocation are looked at anew each time.
 */
import { type Bytes, concat, equalBytes } from './bytes.ts';
import type { CryptoPort } from './crypto.ts';

/**
 * Values by the byte strings they were made from, compared whole: the last six bytes (of a signature, mostly) only find
 * the place. The oldest are forgotten first.
 */
class Remembered<T> {
  readonly #capacity: number;
  readonly #entries = new Map<number, { parts: Bytes[]; value: T }>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(...parts: readonly Bytes[]): T | undefined {
    const entry = this.#entries.get(placeOf(parts));
    const same = entry?.parts.every((part, i) => equalBytes(part, parts[i] as Bytes));
    return same ? entry?.value : undefined;
  }

  set(value: T, ...parts: readonly Bytes[]): void {
    const place = placeOf(parts);
    this.#entries.delete(place);
    this.#entries.set(place, { parts: parts.map((part) => concat(part)), value });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#capacity && oldest !== undefined) this.#entries.delete(oldest);
  }
}

/** Six bytes are what a number holds exactly. */
function placeOf(parts: readonly Bytes[]): number {
  const last = parts.at(-1) as Bytes;
  let place = 0;
  for (let i = Math.max(0, last.length - 6); i < last.length; i++)
    place = place * 256 + (last[i] as number);
  return place;
}

/**
 * Only good signatures are remembered. Of AMD the RSA ones, for an issuer signs many keys and a chip signs each report
 * once. Of Intel all, for the port cannot tell a certificate from a quote: a quote's own signature, made once, takes up
 * a place until newer ones push it out, and being compared whole it can stand for nothing but itself. Each algorithm has
 * a memory of its own, so that a signature good under one is never good under another.
 * @param capacity how many signatures, and certificates of each role, are kept: some 10 kB each
 */
export function rememberingCrypto(port: CryptoPort, capacity = 1024): CryptoPort {
  const read = new Map<string, Remembered<unknown>>();
  return {
    ...port,
    verifyRsaPssSha384: remembering(port, 'verifyRsaPssSha384', capacity),
    verifyP256Sha256: remembering(port, 'verifyP256Sha256', capacity),
    remember<T>(role: string, bytes: Bytes, make: (bytes: Bytes) => T): T {
      let known = read.get(role);
      if (known === undefined) {
        known = new Remembered(capacity);
        read.set(role, known);
      }
      const found = known.get(bytes) as T | undefined;
      if (found !== undefined) return found;
      // Made from a copy, so that nobody can change under our hands what we have read.
      const made = make(concat(bytes));
      known.set(made, bytes);
      return made;
    },
  };
}

function remembering(
  port: CryptoPort,
  method: 'verifyRsaPssSha384' | 'verifyP256Sha256',
  capacity: number,
): CryptoPort[typeof method] {
  const good = new Remembered<true>(capacity);
  return async (spki, message, signature) => {
    if (good.get(spki, message, signature)) return true;
    // Copies: what is remembered must be what was verified, whatever the caller does meanwhile.
    const parts = [concat(spki), concat(message), concat(signature)] as const;
    const valid = await port[method](...parts);
    if (valid) good.set(true, ...parts);
    return valid;
  };
}
