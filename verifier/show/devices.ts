/** Evidence beside the CPU's for `affidavit show`: what the bytes are is seen from the bytes. */
import { isCryptoAgile, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { looksLikeHcl } from '#verifier/abi/hcl.ts';
import { looksLikeNitro } from '#verifier/abi/nitro.ts';
import { readNvidiaFile } from '#verifier/abi/nvidia/evidence.ts';
import { looksLikeSpdm } from '#verifier/abi/nvidia/spdm.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { ShowSection } from './document.ts';
import { eventLogSections, looksLikeEventLog } from './event-log.ts';
import { azureEvidenceSections, hclSections } from './hcl.ts';
import { nitroSections } from './nitro.ts';
import { nvidiaSections } from './nvidia.ts';
import { looksLikeOcsp, looksLikeRim, ocspSections, rimSections } from './rim.ts';
import { tpmDocument } from './tpm.ts';

export type DeviceDocument = { form: string; sections: ShowSection[] };

/**
 * Null for what is none of these.
 * @throws AttestationError when it is one of them, and not whole
 */
export function describeDevice(bytes: Bytes): DeviceDocument | null {
  if (looksLikeHcl(bytes)) return { form: 'HCL report', sections: hclSections(bytes) };
  const tpm = tpmDocument(bytes);
  if (tpm !== null) return tpm;
  if (looksLikeNitro(bytes)) return { form: 'Nitro document', sections: nitroSections(bytes) };
  if (looksLikeSpdm(bytes)) return { form: 'NVIDIA report', sections: nvidia(bytes) };
  if (looksLikeRim(bytes)) return { form: 'reference manifest', sections: rimSections(bytes) };
  if (looksLikeOcsp(bytes)) return { form: 'OCSP answer', sections: ocspSections(bytes) };
  if (isEventLog(bytes)) return { form: 'event log', sections: eventLogSections(bytes) };
  return describeJson(bytes);
}

/** The older format has no signature of its own, and other bytes may begin alike: of it only what is whole is a log. */
function isEventLog(bytes: Bytes): boolean {
  if (!looksLikeEventLog(bytes)) return false;
  if (isCryptoAgile(bytes)) return true;
  try {
    parseEventLog(bytes);
    return true;
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}

/** Of JSON, by a member that no other of them has. */
function describeJson(bytes: Bytes): DeviceDocument | null {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 65_536)).trimStart();
  if (start.startsWith('[') ? /"certificate"\s*:/.test(start) : /"certificates"\s*:/.test(start)) {
    return { form: 'NVIDIA evidence', sections: nvidia(bytes) };
  }
  if (start.startsWith('{') && /"tpm_quote"\s*:/.test(start)) {
    return { form: 'Azure evidence', sections: azureEvidenceSections(bytes) };
  }
  return null;
}

function nvidia(bytes: Bytes): ShowSection[] {
  return nvidiaSections(readNvidiaFile(bytes));
}
