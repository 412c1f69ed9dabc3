/**
 * What systemd measures once the firmware's log is closed: the phases of the boot, into PCR 11 (systemd-pcrphase; in a TD into
 * RTMR2). Their names alone are measured, so a register that goes on after the log with them, and nothing else, is accounted for.
 */
import { type Bytes, equalBytes, utf8 } from '../../bytes.ts';
import { hashOf, type TpmHash } from '../tpm/hash.ts';
import { extend } from './replay.ts';

/** In the order in which a boot passes them; each may be left out. */
export const bootPhases = [
  'enter-initrd',
  'leave-initrd',
  'sysinit',
  'ready',
  'shutdown',
  'final',
] as const;

/** As a log numbers them. */
const phaseRegister = { pcr: 11, rtmr: 3 } as const;

export function phaseDigest(algorithm: TpmHash, phase: string): Bytes {
  return hashOf(algorithm, utf8(phase));
}

/**
 * @param state what the log replays to
 * @returns the phases by which it becomes `held`, one at least; null when none do
 */
export function phasesBetween(
  kind: 'pcr' | 'rtmr',
  register: number,
  algorithm: TpmHash,
  state: Bytes,
  held: Bytes,
): readonly string[] | null {
  if (register !== phaseRegister[kind]) return null;
  const search = (from: number, at: Bytes): readonly string[] | null => {
    for (const [i, phase] of bootPhases.slice(from).entries()) {
      const next = extend(algorithm, at, phaseDigest(algorithm, phase));
      if (equalBytes(next, held)) return [phase];
      const rest = search(from + i + 1, next);
      if (rest !== null) return [phase, ...rest];
    }
    return null;
  };
  return search(0, state);
}
