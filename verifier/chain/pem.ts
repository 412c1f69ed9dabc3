/** PEM or DER: what a file is is seen from its bytes. */
import { type Bytes, fromBase64 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export type PemLabel = 'CERTIFICATE' | 'X509 CRL';

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

/** Cuts at the outer lengths; what is inside is judged by whoever reads the object. */
function splitDer(bytes: Bytes, what: string): Bytes[] {
  const objects: Bytes[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const [tag, first = 0, high = 0, low = 0] = rest;
    const length = first === 0x82 ? 4 + high * 256 + low : first === 0x81 ? 3 + high : 2 + first;
    if (
      tag !== 0x30 ||
      (first >= 0x80 && first !== 0x81 && first !== 0x82) ||
      length > rest.length
    ) {
      throw new AttestationError('der-malformed', `${what}: neither PEM nor whole DER objects`);
    }
    objects.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  if (objects.length === 0) throw new AttestationError('pem-malformed', `${what}: it is empty`);
  return objects;
}
