/** Objects on disk, and who is at work on what, across processes. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { collateralKinds } from '../../abi/bundle.ts';
import { toBase64 } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import {
  arrayOf,
  base64Bytes,
  hexBytes,
  object,
  oneOf,
  parseJson,
  text,
  unixTime,
  version,
} from '../../json.ts';
import { type Held, Lock } from '../../process-lock.ts';
import { CollateralError } from '../collateral-error.ts';
import type { Store } from '../ports.ts';
import type { StoredObject } from '../vendor-object.ts';
import { explaining, openFolder } from './folder.ts';
import { openPauses, type Pauses } from './pauses.ts';
import { turns } from './turns.ts';

/** Of a file; no vendor's object has a tenth of it. */
const maxLength = 4 * 1024 * 1024;
/** One after another may be waiting for a slow server, each for as long as it may take. */
const defaultPatience = 300_000;

/**
 * Objects below `<folder>/objects`, one file each; pauses, locks and files being written beside it. Folders that are not
 * there are made, mode 0700; files have 0600.
 * @param options `patience`: how long `alone` waits for another process, in milliseconds
 * @throws CollateralError `cache-unusable`, with the system's reason
 */
export async function openStore(
  folder: string,
  options: { readonly patience?: number } = {},
): Promise<Store & Pauses> {
  const files = await openFolder(folder, ['objects', 'pauses'], ['locks']);
  const inTurn = turns();
  const { patience = defaultPatience } = options;
  return {
    ...openPauses(files),

    async read(name) {
      const found = await files.read('objects', fileOf(name), maxLength);
      return found === null ? null : decodeObject(found, name);
    },

    async write(name, stored) {
      const file = fileOf(name);
      const encoded = encodeObject(name, stored);
      if (encoded.length > maxLength || decodeObject(encoded, name) === null) {
        throw new RangeError(`${name}: not an object that the cache can hold`);
      }
      await files.write('objects', file, encoded);
    },

    async names() {
      const names = (await files.list('objects')).map(nameOf).filter((name) => name !== null);
      return names.toSorted();
    },

    async remove(name) {
      await files.remove('objects', fileOf(name));
    },

    async alone(name, work) {
      const path = join(folder, 'locks', lockOf(name));
      return inTurn(name, () =>
        outsideErrors(folder, async (inside) => {
          const lock = await Lock.prepare(path, (held) => busy(folder, name, held));
          try {
            return await lock.hold(patience, () => inside(work));
          } finally {
            await lock.forget();
          }
        }),
      );
    },
  };
}

type Outcome<T> = { readonly done: T } | { readonly failed: unknown };

/** Explains what fails of `around`, and leaves what fails of the work inside as it is. */
async function outsideErrors<T>(
  folder: string,
  around: (inside: (work: () => Promise<T>) => Promise<Outcome<T>>) => Promise<Outcome<T>>,
): Promise<T> {
  const outcome = await explaining(folder, () =>
    around(async (work) => {
      try {
        return { done: await work() };
      } catch (failed) {
        return { failed };
      }
    }),
  );
  if ('failed' in outcome) throw outcome.failed;
  return outcome.done;
}

function busy(folder: string, name: string, { lock, who }: Held): CollateralError {
  return new CollateralError(
    'cache-unusable',
    `the cache ${folder}: ${who} has been at work on ${name} for too long; if it is gone, delete ${lock}`,
  );
}

/** As `objectName` gives them. Each gives one file name: `/` is written `_`, which no name has. */
const objectNames = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/;
/** Those, and a host's: dots, and what no host name has as `%` and hex. */
const lockNames = /^[a-z0-9.%-]+(?:\/[a-z0-9.%-]+)*$/;

function flat(name: string, allowed: RegExp, what: string): string {
  if (!allowed.test(name)) throw new RangeError(`not the name of ${what}: ${JSON.stringify(name)}`);
  return name.replaceAll('/', '_');
}

const fileOf = (name: string): string => `${flat(name, objectNames, 'an object')}.json`;

/** Ends in what no name has, so that no lock's name begins with another's. */
const lockOf = (name: string): string => `${flat(name, lockNames, 'a work')}~`;

/** @returns null for a file that is none of the store's */
function nameOf(file: string): string | null {
  const name = file.replace(/\.json$/, '').replaceAll('_', '/');
  return objectNames.test(name) && fileOf(name) === file ? name : null;
}

const file = object({
  version: version(1),
  name: text(objectNames, 'the name of an object'),
  source: text(/^[\x21-\x7e]{1,2048}$/, 'an address of 1 to 2048 ASCII characters'),
  fetched: unixTime,
  signers: arrayOf(base64Bytes, { max: 8 }),
  items: arrayOf(object({ kind: oneOf(...collateralKinds), data: base64Bytes }), {
    min: 1,
    max: 8,
  }),
  sha256: hexBytes(32),
});

/**
 * JSON without spaces, members in this order, and at its end
 *
 *   sha256 = SHA-256(UTF-8 of the same JSON without the member sha256)
 */
export function encodeObject(name: string, stored: StoredObject): string {
  const content = {
    version: 1,
    name,
    source: stored.source,
    fetched: stored.fetched,
    signers: stored.signers.map(toBase64),
    items: stored.items.map(({ kind, data }) => ({ kind, data: toBase64(data) })),
  };
  const sha256 = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return JSON.stringify({ ...content, sha256 });
}

/** @returns null for anything but what `encodeObject` gives for that name, byte for byte */
export function decodeObject(encoded: string, name: string): StoredObject | null {
  try {
    const found = file(parseJson(encoded, name), name);
    const { source, fetched, signers, items } = found;
    const stored = { source, fetched, signers, items };
    // The digest is in it: a file that was changed and one of another name are different texts.
    return encodeObject(name, stored) === encoded ? stored : null;
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}
