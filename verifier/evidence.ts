/** What a verification starts from. */
import type { CollateralItem } from './abi/bundle.ts';
import type { NvidiaEvidence } from './abi/nvidia/evidence.ts';
import type { BoundChannel } from './abi/report-data.ts';
import type { TpmQuote } from './abi/tpm/evidence.ts';
import { type Bytes, bigEndian, concat } from './bytes.ts';

/**
 * Raw bytes of an SEV-SNP report or of a TDX or SGX quote, or a bundle's JSON bytes with what this verifier knows about how it got
 * them; or evidence of other makes. `nonce` is the one that this verifier sent, null when it sent none.
 */
export type Evidence = CpuEvidence | DeviceEvidence;

/** What a CPU vouches for by itself, as bytes of one kind. */
export type CpuEvidence =
  | {
      form: 'report';
      bytes: Bytes;
      /** GUIDs in the host's certificate table beyond AMD's own, when a table came with the report. */
      certificateTable?: readonly string[];
    }
  | {
      form: 'quote';
      bytes: Bytes;
      /** CCEL of the TD, to be replayed to the quote's RTMRs. */
      eventLog?: Bytes;
    }
  | {
      form: 'bundle';
      bytes: Bytes;
      /** The nonce that this verifier drew and sent, null when it sent none. */
      nonce: Bytes | null;
      connection: Connection;
    };

/** What stands beside a CPU's evidence, above it, or without it. */
export type DeviceEvidence =
  | {
      /** A confidential VM of Azure: its paravisor's report with the hardware's in it, and what its vTPM quoted. */
      form: 'hcl';
      bytes: Bytes;
      /** The TD quote, which an HCL report of TDX needs. */
      quote: Bytes | null;
      tpm: readonly TpmQuote[];
      /** DER of the AK's certificate, from the vTPM's NV. */
      akCertificate: Bytes | null;
      eventLog: Bytes | null;
      nonce: Bytes | null;
    }
  | {
      form: 'tpm-quote';
      quotes: readonly TpmQuote[];
      /** DER, the AK's own first; empty when there are none. */
      certificates: readonly Bytes[];
      /** SPKI of the AK as the evidence itself names it. */
      publicKey: Bytes | null;
      /** SPKI of attestation keys that the verifier trusts, whoever certified them. */
      trustedKeys: readonly Bytes[];
      eventLog: Bytes | null;
      nonce: Bytes | null;
    }
  | {
      /** A document of an AWS Nitro enclave or NitroTPM. */
      form: 'nitro';
      bytes: Bytes;
      nonce: Bytes | null;
    }
  | {
      form: 'gpu';
      devices: readonly NvidiaEvidence[];
      nonce: Bytes | null;
    };

/**
 * One byte string for each piece of evidence, to take a digest of (docs/decision-log.md): its bytes where it has one part, else
 * u32 length ‖ part of each, in the order of the type above.
 */
export function evidenceBytes(evidence: Evidence): Bytes {
  switch (evidence.form) {
    case 'report':
    case 'bundle':
    case 'nitro':
      return evidence.bytes;
    case 'quote':
      return evidence.eventLog === undefined
        ? evidence.bytes
        : framed([evidence.bytes, evidence.eventLog]);
    case 'hcl': {
      const { bytes, quote, tpm, akCertificate, eventLog } = evidence;
      return framed([bytes, quote, ...tpm.flatMap(quoteParts), akCertificate, eventLog]);
    }
    case 'tpm-quote': {
      const { quotes, certificates, publicKey, eventLog } = evidence;
      return framed([...quotes.flatMap(quoteParts), ...certificates, publicKey, eventLog]);
    }
    case 'gpu':
      return framed(evidence.devices.flatMap((one) => [one.evidence, ...one.certificates]));
  }
}

function quoteParts({ message, signature }: TpmQuote): Bytes[] {
  return [message, signature];
}

/** What is not there has no bytes. */
function framed(parts: readonly (Bytes | null)[]): Bytes {
  return concat(
    ...parts.flatMap((part) => [bigEndian(part?.length ?? 0, 4), part ?? new Uint8Array()]),
  );
}

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
