/** EFI_SIGNATURE_LIST and EFI_SIGNATURE_DATA (UEFI 2.10, 32.4.1): what PK, KEK, db and dbx hold. */
import { type Bytes, Reader, toHex } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { certificateName } from './certificate-name.ts';
import { guidOf } from './guid.ts';

export type Signature = {
  readonly kind: 'certificate' | 'hash' | 'other';
  /** Whom the certificate is of, or the hash in hex. */
  readonly what: string;
};

const certificateType = 'a5c059a1-94e4-4aa7-87b5-ab155c2bf072';
/** Each with the bytes of its hash. */
const hashTypes: Readonly<Record<string, number>> = {
  'c1c41626-504c-4092-aca9-41f936934328': 32,
  'ff3e5307-9fd0-48c9-85f1-8ad56c701e01': 48,
  '093e0fae-a6c4-4f50-9f1b-d41e2b89c19a': 64,
  '826ca512-cf10-4ac9-b187-be01496631bd': 20,
};
const ownerLength = 16;
/** A dbx has hundreds; a hostile one must not fill the memory with words. */
const maxSignatures = 4096;

/** @returns null for what is no list of such */
export function readSignatureLists(bytes: Bytes): Signature[] | null {
  try {
    const reader = new Reader(bytes, 'signature lists');
    const found: Signature[] = [];
    while (reader.left > 0) found.push(...readList(reader, maxSignatures - found.length));
    return found;
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function readList(reader: Reader, limit: number): Signature[] {
  const type = guidOf(reader.bytes(16, 'type'));
  const total = reader.u32le('size of the list');
  const head = reader.u32le('size of the header');
  const each = reader.u32le('size of a signature');
  reader.bytes(head, 'header');
  const body = total - 28 - head;
  if (each <= ownerLength || body < 0 || body % each !== 0 || body / each > limit) {
    throw new AttestationError('value-out-of-range', 'signature lists: sizes do not fit');
  }
  return Array.from({ length: body / each }, () =>
    toSignature(type, reader.bytes(each, 'signature').subarray(ownerLength)),
  );
}

function toSignature(type: string, data: Bytes): Signature {
  if (type === certificateType) {
    return { kind: 'certificate', what: certificateName(data) ?? 'unreadable' };
  }
  if (hashTypes[type] === data.length) return { kind: 'hash', what: toHex(data) };
  return { kind: 'other', what: `${data.length} bytes of type ${type}` };
}

/** One entry by itself, as EV_EFI_VARIABLE_AUTHORITY holds it: the owner's GUID, then a certificate or a hash. */
export function readAuthority(bytes: Bytes): Signature | null {
  if (bytes.length <= ownerLength) return null;
  const data = bytes.subarray(ownerLength);
  const name = data[0] === 0x30 ? certificateName(data) : null;
  if (name !== null) return { kind: 'certificate', what: name };
  return Object.values(hashTypes).includes(data.length) && data[0] !== 0x30
    ? { kind: 'hash', what: toHex(data) }
    : null;
}

/** `2 certificates, 3 hashes` */
export function countSignatures(signatures: readonly Signature[]): string {
  const kinds = [
    ['certificate', 'certificate', 'certificates'],
    ['hash', 'hash', 'hashes'],
    ['other', 'other', 'others'],
  ] as const;
  const counts = kinds.flatMap(([kind, one, many]) => {
    const n = signatures.filter((signature) => signature.kind === kind).length;
    return n === 0 ? [] : [`${n} ${n === 1 ? one : many}`];
  });
  return counts.length === 0 ? 'empty' : counts.join(', ');
}
