/** The other way from `objectName`. */
import { type SnpProduct, snpProducts } from '../abi/snp-tcb.ts';
import { fromHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { objectName, type VendorObject } from './vendor-object.ts';

/** @returns the object of this name, null for what is no object's name */
export function objectOfName(name: string): VendorObject | null {
  let object: VendorObject | null;
  try {
    object = read(name.split('/'));
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
  // One spelling for each object: what names it otherwise names nothing.
  return object !== null && objectName(object) === name ? object : null;
}

function read([vendor, what, first = '', second = '', third = '']: readonly string[]) {
  switch (`${vendor}/${what}`) {
    case 'amd/vcek':
      return ofProduct(first, (product): VendorObject => {
        const hardwareId = fromHex(second, 'hardware id', product === 'Turin' ? 8 : 64);
        return { kind: 'vcek', product, hardwareId, tcb: fromHex(third, 'TCB', 8) };
      });
    case 'amd/chain':
      return ofProduct(first, (product) => ofKey('amd-chain', product, second));
    case 'amd/crl':
      return ofProduct(first, (product) => ofKey('amd-crl', product, second));
    case 'intel/tcb-info':
      return ofIntel(first, third, (tee, update): VendorObject => {
        return { kind: 'tcb-info', tee, fmspc: fromHex(second, 'FMSPC', 6), update };
      });
    case 'intel/qe-identity':
      return ofIntel(first, second, (tee, update): VendorObject => {
        return { kind: 'qe-identity', tee, update };
      });
    case 'intel/pck-crl':
      return first === 'platform' || first === 'processor'
        ? ({ kind: 'pck-crl', ca: first } as const)
        : null;
    case 'intel/root-crl':
      return { kind: 'intel-root-crl' } as const;
    default:
      return null;
  }
}

function ofProduct(
  name: string,
  make: (product: SnpProduct) => VendorObject | null,
): VendorObject | null {
  const product = snpProducts.find((known) => known.toLowerCase() === name);
  return product === undefined ? null : make(product);
}

function ofKey(
  kind: 'amd-chain' | 'amd-crl',
  product: SnpProduct,
  key: string,
): VendorObject | null {
  return key === 'vcek' || key === 'vlek' ? { kind, product, key } : null;
}

function ofIntel(
  tee: string,
  update: string,
  make: (tee: 'tdx' | 'sgx', update: 'standard' | 'early') => VendorObject,
): VendorObject | null {
  if (tee !== 'tdx' && tee !== 'sgx') return null;
  return update === 'standard' || update === 'early' ? make(tee, update) : null;
}
