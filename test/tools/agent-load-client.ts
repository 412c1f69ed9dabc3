/**
 * Asks an agent for evidence and prints what came, as JSON. `agent-load-client.ts URL SECONDS RATE SAMPLE`: RATE requests
 * a second whether or not the last ones are answered (open loop; time counts from when a request was due), 0: as many as 50
 * connections carry; every SAMPLEth answer is read as a bundle and recomputed.
 Two seconds
 * of one request after the other come first and are not counted.
 */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { bindingOf, freshnessOf, reportDataOf } from '#verifier/abi/report-data.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { type Bytes, equalBytes, toHex } from '#verifier/bytes.ts';

export type LoadResult = {
  answered: number;
  /** 200s. */
  good: number;
  /** Problems by code; `connection` for what got none. */
  problems: Record<string, number>;
  /** 200s that are not of their nonce, among those that were read. */
  wrong: number;
  read: number;
  /** Of 200s, milliseconds. */
  p50: number;
  p99: number;
  seconds: number;
  /** 200s a second. */
  rate: number;
};

const connections = 50;
const [url = '', seconds = '10', rate = '300', sample = '1'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const { hostname, port } = new URL(url);

const times: number[] = [];
const problems: Record<string, number> = {};
let answered = 0;
let wrong = 0;
let read = 0;
/** A report that was given to two would be here before. */
const seen = new Set<string>();

async function ask(due: number): Promise<void> {
  const nonce = new Uint8Array(randomBytes(32));
  const path = `/attestation?nonce=${toHex(nonce)}`;
  const reply = await get(path).catch(() => null);
  answered += 1;
  if (reply?.status === 200) {
    times.push(performance.now() - due);
    if (times.length % Number(sample) === 0) judge(reply.body, nonce);
    return;
  }
  const code = reply === null ? 'connection' : String(JSON.parse(reply.body.toString()).code);
  problems[code] = (problems[code] ?? 0) + 1;
}

function get(path: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((done, fail) => {
    request({ agent, host: hostname, port, path }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        done({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }),
      );
      response.on('error', fail);
    })
      .on('error', fail)
      .end();
  });
}

function judge(body: Buffer, nonce: Bytes): void {
  read += 1;
  const bundle = parseBundle(new Uint8Array(body));
  const freshness = freshnessOf(nonce, bundle.channel, bundle.epoch);
  const { reportData } = parseReport(bundle.evidence);
  const evidence = toHex(bundle.evidence);
  const right =
    equalBytes(bundle.nonce, nonce) &&
    equalBytes(reportData, reportDataOf(bindingOf(bundle.bound), freshness)) &&
    !seen.has(evidence);
  seen.add(evidence);
  if (!right) wrong += 1;
}

/** The compiler's work, which a machine that has run for a while has behind it. */
const warmUp = performance.now() + 2000;
while (performance.now() < warmUp) await get('/attestation').catch(() => null);

const start = performance.now();
const end = start + Number(seconds) * 1000;
const pending = new Set<Promise<void>>();
if (Number(rate) > 0) {
  const step = 1000 / Number(rate);
  for (let due = start; due < end; due += step) {
    const early = due - performance.now();
    if (early > 1) await sleep(early);
    const one = ask(due).finally(() => pending.delete(one));
    pending.add(one);
  }
} else {
  const worker = async () => {
    while (performance.now() < end) await ask(performance.now());
  };
  for (let i = 0; i < connections; i++) pending.add(worker());
}
await Promise.all(pending);
const took = (performance.now() - start) / 1000;
times.sort((a, b) => a - b);
const at = (share: number) =>
  times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
const result: LoadResult = {
  answered,
  good: times.length,
  problems,
  wrong,
  read,
  p50: at(0.5),
  p99: at(0.99),
  seconds: took,
  rate: times.length / took,
};
console.log(JSON.stringify(result));
agent.destroy();
