/**
 * AMD's Key Distribution Service: AMD document 57230 ("Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface
 * Specification"). Paths, and answers ⇄ items.
 */
import { readPemChain } from '../abi/pem.ts';
import {
  decodeTcb,
  encodeTcb,
  hardwareIdLength,
  type SnpProduct,
  type TcbParts,
} from '../abi/snp-tcb.ts';
import { type Bytes, fromHex, toBase64, toHex, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { Content } from './facts.ts';
import type { Answer } from './ports.ts';
import type { AmdObject } from './vendor-object.ts';

const tcbLength = 8;

/** Names of the query's parameters in their order; the FMC is Turin's alone. */
const parameters: readonly (readonly [name: string, part: keyof TcbParts])[] = [
  ['blSPL', 'bootLoader'],
  ['teeSPL', 'tee'],
  ['snpSPL', 'snp'],
  ['ucodeSPL', 'microcode'],
];
const turinParameters: typeof parameters = [['fmcSPL', 'fmc'], ...parameters];

function parametersOf(product: SnpProduct): typeof parameters {
  return product === 'Turin' ? turinParameters : parameters;
}

/**
 * Path and query below the service's address; numbers decimal without leading zeros.
 * @throws RangeError on a hardware id or TCB that the product cannot have
 */
export function kdsPath(object: AmdObject): string {
  switch (object.kind) {
    case 'vcek':
      return `/vcek/v1/${object.product}/${toHex(object.hardwareId)}?${query(object)}`;
    case 'amd-chain':
      return `/${object.key}/v1/${object.product}/cert_chain`;
    case 'amd-crl':
      return `/${object.key}/v1/${object.product}/crl`;
  }
}

function query({ product, hardwareId, tcb }: Extract<AmdObject, { kind: 'vcek' }>): string {
  if (hardwareId.length !== hardwareIdLength[product] || tcb.length !== tcbLength) {
    throw new RangeError(
      `${product}: a hardware id of ${hardwareIdLength[product]} bytes and a TCB of ${tcbLength}, got ${hardwareId.length} and ${tcb.length}`,
    );
  }
  const parts = partsOf(product, tcb);
  return parametersOf(product)
    .map(([name, part]) => `${name}=${parts[part]}`)
    .join('&');
}

function partsOf(product: SnpProduct, tcb: Bytes): TcbParts {
  try {
    return decodeTcb(product, tcb, 'TCB');
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    throw new RangeError(error.message, { cause: error });
  }
}

const shared = /^\/(vcek|vlek)\/v1\/(Milan|Genoa|Turin)\/(cert_chain|crl)$/;
const certificate = /^\/vcek\/v1\/(Milan|Genoa|Turin)\/([0-9a-f]{16}|[0-9a-f]{128})\?([^?]*)$/;

/** The inverse of `kdsPath`; null for anything that it does not write. */
export function kdsObject(path: string): AmdObject | null {
  const [, key, ofProduct, name] = shared.exec(path) ?? [];
  if (key !== undefined) {
    return {
      kind: name === 'crl' ? 'amd-crl' : 'amd-chain',
      product: ofProduct as SnpProduct,
      key: key as 'vcek' | 'vlek',
    };
  }
  const [, line, id, asked] = certificate.exec(path) ?? [];
  if (line === undefined || id === undefined || asked === undefined) return null;
  const product = line as SnpProduct;
  const hardwareId = fromHex(id, 'hardware id');
  const tcb = tcbOf(product, asked);
  if (tcb === null || hardwareId.length !== hardwareIdLength[product]) return null;
  const object = { kind: 'vcek', product, hardwareId, tcb } as const;
  // Another order, leading zeros, more than 255, a parameter twice: not what kdsPath writes.
  return kdsPath(object) === path ? object : null;
}

function tcbOf(product: SnpProduct, asked: string): Bytes | null {
  const parts: TcbParts = { fmc: 0, bootLoader: 0, tee: 0, snp: 0, microcode: 0 };
  const values = new Map(asked.split('&').map((pair) => pair.split('=', 2) as [string, string]));
  for (const [name, part] of parametersOf(product)) {
    const value = values.get(name);
    if (value === undefined || !/^\d{1,3}$/.test(value)) return null;
    parts[part] = Number(value);
  }
  return encodeTcb(product, parts);
}

/** @throws AttestationError `pem-malformed`, `base64-malformed`, `value-out-of-range` */
export function readKdsAnswer({ kind }: AmdObject, { body }: Answer): Content {
  switch (kind) {
    case 'vcek':
      return alone('vek', body);
    case 'amd-crl':
      return alone('ark-crl', body);
    case 'amd-chain': {
      const [ask, ark] = twoOf(readPemChain(body, 'certificate chain'), 'ASK or ASVK, then ARK');
      const items = [
        { kind: 'ask', data: ask },
        { kind: 'ark', data: ark },
      ] as const;
      return { items, signers: [] };
    }
  }
}

/** The inverse of `readKdsAnswer`. @throws RangeError when `content` is of another object */
export function kdsAnswer(
  { kind }: AmdObject,
  { items }: Content,
): Pick<Answer, 'body' | 'headers'> {
  const data = items.map((item) => item.data);
  const served = (body: Bytes, type: string) => ({ body, headers: { 'content-type': type } });
  switch (kind) {
    case 'vcek':
      return served(oneOf(data), 'application/pkix-cert');
    case 'amd-crl':
      return served(oneOf(data), 'application/pkix-crl');
    case 'amd-chain':
      return served(utf8(pemChain(data)), 'application/x-pem-file');
  }
}

/** @throws AttestationError `value-out-of-range` unless there are two */
export function twoOf(certificates: readonly Bytes[], which: string): readonly [Bytes, Bytes] {
  const [first, second] = certificates;
  if (certificates.length === 2 && first !== undefined && second !== undefined) {
    return [first, second];
  }
  throw new AttestationError(
    'value-out-of-range',
    `expected two certificates (${which}), got ${certificates.length}`,
  );
}

/** @throws RangeError unless there is one */
export function oneOf(data: readonly Bytes[]): Bytes {
  const [first, ...others] = data;
  if (first !== undefined && others.length === 0) return first;
  throw new RangeError(`expected one item, got ${data.length}`);
}

/** Lines of 64 characters, as both vendors write them. */
export function pemChain(certificates: readonly Bytes[]): string {
  const block = (der: Bytes) => {
    const lines = toBase64(der).replace(/.{64}(?=.)/g, '$&\n');
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  };
  return certificates.map(block).join('');
}

/** A copy: an answer's buffer may be used again. */
function alone(kind: 'vek' | 'ark-crl', body: Bytes): Content {
  return { items: [{ kind, data: new Uint8Array(body) }], signers: [] };
}
