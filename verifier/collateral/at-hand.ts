/** What of a kind is at hand already, by its own words: signatures are not looked at. */
import type { CollateralKind } from '../abi/bundle.ts';
import type { SnpProduct } from '../abi/snp-tcb.ts';
import type { Bytes } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { Collateral } from '../evidence.ts';
import type { UnixTime } from '../time.ts';
import type { IntelUpdate, VendorObject } from './vendor-object.ts';

export type Needs = {
  readonly needs: readonly VendorObject[];
  /** What is missing and cannot be asked for, in words with what to do. */
  readonly lacks: readonly string[];
};

export type NeedsOptions = {
  /** Of a report of version 2, which names none. */
  readonly product?: SnpProduct;
  readonly update: IntelUpdate;
};

/** What is at hand, by kind. */
export type AtHand = {
  readonly now: UnixTime;
  /** What `read` makes of each object of a kind; those that it cannot read are left out. */
  all<T>(kind: CollateralKind, read: (data: Bytes) => T): readonly T[];
};

export function atHandOf(items: readonly Collateral[], now: UnixTime): AtHand {
  return {
    now,
    all: (kind, read) =>
      items.flatMap((item) => {
        const made = item.kind === kind ? readable(() => read(item.data)) : null;
        return made === null ? [] : [made];
      }),
  };
}

/** Null for what is malformed. */
export function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}
