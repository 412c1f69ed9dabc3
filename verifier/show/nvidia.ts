/** Reports of NVIDIA's GPUs and switches for `affidavit show`: message, opaque data, measurements, and the certificates beside. */
import type { NvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import { opaqueName } from '#verifier/abi/nvidia/opaque.ts';
import { type NvidiaReport, parseSpdm, requestLength } from '#verifier/abi/nvidia/spdm.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { certificateSection } from './certificate.ts';
import type { ShowField, ShowSection } from './document.ts';

/**
 * @param devices as `readNvidiaFile` gives them
 * @throws AttestationError what `parseSpdm` throws; a certificate that cannot be read is shown as such
 */
export function nvidiaSections(devices: readonly NvidiaEvidence[]): ShowSection[] {
  const many = devices.length > 1;
  return devices.flatMap(({ evidence, certificates }, place) => {
    const report = parseSpdm(evidence);
    const kind = report.kind === 'gpu' ? 'GPU' : 'NVSwitch';
    const name = many ? `${kind} ${place}` : kind;
    const offsetsFrom = 'the report';
    return [
      { title: `${name}: report`, offsetsFrom: null, fields: summaryFields(report) },
      { title: `${name}: SPDM messages`, offsetsFrom, fields: messageFields(report, evidence) },
      { title: `${name}: opaque data`, offsetsFrom, fields: opaqueFields(report, evidence) },
      { title: `${name}: measurements`, offsetsFrom, fields: measurementFields(report) },
      ...certificates.map((der, i) => chainSection(der, `${name}: certificate ${i + 1}`)),
    ];
  });
}

const modes = {
  confidential: 'confidential computing (production or development: only the measurements tell)',
  'protected-pcie': 'protected PCIe: links between GPUs are in the clear',
} as const;

/** What the fields mean together. */
function summaryFields(report: NvidiaReport): ShowField[] {
  const { architecture, driver, vbios, project, projectSku, chipSku, chip, mode, pdi } = report;
  const fields: (readonly [name: string, value: string | null, key?: string])[] = [
    ['architecture', architecture, 'architecture'],
    ['chip', chip],
    ['driver', driver, 'driver'],
    ['VBIOS', vbios, 'vbios'],
    ['board', project === null ? null : `${project}_${projectSku}_${chipSku}`],
    ['device', pdi === null ? null : toHex(pdi)],
    ['mode', mode === null ? null : modes[mode]],
  ];
  return fields.flatMap(([name, value, key]) =>
    value === null ? [] : [{ name, value, ...(key !== undefined && { key }) }],
  );
}

const headerLength = 8;
const blockLength = 55;

function recordEnd({ blocks }: NvidiaReport): number {
  return requestLength + headerLength + blocks.length * blockLength;
}

function messageFields(report: NvidiaReport, evidence: Bytes): ShowField[] {
  const at = (offset: number, length: number) => ({ offset, length });
  const end = recordEnd(report);
  return [
    { name: 'request', value: 'SPDM 1.1 GET_MEASUREMENTS, all, signed', ...at(0, 4) },
    { name: 'nonce', key: 'nonce', value: toHex(report.nonce), ...at(4, 32) },
    { name: 'slot', value: String(report.slot), ...at(36, 1) },
    { name: 'response', value: 'SPDM 1.1 MEASUREMENTS', ...at(requestLength, 4) },
    {
      name: 'blocks',
      value: String(report.blocks.length),
      ...at(requestLength + 4, 4),
    },
    { name: 'nonce of the device', value: toHex(report.responderNonce), ...at(end, 32) },
    { name: 'signature', value: toHex(report.signature), ...at(evidence.length - 96, 96) },
  ];
}

function opaqueFields(report: NvidiaReport, evidence: Bytes): ShowField[] {
  let offset = recordEnd(report) + 32 + 2;
  return report.opaque.map(({ id, value }) => {
    const start = offset + 4;
    offset = start + value.length;
    const name = `${id} ${opaqueName(report.kind, id)}`;
    return {
      name,
      value: shown(evidence.subarray(start, offset)),
      offset: start,
      length: value.length,
    };
  });
}

/** Hex, and the text of what is one. */
function shown(value: Bytes): string {
  const text = new TextDecoder('latin1').decode(value).replace(/\0+$/, '');
  const isText = value.length > 2 && /^[\x21-\x7e]{2,}$/.test(text);
  return isText ? `${text} (bytes ${toHex(value)})` : toHex(value);
}

const measuredThings = [
  'immutable ROM',
  'firmware',
  'hardware',
  'firmware configuration',
  'manifest',
];

function measurementFields({ blocks }: NvidiaReport): ShowField[] {
  return blocks.map(({ index, type, value }, place) => ({
    name: `block ${index} (RIM index ${index - 1})`,
    key: `measurements.${index}`,
    value: type === 1 ? toHex(value) : `${toHex(value)} (${measuredThings[type]})`,
    offset: requestLength + headerLength + place * blockLength + 7,
    length: value.length,
  }));
}

/** The report beside it can be read all the same. */
function chainSection(der: Bytes, title: string): ShowSection {
  try {
    return certificateSection(der, title);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { title, offsetsFrom: null, fields: [{ name: 'unreadable', value: error.message }] };
  }
}
