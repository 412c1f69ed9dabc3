/** Work of one name at a time, in the order in which it came, within this process. */

export function turns(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  /** Ends of the last work of each name; they never fail. */
  const last = new Map<string, Promise<void>>();
  return async (name, work) => {
    const mine = (last.get(name) ?? Promise.resolve()).then(work);
    const end = mine.then(
      () => {},
      () => {},
    );
    last.set(name, end);
    try {
      return await mine;
    } finally {
      if (last.get(name) === end) last.delete(name);
    }
  };
}
