/** EV_NO_ACTION (PFP 1.06, 10.4.5): what firmware says and does not measure. */
import { type Bytes, Reader } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import type { EventView } from './event-view.ts';
import { localityOf } from './locality.ts';
import { printable, textTo0 } from './text.ts';
import type { LogEvent } from './types.ts';

const signatureLength = 16;

export function viewNoAction(event: LogEvent): EventView | null {
  const locality = localityOf(event);
  if (locality !== null) {
    return { what: `the TPM was started from locality ${locality}`, parts: [] };
  }
  const { data } = event;
  const signature = printable(textTo0(data.subarray(0, signatureLength)) ?? '');
  if (signature.startsWith('SP800-155')) return viewReference(signature, data);
  return signature === '' ? null : { what: `“${signature}”`, parts: [] };
}

/** TCG_Sp800_155_PlatformId_Event3: whose reference values are meant, and where they are. Not measured. */
function viewReference(signature: string, data: Bytes): EventView {
  const seen = { what: `where reference values are (${signature})`, parts: [] };
  if (signature !== 'SP800-155 Event3') return seen;
  try {
    const reader = new Reader(data, 'reference');
    reader.bytes(signatureLength + 4 + 16, 'signature, vendor and GUID');
    const text = () => printable(textTo0(reader.bytes(reader.u8('length'), 'text')) ?? '');
    const [maker, model] = [text(), text()];
    const version = text();
    const parts = [
      { name: 'platform', value: [maker, model, version].filter((one) => one !== '').join(' ') },
    ];
    const firmwareMaker = text();
    reader.u32le('vendor');
    const firmware = `${firmwareMaker} ${text()}`.trim();
    const kind = reader.u32le('kind of place');
    const place = reader.bytes(reader.u32le('length of the place'), 'place');
    const where = kind === 1 ? printable(textTo0(place) ?? '') : '';
    return {
      what: `where reference values of ${firmware} are${where === '' ? '' : `: ${where}`}`,
      parts: [...parts, { name: 'firmware', value: firmware }],
    };
  } catch (error) {
    if (error instanceof AttestationError) return seen;
    throw error;
  }
}
