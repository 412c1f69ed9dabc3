/** What a verification starts from. */
import type { CollateralItem } from './abi/bundle.ts';
import type { BoundChannel } from './abi/report-data.ts';
import type { Bytes } from './bytes.ts';

/** Raw bytes of an SEV-SNP report or of a TDX or SGX quote, or a bundle's JSON bytes with what this verifier knows about how it got them. */
export type Evidence =
  | {
      form: 'report';
      bytes: Bytes;
      /** GUIDs in the host's certificate table beyond AMD's own, when a table came with the report. */
      certificateTable?: readonly string[];
    }
  | { form: 'quote'; bytes: Bytes }
  | {
      form: 'bundle';
      bytes: Bytes;
      /** The nonce that this verifier drew and sent, null when it sent none. */
      nonce: Bytes | null;
      connection: Connection;
    };

/**
 * This verifier's own end of the connection that the evidence came over; null: it came from a file. `channel` null is a
 * connection that binds nothing; `unknown` one whose channel could not be computed here; a list holds one of each kind
 * that this very connection has, where evidence that binds none may also come from behind a proxy.
 */
export type Connection = null | {
  channel: BoundChannel | readonly BoundChannel[] | 'unknown' | null;
};

/** One object for the verifier to use; it counts by its signature, wherever it came from. */
export type Collateral = Pick<CollateralItem, 'kind' | 'data'>;
