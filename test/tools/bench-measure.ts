/** Figures of `affidavit measure snp`: 4 MiB of firmware, 64 processors and a kernel, in a process of its own. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { firmwareImage } from '#test/verifier/measure/snp/firmware-image.ts';
import { line, median } from './bench-figures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = pathToFileURL(join(root, 'verifier/cli/measure-snp-command.ts')).href;
const rounds = 5;
/** Linux counts it in KiB. */
const kib = 1024;

/** Pages that differ, and an initrd that is larger than what the process may take. */
function makeInputs(folder: string): void {
  const tables = firmwareImage({ length: 4 * 1024 * 1024 });
  const image = Uint8Array.from(randomBytes(tables.length));
  image.set(tables.subarray(-4096), image.length - 4096);
  writeFileSync(join(folder, 'OVMF.fd'), image);
  writeFileSync(join(folder, 'kernel'), randomBytes(16 * 1024 * 1024));
  writeFileSync(join(folder, 'initrd'), randomBytes(256 * 1024 * 1024));
}

type Run = { seconds: number; processor: number; peak: number };

/** The whole process, start to end. */
function measureOnce(folder: string, boot: boolean): Run {
  const options = {
    ovmf: join(folder, 'OVMF.fd'),
    ...(boot && {
      kernel: join(folder, 'kernel'),
      initrd: join(folder, 'initrd'),
      append: 'quiet',
    }),
    vcpus: 64,
    vcpuType: 'EPYC-v4',
    vmm: 'qemu',
    guestFeatures: '0x1',
    format: 'text',
  };
  // Not maxRSS: a new process takes that over from the one that starts it.
  const script = `
    const { readFileSync } = await import('node:fs');
    const { runMeasureSnp } = await import(${JSON.stringify(command)});
    const { stdout } = await runMeasureSnp(${JSON.stringify(options)});
    if (!/^[0-9a-f]{96}\\n$/.test(stdout)) throw new Error(stdout);
    const { user, system } = process.cpuUsage();
    const [, peak] = /VmHWM:\\s*(\\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'));
    process.stdout.write(JSON.stringify([(user + system) / 1e6, Number(peak)]));
  `;
  const start = performance.now();
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root });
  const seconds = (performance.now() - start) / 1000;
  const [processor, peak] = JSON.parse(String(out)) as [number, number];
  return { seconds, processor, peak: peak * kib };
}

const folder = mkdtempSync(join(tmpdir(), 'affidavit-bench-measure-'));
try {
  makeInputs(folder);
  for (const boot of [false, true]) {
    const runs = Array.from({ length: rounds }, () => measureOnce(folder, boot));
    const seconds = median(runs.map((one) => one.seconds));
    const processor = median(runs.map((one) => one.processor));
    const peak = Math.max(...runs.map((one) => one.peak));
    const name = boot ? 'and an initrd of 256 MiB' : '4 MiB, 64 vCPUs';
    line(`measure snp, ${name}`, `${seconds.toFixed(2)} s`, 'promise: 2 s');
    line(`measure snp, ${name}: processor time`, `${processor.toFixed(2)} s`);
    line(`measure snp, ${name}: memory`, `${(peak / 1e6).toFixed(0)} MB`, 'promise: 150 MB');
  }
} finally {
  rmSync(folder, { recursive: true });
}
