import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { gzip } from '#agent/closure/gzip.ts';
import { answerClosure, servedClosure } from '#agent/closure/served.ts';
import { closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { toHex } from '#verifier/bytes.ts';
import { storePath } from './fake-store.ts';

const manifest = encodeManifest(
  ['0', '1', '2'].map((digit) => ({ path: storePath(digit), narHash: new Uint8Array(32) })),
);
const digest = closureDigest(manifest);
const served = servedClosure({ manifest, closureDigest: digest }, gzip);
const plain = `"${toHex(digest)}"`;
const zipped = `"${toHex(digest)}-gzip"`;

test('the manifest goes out as it is', () => {
  const { status, headers, body } = answerClosure(served, {});
  expect({ status, body }).toEqual({ status: 200, body: manifest });
  expect(headers).toEqual({
    ETag: plain,
    Vary: 'Accept-Encoding',
    'Cache-Control': 'no-cache',
    'Content-Type': 'text/plain; charset=utf-8',
  });
});

test.each<[string, boolean]>([
  ['gzip', true],
  ['deflate, GZIP;q=0.5', true],
  ['*', true],
  ['x-gzip', true],
  ['', false],
  ['identity', false],
  ['gzip;q=0', false],
  ['gzip; q=0.000, *', false],
  ['*;q=0', false],
  ['gzipped', false],
])('Accept-Encoding %j: gzip %s', (acceptEncoding, expected) => {
  const { headers, body } = answerClosure(served, { acceptEncoding });
  expect(headers['Content-Encoding']).toBe(expected ? 'gzip' : undefined);
  expect(headers['ETag']).toBe(expected ? zipped : plain);
  const bytes = expected ? new Uint8Array(gunzipSync(body ?? '')) : body;
  expect(bytes).toEqual(manifest);
});

test.each<[string, number]>([
  [plain, 304],
  [zipped, 304],
  [`"x", W/${plain}`, 304],
  ['*', 304],
  ['"x"', 200],
  [toHex(digest), 200],
  ['', 200],
])('If-None-Match %s: %d', (ifNoneMatch, status) => {
  const answer = answerClosure(served, { ifNoneMatch, acceptEncoding: 'gzip' });
  expect(answer.status).toBe(status);
  expect(answer.body === null).toBe(status === 304);
  expect(answer.headers['ETag']).toBe(zipped);
});
