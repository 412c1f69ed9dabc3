/** `affidavit measure snp`: the digest that a guest's reports will show as MEASUREMENT, from what it is started with. */
import { createHash } from 'node:crypto';
import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import { cpuSignature, cpuTypes } from '#verifier/measure/snp/cpu.ts';
import { maxFirmwareLength, parseFirmware } from '#verifier/measure/snp/firmware.ts';
import {
  hashCommandLine,
  type KernelHashes,
  noInitrd,
} from '#verifier/measure/snp/kernel-hashes.ts';
import {
  maxVcpus,
  measureSnp,
  type SnpMeasureInput,
  type SnpMeasurement,
} from '#verifier/measure/snp/measure.ts';
import { measuresSignature, type Vmm } from '#verifier/measure/snp/vmsa.ts';
import { blaming, CliError, exitCodes, usageError } from './cli-error.ts';
import { readFileLimited } from './files.ts';

export type MeasureSnpOptions = {
  ovmf: string;
  kernel?: string | undefined;
  initrd?: string | undefined;
  append?: string | undefined;
  vcpus: number;
  vcpuType?: string | undefined;
  vcpuSig?: string | undefined;
  vcpuFamily?: number | undefined;
  vcpuModel?: number | undefined;
  vcpuStepping?: number | undefined;
  vmm: Vmm;
  guestFeatures: string;
  svsm?: string | undefined;
  varsFile?: string | undefined;
  varsSize?: number | undefined;
  ovmfHash?: string | undefined;
  dumpVmsa?: string | undefined;
  format: 'text' | 'json';
};

export type MeasureSnpOutput = { stdout: string; stderr: string; exitCode: number };

/** @throws CliError wrong usage, or firmware that cannot be measured */
export async function runMeasureSnp(options: MeasureSnpOptions): Promise<MeasureSnpOutput> {
  refuseContradictions(options);
  const { ovmf, vmm, vcpus, ovmfHash } = options;
  const settings = {
    vmm,
    vcpus,
    cpuSignature: signatureOf(options),
    features: featuresOf(options.guestFeatures),
    ...(ovmfHash !== undefined && { firmwareHash: hashOf(ovmfHash) }),
  };
  const firmware = await readFileLimited(ovmf, maxFirmwareLength, 'firmware', 'invalid');
  blaming('invalid', ovmf, () => parseFirmware(firmware));
  const svsm = await svsmOf(options);
  const kernel = await kernelOf(options);
  const input: SnpMeasureInput = {
    ...settings,
    firmware,
    ...(svsm !== null && { svsm }),
    ...(kernel !== null && { kernel }),
  };
  const measured = blaming('invalid', options.svsm ?? ovmf, () => measureSnp(input));
  if (options.dumpVmsa !== undefined) await dump(options.dumpVmsa, measured.vmsas);
  return { ...render(options, input, measured), exitCode: exitCodes.accepted };
}

function refuseContradictions(options: MeasureSnpOptions): void {
  const { kernel, initrd, append, svsm, varsFile, varsSize, vcpus, vmm } = options;
  if (kernel === undefined && (initrd !== undefined || append !== undefined)) {
    throw usageError('--initrd and --append say nothing without --kernel');
  }
  if (kernel !== undefined && !vmm.startsWith('qemu')) {
    throw usageError(`--vmm ${vmm} boots no kernel directly`, 'Leave out --kernel.');
  }
  if (append?.includes('\0')) throw usageError('--append holds a NUL');
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > maxVcpus) {
    throw usageError(`--vcpus should be 1 to ${maxVcpus}, got ${vcpus}`);
  }
  if (svsm === undefined) {
    if (varsFile !== undefined || varsSize !== undefined) {
      throw usageError('--vars-file and --vars-size say nothing without --svsm');
    }
    return;
  }
  if ((varsFile === undefined) === (varsSize === undefined)) {
    throw usageError('--svsm needs --vars-file or --vars-size, and not both');
  }
  if (!vmm.startsWith('qemu')) throw usageError(`--vmm ${vmm} starts no SVSM`);
  if (kernel !== undefined) throw usageError('under an SVSM, QEMU measures no kernel');
}

/** Exactly one way to name the processor where it is part of the digest, and none where it is not. */
function signatureOf(options: MeasureSnpOptions): number {
  const { vmm, vcpuType, vcpuSig, vcpuFamily, vcpuModel, vcpuStepping } = options;
  const parts = [vcpuFamily, vcpuModel, vcpuStepping];
  const byParts = parts.some((part) => part !== undefined);
  const ways = [vcpuType !== undefined, vcpuSig !== undefined, byParts].filter(Boolean).length;
  if (!measuresSignature(vmm)) {
    if (ways === 0) return 0;
    throw usageError(
      `with --vmm ${vmm} the digest does not depend on the processor’s model`,
      'Leave out --vcpu-type, --vcpu-sig and --vcpu-family.',
    );
  }
  if (ways !== 1) {
    throw usageError(
      `--vmm ${vmm} needs the processor’s model once, got it ${ways} times`,
      'Give --vcpu-type, or --vcpu-sig, or --vcpu-family with --vcpu-model and --vcpu-stepping.',
    );
  }
  if (vcpuType !== undefined) return typeSignature(vcpuType);
  if (vcpuSig !== undefined) return Number(numberOf(vcpuSig, '--vcpu-sig', 0xffff_ffffn));
  if (vcpuFamily === undefined || vcpuModel === undefined || vcpuStepping === undefined) {
    throw usageError('--vcpu-family, --vcpu-model and --vcpu-stepping go together');
  }
  try {
    return cpuSignature(vcpuFamily, vcpuModel, vcpuStepping);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw usageError(`the processor’s ${error.message}`);
  }
}

function typeSignature(type: string): number {
  const found = cpuTypes.get(type);
  if (found !== undefined) return found;
  throw usageError(
    `--vcpu-type ${JSON.stringify(type)} is not known`,
    `Known: ${[...cpuTypes.keys()].join(', ')}; for others give --vcpu-sig.`,
  );
}

function featuresOf(text: string): bigint {
  const features = numberOf(text, '--guest-features', 2n ** 64n - 1n);
  if ((features & 1n) === 1n) return features;
  throw usageError(`--guest-features ${text}: bit 0 is set in every SEV-SNP guest`);
}

function numberOf(text: string, option: string, most: bigint): bigint {
  const value = /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text) ? BigInt(text) : null;
  if (value !== null && value <= most) return value;
  throw usageError(`${option} should be a number up to 0x${most.toString(16)}, got ${text}`);
}

function hashOf(text: string): Bytes {
  return blaming('usage', '--ovmf-hash', () => fromHex(text.toLowerCase(), 'digest', 48));
}

/** Coconut's images have about one megabyte. */
const maxSvsmLength = maxFirmwareLength;

async function svsmOf(
  options: MeasureSnpOptions,
): Promise<NonNullable<SnpMeasureInput['svsm']> | null> {
  const { svsm, varsFile } = options;
  if (svsm === undefined) return null;
  const varsLength = varsFile === undefined ? options.varsSize : (await regular(varsFile)).size;
  if (varsLength === undefined || !Number.isInteger(varsLength) || varsLength % 4096 !== 0) {
    throw usageError(`a variable store is made of pages of 4096 bytes, got ${varsLength} bytes`);
  }
  if (varsLength < 0 || varsLength > maxFirmwareLength) {
    throw usageError(`a variable store has ${maxFirmwareLength} bytes at most, got ${varsLength}`);
  }
  return { image: await readFileLimited(svsm, maxSvsmLength, 'SVSM', 'invalid'), varsLength };
}

async function kernelOf(options: MeasureSnpOptions): Promise<KernelHashes | null> {
  const { kernel, initrd, append = '' } = options;
  if (kernel === undefined) return null;
  return {
    kernel: await hashFile(kernel),
    initrd: initrd === undefined ? noInitrd : await hashFile(initrd),
    commandLine: hashCommandLine(append),
  };
}

/** Piece by piece: an initrd may be larger than the memory. */
async function hashFile(path: string): Promise<Bytes> {
  await regular(path);
  const hash = createHash('sha256');
  const file = await opened(path);
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk);
  } finally {
    await file.close();
  }
  return new Uint8Array(hash.digest());
}

async function regular(path: string): Promise<{ size: number }> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() === true) return found;
  throw unreadable(path, found === null ? 'there is no such file' : 'it is no regular file');
}

function opened(path: string) {
  return open(path).catch(() => {
    throw unreadable(path, 'permission denied');
  });
}

function unreadable(path: string, reason: string): CliError {
  return new CliError(
    'usage',
    'file-unreadable',
    `${path} cannot be read: ${reason}`,
    'Check the path and its permissions.',
  );
}

async function dump(folder: string, vmsas: readonly Bytes[]): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const [at, page] of vmsas.entries()) {
      await writeFile(join(folder, `vmsa${at}.bin`), page, { flag: 'wx' });
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'usage',
      'file-unwritable',
      `the initial states cannot be written: ${reason}`,
      'Choose a new or empty folder.',
    );
  }
}

function render(
  { format, vmm, ovmf }: MeasureSnpOptions,
  input: SnpMeasureInput,
  measured: SnpMeasurement,
): { stdout: string; stderr: string } {
  const digest = toHex(measured.digest);
  if (format === 'json') {
    return { stdout: `${JSON.stringify(toJson(input, measured), null, 2)}\n`, stderr: '' };
  }
  const { vcpus, kernel } = input;
  const boot = kernel === undefined ? '' : ', kernel, initrd and command line';
  const taken = input.firmwareHash === undefined ? '' : ' (its digest was given)';
  const processors = vcpus === 1 ? '1 processor' : `${vcpus} processors`;
  const summary = `${ovmf}${taken}${boot}, ${processors} of ${vmm}: ${measured.pages} pages`;
  return { stdout: `${digest}\n`, stderr: `${summary}\n` };
}

function toJson(input: SnpMeasureInput, measured: SnpMeasurement): Record<string, unknown> {
  const { vmm, vcpus, cpuSignature: signature, features, kernel, firmwareHash } = input;
  const hex = (value: number | bigint) => `0x${value.toString(16)}`;
  const place = ({ gpa, length }: { gpa: number; length: number }) => ({ gpa: hex(gpa), length });
  return {
    version: 1,
    launchDigest: toHex(measured.digest),
    vmm,
    vcpus,
    cpuSignature: measuresSignature(vmm) ? hex(signature) : null,
    guestFeatures: hex(features),
    firmware: {
      ...place(measured.firmware),
      hash: toHex(measured.firmwareHash),
      hashGiven: firmwareHash !== undefined,
    },
    svsm: measured.svsm === null ? null : place(measured.svsm),
    kernel:
      kernel === undefined
        ? null
        : Object.fromEntries(Object.entries(kernel).map(([name, hash]) => [name, toHex(hash)])),
    sections: measured.sections.map(({ kind, pageType, gpa, length }) => ({
      kind,
      pageType,
      ...place({ gpa, length }),
    })),
    pages: measured.pages,
  };
}
