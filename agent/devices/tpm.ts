/** A TPM 2.0 as a device of bundles: quotes by a persistent attestation key, and that key's certificates. */
import { encodeTpmEvidence, type TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { anAttestationKey, parseTpmPublic, type TpmKey } from '#verifier/abi/tpm/public.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AgentError } from '../errors.ts';
import type { DeviceSource } from './devices.ts';
import type { TpmClient } from './tpm-client.ts';

export type TpmOptions = {
  readonly name: string;
  readonly timeoutMs: number;
  readonly client: TpmClient;
  /** Persistent handle of the attestation key, whose password is empty. */
  readonly key: number;
  /** The key's certificate: in the TPM, or DER. */
  readonly certificate: { readonly nvIndex: number } | { readonly der: Bytes };
  /** DER of what is above it, in order. */
  readonly issuers: readonly Bytes[];
  /** One quote for each. */
  readonly banks: readonly TpmHash[];
};

export function tpmSource(options: TpmOptions): DeviceSource {
  const { name, timeoutMs, client, key, banks } = options;
  let certificates: readonly Bytes[] | null = null;
  return {
    kind: 'tpm',
    name,
    count: 1,
    timeoutMs,
    // A call that hangs holds a thread of Node's, and two may be the secure processor's.
    abandoned: 1,
    async evidence(nonce) {
      // The same for the whole boot: read once.
      certificates ??= await certificatesOf(options);
      const quotes: TpmQuote[] = [];
      for (const bank of banks) quotes.push(await client.quote(key, nonce, bank));
      return { evidence: encodeTpmEvidence({ quotes, certificates }), identity: null };
    },
  };
}

/** With a look at the key: one that no verifier can believe is said here, where somebody can mend it. */
async function certificatesOf({ client, key, certificate, issuers }: TpmOptions) {
  const area = anAttestationKey(parseTpmPublic(await client.readPublic(key)));
  const own =
    'der' in certificate
      ? certificate.der
      : certificateIn(await client.readNv(certificate.nvIndex));
  if (!holds(own, numbersOf(area.key))) {
    throw new AgentError(
      'device-failed',
      `the certificate is of another key than the one at ${key.toString(16)}`,
    );
  }
  return [own, ...issuers];
}

const sequence = 0x30;

/**
 * The DER object that an NV index begins with; some clouds make the index larger, and fill it with 00 or FF.
 * @throws AgentError `device-failed`
 */
export function certificateIn(bytes: Bytes): Bytes {
  const [tag, first = 0, second = 0, third = 0] = bytes;
  const longForm: Record<number, number> = { 129: 3 + second, 130: 4 + 256 * second + third };
  const length = first < 0x80 ? 2 + first : (longForm[first] ?? 0);
  const rest = bytes.subarray(length);
  const filled = rest.every((byte) => byte === 0) || rest.every((byte) => byte === 0xff);
  if (tag !== sequence || length === 0 || length > bytes.length || !filled) {
    throw new AgentError('device-failed', 'the NV index holds no certificate in DER');
  }
  return bytes.slice(0, length);
}

function numbersOf(key: TpmKey): Bytes {
  return key.kind === 'rsa' ? key.modulus : key.point;
}

/** Whether `part` stands in `whole`: no proof, for a mistake of the configuration alone. */
function holds(whole: Bytes, part: Bytes): boolean {
  const last = whole.length - part.length;
  for (let at = 0; at <= last; at++) {
    if (part.every((byte, i) => whole[at + i] === byte)) return true;
  }
  return false;
}
