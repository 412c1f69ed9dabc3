/** StartupLocality (TCG PC Client PFP 1.06, 10.4.5.3): from which locality the TPM was started, in which PCR 0 begins. */
import { type Bytes, equalBytes, utf8 } from '../../bytes.ts';
import { malformed } from './specification.ts';
import { eventTypes, type LogEvent } from './types.ts';

const signature = utf8('StartupLocality\0');
/** 4 is a start by hardware (H-CRTM). */
const localities = [0, 3, 4];

/** @returns null for another event, and for a locality that a TPM cannot be started from */
export function localityOf({ type, data }: Pick<LogEvent, 'type' | 'data'>): number | null {
  if (type !== eventTypes.noAction || !isLocality(data)) return null;
  const locality = data[signature.length] as number;
  return data.length === signature.length + 1 && localities.includes(locality) ? locality : null;
}

/** That of the log; 0 when it says none. */
export function startupLocality(events: readonly LogEvent[]): number {
  for (const event of events) {
    const locality = localityOf(event);
    if (locality !== null) return locality;
  }
  return 0;
}

/** @throws AttestationError `log-malformed` for a second one, or one that no TPM starts in */
export function refuseLocality(events: readonly LogEvent[]): void {
  let seen = false;
  for (const event of events) {
    if (event.type !== eventTypes.noAction || !isLocality(event.data)) continue;
    if (seen) throw malformed(`event ${event.number} is a second StartupLocality`);
    if (localityOf(event) === null) {
      throw malformed(`event ${event.number} is a StartupLocality that no TPM starts in`);
    }
    seen = true;
  }
}

function isLocality(data: Bytes): boolean {
  return equalBytes(data.subarray(0, signature.length), signature);
}
