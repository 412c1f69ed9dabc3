/** `affidavit verify https://…`: the evidence must name this very connection. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type AgentTls, serve } from '#agent/listen.ts';
import { openTls } from '#agent/tls.ts';
import { recorder } from '#test/agent/helpers.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { createInsecureAgent, type InsecureAgentOptions } from '#test/fake/insecure-agent.ts';
import { createIntel } from '#test/fake/intel.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { tlsKeyChannel } from '#verifier/abi/report-data.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { spkiOf } from '#verifier/cli/peer.ts';
import { codeOf } from '../code-of.ts';
import { affidavit } from './run.ts';

const now = () => Math.floor(Date.now() / 1000);
const folder = mkdtempSync(join(tmpdir(), 'affidavit-channel-'));
const roots = join(folder, 'roots.pem');
const bound = join(folder, 'policy.json');
let hierarchy: AmdHierarchy;

beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan', now: now() });
  writeFileSync(roots, hierarchy.rootsPem());
  writeFileSync(bound, JSON.stringify({ ...genuinePolicy, channel: ['tls-exporter'] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const newTls = () =>
  openTls({
    certificateLifetime: 1,
    now,
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    logger: recorder(),
  });

async function listen(app: Koa, tls: AgentTls | null): Promise<string> {
  const server = await serve(app, { host: '127.0.0.1', port: 0 }, tls);
  onTestFinished(() => server.close());
  return server.url;
}

/** An agent at an address, over TLS unless told otherwise. */
async function agentAt(
  tls: AgentTls | null,
  channelOf?: InsecureAgentOptions['channelOf'],
): Promise<string> {
  const found = channelOf ?? tls?.channelOf;
  const agent = await createInsecureAgent({
    hierarchy,
    logger: recorder(),
    ...(found && { channelOf: found }),
  });
  return listen(agent.app, tls);
}

/** Who stands in between, and passes everything on. */
async function relayTo(agent: string, tls: AgentTls | null): Promise<string> {
  const app = new Koa().use(async (ctx) => {
    const { status, type, body } = await fetchAnyone(agent + ctx.url);
    ctx.status = status;
    ctx.type = type;
    ctx.body = body;
  });
  return listen(app, tls);
}

function fetchAnyone(url: string): Promise<{ status: number; type: string; body: Buffer }> {
  const options: RequestOptions = { rejectUnauthorized: false };
  return new Promise((done, fail) => {
    request(url, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        done({
          status: statusCode,
          type: String(headers['content-type']),
          body: Buffer.concat(parts),
        });
      });
    })
      .on('error', fail)
      .end();
  });
}

type Check = { id: string; status: string; expected: string | null; actual: string | null };

async function verify(url: string, ...more: string[]) {
  const { code, stdout, stderr } = await affidavit([
    'verify',
    url,
    '--insecure-root',
    roots,
    '--format',
    'json',
    ...more,
  ]);
  const found = JSON.parse(stdout) as { checks?: Check[]; warnings?: string[] };
  const checks = found.checks ?? [];
  const failed = checks.filter(({ status }) => status !== 'pass' && status !== 'waived');
  const check = (id: string) => checks.find((one) => one.id === id);
  return { code, stderr, found, failed: failed.map(({ id }) => id), check };
}

describe('over TLS to the agent itself', () => {
  test('is accepted under a policy that asks for the exporter', async () => {
    const agent = await agentAt(await newTls());
    const { code, failed, check, found } = await verify(agent, '--policy', bound);
    expect({ code, failed }).toEqual({ code: 0, failed: [] });
    expect(check('binding.channel')).toMatchObject({ status: 'pass' });
    expect(check('policy.channel')).toMatchObject({ status: 'pass', actual: 'tls-exporter' });
    expect(found.warnings?.join()).not.toContain('bound to no channel');
  });

  test('a bundle that names the key alone is accepted too, and meets that policy not', async () => {
    const tls = await newTls();
    const agent = await agentAt(tls, () => tlsKeyChannel(tls.spki));
    expect(await verify(agent)).toMatchObject({ code: 0, failed: [] });
    const strict = await verify(agent, '--policy', bound);
    expect(strict).toMatchObject({ code: 10, failed: ['policy.channel'] });
  });

  test.each([
    ['another key', (tls: AgentTls) => tlsKeyChannel(tls.spki.with(80, 0))],
    [
      'another session',
      () => ({ kind: 'tls-exporter', hash: new Uint8Array(32).fill(7) }) as const,
    ],
    ['a Noise session', () => ({ kind: 'noise', hash: new Uint8Array(32).fill(7) }) as const],
  ])('one that names %s is invalid', async (_, channelOf) => {
    const tls = await newTls();
    const agent = await agentAt(tls, () => channelOf(tls));
    const { code, failed } = await verify(agent);
    expect({ code, failed }).toEqual({ code: 20, failed: ['binding.channel'] });
  });
});

describe('through a relay with a certificate of its own', () => {
  test('evidence of the session behind it is invalid', async () => {
    const relay = await relayTo(await agentAt(await newTls()), await newTls());
    const { code, failed, check } = await verify(relay);
    expect({ code, failed }).toEqual({ code: 20, failed: ['binding.channel'] });
    const { expected, actual } = check('binding.channel') as Check;
    expect(expected).toMatch(/^tls-exporter [0-9a-f]{64}$/);
    expect(actual).toMatch(/^tls-exporter [0-9a-f]{64}$/);
    expect(actual).not.toBe(expected);
  });

  test('and so is the key behind it', async () => {
    const tls = await newTls();
    const relay = await relayTo(await agentAt(tls, () => tlsKeyChannel(tls.spki)), await newTls());
    const { code, failed } = await verify(relay);
    expect({ code, failed }).toEqual({ code: 20, failed: ['binding.channel'] });
  });

  test('the same relay with the agent’s own key still has another session', async () => {
    const tls = await newTls();
    const relay = await relayTo(await agentAt(tls), tls);
    expect(await verify(relay)).toMatchObject({ code: 20, failed: ['binding.channel'] });
  });

  test('over plain HTTP, evidence of a TLS session is invalid too', async () => {
    const relay = await relayTo(await agentAt(await newTls()), null);
    expect(await verify(relay)).toMatchObject({ code: 20, failed: ['binding.channel'] });
  });
});

describe('evidence that binds no channel', () => {
  test.each([
    ['over plain HTTP', () => agentAt(null)],
    ['behind a proxy that ends TLS', async () => agentAt(await newTls(), () => null)],
  ])('%s is said to be relayable, and is for the policy', async (_, start) => {
    const agent = await start();
    const { code, check, found } = await verify(agent);
    expect(code).toBe(0);
    expect(check('binding.channel')?.actual).toMatch(/^none/);
    expect(found.warnings?.join()).toContain('bound to no channel');
    const strict = await verify(agent, '--policy', bound);
    expect(strict).toMatchObject({ code: 10, failed: ['policy.channel'] });
  });
});

test('a redirect is not followed, not even to the agent', async () => {
  const agent = await agentAt(await newTls());
  const app = new Koa().use((ctx) => ctx.redirect(agent + ctx.url));
  const { code, found } = await verify(await listen(app, await newTls()));
  expect(code).toBe(20);
  expect(found).toMatchObject({ error: { code: 'agent-answer' } });
  expect((await verify(agent)).code).toBe(0);
});

describe('the key of a certificate', () => {
  test('is read from any, byte for byte', () => {
    const intel = createIntel();
    for (const { der } of [intel.root, intel.tcbSigning, hierarchy.ark, hierarchy.vcek]) {
      expect(toHex(spkiOf(der))).toBe(toHex(parseCertificate(der, 'certificate').spki));
    }
  });

  test.each<[string, (der: Bytes) => Bytes]>([
    ['nothing', () => new Uint8Array()],
    ['half of it', (der) => der.slice(0, 60)],
    ['rubbish', (der) => der.map(() => 0x30)],
  ])('%s has none', (_, edit) => {
    expect(codeOf(() => spkiOf(edit(hierarchy.vcek.der)))).toBe('der-malformed');
  });
});
