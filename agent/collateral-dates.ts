/**
 * When an object of collateral ends, so that a person can be told in time. Nothing is verified here, and nothing decided by it:
 * a certificate ends with notAfter (RFC 5280, 4.1.2.5), a list with nextUpdate (5.1.2.5), a signed document with nextUpdate.
 */
import type { CollateralItem, CollateralKind } from '#verifier/abi/bundle.ts';
import { intelTime, openSignedJson } from '#verifier/abi/intel-json.ts';
import { pemLabelOf } from '#verifier/abi/pem.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';

const known = new WeakMap<Bytes, { kind: CollateralKind; end: UnixTime | null }>();

/** Null where the object does not say it, or is not one of its kind: a verifier will refuse it. */
export function expiryOf(item: Pick<CollateralItem, 'kind' | 'data'>): UnixTime | null {
  const found = known.get(item.data);
  if (found?.kind === item.kind) return found.end;
  const end = readEnd(item);
  known.set(item.data, { kind: item.kind, end });
  return end;
}

function readEnd({ kind, data }: Pick<CollateralItem, 'kind' | 'data'>): UnixTime | null {
  try {
    // What these say of their end, a verifier reads.
    if (kind === 'nvidia-rim' || kind === 'nvidia-ocsp') return null;
    if (kind === 'tcb-info') return documentEnd(data, 'tcbInfo');
    if (kind === 'qe-identity') return documentEnd(data, 'enclaveIdentity');
    return pemLabelOf(kind) === 'CERTIFICATE' ? certificateEnd(data) : listEnd(data);
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function documentEnd(data: Bytes, member: 'tcbInfo' | 'enclaveIdentity'): UnixTime {
  const { value } = openSignedJson(data, member, member);
  return intelTime((value as { nextUpdate?: unknown } | null)?.nextUpdate, 'nextUpdate');
}

const sequence = 0x30;

/** SEQUENCE { SEQUENCE { [0] version, INTEGER, SEQUENCE, SEQUENCE, SEQUENCE { notBefore, notAfter } … } … } */
function certificateEnd(der: Bytes): UnixTime | null {
  const [version, , , , validity] = childrenOf(signedPart(der), 5);
  if (version?.tag !== 0xa0 || validity?.tag !== sequence) return null;
  return timeOf(childrenOf(validity.content, 2)[1]);
}

/** SEQUENCE { SEQUENCE { INTEGER, SEQUENCE, SEQUENCE, thisUpdate, nextUpdate … } … } */
function listEnd(der: Bytes): UnixTime | null {
  return timeOf(childrenOf(signedPart(der), 5)[4]);
}

function signedPart(der: Bytes): Bytes {
  const outer = childrenOf(der, 1)[0]?.content ?? new Uint8Array();
  return childrenOf(outer, 1)[0]?.content ?? new Uint8Array();
}

type Element = { tag: number; content: Bytes };

/** The first elements of a value, as many as there are whole ones. */
function childrenOf(value: Bytes, most: number): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (found.length < most && at + 2 <= value.length) {
    const tag = value[at] as number;
    let length = value[at + 1] as number;
    at += 2;
    if (length >= 0x80) {
      const size = length - 0x80;
      if (size < 1 || size > 3) break;
      length = value.subarray(at, at + size).reduce((sum, octet) => sum * 256 + octet, 0);
      at += size;
    }
    if (at + length > value.length) break;
    found.push({ tag, content: value.subarray(at, at + length) });
    at += length;
  }
  return found;
}

/** UTCTime of 2000 to 2049 (RFC 5280, 4.1.2.5.1: nothing here is older), or GeneralizedTime, seconds written, Z. */
function timeOf(element: Element | undefined): UnixTime | null {
  if (element === undefined || (element.tag !== 0x17 && element.tag !== 0x18)) return null;
  const digits = fromUtf8(element.content, 'time');
  const whole = element.tag === 0x17 ? `20${digits}` : digits;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(whole);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  return parseTime(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
