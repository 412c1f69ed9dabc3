import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { encodeResponse, type ResponseContent, signResponse } from '#verifier/abi/response.ts';
import { bigEndian, utf8 } from '#verifier/bytes.ts';
import { askEcho, EchoError } from './echo-client.ts';

const nonce = new Uint8Array(32).fill(7);
const request = utf8('hello');
const now = () => Math.floor(Date.now() / 1000);

/** A service that answers every connection with these words. */
async function serviceThatSays(words: string): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).end(words);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const response = (changes: Partial<ResponseContent> = {}) => {
  const content = { service: 'echo', nonce, time: now(), request, body: request, ...changes };
  return `${encodeResponse(signResponse(content, bigEndian(1, 32)))}\n`;
};

test('gives the response and its text', async () => {
  const words = response();
  const { response: found, json } = await askEcho({
    ...(await serviceThatSays(words)),
    nonce,
    request,
  });
  expect(`${json}\n`).toBe(words);
  expect(found).toMatchObject({ service: 'echo', nonce, request });
});

test.each([
  ['another nonce', response({ nonce: new Uint8Array(32) }), /nonce/],
  ['another request', response({ request: utf8('bye') }), /request/],
  ['another body', response({ body: utf8('bye') }), /body/],
  ['an old time', response({ time: now() - 1000 }), /clock/],
  ['a refusal', '{"error":"bad-request"}\n', /refused/],
  ['half a line', '{"version":1', /whole line/],
  ['a line without end', 'x'.repeat(20_000), /too long/],
])('refuses %s', async (_, words, problem) => {
  const asked = askEcho({ ...(await serviceThatSays(words)), nonce, request });
  await expect(asked).rejects.toThrow(problem);
  await expect(asked).rejects.toBeInstanceOf(EchoError);
});

test('refuses what is no response', async () => {
  const address = await serviceThatSays('<html>\n');
  await expect(askEcho({ ...address, nonce, request })).rejects.toMatchObject({
    code: 'json-malformed',
  });
});
