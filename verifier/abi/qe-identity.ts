/**
 * Intel's identity of a quoting enclave, version 2, and whether an enclave is the one it describes (Intel SGX and TDX
 * Provisioning Certification Service, API version 4, "Get QE Identity"). Which of its levels the enclave is on,
 * tcb-status.ts says.
 */
import { type Bytes, Reader, toHex, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type Decoder, object, oneOf, version } from '../json.ts';
import { formatTime, type UnixTime } from '../time.ts';
import {
  type IsvLevel,
  intelHex,
  intelTime,
  isvLevelJson,
  isvLevels,
  openSignedJson,
  toIntelHex,
  u16,
  u32,
} from './intel-json.ts';

export type QeIdentity = {
  /** `QE` quotes SGX enclaves, `TD_QE` quotes TDs, `QVE` verifies quotes and signs none. */
  id: 'QE' | 'TD_QE' | 'QVE';
  version: 2;
  issueDate: UnixTime;
  nextUpdate: UnixTime;
  tcbEvaluationDataNumber: number;
  /** As the report holds it, a 32-bit number; so its mask. */
  miscSelect: number;
  miscSelectMask: number;
  /** 16 bytes each. */
  attributes: Bytes;
  attributesMask: Bytes;
  /** 32 bytes */
  mrSigner: Bytes;
  isvProdId: number;
  /** Highest version first. */
  tcbLevels: readonly IsvLevel[];
};

export type SignedQeIdentity = {
  identity: QeIdentity;
  /** The bytes that Intel signed. */
  signed: Bytes;
  /** 64 bytes, r‖s; not verified here. */
  signature: Bytes;
};

/** The parts of an enclave's report that an identity speaks of. */
export type IdentifiedEnclave = {
  miscSelect: number;
  /** 16 bytes */
  attributes: Bytes;
  /** 32 bytes */
  mrSigner: Bytes;
  isvProdId: number;
};

/** The four bytes in the order of memory: little-endian, as Intel's own verifier reads them. */
const memoryU32: Decoder<number> = (value, path) => {
  return new Reader(intelHex(4)(value, path), path).u32le(path);
};

const shape = object({
  id: oneOf('QE', 'TD_QE', 'QVE'),
  version: version(2),
  issueDate: intelTime,
  nextUpdate: intelTime,
  tcbEvaluationDataNumber: u32,
  miscselect: memoryU32,
  miscselectMask: memoryU32,
  attributes: intelHex(16),
  attributesMask: intelHex(16),
  mrsigner: intelHex(32),
  isvprodid: u16,
  tcbLevels: isvLevels,
});

/**
 * The signed document as Intel serves it. Who signed it and whether it is current is for the caller.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `hex-malformed`,
 * `version-unknown`, `value-out-of-range`
 */
export function parseQeIdentity(bytes: Bytes): SignedQeIdentity {
  const { value, signed, signature } = openSignedJson(bytes, 'enclaveIdentity', 'QE identity');
  const { miscselect, miscselectMask, mrsigner, isvprodid, tcbLevels, ...same } = shape(
    value,
    'enclaveIdentity',
  );
  highestFirst(tcbLevels, 'enclaveIdentity.tcbLevels');
  const identity = {
    ...same,
    miscSelect: miscselect,
    miscSelectMask: miscselectMask,
    mrSigner: mrsigner,
    isvProdId: isvprodid,
    tcbLevels,
  };
  return { identity, signed, signature };
}

/**
 * Intel's verifier takes the first level that fits in the order of the file, where it sorts those of a TDX module.
 * Intel's documents are sorted: with any other order refused, this order and that of the versions give one status.
 */
function highestFirst(levels: readonly IsvLevel[], path: string): void {
  levels.forEach(({ isvSvn }, index) => {
    const above = levels[index - 1];
    if (above !== undefined && above.isvSvn < isvSvn) {
      throw new AttestationError(
        'value-out-of-range',
        `${path}[${index}]: isvsvn ${isvSvn} should be below ${above.isvSvn}, that of the level before`,
      );
    }
  });
}

/** The inner object, members in Intel's order and hex in upper case: of Intel's own documents, the very bytes. */
export function encodeQeIdentity(identity: QeIdentity): string {
  return JSON.stringify({
    id: identity.id,
    version: identity.version,
    issueDate: formatTime(identity.issueDate),
    nextUpdate: formatTime(identity.nextUpdate),
    tcbEvaluationDataNumber: identity.tcbEvaluationDataNumber,
    miscselect: memoryHex(identity.miscSelect),
    miscselectMask: memoryHex(identity.miscSelectMask),
    attributes: toIntelHex(identity.attributes),
    attributesMask: toIntelHex(identity.attributesMask),
    mrsigner: toIntelHex(identity.mrSigner),
    isvprodid: identity.isvProdId,
    tcbLevels: identity.tcbLevels.map(isvLevelJson),
  });
}

function memoryHex(value: number): string {
  return toIntelHex(new Writer(4).u32le(value).finish());
}

/** What makes the enclave another one than the identity describes, in words; empty when it is that one. */
export function qeMatches(identity: QeIdentity, report: IdentifiedEnclave): string[] {
  const faults: string[] = [];
  const compare = (field: string, expected: string, actual: string) => {
    if (expected !== actual) faults.push(`${field} should be ${expected}, got ${actual}`);
  };
  const misc = (report.miscSelect & identity.miscSelectMask) >>> 0;
  compare('MISCSELECT under its mask', hex32(identity.miscSelect), hex32(misc));
  const attributes = masked(report.attributes, identity.attributesMask);
  compare('ATTRIBUTES under their mask', toHex(identity.attributes), toHex(attributes));
  compare('MRSIGNER', toHex(identity.mrSigner), toHex(report.mrSigner));
  compare('ISVPRODID', String(identity.isvProdId), String(report.isvProdId));
  return faults;
}

function masked(bytes: Bytes, mask: Bytes): Bytes {
  return bytes.map((byte, index) => byte & (mask[index] ?? 0));
}

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
