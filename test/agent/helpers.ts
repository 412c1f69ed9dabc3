/** What the agent's tests share. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Koa from 'koa';
import { expect, onTestFinished } from 'vitest';
import type { Logger } from '#agent/errors.ts';
import type { EvidenceSource } from '#agent/source.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import {
  createInsecureAgent,
  createInsecureTdxAgent,
  type InsecureAgentOptions,
  type InsecureTdxAgentOptions,
} from '#test/fake/insecure-agent.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import type { Bytes } from '#verifier/bytes.ts';

/** Serves the app until the test is over. */
export async function urlOf(app: Koa): Promise<string> {
  const server = createServer(app.callback());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export type Recorder = Logger & { lines: string[] };

export function recorder(): Recorder {
  const lines: string[] = [];
  const write = (level: string) => (message: string, cause?: unknown) => {
    const why = cause instanceof Error ? ` ${cause.message}` : '';
    lines.push(`${level} ${message}${why}`);
  };
  return { lines, info: write('info'), warn: write('warn'), error: write('error') };
}

/** A device that answers, with what was asked of it. */
export function countingSource(
  hierarchy: AmdHierarchy,
  answer: (reportData: Bytes) => Bytes | Promise<Bytes> = createSnpDevice(hierarchy).report,
): EvidenceSource & { asked: Bytes[] } {
  const asked: Bytes[] = [];
  return {
    asked,
    platform: 'sev-snp',
    name: 'simulated device',
    async report(reportData) {
      asked.push(reportData);
      const evidence = await answer(reportData);
      const data = hierarchy.vcek.der;
      return { evidence, collateral: [{ kind: 'vek', data, source: 'test', fetched: fakeNow }] };
    },
  };
}

/** The code that a call is refused with; `accepted` when it is not. */
export async function codeOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

/** The insecure agent, listening, at the moment `fakeNow`. */
export async function startAgent(options: InsecureAgentOptions) {
  const logger = recorder();
  const agent = await createInsecureAgent({ now: () => fakeNow, logger, ...options });
  return { ...agent, logger, url: await urlOf(agent.app) };
}

/** The same on a simulated TDX machine. */
export async function startTdxAgent(options: InsecureTdxAgentOptions) {
  const logger = recorder();
  const agent = createInsecureTdxAgent({ now: () => fakeNow, logger, ...options });
  return { ...agent, logger, url: await urlOf(agent.app) };
}

/** The answer of a request that must be refused. */
export async function problemOf(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const text = await response.text();
  const problem = JSON.parse(text);
  expect(problem.status).toBe(response.status);
  return { status: response.status, code: problem.code, text, headers: response.headers };
}
