/**
 * How AMD's certificates differ between products, read off genuine ones, and the extensions of a
 * VEK (AMD document 57230, table "VCEK Certificate Fields"). No genuine VLEK of Genoa or Turin was
 * at hand: theirs follow the VCEK.
 */
import type { SnpProduct, TcbParts } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Extension } from './certificates.ts';
import { ia5String, integer } from './der.ts';
import { extension } from './extensions.ts';

const arc = '1.3.6.1.4.1.3704.1';

export const amdOids = {
  structVersion: `${arc}.1`,
  productName: `${arc}.2`,
  spl: (n: number): string => `${arc}.3.${n}`,
  hardwareId: `${arc}.4`,
  cspId: `${arc}.5`,
} as const;

/** Each with the value that `replaceExtension` needs. None is critical. */
export const amdExtensions = {
  structVersion: (version: number) => extension(amdOids.structVersion, false, integer(version)),
  productName: (name: string) => extension(amdOids.productName, false, ia5String(name)),
  /** @param n 1 boot loader, 2 TEE, 3 SNP, 8 microcode, 9 FMC; the others are reserved */
  spl: (n: number, value: number) => extension(amdOids.spl(n), false, integer(value)),
  /** Raw, without a DER type around it. */
  hardwareId: (id: Bytes) => extension(amdOids.hardwareId, false, id),
  cspId: (id: string) => extension(amdOids.cspId, false, ia5String(id)),
} as const satisfies Record<string, (...values: never[]) => Extension>;

/**
 * The SPL extensions in the order of the certificate: number below 1.3 and what it holds, null for
 * reserved (0).
 */
type SplOrder = readonly (readonly [n: number, part: keyof TcbParts | null])[];

const splOrderBeforeTurin: SplOrder = [
  [1, 'bootLoader'],
  [2, 'tee'],
  [4, null],
  [5, null],
  [6, null],
  [7, null],
  [3, 'snp'],
  [8, 'microcode'],
];
const splOrderTurin: SplOrder = [
  [9, 'fmc'],
  [1, 'bootLoader'],
  [2, 'tee'],
  [3, 'snp'],
  [5, null],
  [6, null],
  [7, null],
  [8, 'microcode'],
];

export type AmdProfile = {
  serials: { ark: bigint; ask: bigint; asvk: bigint };
  structVersion: number;
  /** A VLEK names the product without its stepping. */
  vcekProductName: string;
  splOrder: SplOrder;
  defaultTcb: TcbParts;
  /** Genoa's first ASK was revoked on the day its successor was made. */
  revoked: readonly { serial: bigint; at: UnixTime }[];
};

export const amdProfiles: Record<SnpProduct, AmdProfile> = {
  Milan: {
    serials: { ark: 0x010000n, ask: 0x010001n, asvk: 0x010101n },
    structVersion: 0,
    vcekProductName: 'Milan-B0',
    splOrder: splOrderBeforeTurin,
    defaultTcb: { fmc: 0, bootLoader: 4, tee: 1, snp: 27, microcode: 222 },
    revoked: [],
  },
  Genoa: {
    serials: { ark: 0x020000n, ask: 0x020002n, asvk: 0x020101n },
    structVersion: 0,
    vcekProductName: 'Genoa',
    splOrder: splOrderBeforeTurin,
    defaultTcb: { fmc: 0, bootLoader: 10, tee: 1, snp: 27, microcode: 84 },
    revoked: [{ serial: 0x020001n, at: 1_667_217_600 }],
  },
  Turin: {
    serials: { ark: 0x030000n, ask: 0x030001n, asvk: 0x030101n },
    structVersion: 1,
    vcekProductName: 'Turin',
    splOrder: splOrderTurin,
    defaultTcb: { fmc: 1, bootLoader: 2, tee: 3, snp: 5, microcode: 71 },
    revoked: [],
  },
};

/** A VCEK names its chip, a VLEK its cloud provider. */
export function vekExtensions(
  product: SnpProduct,
  tcb: TcbParts,
  holder: { hardwareId: Bytes } | { cspId: string },
): Extension[] {
  const profile = amdProfiles[product];
  const ofChip = 'hardwareId' in holder;
  return [
    amdExtensions.structVersion(profile.structVersion),
    amdExtensions.productName(ofChip ? profile.vcekProductName : product),
    ...profile.splOrder.map(([n, part]) => amdExtensions.spl(n, part === null ? 0 : tcb[part])),
    ofChip ? amdExtensions.hardwareId(holder.hardwareId) : amdExtensions.cspId(holder.cspId),
  ];
}
