/**
 * The launch digest of an SEV-SNP guest (MEASUREMENT of its reports) from what it is started with. Pages are added in the order
 * of QEMU: the flash image, the sections of its metadata, one VMSA for each virtual processor.
 */
import type { Bytes } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { parseFirmware, type Section, type SnpFirmware } from './firmware.ts';
import { hashTableLength, type KernelHashes, kernelHashesPage } from './kernel-hashes.ts';
import { type Launch, type PageType, pageLength, startLaunch } from './launch.ts';
import { profileOf, resetVector, resetVmsa, svsmVmsa, type Vmm, type VmsaInput } from './vmsa.ts';

export const maxVcpus = 4096;
/** SEV_FEATURES: SNP is active. */
const snpActive = 1n;

export type SnpMeasureInput = {
  /** The flash image, whole. */
  firmware: Bytes;
  /** The digest after the pages of the firmware (and of the SVSM), taken instead of adding them: 48 bytes. */
  firmwareHash?: Bytes;
  /** Coconut SVSM below the flash; `varsLength`: bytes of the variable store that lies between them. */
  svsm?: { image: Bytes; varsLength: number };
  /** Of what QEMU boots directly. */
  kernel?: KernelHashes;
  vcpus: number;
  vmm: Vmm;
  /** CPUID leaf 1, EAX; zero where the VMM does not set it. */
  cpuSignature: number;
  /** SEV_FEATURES of the VMSAs. */
  features: bigint;
};

export type MeasuredSection = Section & { pageType: PageType };
export type SnpMeasurement = {
  digest: Bytes;
  /** After the pages of the firmware, and of the SVSM. */
  firmwareHash: Bytes;
  firmware: { gpa: number; length: number };
  svsm: { gpa: number; length: number } | null;
  /** In the order in which they were added. */
  sections: readonly MeasuredSection[];
  /** 4096 bytes each, in the order of the processors. */
  vmsas: readonly Bytes[];
  pages: number;
};

/**
 * @throws AttestationError what `parseFirmware` throws, and `form-unknown` for a kernel, an SVSM or processors that the firmware
 *   has no place for; RangeError for a caller's mistake
 */
export function measureSnp(input: SnpMeasureInput): SnpMeasurement {
  requireSense(input);
  const { features, vmm, cpuSignature } = input;
  const flash = parseFirmware(input.firmware, 'firmware');
  const svsm = input.svsm === undefined ? null : placeSvsm(flash, input.svsm);
  const images = svsm === null ? [flash] : [flash, svsm];
  const firmwareHash = input.firmwareHash ?? hashImages(images);
  const launch = startLaunch(firmwareHash);
  const { sections, hashTable } = svsm ?? flash;
  const hashes = input.kernel === undefined ? null : hashesPage(input.kernel, hashTable);
  const measured = inOrder(sections, vmm).map((section) =>
    addSection(launch, section, vmm, hashes),
  );
  const start = { vmm, features, signature: cpuSignature };
  const vmsas =
    svsm === null ? resetVmsas(flash, input.vcpus, start) : svsmVmsas(svsm, input.vcpus, start);
  for (const page of vmsas) launch.vmsa(page);
  const added = images.reduce((sum, { image }) => sum + image.length / pageLength, 0);
  return {
    digest: launch.digest(),
    firmwareHash,
    firmware: placeOf(flash),
    svsm: svsm === null ? null : placeOf(svsm),
    sections: measured,
    vmsas,
    pages: added + launch.pages(),
  };
}

function requireSense({ vcpus, vmm, svsm, kernel, cpuSignature, features }: SnpMeasureInput): void {
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > maxVcpus) {
    throw new RangeError(`a guest has 1 to ${maxVcpus} processors, got ${vcpus}`);
  }
  if (!Number.isInteger(cpuSignature) || cpuSignature < 0 || cpuSignature > 0xffff_ffff) {
    throw new RangeError(`the signature of a processor has 32 bits, got ${cpuSignature}`);
  }
  if (features < 0n || features >= 2n ** 64n || (features & snpActive) === 0n) {
    throw new RangeError('SEV_FEATURES has 64 bits, and bit 0 is set in every SEV-SNP guest');
  }
  if (svsm === undefined) return;
  if (!vmm.startsWith('qemu')) throw new RangeError('only QEMU starts an SVSM');
  if (kernel !== undefined) throw new RangeError('under an SVSM, QEMU hands over no digests');
}

/** The variable store is between the SVSM and the flash, and is not measured. */
function placeSvsm(
  flash: SnpFirmware,
  { image, varsLength }: NonNullable<SnpMeasureInput['svsm']>,
): SnpFirmware {
  if (!Number.isInteger(varsLength) || varsLength < 0 || varsLength % pageLength !== 0) {
    throw new RangeError(`a variable store is made of whole pages, got ${varsLength} bytes`);
  }
  return parseFirmware(image, 'SVSM', flash.gpa - varsLength);
}

function hashImages(images: readonly SnpFirmware[]): Bytes {
  const launch = startLaunch();
  for (const { gpa, image } of images) launch.normal(gpa, image);
  return launch.digest();
}

function inOrder(sections: readonly Section[], vmm: Vmm): readonly Section[] {
  if (!profileOf(vmm).cpuidLast) return sections;
  const isCpuid = ({ kind }: Section) => kind === 'cpuid';
  return [...sections.filter((one) => !isCpuid(one)), ...sections.filter(isCpuid)];
}

function addSection(
  launch: Launch,
  section: Section,
  vmm: Vmm,
  hashes: Bytes | null,
): MeasuredSection {
  const pageType = pageTypeOf(section, vmm, hashes !== null);
  if (pageType === 'normal') launch.normal(section.gpa, hashes as Bytes);
  else launch.plain(pageType, section.gpa, section.length);
  return { ...section, pageType };
}

function pageTypeOf({ kind }: Section, vmm: Vmm, withHashes: boolean): Exclude<PageType, 'vmsa'> {
  switch (kind) {
    case 'memory':
      return profileOf(vmm).memory;
    case 'kernel-hashes':
      return withHashes ? 'normal' : 'zero';
    case 'svsm-calling-area':
      return 'zero';
    default:
      return kind;
  }
}

function hashesPage(kernel: KernelHashes, table: SnpFirmware['hashTable']): Bytes {
  if (table === null) {
    throw new AttestationError(
      'form-unknown',
      'firmware: it has no table for digests, so the kernel would run unmeasured; use a build that checks it (AmdSev)',
    );
  }
  if (table.length < hashTableLength) {
    throw new AttestationError(
      'value-out-of-range',
      `firmware: its hash table has ${table.length} bytes, ${hashTableLength} are needed`,
    );
  }
  return kernelHashesPage(kernel, table.gpa % pageLength);
}

type Host = Omit<VmsaInput, 'entry'>;

function resetVmsas({ apResetVector }: SnpFirmware, vcpus: number, host: Host): Bytes[] {
  const first = resetVmsa({ ...host, entry: resetVector });
  if (vcpus === 1) return [first];
  if (apResetVector === 0) {
    throw new AttestationError(
      'form-unknown',
      'firmware: it names no reset vector for processors but the first',
    );
  }
  const other = resetVmsa({ ...host, entry: apResetVector });
  return [first, ...new Array<Bytes>(vcpus - 1).fill(other)];
}

function svsmVmsas({ gpa, svsmEntry }: SnpFirmware, vcpus: number, host: Host): Bytes[] {
  if (svsmEntry === null) {
    throw new AttestationError('form-unknown', 'SVSM: its table does not say where it begins');
  }
  const entry = gpa + svsmEntry;
  if (entry > 0xffff_ffff) {
    throw new AttestationError('value-out-of-range', 'SVSM: it begins above 4 GiB');
  }
  return new Array<Bytes>(vcpus).fill(svsmVmsa({ ...host, entry }));
}

function placeOf({ gpa, image }: SnpFirmware): { gpa: number; length: number } {
  return { gpa, length: image.length };
}
