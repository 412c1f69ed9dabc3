/** PEM or DER: what a file is is seen from its bytes. */
import { type Bytes, fromBase64 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { CollateralKind } from './bundle.ts';

export type PemLabel = 'CERTIFICATE' | 'X509 CRL';

/** Kinds of collateral that are DER, or PEM of it. */
export type DerCollateralKind = Exclude<CollateralKind, 'tcb-info' | 'qe-identity'>;

const crlKinds: readonly CollateralKind[] = ['ark-crl', 'pck-crl', 'intel-root-crl'];

export function pemLabelOf(kind: DerCollateralKind): PemLabel {
  return crlKinds.includes(kind) ? 'X509 CRL' : 'CERTIFICATE';
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----/g;

/**
 * The DER objects in `bytes`: PEM blocks of the given label (text around them is a comment, as RFC 7468 allows), or
 * DER objects one after the other.
 * @throws AttestationError `pem-malformed`, `der-malformed`
 */
export function readDerObjects(bytes: Bytes, label: PemLabel, what: string): Bytes[] {
  const text = new TextDecoder('latin1').decode(bytes);
  if (!text.includes('-----BEGIN ')) return splitDer(bytes, what);
  const blocks = [...text.matchAll(block)];
  const begun = text.split('-----BEGIN ').length - 1;
  if (blocks.length !== begun) {
    throw new AttestationError(
      'pem-malformed',
      `${what}: ${begun} PEM blocks begin, ${blocks.length} are whole`,
    );
  }
  return blocks.map(([, found, body]) => {
    if (found !== label) {
      throw new AttestationError(
        'pem-malformed',
        `${what}: expected PEM blocks "${label}", found "${found}"`,
      );
    }
    return fromBase64((body as string).replace(/\s/g, ''), `${what}, PEM block`);
  });
}

/**
 * Certificates of a PEM text that holds nothing else: blocks, white space between them, zero bytes at its end (the text is a C
 * string to those who write it).
 * @throws AttestationError `pem-malformed`, `base64-malformed`
 */
export function readPemChain(bytes: Bytes, what: string): Bytes[] {
  const text = new TextDecoder('latin1').decode(bytes).replace(/\0+$/, '');
  if (text.replace(block, '').trim() !== '') {
    throw new AttestationError('pem-malformed', `${what}: there is text around the PEM blocks`);
  }
  return [...text.matchAll(block)].map(([, label, body]) => {
    if (label !== 'CERTIFICATE') {
      throw new AttestationError('pem-malformed', `${what}: a PEM block is "${label}"`);
    }
    return fromBase64((body as string).replace(/\s/g, ''), `${what}, PEM block`);
  });
}

/** Exactly one object. @throws AttestationError `pem-malformed`, `der-malformed`, `base64-malformed` */
export function readDerObject(bytes: Bytes, label: PemLabel, what: string): Bytes {
  const [object, ...others] = readDerObjects(bytes, label, what);
  if (object === undefined || others.length > 0) {
    throw new AttestationError(
      'pem-malformed',
      `${what}: expected one object, got ${others.length + 1}`,
    );
  }
  return object;
}

/** Cuts at the outer lengths; what is inside is judged by whoever reads the object. */
function splitDer(bytes: Bytes, what: string): Bytes[] {
  const objects: Bytes[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const length = outerLength(rest);
    if (rest[0] !== 0x30 || length === null || length > rest.length) {
      throw new AttestationError('der-malformed', `${what}: neither PEM nor whole DER objects`);
    }
    objects.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  if (objects.length === 0) throw new AttestationError('pem-malformed', `${what}: it is empty`);
  return objects;
}

/** Of the whole element, header included; null when it is not a length that DER has. */
function outerLength(element: Bytes): number | null {
  const [, first = 0xff, ...octets] = element.subarray(0, 5);
  if (first < 0x80) return 2 + first;
  const size = first - 0x80;
  if (size < 1 || size > 3) return null;
  const length = octets.slice(0, size).reduce((sum, octet) => sum * 256 + octet, 0);
  const minimal = length >= 0x80 && length >= 2 ** (8 * (size - 1));
  return minimal ? length + 2 + size : null;
}
