/**
 * Intel's Provisioning Certification Service, API version 4 ("Intel SGX and TDX Provisioning Certification Service"), and a
 * PCCS, a cache of it that speaks the same paths. Paths, and answers ⇄ items. Documents pass byte for byte.
 */
import { readPemChain } from '../abi/pem.ts';
import { type Bytes, fromHex, toHex, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { Content } from './facts.ts';
import { oneOf, pemChain, twoOf } from './kds.ts';
import type { Answer } from './ports.ts';
import type { IntelObject, IntelUpdate } from './vendor-object.ts';

/** What the identity of each TEE's quoting enclave is called in itself. */
export const qeIdentityIds = { tdx: 'TD_QE', sgx: 'QE' } as const;

/** Of the root's list where Intel's other service has it: https://certificates.trustedservices.intel.com */
const intelRootPath = '/IntelSGXRootCA.der';

/** Path and query below the service's address; of the root's list as a PCCS has it. */
export function pcsPath(object: IntelObject): string {
  switch (object.kind) {
    case 'tcb-info': {
      const fmspc = toHex(object.fmspc).toUpperCase();
      return `/${object.tee}/certification/v4/tcb?fmspc=${fmspc}&update=${object.update}`;
    }
    case 'qe-identity':
      return `/${object.tee}/certification/v4/qe/identity?update=${object.update}`;
    case 'pck-crl':
      return `/sgx/certification/v4/pckcrl?ca=${object.ca}&encoding=der`;
    case 'intel-root-crl':
      return '/sgx/certification/v4/rootcacrl';
  }
}

const tcbPath =
  /^\/(sgx|tdx)\/certification\/v4\/tcb\?fmspc=([0-9A-F]{12})&update=(standard|early)$/;
const identityPath = /^\/(sgx|tdx)\/certification\/v4\/qe\/identity\?update=(standard|early)$/;
const crlPath = /^\/sgx\/certification\/v4\/pckcrl\?ca=(platform|processor)&encoding=der$/;
const rootPath = /^\/sgx\/certification\/v4\/rootcacrl$/;

/** The inverse of `pcsPath`, and of the path that Intel has the root's list at; null for anything else. */
export function pcsObject(path: string): IntelObject | null {
  const info = tcbPath.exec(path);
  if (info !== null) {
    const fmspc = fromHex((info[2] as string).toLowerCase(), 'FMSPC');
    return { kind: 'tcb-info', tee: teeOf(info[1]), fmspc, update: info[3] as IntelUpdate };
  }
  const identity = identityPath.exec(path);
  if (identity !== null) {
    return {
      kind: 'qe-identity',
      tee: teeOf(identity[1]),
      update: identity[2] as IntelUpdate,
    };
  }
  const crl = crlPath.exec(path);
  if (crl !== null) return { kind: 'pck-crl', ca: crl[1] as 'platform' | 'processor' };
  return path === intelRootPath || rootPath.test(path) ? { kind: 'intel-root-crl' } : null;
}

function teeOf(segment: string | undefined): 'sgx' | 'tdx' {
  return segment === 'sgx' ? 'sgx' : 'tdx';
}

/**
 * The header that holds the signers of an object, URL-encoded PEM, the signer first and the root last. The same for both TEEs;
 * of TCB info older caches write the name of version 3 of the API.
 */
const chainHeaders = {
  'tcb-info': ['tcb-info-issuer-chain', 'sgx-tcb-info-issuer-chain'],
  'qe-identity': ['sgx-enclave-identity-issuer-chain'],
  'pck-crl': ['sgx-pck-crl-issuer-chain'],
} as const;
type Chained = keyof typeof chainHeaders;

/**
 * @throws AttestationError `pem-malformed`, `base64-malformed`, `hex-malformed`; `value-out-of-range` for a missing or wrong
 *   issuer chain
 */
export function readPcsAnswer({ kind }: IntelObject, { body, headers }: Answer): Content {
  if (kind === 'intel-root-crl') return { items: [{ kind, data: listOf(body) }], signers: [] };
  const [signer, root] = readChain(kind, headers);
  switch (kind) {
    case 'pck-crl':
      return { items: [{ kind, data: listOf(body) }], signers: [signer, root] };
    case 'tcb-info':
      return document(kind, 'tcb-signing');
    case 'qe-identity':
      return document(kind, 'qe-identity-signing');
  }

  function document(
    ofKind: 'tcb-info' | 'qe-identity',
    signing: 'tcb-signing' | 'qe-identity-signing',
  ): Content {
    const items = [
      { kind: ofKind, data: new Uint8Array(body) },
      { kind: signing, data: signer },
      { kind: 'intel-root', data: root },
    ] as const;
    return { items, signers: [] };
  }
}

function readChain(kind: Chained, headers: Answer['headers']): readonly [Bytes, Bytes] {
  const names: readonly string[] = chainHeaders[kind];
  const value = names.map((name) => headers[name]).find((found) => found !== undefined);
  if (value === undefined) {
    throw new AttestationError(
      'value-out-of-range',
      `the header ${names[0]} is missing, which holds the certificates of who signed it`,
    );
  }
  let text: string;
  try {
    text = decodeURIComponent(value);
  } catch (cause) {
    const message = `the header ${names[0]} is not URL-encoded`;
    throw new AttestationError('value-out-of-range', message, { cause });
  }
  const which = kind === 'pck-crl' ? 'PCK CA, then root' : 'TCB signer, then root';
  return twoOf(readPemChain(utf8(text), `header ${names[0]}`), which);
}

/** DER as it is, or hex of it, which is how a PCCS has lists. */
function listOf(body: Bytes): Bytes {
  const isHex = (byte: number) =>
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x46) ||
    (byte >= 0x61 && byte <= 0x66);
  const end = body.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d) + 1;
  const text = body.subarray(0, end);
  if (text.length === 0 || !text.every(isHex)) return new Uint8Array(body);
  return fromHex(new TextDecoder().decode(text).toLowerCase(), 'list');
}

/** The inverse of `readPcsAnswer`, lists as DER. @throws RangeError when `content` is of another object */
export function pcsAnswer(
  { kind }: IntelObject,
  { items, signers }: Content,
): Pick<Answer, 'body' | 'headers'> {
  const data = items.map((item) => item.data);
  if (kind === 'intel-root-crl') return served(oneOf(data), 'application/pkix-crl', {});
  if (kind === 'pck-crl') return served(oneOf(data), 'application/pkix-crl', chain(kind, signers));
  const [body, ...certificates] = data;
  if (body === undefined) throw new RangeError('expected a document, got nothing');
  return served(body, 'application/json', chain(kind, certificates));
}

function served(body: Bytes, type: string, headers: Answer['headers']) {
  return { body, headers: { 'content-type': type, ...headers } };
}

function chain(kind: Chained, certificates: readonly Bytes[]): Answer['headers'] {
  return { [chainHeaders[kind][0]]: encodeURIComponent(pemChain(certificates)) };
}
