/** A service in this process, listening, on simulated evidence and a clock that stands. */
import { connect } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { bundleScene, sampleNonce } from '#test/verifier/scene.ts';
import { bundleMediaType } from '#verifier/abi/bundle.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { createApp } from '#verifier/serve/app.ts';
import type { ChallengeLimits } from '#verifier/serve/challenges.ts';
import { defaultLimits, type Limits, listen } from '#verifier/serve/host/listen.ts';
import { serviceCrypto } from '#verifier/serve/memory.ts';
import { Policies } from '#verifier/serve/policies.ts';
import type { DecisionEntry, ServiceDependencies } from '#verifier/serve/ports.ts';
import { Service } from '#verifier/serve/service.ts';
import type { Ui } from '#verifier/serve/ui.ts';

/** Policies as files: the built-in one, and one that no simulated guest fits. */
export const policyFiles: Record<string, unknown> = {
  'genuine.json': genuinePolicy,
  'other-software.json': {
    ...genuinePolicy,
    name: 'other software',
    sevSnp: { ...genuinePolicy.sevSnp, measurement: ['00'.repeat(48)] },
  },
  'fresh.json': { ...genuinePolicy, name: 'fresh', freshness: 'verifier-nonce' },
};

export function shelved(files: Record<string, unknown> = policyFiles): Policies {
  const policies = new Policies(() => []);
  const changes = policies.update(
    Object.entries(files).map(([file, policy]) => ({
      file,
      content: utf8(JSON.stringify(policy)),
    })),
    fakeNow,
  );
  expect(changes.map(({ result }) => result)).toEqual(changes.map(() => 'loaded'));
  return policies;
}

export type Options = Partial<ServiceDependencies> & {
  observed?: readonly string[];
  policies?: Policies;
  challenges?: ChallengeLimits;
  limits?: Partial<Limits>;
  ui?: Ui;
};

/** Every challenge has the nonce that the sample bundle answers. */
export async function startService(options: Options = {}) {
  const { observed = [], policies = shelved(), challenges, limits, ui = null, ...ports } = options;
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const entries: DecisionEntry[] = [];
  let drawn = 0;
  const { roots } = await bundleScene();
  const service = new Service(
    {
      roots,
      crypto: serviceCrypto(nodeCrypto),
      now: () => fakeNow,
      elapsed: () => performance.now() / 1000,
      random: (length) => {
        drawn += 1;
        return length === 32 ? sampleNonce : new Uint8Array(length).fill(drawn);
      },
      logger: { info: write('info'), warn: write('warn'), error: write('error') },
      decisionLog: { append: async (entry) => void entries.push(entry) },
      tokens: null,
      checker: null,
      ...ports,
    },
    {
      policies,
      observed: new Set(observed),
      challenges: challenges ?? { lifetime: 120, capacity: 1000 },
      ui,
    },
  );
  const server = await listen(
    createApp(service),
    { host: '127.0.0.1', port: 0 },
    (code) => service.metrics.errors.add({ code }),
    { ...defaultLimits, stopGraceMs: 500, ...limits },
  );
  onTestFinished(server.close);
  return {
    service,
    server,
    url: server.url,
    port: Number(new URL(server.url).port),
    lines,
    entries,
  };
}

export async function sampleBundle(): Promise<Bytes> {
  return (await bundleScene()).evidence.bytes;
}

export function post(url: string, body: Bytes | string, type = bundleMediaType, headers = {}) {
  return fetch(url, {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer> | string,
    headers: { 'content-type': type, ...headers },
  });
}

/** The verdict of a request that gets one. */
export async function verdictFrom(answer: Response) {
  const text = await answer.text();
  expect([answer.status, text]).toEqual([200, expect.stringMatching(/^\{/)]);
  return JSON.parse(text);
}

/** The problem of a request that gets no verdict. */
export async function problemOf(answer: Response) {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const text = await answer.text();
  const problem = JSON.parse(text);
  expect(problem.status).toBe(answer.status);
  return { status: answer.status, code: problem.code, text, headers: answer.headers };
}

export async function drawChallenge(url: string): Promise<string> {
  const answer = await fetch(`${url}/challenges`, { method: 'POST' });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

export async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

/** Writes the pieces with a pause between them, and gives what came back when the service hung up. */
export function rawExchange(
  port: number,
  pieces: Iterable<string | Bytes>,
  pause = 0,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    let over = false;
    const end = () => {
      over = true;
      resolve(answer);
    };
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', end).on('close', end);
    const send = async () => {
      for (const piece of pieces) {
        if (over) return;
        socket.write(piece);
        if (pause > 0) await new Promise((done) => setTimeout(done, pause));
      }
    };
    socket.on('connect', () => void send());
  });
}
