/** Objects of vendors, arbitrary ones and those of the simulated vendors as their services would answer them. */
import fc from 'fast-check';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { fakeNow } from '#test/fake/amd.ts';
import type { Intel } from '#test/fake/intel.ts';
import {
  encodeTcb,
  hardwareIdLength,
  type SnpProduct,
  snpProducts,
} from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import {
  CollateralError,
  type CollateralErrorCode,
} from '#verifier/collateral/collateral-error.ts';
import {
  intelUpdates,
  type StoredObject,
  type VendorObject,
} from '#verifier/collateral/vendor-object.ts';
import type { Collateral } from '#verifier/evidence.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const svn = fc.nat(255);
const product = fc.constantFrom(...snpProducts);
const key = fc.constantFrom('vcek', 'vlek');
const tee = fc.constantFrom('tdx', 'sgx');
const update = fc.constantFrom(...intelUpdates);

const anyVcek = product.chain((of) =>
  fc.record({
    kind: fc.constant('vcek'),
    product: fc.constant(of),
    hardwareId: bytes(hardwareIdLength[of]),
    tcb: fc
      .record({ fmc: svn, bootLoader: svn, tee: svn, snp: svn, microcode: svn })
      .map((parts) => encodeTcb(of, parts)),
  }),
);

export const anyObject: fc.Arbitrary<VendorObject> = fc.oneof(
  anyVcek,
  fc.record({ kind: fc.constantFrom('amd-chain', 'amd-crl'), product, key }),
  fc.record({ kind: fc.constant('tcb-info'), tee, fmspc: bytes(6), update }),
  fc.record({ kind: fc.constant('qe-identity'), tee, update }),
  fc.record({ kind: fc.constant('pck-crl'), ca: fc.constantFrom('platform', 'processor') }),
  fc.record({ kind: fc.constant('intel-root-crl') }),
);

export type Sample = { object: VendorObject; stored: StoredObject };

export function storedOf(
  items: readonly Collateral[],
  signers: readonly Bytes[] = [],
): StoredObject {
  return { items, signers, fetched: fakeNow, source: 'https://vendor.example/object' };
}

export function vcekSample({ product, hardwareId, tcb, vcek }: AmdHierarchy): Sample {
  return {
    object: { kind: 'vcek', product, hardwareId, tcb: encodeTcb(product, tcb) },
    stored: storedOf([{ kind: 'vek', data: vcek.der }]),
  };
}

export function amdChainSample(amd: AmdHierarchy, of: 'vcek' | 'vlek' = 'vcek'): Sample {
  const ask = of === 'vcek' ? amd.ask : amd.asvk;
  return {
    object: { kind: 'amd-chain', product: amd.product, key: of },
    stored: storedOf([
      { kind: 'ask', data: ask.der },
      { kind: 'ark', data: amd.ark.der },
    ]),
  };
}

export function amdCrlSample({ product, crl }: AmdHierarchy, of: 'vcek' | 'vlek' = 'vcek'): Sample {
  return {
    object: { kind: 'amd-crl', product, key: of },
    stored: storedOf([{ kind: 'ark-crl', data: crl.der }]),
  };
}

export function tcbInfoSample(intel: Intel, of: 'standard' | 'early' = 'standard'): Sample {
  const { tee, machine, tcbInfo, tcbSigning, root } = intel;
  return {
    object: { kind: 'tcb-info', tee, fmspc: machine.fmspc, update: of },
    stored: storedOf([
      { kind: 'tcb-info', data: tcbInfo.bytes },
      { kind: 'tcb-signing', data: tcbSigning.der },
      { kind: 'intel-root', data: root.der },
    ]),
  };
}

export function qeIdentitySample({ tee, qeIdentity, qeIdentitySigning, root }: Intel): Sample {
  return {
    object: { kind: 'qe-identity', tee, update: 'standard' },
    stored: storedOf([
      { kind: 'qe-identity', data: qeIdentity.bytes },
      { kind: 'qe-identity-signing', data: qeIdentitySigning.der },
      { kind: 'intel-root', data: root.der },
    ]),
  };
}

export function pckCrlSample(intel: Intel, ca: 'platform' | 'processor' = 'platform'): Sample {
  const [list, issuer] =
    ca === 'platform'
      ? [intel.platformCrl, intel.platformCa]
      : [intel.processorCrl, intel.processorCa];
  return {
    object: { kind: 'pck-crl', ca },
    stored: storedOf([{ kind: 'pck-crl', data: list.der }], [issuer.der, intel.root.der]),
  };
}

export function rootCrlSample({ rootCrl }: Intel): Sample {
  return {
    object: { kind: 'intel-root-crl' },
    stored: storedOf([{ kind: 'intel-root-crl', data: rootCrl.der }]),
  };
}

export function amdSamples(amd: AmdHierarchy): Sample[] {
  return [
    vcekSample(amd),
    amdChainSample(amd, 'vcek'),
    amdChainSample(amd, 'vlek'),
    amdCrlSample(amd, 'vcek'),
    amdCrlSample(amd, 'vlek'),
  ];
}

export function intelSamples(intel: Intel): Sample[] {
  return [
    tcbInfoSample(intel),
    qeIdentitySample(intel),
    pckCrlSample(intel, 'platform'),
    pckCrlSample(intel, 'processor'),
    rootCrlSample(intel),
  ];
}

/** The error that `run` is refused with, null when it is accepted. @throws whatever else it throws */
export async function refusalOf(run: () => unknown): Promise<CollateralError | null> {
  try {
    await run();
    return null;
  } catch (error) {
    if (error instanceof CollateralError) return error;
    throw error;
  }
}

export async function refusalCode(run: () => unknown): Promise<CollateralErrorCode | null> {
  return (await refusalOf(run))?.code ?? null;
}

/** A product other than this. */
export function otherProduct(than: SnpProduct): SnpProduct {
  return than === 'Genoa' ? 'Milan' : 'Genoa';
}
