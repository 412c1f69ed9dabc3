/** A mirror on 127.0.0.1 before a simulated vendor, asked as a verifier asks. */
import { request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { amdReplies, intelReplies, type Replies, vcekPath } from '#test/fake/vendor-server.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { encodeTcb } from '#verifier/abi/snp-tcb.ts';
import { collect, type Found } from '#verifier/collateral/collect.ts';
import { createSource } from '#verifier/collateral/host/client.ts';
import { memoryStore } from '#verifier/collateral/host/memory.ts';
import { createMirror } from '#verifier/collateral/host/mirror.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';
import { listen } from '#verifier/serve/host/listen.ts';
import { deadReplies, scene, states } from '../collecting.ts';

const day = 86_400;
const milan = await hierarchyOf('Milan');
const intel = intelOf('tdx');
const both: Replies = (path) => amdReplies(milan)(path) ?? intelReplies(intel)(path);
const { hardwareId, tcb, product } = milan;
const objects: readonly VendorObject[] = [
  { kind: 'vcek', product, hardwareId, tcb: encodeTcb(product, tcb) },
  { kind: 'amd-chain', product, key: 'vlek' },
  { kind: 'amd-crl', product, key: 'vcek' },
  { kind: 'tcb-info', tee: 'tdx', fmspc: intel.machine.fmspc, update: 'standard' },
  { kind: 'qe-identity', tee: 'tdx', update: 'early' },
  { kind: 'pck-crl', ca: 'platform' },
  { kind: 'pck-crl', ca: 'processor' },
  { kind: 'intel-root-crl' },
];

async function startMirror(replies: Replies = both, now = fakeNow) {
  const upstream = scene(replies, [milan.ark.der, intel.root.der], now);
  const answered: Found[] = [];
  const failures: unknown[] = [];
  const app = createMirror({
    tools: () => upstream.tools,
    answered: (found) => answered.push(found),
    failed: (error) => failures.push(error),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, () => {});
  onTestFinished(() => server.close());
  return { ...upstream, url: server.url, answered, failures };
}

/** Another machine, which trusts the vendors and asks the mirror. */
function verifierOf(url: string, roots = [milan.ark.der, intel.root.der]) {
  const { tools } = scene(deadReplies, roots, fakeNow);
  const source = createSource({ store: memoryStore(), now: () => fakeNow, environment: {} });
  // The mirror's clock is the real one.
  const undated = {
    get: async (address: string, limit: number) => ({
      ...(await source.get(address, limit)),
      date: null,
    }),
  };
  return { ...tools, source: undated, endpoints: { amd: url, intel: url, intelRoot: null } };
}

function ask(
  url: string,
  method = 'GET',
): Promise<{ status: number; headers: object; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    asked.on('error', reject).end();
  });
}

test('gives every kind of object as its vendor does, asked for once', async () => {
  const { url, requests, answered, failures } = await startMirror();
  for (const wanted of [1, 2]) {
    const { found } = await collect(objects, verifierOf(url));
    expect(new Set(Object.values(states(found)))).toEqual(new Set(['fetched']));
    expect([wanted, new Set(requests).size]).toEqual([wanted, requests.length]);
  }
  expect(answered.length).toBeGreaterThan(objects.length);
  expect(failures).toEqual([]);
});

test('is not trusted: what it serves is verified under the verifier’s own roots', async () => {
  const { url } = await startMirror();
  const other = await hierarchyOf('Genoa');
  const { found } = await collect(objects.slice(0, 1), verifierOf(url, [other.ark.der]));
  expect(found.at(-1)).toMatchObject({ state: 'absent', problem: { code: 'answer-unsigned' } });
});

test('hands out nothing that ended, and says what is behind it', async () => {
  const later = await startMirror(both, fakeNow + 400 * day);
  const crl = await ask(`${later.url}/vcek/v1/Milan/crl`);
  expect([crl.status, crl.body]).toEqual([502, expect.stringMatching(/^answer-expired: /)]);
  const dead = await startMirror(deadReplies);
  const none = await ask(`${dead.url}/vcek/v1/Milan/cert_chain`);
  expect([none.status, none.body]).toEqual([502, expect.stringMatching(/^vendor-unreachable: /)]);
  const unknown = await startMirror(() => null);
  expect((await ask(`${unknown.url}/vcek/v1/Milan/cert_chain`)).status).toBe(404);
});

test('answers GET at the vendors’ paths alone', async () => {
  const { url, requests } = await startMirror();
  const good = `${url}${vcekPath(milan)}`;
  expect((await ask(good)).status).toBe(200);
  const asked = requests.length;
  for (const path of [
    '/',
    '/metrics',
    '/vcek/v1/Milan/crl?x=1',
    '/vcek/v1/Rome/crl',
    `/${'x'.repeat(3000)}`,
  ]) {
    expect([path.slice(0, 20), (await ask(url + path)).status]).toEqual([path.slice(0, 20), 404]);
  }
  for (const method of ['POST', 'HEAD', 'DELETE']) {
    const { status, headers } = await ask(good, method);
    expect([method, status, headers]).toMatchObject([method, 405, { allow: 'GET' }]);
  }
  expect(requests).toHaveLength(asked);
});

test('refuses more than 64 at once, and goes on after that', async () => {
  let release = (): void => {};
  const waiting = new Promise<void>((done) => {
    release = done;
  });
  const { url, tools } = await startMirror();
  const { source } = tools;
  tools.source = {
    get: async (address, limit) => {
      await waiting;
      return (source as NonNullable<typeof source>).get(address, limit);
    },
  };
  const path = `${url}/vcek/v1/Milan/cert_chain`;
  const first = Array.from({ length: 64 }, () => ask(path));
  await expect.poll(async () => (await ask(path)).status, { timeout: 10_000 }).toBe(503);
  release();
  const statuses = (await Promise.all(first)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(60);
  expect((await ask(path)).status).toBe(200);
});
