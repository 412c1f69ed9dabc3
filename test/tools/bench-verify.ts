/** Figures of verifying: one report, a fleet, a cold start, the service tree. */
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import {
  constants,
  createPublicKey,
  generateKeyPair,
  verify as nodeVerify,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { createAmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { sharedPath } from '#test/shared.ts';
import { serviceId, serviceKey, serviceTree, serviceValue } from '#verifier/abi/service.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { readCertificates, readLists } from '#verifier/cli/certificate-files.ts';
import { nodeCrypto, nodeCryptoKeepingKeys, pooledNodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import type { Collateral } from '#verifier/evidence.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { verify } from '#verifier/verify.ts';
import { inTurn, line, median, ms } from './bench-figures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const milan: Machine = {
  folder: 'corpus/sev-snp/milan-v3-vcek-oak-milan-oc-release-evidence',
  chain: 'corpus/collateral/amd/milan-vcek-chain.pem',
  crl: null,
  at: Date.parse('2025-02-14T00:00:00Z') / 1000,
};

const genoa: Machine = {
  folder: 'corpus/sev-snp/genoa-v3-vcek-openpcc-azure-sevsnp-report',
  chain: 'corpus/collateral/amd/genoa-vcek-chain.pem',
  crl: 'corpus/collateral/amd/genoa-ark-crl.der',
  at: Date.parse('2025-07-17T00:00:00Z') / 1000,
};

/** r ‖ s, big-endian, of a report. */
function signatureOf(report: Buffer): Buffer {
  const [r, s] = [report.subarray(0x2a0, 0x2d0), report.subarray(0x2e8, 0x318)];
  return Buffer.concat([Buffer.from(r).reverse(), Buffer.from(s).reverse()]);
}

/** The same four signatures with node:crypto alone: three certificates read and checked, one report. */
function floor(report: Buffer, vek: Buffer, chain: string): boolean {
  const [askPem = '', arkPem = ''] = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  const [vekCert, ask, ark] = [
    new X509Certificate(vek),
    new X509Certificate(askPem),
    new X509Certificate(arkPem),
  ];
  const signature = signatureOf(report);
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
  const signature = signatureOf(report);
  return (
    signed.every(Boolean) &&
    nodeVerify('sha384', report.subarray(0, 0x2a0), { key, dsaEncoding: 'ieee-p1363' }, signature)
  );
}

type Machine = { folder: string; chain: string; crl: string | null; at: number };

/** One machine's files, verified by us from the files' bytes. */
function ownVerification({ folder, chain, crl, at }: Machine, crypto: CryptoPort) {
  const read = (path: string) => readFileSync(sharedPath(path));
  const files = {
    report: read(`${folder}/report.bin`),
    vek: read(`${folder}/vcek.der`),
    chain: read(chain),
    crl: crl === null ? null : read(crl),
  };
  const toCollateral = () => [
    ...readCertificates(files.vek, 'vek', 'vek'),
    ...readCertificates(files.chain, 'chain', 'ask'),
    ...(files.crl === null ? [] : readLists(files.crl, 'ark-crl')),
  ];
  const atHand = toCollateral();
  /** @param collateral default: read anew from the files' bytes */
  const run = async (collateral = toCollateral()) => {
    const verified = await verify(
      { form: 'report', bytes: files.report },
      collateral,
      vendorRoots,
      at,
      crypto,
    );
    if (appraise(verified, genuinePolicy).decision !== 'accepted')
      throw new Error('the report should be accepted');
  };
  return { files, run: () => run(), runAtHand: () => run(atHand) };
}

function must(valid: boolean): void {
  if (!valid) throw new Error('the floor should accept the report');
}

export async function benchVerify(): Promise<void> {
  const { files, run } = ownVerification(milan, nodeCrypto);
  const text = files.chain.toString();
  const peculiar = async () => must(await withPeculiar(files.report, files.vek, text));
  const bare = () => must(floor(files.report, files.vek, text));
  const [own = 0, least = 0, package_ = 0] = await inTurn(200, [run, bare, peculiar]);
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

/** The CRL's signature with node:crypto: its signed part and signature cut out by their lengths. */
function crlFloor(crl: Buffer, ark: X509Certificate): boolean {
  const signed = crl.subarray(4, 8 + crl.readUInt16BE(6));
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
  return nodeVerify('sha384', signed, { key: ark.publicKey, ...pss }, crl.subarray(-512));
}

export async function benchRevocation(): Promise<void> {
  const cold = ownVerification(genoa, nodeCrypto);
  const warm = ownVerification(genoa, rememberingCrypto(nodeCryptoKeepingKeys()));
  const text = cold.files.chain.toString();
  const bare = () => {
    const ark = new X509Certificate(text.slice(text.lastIndexOf('-----BEGIN')));
    must(floor(cold.files.report, cold.files.vek, text) && crlFloor(cold.files.crl as Buffer, ark));
  };
  const key = new X509Certificate(cold.files.vek).publicKey;
  const { report } = cold.files;
  const signature = signatureOf(report);
  const signed = report.subarray(0, 0x2a0);
  const oneP384 = () =>
    must(nodeVerify('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }, signature));
  const [own = 0, least = 0] = await inTurn(200, [cold.run, bare]);
  const [warmed = 0, single = 0] = await inTurn(400, [warm.runAtHand, oneP384]);
  line('bare node:crypto: 3 certificates, a CRL, 5 signatures', ms(least));
  line('verify + appraise with CRL', `${ms(own)}  ×${(own / least).toFixed(2)}`, 'at most ×1.6');
  line(
    'the same, warm (keys and certificate signatures kept)',
    `${ms(warmed)}  ×${(warmed / single).toFixed(2)}`,
    'at most ×1.3 one P-384 verify',
  );
}

/** Bytes that survive a collection. */
function liveHeap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

/** 1,000 chips of one issuer, each with its own VEK and report, verified in one process. */
export async function benchFleet(): Promise<void> {
  const hierarchy = await createAmdHierarchy({ product: 'Genoa' });
  const fleet = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const vcek = await promisify(generateKeyPair)('ec', { namedCurve: 'P-384' });
      const chip = await createAmdHierarchy({
        product: 'Genoa',
        keys: { ...hierarchy.keys, vcek },
        hardwareId: new Uint8Array(randomBytes(64)),
      });
      return {
        bytes: createSnpDevice(chip).report(new Uint8Array(randomBytes(64))),
        vek: chip.vcek.der,
      };
    }),
  );
  const [ark] = readCertificates(hierarchy.ark.der, 'ark', 'ask');
  const roots = [insecureRoot(parseCertificate(hierarchy.ark.der, 'ark'))];
  const shared = [
    ark as Collateral,
    { kind: 'ask' as const, data: hierarchy.ask.der },
    { kind: 'ark-crl' as const, data: hierarchy.crl.der },
  ];
  const crypto = rememberingCrypto(pooledNodeCrypto);
  const verifyAll = async () => {
    const queue = fleet.values();
    const worker = async () => {
      for (const { bytes, vek } of queue) {
        const collateral = [{ kind: 'vek' as const, data: vek }, ...shared];
        const verified = await verify(
          { form: 'report', bytes },
          collateral,
          roots,
          fakeNow,
          crypto,
        );
        if (appraise(verified, genuinePolicy).decision !== 'accepted')
          throw new Error('the report should be accepted');
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  };
  const start = performance.now();
  await verifyAll();
  const seconds = (performance.now() - start) / 1000;
  line(
    '1,000 reports under 1,000 VEKs, one process',
    `${(1000 / seconds).toFixed(0)} a second`,
    '400 or more',
  );
  const before = liveHeap();
  for (let round = 0; round < 4; round++) await verifyAll();
  const growth = (liveHeap() - before) / 2 ** 20;
  line('  heap growth over 4,000 more', `${growth.toFixed(0)} MB`, 'flat');
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

export async function benchColdStart(): Promise<void> {
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

export function benchTree(): void {
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
