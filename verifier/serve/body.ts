/** Request bodies into memory, within limits that hold for each and for all together. */
import type { Request } from 'koa';
import { type Bytes, concat } from '../bytes.ts';
import { ServeError } from './errors.ts';

type Incoming = Request['req'];

/** What every request may hold of its own, so that a few large uploads cannot stop small ones. */
const freeBytes = 64 * 1024;

export class Bodies {
  readonly #budget: number;
  #shared = 0;
  #held = 0;

  /** @param budget bytes that all bodies together may hold beyond 64 KiB each */
  constructor(budget: number) {
    this.#budget = budget;
  }

  get held(): number {
    return this.#held;
  }

  /**
   * Reads the body, and keeps it on the books until `use` is through.
   * @throws ServeError `body-too-large`, `body-incomplete`, `busy`
   */
  async with<T>(request: Incoming, limit: number, use: (body: Bytes) => Promise<T>): Promise<T> {
    const account = { held: 0 };
    try {
      return await use(await this.#read(request, limit, account));
    } finally {
      this.#held -= account.held;
      this.#shared -= Math.max(0, account.held - freeBytes);
    }
  }

  /** Whether there is room for so many more bytes; if so they are on the books. */
  #charge(account: { held: number }, more: number): boolean {
    const extra =
      Math.max(0, account.held + more - freeBytes) - Math.max(0, account.held - freeBytes);
    if (this.#shared + extra > this.#budget) return false;
    this.#shared += extra;
    this.#held += more;
    account.held += more;
    return true;
  }

  #read(request: Incoming, limit: number, account: { held: number }): Promise<Bytes> {
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      return Promise.reject(new ServeError('body-too-large', 'the announced length is too large'));
    }
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      const settle = (end: () => void) => {
        request.off('data', take).off('end', finish).off('close', stop).off('error', stop);
        end();
      };
      const take = (chunk: Uint8Array) => {
        length += chunk.length;
        if (length > limit) {
          settle(() => reject(new ServeError('body-too-large', 'the body is too large')));
        } else if (this.#charge(account, chunk.length)) chunks.push(chunk);
        else settle(() => reject(new ServeError('busy', 'the bodies in memory fill the budget')));
      };
      const finish = () => settle(() => resolve(concat(...chunks)));
      const stop = () =>
        settle(() => reject(new ServeError('body-incomplete', 'the body ended too early')));
      request.on('data', take).on('end', finish).on('close', stop).on('error', stop);
    });
  }
}

/** How much of a refused body is read and thrown away, and for how long, so that its sender gets to read the answer. */
const discarded = { bytes: 16 * 1024 * 1024, milliseconds: 2000 };

/** Resolves when the rest of the body has come, is more than is worth waiting for, or will not come. */
export function discard(request: Incoming): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (request.complete || request.destroyed || announced > discarded.bytes)
    return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, discarded.milliseconds);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    let length = 0;
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > discarded.bytes) stop();
    });
    for (const event of ['end', 'close', 'error']) request.on(event, stop);
    request.resume();
  });
}
