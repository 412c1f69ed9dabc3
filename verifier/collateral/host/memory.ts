/** In place of a cache that cannot be used: what was fetched is known until this process ends, and to it alone. */
import type { UnixTime } from '../../time.ts';
import type { Store } from '../ports.ts';
import type { StoredObject } from '../vendor-object.ts';
import { backoffOf, type Pause, type Pauses } from './pauses.ts';
import { turns } from './turns.ts';

export function memoryStore(): Store & Pauses {
  const objects = new Map<string, StoredObject>();
  const pauses = new Map<string, Pause>();
  const pause = (host: string, rest: Omit<Pause, 'failures' | 'until'>, until: Until) => {
    const failures = (pauses.get(host)?.failures ?? 0) + 1;
    pauses.set(host, { ...rest, failures, until: until(failures) });
  };
  return {
    read: async (name) => objects.get(name) ?? null,
    write: async (name, object) => void objects.set(name, object),
    names: async () => [...objects.keys()].toSorted(),
    remove: async (name) => void objects.delete(name),
    alone: turns(),
    pauseOf: async (host) => pauses.get(host) ?? null,
    pause: async (host, until, why) => pause(host, { why, code: 'vendor-busy' }, () => until),
    backOff: async (host, now, code, why) =>
      pause(host, { why, code }, (failures) => now + backoffOf(failures)),
    resume: async (host) => void pauses.delete(host),
  };
}

type Until = (failures: number) => UnixTime;
