/**
 * `npm run bench`: the figures that the project promises, each as a median, ratios taken within one run. It judges
 * nothing by itself: the promise stands beside the figure.
 */
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { createPublicKey, verify as nodeVerify, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hasShared, sharedPath } from '#test/shared.ts';
import { serviceId, serviceKey, serviceTree, serviceValue } from '#verifier/abi/service.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/policy.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { readCertificates } from '#verifier/cli/certificate-files.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { verify } from '#verifier/verify.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

function line(what: string, figure: string, promise = ''): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(22)}   ${promise}`.trimEnd());
}

const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

/** Runs the candidates in turn, so that a machine that slows down slows all of them. @returns medians in ms */
async function inTurn(rounds: number, candidates: readonly (() => unknown)[]): Promise<number[]> {
  const times: number[][] = candidates.map(() => []);
  for (let round = -Math.ceil(rounds / 5); round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const start = performance.now();
      await candidate();
      if (round >= 0) times[i]?.push(performance.now() - start);
    }
  }
  return times.map(median);
}

const milan = {
  folder: 'corpus/sev-snp/milan-v3-vcek-oak-milan-oc-release-evidence',
  chain: 'corpus/collateral/amd/milan-vcek-chain.pem',
  at: Date.parse('2025-02-14T00:00:00Z') / 1000,
};

/** The same four signatures with node:crypto alone: three certificates read and checked, one report. */
function floor(report: Buffer, vek: Buffer, chain: string): boolean {
  const [askPem = '', arkPem = ''] = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  const [vekCert, ask, ark] = [
    new X509Certificate(vek),
    new X509Certificate(askPem),
    new X509Certificate(arkPem),
  ];
  const little = report.subarray(0x2a0, 0x2a0 + 144);
  const signature = Buffer.concat([
    Buffer.from(little.subarray(0, 48)).reverse(),
    Buffer.from(little.subarray(72, 120)).reverse(),
  ]);
  return (
    vekCert.verify(ask.publicKey) &&
    ask.verify(ark.publicKey) &&
    ark.verify(ark.publicKey) &&
    nodeVerify(
      'sha384',
      report.subarray(0, 0x2a0),
      { key: vekCert.publicKey, dsaEncoding: 'ieee-p1363' },
      signature,
    )
  );
}

/** The same with @peculiar/x509 for the certificates, as the package's own documentation does it. */
async function withPeculiar(report: Buffer, vek: Buffer, chain: string): Promise<boolean> {
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(globalThis.crypto);
  const [askPem = '', arkPem = ''] = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  const [vekCert, ask, ark] = [vek, askPem, arkPem].map(
    (given) => new x509.X509Certificate(given),
  ) as [
    InstanceType<typeof x509.X509Certificate>,
    InstanceType<typeof x509.X509Certificate>,
    InstanceType<typeof x509.X509Certificate>,
  ];
  const signed = await Promise.all([
    vekCert.verify({ publicKey: ask.publicKey, signatureOnly: true }),
    ask.verify({ publicKey: ark.publicKey, signatureOnly: true }),
    ark.verify({ publicKey: ark.publicKey, signatureOnly: true }),
  ]);
  const key = createPublicKey({
    key: Buffer.from(vekCert.publicKey.rawData),
    format: 'der',
    type: 'spki',
  });
  const little = report.subarray(0x2a0, 0x2a0 + 144);
  const signature = Buffer.concat([
    Buffer.from(little.subarray(0, 48)).reverse(),
    Buffer.from(little.subarray(72, 120)).reverse(),
  ]);
  return (
    signed.every(Boolean) &&
    nodeVerify('sha384', report.subarray(0, 0x2a0), { key, dsaEncoding: 'ieee-p1363' }, signature)
  );
}

async function benchVerify(): Promise<void> {
  const report = readFileSync(sharedPath(`${milan.folder}/report.bin`));
  const vek = readFileSync(sharedPath(`${milan.folder}/vcek.der`));
  const chain = readFileSync(sharedPath(milan.chain));
  const chainText = chain.toString();
  const ours = async () => {
    const collateral = [
      ...readCertificates(vek, 'vek', 'vek'),
      ...readCertificates(chain, 'chain', 'ask'),
    ];
    const verified = await verify(
      { form: 'report', bytes: report },
      collateral,
      vendorRoots,
      milan.at,
      nodeCrypto,
    );
    if (appraise(verified, genuinePolicy).decision !== 'accepted')
      throw new Error('the report should be accepted');
  };
  const bare = () => {
    if (!floor(report, vek, chainText)) throw new Error('the floor should accept the report');
  };
  const peculiar = async () => {
    if (!(await withPeculiar(report, vek, chainText))) throw new Error('the report should verify');
  };
  const [own = 0, least = 0, package_ = 0] = await inTurn(200, [ours, bare, peculiar]);
  line('bare node:crypto: 3 certificates, 4 signatures', ms(least));
  line(
    'verify + appraise of the same, from files’ bytes',
    `${ms(own)}  ×${(own / least).toFixed(2)}`,
    'at most ×2.0',
  );
  line(
    'certificates through @peculiar/x509 instead, no checks',
    `${ms(package_)}  ×${(package_ / least).toFixed(2)}`,
  );
}

/** Wall time and the largest process's peak memory of one run of the command. */
async function runOnce(args: readonly string[]): Promise<{ time: number; peak: number }> {
  const start = performance.now();
  const child = spawn(
    fileURLToPath(new URL('../../verifier/cli/affidavit.js', import.meta.url)),
    args,
    { cwd: root, stdio: 'ignore' },
  );
  let peak = 0;
  const sample = setInterval(() => {
    for (const pid of [child.pid, ...childrenOf(child.pid)]) peak = Math.max(peak, peakOf(pid));
  }, 4);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(sample);
  if (code !== 0) throw new Error(`affidavit ${args.join(' ')} ended with ${code}`);
  return { time: performance.now() - start, peak };
}

function readProc(pid: number | undefined, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function childrenOf(pid: number | undefined): number[] {
  return readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** MB */
function peakOf(pid: number | undefined): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readProc(pid, 'status'))?.[1] ?? 0) / 1024;
}

async function benchColdStart(): Promise<void> {
  const at = new Date(milan.at * 1000).toISOString();
  const args = [
    'verify',
    '--report',
    sharedPath(`${milan.folder}/report.bin`),
    '--vek',
    sharedPath(`${milan.folder}/vcek.der`),
  ];
  const runs: { time: number; peak: number }[] = [];
  for (let i = 0; i < 12; i++) {
    const run = await runOnce([...args, '--chain', sharedPath(milan.chain), '--at', at]);
    if (i > 0) runs.push(run);
  }
  line(
    'affidavit verify, one report, cold process',
    ms(median(runs.map(({ time }) => time))),
    '500 ms or less',
  );
  line(
    '  the largest process’s peak memory',
    `${median(runs.map(({ peak }) => peak)).toFixed(0)} MB`,
    '150 MB or less',
  );
}

function benchTree(): void {
  const publicKey = secp256k1.getPublicKey(randomBytes(32), false).slice(1);
  const services = Array.from({ length: 1000 }, (_, i) => ({
    name: `service-${i}`,
    narHash: new Uint8Array(randomBytes(32)),
    publicKey,
  }));
  const start = performance.now();
  const tree = serviceTree(services);
  const rootBefore = tree.root;
  line(
    'tree of 1,000 services, ids, keys and values included',
    ms(performance.now() - start),
    '4 s or less',
  );
  const changes = services.slice(0, 25).map((service) => {
    const at = performance.now();
    const content: { narHash: Bytes; publicKey: Bytes } = {
      ...service,
      narHash: new Uint8Array(32),
    };
    const changed = tree.set(serviceKey(serviceId(service.name)), serviceValue(content));
    if (changed.root === rootBefore) throw new Error('the root should have changed');
    return performance.now() - at;
  });
  line('one changed service', ms(median(changes)), '20 ms or less');
}

console.log(`Node ${process.version} on ${process.platform}-${process.arch}\n`);
if (hasShared) {
  await benchVerify();
  await benchColdStart();
} else
  console.log(
    'No evidence corpus beside this checkout: the figures for real reports are left out.',
  );
benchTree();
