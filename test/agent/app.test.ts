import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createMetrics } from '#agent/metrics.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import type { InsecureAgentOptions } from '#test/fake/insecure-agent.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type Bundle, bundleMediaType, parseBundle } from '#verifier/abi/bundle.ts';
import { closureDigest } from '#verifier/abi/closure.ts';
import { logDigest, parseLog } from '#verifier/abi/log.ts';
import { bindingOf, deviceDigest, freshnessOf, reportDataOf } from '#verifier/abi/report-data.ts';
import { serviceId } from '#verifier/abi/service.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { parseTreeProof, verifyTreeProof } from '#verifier/abi/tree-proof.ts';
import { concat, toHex, utf8 } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { countingSource, problemOf, startAgent, urlOf } from './helpers.ts';

const nonce = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

const start = (options: InsecureAgentOptions = {}) => startAgent({ hierarchy, ...options });

async function fetchBundle(url: string): Promise<Bundle> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return parseBundle(new Uint8Array(await response.arrayBuffer()));
}

describe('/attestation', () => {
  test('answers a bundle whose digests and REPORT_DATA all recompute', async () => {
    const { url, state } = await start();
    const response = await fetch(`${url}/attestation?nonce=${nonce}`);
    expect(response.headers.get('content-type')).toBe(bundleMediaType);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const bundle = parseBundle(new Uint8Array(await response.arrayBuffer()));

    expect(bundle).toMatchObject({
      platform: 'sev-snp',
      freshness: 'verifier',
      epoch: fakeNow,
      channel: null,
      devices: [],
    });
    expect(toHex(bundle.nonce)).toBe(nonce);
    expect(bundle.bound).toEqual({
      closureDigest: closureDigest(state.manifest),
      treeRoot: state.tree.root,
      deviceDigest: deviceDigest([]),
      logDigest: logDigest(bundle.log),
    });
    const { reportData } = parseReport(bundle.evidence);
    const freshness = freshnessOf(bundle.nonce, null, bundle.epoch);
    expect(reportData).toEqual(reportDataOf(bindingOf(bundle.bound), freshness));
  });

  test('logs the first tree as that of the boot', async () => {
    const { url, state } = await start();
    const { log } = await fetchBundle(`${url}/attestation?nonce=${nonce}`);
    expect(parseLog(log).entries).toEqual([
      { kind: 'tree', time: fakeNow, treeRoot: state.tree.root, reason: 'boot' },
    ]);
  });

  test('carries vek, ask, ark and ark-crl, or what it was told to leave', async () => {
    const { url } = await start();
    const { collateral } = await fetchBundle(`${url}/attestation`);
    expect(collateral.map(({ kind }) => kind)).toEqual(['vek', 'ask', 'ark', 'ark-crl']);
    expect(collateral.map(({ data }) => data)).toEqual([
      hierarchy.vcek.der,
      hierarchy.ask.der,
      hierarchy.ark.der,
      hierarchy.crl.der,
    ]);
    const less = await start({ noCollateral: ['vek', 'ark-crl'], fields: { signingKey: 'vlek' } });
    const rest = await fetchBundle(`${less.url}/attestation`);
    expect(rest.collateral.map(({ kind }) => kind)).toEqual(['ask', 'ark']);
    expect(rest.collateral[0]?.data).toEqual(hierarchy.asvk.der);
  });

  test('asked without a nonce draws one, another each time, and says so', async () => {
    const { url } = await start();
    const [a, b] = [
      await fetchBundle(`${url}/attestation`),
      await fetchBundle(`${url}/attestation`),
    ];
    expect(a.freshness).toBe('agent');
    expect(toHex(a.nonce)).not.toBe(toHex(b.nonce));
  });

  test('one nonce asked twice gets two reports of the device, none cached', async () => {
    const source = countingSource(hierarchy);
    const { url } = await start({ source });
    const a = await fetchBundle(`${url}/attestation?nonce=${nonce}`);
    const b = await fetchBundle(`${url}/attestation?nonce=${nonce}`);
    expect(source.asked).toHaveLength(2);
    // ECDSA draws a random k: equal signatures would be one report.
    expect(toHex(a.evidence)).not.toBe(toHex(b.evidence));
  });

  test('answers HEAD with the headers alone', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/attestation`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(bundleMediaType);
    expect(await response.text()).toBe('');
  });

  test.each([
    ['?nonce=', 'nonce-malformed'],
    ['?nonce=00', 'nonce-malformed'],
    [`?nonce=${nonce.toUpperCase()}`, 'nonce-malformed'],
    [`?nonce=0x${nonce.slice(2)}`, 'nonce-malformed'],
    [`?nonce=${nonce}00`, 'nonce-malformed'],
    [`?nonce=${nonce}&nonce=${nonce}`, 'query-malformed'],
    [`?nonce=${nonce}&x=1`, 'query-malformed'],
    [`?Nonce=${nonce}`, 'query-malformed'],
    [`?channel=${nonce}`, 'query-malformed'],
  ])('refuses %s with %s and asks no device', async (query, code) => {
    const source = countingSource(hierarchy);
    const { url } = await start({ source });
    const problem = await problemOf(`${url}/attestation${query}`);
    expect(problem).toMatchObject({ status: 400, code });
    expect(problem.headers.get('cache-control')).toBe('no-store');
    expect(source.asked).toHaveLength(0);
  });
});

describe('the other resources', () => {
  test('/services lists what the tree holds', async () => {
    const { url, state } = await start();
    const response = await fetch(`${url}/services`);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({
      version: 1,
      treeRoot: toHex(fieldToBytes(state.tree.root)),
      services: state.services.map(({ name, narHash, publicKey, storePath }) => ({
        name,
        id: toHex(serviceId(name)),
        narHash: toHex(narHash),
        publicKey: toHex(publicKey),
        storePath,
      })),
    });
    expect(state.services.map(({ name }) => name)).toEqual(['echo-node', 'echo-cpp', 'echo-rust']);
  });

  test('/proofs/:name proves presence and absence against the root', async () => {
    const { url, state } = await start();
    const root = state.tree.root;
    const present = parseTreeProof(await (await fetch(`${url}/proofs/echo-cpp`)).text());
    const found = verifyTreeProof(present, { root, name: 'echo-cpp', claim: 'present' });
    const [, cpp] = state.services;
    expect(found).toEqual({ narHash: cpp?.narHash, publicKey: cpp?.publicKey });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'echo-cpp2']) {
      const absent = parseTreeProof(await (await fetch(`${url}/proofs/${name}`)).text());
      expect(verifyTreeProof(absent, { root, name, claim: 'absent' })).toBeNull();
    }
  });

  test.each(['Echo', '-x', 'a%2fb', '%ff', '%zz', 'x'.repeat(65), 'a%00'])(
    '/proofs/%s is refused: no service can have this name',
    async (name) => {
      const { url } = await start();
      expect(await problemOf(`${url}/proofs/${name}`)).toMatchObject({
        status: 400,
        code: 'name-malformed',
      });
    },
  );

  test('/closure is the manifest, byte for byte', async () => {
    const { url, state } = await start();
    const response = await fetch(`${url}/closure`);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const body = new Uint8Array(await response.arrayBuffer());
    const hash = createHash('sha256').update(concat(utf8('affidavit/closure/v1\0'), body));
    expect(hash.digest('hex')).toBe(toHex(state.closureDigest));
  });

  test('/healthz answers without the device', async () => {
    const source = countingSource(hierarchy);
    const { url } = await start({ source });
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
    expect(source.asked).toHaveLength(0);
  });

  test.each(['/services', '/closure', '/healthz', '/openapi.json', '/proofs/echo-cpp'])(
    '%s answers GET and HEAD; no query, no other method',
    async (path) => {
      const { url } = await start();
      const get = await fetch(url + path);
      const head = await fetch(url + path, { method: 'HEAD' });
      expect([get.status, head.status]).toEqual([200, 200]);
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
      expect(await problemOf(`${url}${path}?x`)).toMatchObject({ code: 'query-malformed' });
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND']) {
        const problem = await problemOf(url + path, { method });
        expect(problem).toMatchObject({ status: 405, code: 'method-not-allowed' });
        expect(problem.headers.get('allow')).toBe('GET, HEAD');
      }
    },
  );

  test.each(['/', '/Services', '/services/', '/proofs', '/proofs/', '/proofs/a/b', '/%2e%2e/x'])(
    '%s is not found, whatever the method',
    async (path) => {
      const { url } = await start();
      expect(await problemOf(url + path)).toMatchObject({ status: 404, code: 'not-found' });
      const post = await problemOf(url + path, { method: 'POST' });
      expect(post).toMatchObject({ status: 404, code: 'not-found' });
    },
  );
});

test('the channel comes from the connection and goes into REPORT_DATA', async () => {
  const { createApp } = await import('#agent/app.ts');
  const { state, source, logger } = await start();
  const hash = new Uint8Array(32).fill(7);
  const seen: unknown[] = [];
  const app = createApp({
    state: () => state,
    source: () => source,
    channelOf: (connection) => {
      seen.push(connection.remoteAddress);
      return { kind: 'tls-key', hash };
    },
    now: () => fakeNow,
    random: (length) => new Uint8Array(length),
    logger,
    metrics: createMetrics(),
    gzip: (bytes) => bytes,
  });
  const bundle = await fetchBundle(`${await urlOf(app)}/attestation`);
  expect(seen).toEqual(['127.0.0.1']);
  expect(bundle.channel).toEqual({ kind: 'tls-key', hash });
  const freshness = freshnessOf(bundle.nonce, bundle.channel, bundle.epoch);
  expect(parseReport(bundle.evidence).reportData.slice(32)).toEqual(freshness);
});
