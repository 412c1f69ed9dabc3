/** What is to be verified, read as far as is needed to know which checks apply. */
import { type Bundle, parseBundle } from './abi/bundle.ts';
import { parseEventLog } from './abi/event-log/parse.ts';
import { registerKind } from './abi/event-log/types.ts';
import { hclTeeOf } from './abi/hcl.ts';
import { teeOf } from './abi/quote.ts';
import type { Bytes } from './bytes.ts';
import type { Subject } from './checks.ts';
import { AttestationError } from './errors.ts';
import type { Evidence } from './evidence.ts';

/** The kinds of a bundle's devices that are verified here; what is of another is bound, and for the policy to refuse. */
export const deviceKinds = { nvidia: 'nvidia', tpm: 'tpm', nitroTpm: 'nitro-tpm' } as const;

/** Parsed once; `orThrow` gives what came of it again, for the check. */
export function openBundle(bytes: Bytes): { bundle: Bundle | null; orThrow: () => Bundle } {
  try {
    const bundle = parseBundle(bytes);
    return { bundle, orThrow: () => bundle };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const orThrow = () => {
      throw error;
    };
    return { bundle: null, orThrow };
  }
}

const alone = {
  challenged: false,
  connected: false,
  proof: null,
  ak: null,
  gpu: false,
  nitroTpm: false,
  eventLog: false,
} as const;

/** @param bundle null for other evidence, and when it could not be read */
export function subjectOf(evidence: Evidence, bundle: Bundle | null): Subject {
  switch (evidence.form) {
    case 'bundle':
      return {
        ...alone,
        ...(bundle !== null && besideCpu(bundle)),
        form: 'bundle',
        tee: bundle?.platform ?? null,
        challenged: evidence.nonce !== null,
        connected: evidence.connection !== null,
      };
    case 'report':
      return { ...alone, form: 'report', tee: 'sev-snp' };
    case 'quote':
      return {
        ...alone,
        form: 'quote',
        tee: teeOf(evidence.bytes) ?? 'tdx',
        eventLog: evidence.eventLog !== undefined,
      };
    case 'hcl':
      return {
        ...alone,
        form: 'hcl',
        tee: hclTeeOf(evidence.bytes),
        challenged: evidence.nonce !== null,
        ak: 'hcl',
        eventLog: evidence.eventLog !== null,
      };
    case 'tpm-quote':
      return {
        ...alone,
        form: 'tpm-quote',
        tee: 'tpm',
        challenged: evidence.nonce !== null,
        ak:
          evidence.trustedKeys.length === 0 && evidence.certificates.length > 0
            ? 'certificate'
            : 'trusted',
        eventLog: evidence.eventLog !== null,
      };
    case 'nitro':
      return { ...alone, form: 'nitro', tee: 'nitro', challenged: evidence.nonce !== null };
    case 'gpu':
      return {
        ...alone,
        form: 'gpu',
        tee: 'nvidia',
        challenged: evidence.nonce !== null,
        gpu: true,
      };
  }
}

/** An event log counts where something quotes its registers; without that nobody could compare it. */
function besideCpu({ devices, platform, eventLog }: Bundle) {
  const has = (kind: string) => devices.some((device) => device.kind === kind);
  return {
    ak: has(deviceKinds.tpm) ? ('certificate' as const) : null,
    gpu: has(deviceKinds.nvidia),
    nitroTpm: has(deviceKinds.nitroTpm),
    eventLog: eventLog !== undefined && (platform === 'tdx' || has(deviceKinds.tpm)),
  };
}

/** Of a log whose machine has registers of both kinds. */
export function isOfRtmrs(log: Bytes): boolean {
  try {
    return registerKind(parseEventLog(log)) === 'rtmr';
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}
