/** Where vendors' objects are asked for, and what is made of the answers. */
import { maxSignedJsonLength } from '../abi/intel-json.ts';
import type { Bytes } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { CollateralError } from './collateral-error.ts';
import { type Content, readParts } from './facts.ts';
import { kdsAnswer, kdsObject, kdsPath, readKdsAnswer } from './kds.ts';
import { pcsAnswer, pcsObject, pcsPath, readPcsAnswer } from './pcs.ts';
import type { Answer } from './ports.ts';
import { describeObject, isAmdObject, type VendorObject } from './vendor-object.ts';

/**
 * Addresses without the path of an object; a `/` at their end makes no difference. Of a PCCS, `…/sgx/certification/v4/` is good
 * too: other software is configured with that.
 */
export type Endpoints = {
  readonly amd: string;
  readonly intel: string;
  /** Whole address of the root's list; null: the service at `intel` gives it itself, as a PCCS does. */
  readonly intelRoot: string | null;
};

export const vendorEndpoints: Endpoints = {
  amd: 'https://kdsintf.amd.com',
  intel: 'https://api.trustedservices.intel.com',
  intelRoot: 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der',
};

const pccsSuffix = /\/(?:sgx|tdx)\/certification\/v4$/;

/** @throws RangeError on a hardware id or TCB that the product cannot have */
export function addressOf(object: VendorObject, endpoints: Endpoints): string {
  const { amd, intel, intelRoot } = endpoints;
  if (isAmdObject(object)) return withoutSlash(amd) + kdsPath(object);
  if (object.kind === 'intel-root-crl' && intelRoot !== null) return intelRoot;
  return withoutSlash(intel).replace(pccsSuffix, '') + pcsPath(object);
}

function withoutSlash(address: string): string {
  return address.replace(/\/+$/, '');
}

/** What the path and query of an address that `addressOf` makes ask for; null for any other spelling. */
export function objectOf(path: string): VendorObject | null {
  return kdsObject(path) ?? pcsObject(path);
}

/**
 * What an answer with status 200 holds. It is only read: whether it may be believed, `acceptObject` says.
 * @throws CollateralError `answer-wrong`
 */
export function readAnswer(object: VendorObject, answer: Answer): Content {
  try {
    const content = isAmdObject(object)
      ? readKdsAnswer(object, answer)
      : readPcsAnswer(object, answer);
    readParts(object, content);
    return content;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const message = `${describeObject(object)}: the answer is ${looksLike(answer.body)} and cannot be read as that: ${error.message}`;
    throw new CollateralError('answer-wrong', message, { cause: error });
  }
}

/** For people: portals answer pages, services in trouble answer JSON. */
function looksLike(body: Bytes): string {
  if (body.length === 0) return 'empty';
  const start = new TextDecoder('latin1').decode(body.subarray(0, 256)).trimStart();
  if (/^(?:<!doctype html|<html|<head|<body)/i.test(start))
    return `a web page (${body.length} bytes)`;
  if (start.startsWith('<')) return `XML or HTML (${body.length} bytes)`;
  if (start.startsWith('{') || start.startsWith('[')) return `JSON text (${body.length} bytes)`;
  if (start.startsWith('-----BEGIN ')) return `PEM text (${body.length} bytes)`;
  return `${body.length} bytes`;
}

/**
 * Body and headers with which the vendor's service would answer: `readAnswer` gives back what is stored. No date: that is of
 * whoever answers.
 * @throws RangeError when `stored` is of another kind of object
 */
export function answerOf(object: VendorObject, stored: Content): Answer {
  const answer = isAmdObject(object) ? kdsAnswer(object, stored) : pcsAnswer(object, stored);
  return { ...answer, date: null };
}

const kib = 1024;
/** Genuine ones have 1.4, 4.6, 0.9, 10, 2, 3.3 and 0.3 KiB. Lists grow, and a PCCS writes two digits a byte. */
const limits: Record<VendorObject['kind'], number> = {
  vcek: 16 * kib,
  'amd-chain': 64 * kib,
  'amd-crl': 1024 * kib,
  'tcb-info': maxSignedJsonLength,
  'qe-identity': maxSignedJsonLength,
  'pck-crl': 4096 * kib,
  'intel-root-crl': 1024 * kib,
};

/** Bytes that an answer may have at most. */
export function answerLimit({ kind }: VendorObject): number {
  return limits[kind];
}

/**
 * What must be had first to verify an object: its issuers' certificates, where its own answer does not bring them. The root's
 * list of Intel comes alone; the root is in every other answer of Intel's, and lists of PCK CAs are the smallest of them.
 */
export function dependsOn(object: VendorObject): readonly VendorObject[] {
  switch (object.kind) {
    case 'vcek':
      return [{ kind: 'amd-chain', product: object.product, key: 'vcek' }];
    case 'amd-crl':
      return [{ kind: 'amd-chain', product: object.product, key: object.key }];
    case 'intel-root-crl':
      return [{ kind: 'pck-crl', ca: 'platform' }];
    default:
      return [];
  }
}
