/** What the pinning of every kind of machine shares. */

/** A member of the policy, and what to do about it. */
export type Remark = { path: string; value: string; about: string };

/** What one kind of machine adds to a policy. */
export type PinnedPart<T> = {
  rules: T;
  /** Values that the evidence stated and nobody compared with what they should be. */
  believed: Remark[];
  /** What the policy leaves open, and why. */
  open: Remark[];
};

export function any(path: string, about: string): Remark {
  return { path, value: 'any', about };
}

/** What widens exposure stays refused, unless it was on. */
export const feature = (found: boolean) => (found ? 'allowed' : 'refused');
/** What protects is required, if it was on. */
export const protection = (found: boolean) => (found ? 'required' : 'any');
