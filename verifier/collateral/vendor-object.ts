/** What AMD and Intel publish about machines, one thing each that is asked for by itself. */

import type { SnpProduct } from '../abi/snp-tcb.ts';
import { type Bytes, toHex } from '../bytes.ts';
import type { Collateral } from '../evidence.ts';
import type { UnixTime } from '../time.ts';

/** Which of Intel's two releases: `early` is ahead of `standard` by months. */
export const intelUpdates = ['standard', 'early'] as const;
export type IntelUpdate = (typeof intelUpdates)[number];

/**
 * AMD, document 57230: a chip's certificate for one TCB (8 bytes, as the report holds it), ASK or ASVK with the ARK, the ARK's
 * list. Intel, PCS API version 4: TCB info of a platform (FMSPC, 6 bytes), identity of the quoting enclave, lists of a PCK CA
 * and of the root. A VLEK is not among them: AMD gives it to its cloud provider alone.
 */
export type VendorObject =
  | {
      readonly kind: 'vcek';
      readonly product: SnpProduct;
      /** 64 bytes, 8 on Turin. */
      readonly hardwareId: Bytes;
      readonly tcb: Bytes;
    }
  | { readonly kind: 'amd-chain'; readonly product: SnpProduct; readonly key: 'vcek' | 'vlek' }
  | { readonly kind: 'amd-crl'; readonly product: SnpProduct; readonly key: 'vcek' | 'vlek' }
  | {
      readonly kind: 'tcb-info';
      readonly tee: 'tdx' | 'sgx';
      readonly fmspc: Bytes;
      readonly update: IntelUpdate;
    }
  | { readonly kind: 'qe-identity'; readonly tee: 'tdx' | 'sgx'; readonly update: IntelUpdate }
  | { readonly kind: 'pck-crl'; readonly ca: 'platform' | 'processor' }
  | { readonly kind: 'intel-root-crl' };

export const vendorObjectKinds = [
  'vcek',
  'amd-chain',
  'amd-crl',
  'tcb-info',
  'qe-identity',
  'pck-crl',
  'intel-root-crl',
] as const satisfies readonly VendorObject['kind'][];

export type AmdObject = Extract<VendorObject, { kind: 'vcek' | 'amd-chain' | 'amd-crl' }>;
export type IntelObject = Exclude<VendorObject, AmdObject>;

export function isAmdObject(object: VendorObject): object is AmdObject {
  return object.kind === 'vcek' || object.kind === 'amd-chain' || object.kind === 'amd-crl';
}

/** The same for the same object, different for different ones; lower-case letters, digits, `-` and `/`. */
export function objectName(object: VendorObject): string {
  switch (object.kind) {
    case 'vcek': {
      const { product, hardwareId, tcb } = object;
      return `amd/vcek/${product.toLowerCase()}/${toHex(hardwareId)}/${toHex(tcb)}`;
    }
    case 'amd-chain':
    case 'amd-crl':
      return `amd/${object.kind.slice(4)}/${object.product.toLowerCase()}/${object.key}`;
    case 'tcb-info':
      return `intel/tcb-info/${object.tee}/${toHex(object.fmspc)}/${object.update}`;
    case 'qe-identity':
      return `intel/qe-identity/${object.tee}/${object.update}`;
    case 'pck-crl':
      return `intel/pck-crl/${object.ca}`;
    case 'intel-root-crl':
      return 'intel/root-crl';
  }
}

/** For people, as the subject of a sentence. */
export function describeObject(object: VendorObject): string {
  switch (object.kind) {
    case 'vcek': {
      const { product, hardwareId, tcb } = object;
      const chip = toHex(hardwareId.subarray(0, 8));
      return `VCEK of the ${product} chip ${chip}${hardwareId.length > 8 ? '…' : ''} at TCB ${toHex(tcb)}`;
    }
    case 'amd-chain':
      return `${object.key === 'vcek' ? 'ASK' : 'ASVK'} and ARK of ${object.product}`;
    case 'amd-crl':
      return `revocation list of ARK-${object.product} (${object.key})`;
    case 'tcb-info': {
      const fmspc = toHex(object.fmspc).toUpperCase();
      return `TCB info (${object.update}) for ${object.tee.toUpperCase()}, FMSPC ${fmspc}`;
    }
    case 'qe-identity':
      return `QE identity (${object.update}) for ${object.tee.toUpperCase()}`;
    case 'pck-crl':
      return `revocation list of Intel's PCK ${object.ca} CA`;
    case 'intel-root-crl':
      return "revocation list of Intel's root";
  }
}

/** An object as it was had. What it is made of counts by its signatures; the rest informs people. */
export type StoredObject = {
  /** An answer of Intel's or AMD's holds several: the object, and who signed it. */
  readonly items: readonly Collateral[];
  /** Certificates that came with a list of a PCK CA, to verify it by: the CA's and the root's, DER. Empty for all others. */
  readonly signers: readonly Bytes[];
  readonly fetched: UnixTime;
  /** Address that gave it. */
  readonly source: string;
};

/** What an object says of itself, once its signatures were verified. */
export type ObjectFacts = {
  /** When its vendor made it: of a list thisUpdate, of a document issueDate, of a certificate notBefore. */
  readonly issued: UnixTime;
  /** The first end of all that it is made of. */
  readonly expires: UnixTime;
  /** CRL number or TCB evaluation number: of two of the same object the newer never has the lower. Null where there is none. */
  readonly number: bigint | null;
};
