/**
 * INSECURE: the agent on a simulated AMD processor. `agent-load-server.ts DEVICE FAULTS [QUEUE TIMEOUT HANG]` serves, one in
 * FAULTS calls failing or hanging by turns (0: none); `agent-load-server.ts DEVICE rate` prints the device's own calls a
 * second. DEVICE `sign` signs in a thread; `wait` takes as long as that and no time of this machine's processors, as a
 * processor of its own does, and leaves the signature out, which the agent does not read.
 */
import { sign } from 'node:crypto';
import { promisify } from 'node:util';
import { deviceLimits } from '#agent/cli.ts';
import { serve } from '#agent/listen.ts';
import type { EvidenceSource } from '#agent/source.ts';
import { createAmdHierarchy } from '#test/fake/amd.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { signedLength } from '#verifier/abi/snp.ts';
import type { Bytes } from '#verifier/bytes.ts';

const signAside = promisify(sign);
const noSignature = { r: new Uint8Array(72), s: new Uint8Array(72) };

const hierarchy = await createAmdHierarchy({
  product: 'Milan',
  now: Math.floor(Date.now() / 1000),
});
const device = createSnpDevice(hierarchy);
const key = hierarchy.keys.vcek.privateKey;
const data = hierarchy.vcek.der;

/** What a signature takes where nothing else runs: 2.1 to 2.3 ms. */
const deviceMs = 2;
const [kind = 'sign', ...rest] = process.argv.slice(2);

async function report(reportData: Bytes): Promise<Bytes> {
  const bytes = device.report(reportData, { with: { signature: noSignature } });
  if (kind === 'wait') {
    await new Promise((done) => setTimeout(done, deviceMs));
    return bytes;
  }
  const signed = bytes.subarray(0, signedLength);
  const signature = new Uint8Array(
    await signAside('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }),
  );
  const half = signature.length / 2;
  bytes.set(signature.slice(0, half).reverse(), signedLength);
  bytes.set(signature.slice(half).reverse(), signedLength + 72);
  return bytes;
}

/** By turns an error, and a hang that ends long after everybody has given up. */
async function fault(count: number, hangMs: number): Promise<void> {
  if (count % 2 === 0) throw Object.assign(new Error('the firmware failed'), { code: 'EIO' });
  await new Promise((done) => setTimeout(done, 2 * hangMs));
}

async function main([mode = '0', queue, timeoutMs, hangMs]: string[]): Promise<void> {
  if (mode === 'rate') {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < 3000) {
      await report(new Uint8Array(64).fill(calls & 0xff));
      calls += 1;
    }
    console.log((calls / (performance.now() - start)) * 1000);
    return;
  }
  const limits =
    queue === undefined
      ? deviceLimits
      : { ...deviceLimits, queue: +queue, timeoutMs: Number(timeoutMs), hangMs: Number(hangMs) };
  const every = Number(mode);
  let calls = 0;
  let faults = 0;
  const source: EvidenceSource = {
    platform: 'sev-snp',
    name: 'INSECURE simulated AMD processor',
    async report(reportData) {
      calls += 1;
      if (every > 0 && calls % every === 0) await fault(faults++, limits.hangMs);
      const collateral = [{ kind: 'vek' as const, data, source: 'simulated', fetched: 1 }];
      return { evidence: await report(reportData), collateral };
    },
  };
  const silent = { info() {}, warn() {}, error() {} };
  const { app } = await createInsecureAgent({ hierarchy, source, limits, logger: silent });
  const server = await serve(app, { host: '127.0.0.1', port: 0 });
  console.log(server.url);
}

await main(rest);
