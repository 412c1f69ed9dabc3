/** What another machine gathered, into the cache of this one. */
import { acceptObject } from './accept.ts';
import { CollateralError } from './collateral-error.ts';
import { type CollectTools, collect } from './collect.ts';
import { dependsOn } from './endpoints.ts';
import type { NamedObject } from './export.ts';
import { objectName, type StoredObject, type VendorObject } from './vendor-object.ts';

export type Imported = {
  object: VendorObject;
  name: string;
  /** Taken, or left since the cache has a newer one; null: refused. */
  state: 'imported' | 'newer-cached' | null;
  problem: CollateralError | null;
};

/**
 * Each object is accepted as an answer is: signed under the roots, current, of what it says it is, and not older than what the
 * cache has. What it is verified by may stand beside it or in the cache.
 * @throws CollateralError `cache-unusable`
 */
export async function importObjects(
  objects: readonly NamedObject[],
  tools: CollectTools,
): Promise<readonly Imported[]> {
  const offline = { ...tools, source: null };
  const given = new Map(objects.map((one) => [objectName(one.object), one]));
  const running = new Map<string, Promise<Imported>>();
  const cached = async (object: VendorObject): Promise<StoredObject | null> => {
    const { found } = await collect([object], offline);
    return found.find(({ name }) => name === objectName(object))?.stored ?? null;
  };

  const take = (one: NamedObject): Promise<Imported> => {
    const name = objectName(one.object);
    const begun = running.get(name) ?? takeAfter(one, name);
    running.set(name, begun);
    return begun;
  };
  const takeAfter = async ({ object, stored }: NamedObject, name: string): Promise<Imported> => {
    const issuers: StoredObject[] = [];
    for (const issuer of dependsOn(object)) {
      const beside = given.get(objectName(issuer));
      if (beside !== undefined) await take(beside);
      const held = await cached(issuer);
      if (held === null) return refused(object, name, lacking(name, issuer));
      issuers.push(held);
    }
    return keep({ object, stored }, name, issuers);
  };
  const keep = async (
    { object, stored }: NamedObject,
    name: string,
    issuers: readonly StoredObject[],
  ): Promise<Imported> => {
    const { roots, now, crypto, store } = tools;
    const previous = (await collect([object], offline)).found.at(-1)?.facts ?? null;
    try {
      await acceptObject(object, stored, { roots, now, crypto, previous, issuers, date: null });
    } catch (error) {
      if (!(error instanceof CollateralError)) throw error;
      if (error.code !== 'answer-older') return refused(object, name, error);
      return { object, name, state: 'newer-cached', problem: null };
    }
    const fetched = Math.min(stored.fetched, now);
    await store.alone(name, () => store.write(name, { ...stored, fetched }));
    return { object, name, state: 'imported', problem: null };
  };
  return Promise.all(objects.map(take));
}

function refused(object: VendorObject, name: string, problem: CollateralError): Imported {
  return { object, name, state: null, problem };
}

function lacking(name: string, issuer: VendorObject): CollateralError {
  const message = `${name} cannot be verified without ${objectName(issuer)}, which is neither in the file nor in the cache`;
  return new CollateralError('answer-unsigned', message);
}
