/**
 * Our launch digests beside published ones, over the very firmware of those test suites. The files are not ours to keep here.
 *
 *   AFFIDAVIT_MEASURE_FIXTURES=…/sev-snp-measure/tests/fixtures node test/tools/measure-fixtures.ts
 *
 * Exit code 1 when a digest differs or a file is missing.
 *
 *   node test/tools/measure-fixtures.ts --debian
 *
 * What Debian's own firmware gives: a digest with and without a kernel, or what it lacks.
 */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  epycV4,
  type PublishedCase,
  published,
  publishedSvsm,
} from '#test/verifier/measure/snp/published.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { hashCommandLine, noInitrd } from '#verifier/measure/snp/kernel-hashes.ts';
import { measureSnp, type SnpMeasurement } from '#verifier/measure/snp/measure.ts';
import { measuresSignature } from '#verifier/measure/snp/vmsa.ts';
import { debianTree } from './debian.ts';

const folder = process.env['AFFIDAVIT_MEASURE_FIXTURES'];
if (process.argv.includes('--debian')) {
  await measureDebian();
  process.exit();
}
if (folder === undefined) {
  process.stderr.write('AFFIDAVIT_MEASURE_FIXTURES should name the folder of the firmware.\n');
  process.exit(2);
}

/** Files with code: those of variables alone have no tables. */
async function measureDebian(): Promise<void> {
  for (const suite of ['bookworm', 'trixie'] as const) {
    const tree = await debianTree({ suite, packages: ['ovmf'], alone: true });
    const files = (await readdir(tree, { recursive: true })).filter((path) =>
      /OVMF(?:_CODE.*|\.amdsev)?\.fd$/.test(path),
    );
    for (const file of files.toSorted()) {
      const firmware = new Uint8Array(readFileSync(join(tree, file)));
      const name = `${suite} ${file}`;
      process.stdout.write(`${name}\n  no kernel: ${resultOf(firmware, false)}\n`);
      process.stdout.write(`  kernel:    ${resultOf(firmware, true)}\n`);
    }
  }
}

function resultOf(firmware: Bytes, boots: boolean): string {
  const kernel = { kernel: noInitrd, initrd: noInitrd, commandLine: hashCommandLine('') };
  try {
    const { digest } = measureSnp({
      firmware,
      vmm: 'qemu',
      vcpus: 1,
      features: 1n,
      cpuSignature: epycV4,
      ...(boots && { kernel }),
    });
    return toHex(digest);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return error.message;
  }
}

let failed = 0;

function compare(name: string, ours: Bytes, theirs: string): void {
  const same = toHex(ours) === theirs;
  if (!same) failed += 1;
  process.stdout.write(
    `${same ? 'same ' : 'OTHER'} ${name.padEnd(58)} ${toHex(ours).slice(0, 16)} ${theirs.slice(0, 16)}\n`,
  );
}

function read(file: string): Bytes {
  return new Uint8Array(readFileSync(join(folder as string, file)));
}

function measure({ firmware, vmm, vcpus, features, append }: PublishedCase): SnpMeasurement {
  const kernel = { kernel: noInitrd, initrd: noInitrd, commandLine: hashCommandLine(append ?? '') };
  return measureSnp({
    firmware: read(firmware.file),
    vmm,
    vcpus,
    features,
    cpuSignature: measuresSignature(vmm) ? epycV4 : 0,
    ...(append !== null && { kernel }),
  });
}

for (const one of published) {
  const { firmware, vmm, vcpus, features, append, digest } = one;
  const found = measure(one);
  const boot = append === null ? 'no kernel' : `"${append}"`;
  const name = `${firmware.file.slice(5, -11)} ${vmm} ${vcpus} 0x${features.toString(16)} ${boot}`;
  compare(name, found.digest, digest);
  compare(`${name}: firmware`, found.firmwareHash, firmware.hash);
}
for (const [vcpus, digest] of Object.entries(publishedSvsm.digests)) {
  const { firmware, svsm, varsLength, vmm } = publishedSvsm;
  const found = measureSnp({
    firmware: read(firmware),
    svsm: { image: read(svsm), varsLength },
    vmm,
    vcpus: Number(vcpus),
    features: 1n,
    cpuSignature: epycV4,
  });
  compare(`${svsm} ${vmm} ${vcpus} 0x1`, found.digest, digest);
}
process.stdout.write(failed === 0 ? 'all are the same\n' : `${failed} differ\n`);
process.exitCode = failed === 0 ? 0 : 1;
