/** TCG_EfiSpecIDEvent ⇄ bytes (TCG PC Client PFP 1.06, 10.4.5.1): how the digests of a crypto-agile log are laid out. */
import { type Bytes, concat, Reader, utf8, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { tpmHashById, tpmHashes } from '../tpm/hash.ts';
import type { Specification } from './types.ts';

export const specificationSignature = utf8('Spec ID Event03\0');

/** Algorithms that firmware measures with and that are passed over here: SM3-256, SHA3-256, SHA3-384, SHA3-512. */
const notReplayed: Readonly<Record<number, number>> = { 18: 32, 39: 32, 40: 48, 41: 64 };

/** @throws AttestationError `log-malformed`, `length-wrong` */
export function parseSpecification(bytes: Bytes): Omit<Specification, 'register'> {
  const spec = new Reader(bytes, 'specification event');
  spec.bytes(specificationSignature.length, 'signature');
  const platformClass = spec.u32le('platform class');
  const minor = spec.u8('minor version');
  const major = spec.u8('major version');
  const errata = spec.u8('errata');
  const wordSize = spec.u8('size of UINTN');
  if (
    (platformClass !== 0 && platformClass !== 1) ||
    major !== 2 ||
    minor !== 0 ||
    (wordSize !== 1 && wordSize !== 2)
  ) {
    throw malformed(`it is of platform class ${platformClass}, version ${major}.${minor}`);
  }
  const count = spec.u32le('number of algorithms');
  if (count === 0 || count > 16) throw malformed(`it has digests of ${count} algorithms`);
  const algorithms = Array.from({ length: count }, () => ({
    id: spec.u16le('algorithm'),
    length: spec.u16le('digest length'),
  }));
  refuseUnknown(algorithms);
  const vendorInfo = spec.bytes(spec.u8('length of vendor data'), 'vendor data');
  spec.end();
  return { platformClass, errata, wordSize, algorithms, vendorInfo };
}

export function encodeSpecification(spec: Omit<Specification, 'register'>): Bytes {
  const { platformClass, errata, wordSize, algorithms, vendorInfo } = spec;
  const head = new Writer(12).u32le(platformClass).u8(0).u8(2).u8(errata).u8(wordSize);
  const list = new Writer(4 * algorithms.length);
  for (const { id, length } of algorithms) list.u16le(id).u16le(length);
  return concat(
    specificationSignature,
    head.u32le(algorithms.length).finish(),
    list.finish(),
    Uint8Array.of(vendorInfo.length),
    vendorInfo,
  );
}

function refuseUnknown(algorithms: Specification['algorithms']): void {
  const ids = algorithms.map(({ id }) => id);
  for (const [i, { id, length }] of algorithms.entries()) {
    const known = tpmHashById(id);
    const expected = known === null ? notReplayed[id] : tpmHashes[known].length;
    if (expected !== length || ids.indexOf(id) !== i) {
      throw malformed(
        `it has digests of algorithm 0x${id.toString(16)}, ${length} bytes, unknown or twice`,
      );
    }
  }
  if (ids.every((id) => tpmHashById(id) === null)) {
    throw malformed('none of its digests is of SHA-1, SHA-256, SHA-384 or SHA-512');
  }
}

export function malformed(message: string): AttestationError {
  return new AttestationError('log-malformed', `event log: ${message}`);
}
