/** The times that are known were measured with two threads. */
export function slowness(): number {
  return crossOriginIsolated ? 1 : 2;
}
