import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { reportScene } from '#test/verifier/scene.ts';
import { toBase64, utf8 } from '#verifier/bytes.ts';
import type { GivenProof } from '#verifier/serve/ports.ts';
import {
  drawChallenge,
  metricsOf,
  post,
  problemOf,
  sampleBundle,
  startService,
  verdictFrom,
} from './helpers.ts';

const json = 'application/json';
const binary = 'application/octet-stream';

describe('challenges', () => {
  test('a bundle that answers one is fresh, once', async () => {
    const { url } = await startService();
    const id = await drawChallenge(url);
    const ask = async () =>
      post(`${url}/verify?policy=fresh&challenge=${id}`, await sampleBundle());
    const verdict = await verdictFrom(await ask());
    expect(verdict.decision).toBe('accepted');
    expect(await problemOf(await ask())).toMatchObject({ status: 409, code: 'challenge-spent' });
  });

  test('a bundle with another nonce does not answer it', async () => {
    const { url } = await startService({ random: (length) => new Uint8Array(length).fill(9) });
    const id = await drawChallenge(url);
    const answer = await post(`${url}/verify?policy=fresh&challenge=${id}`, await sampleBundle());
    expect((await verdictFrom(answer)).decision).toBe('invalid');
  });

  test('of 100 requests at once with one challenge, one is decided', async () => {
    const { url, entries } = await startService();
    const id = await drawChallenge(url);
    const bundle = await sampleBundle();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => post(`${url}/verify?policy=fresh&challenge=${id}`, bundle)),
    );
    const counts = Map.groupBy(answers, ({ status }) => status);
    expect([counts.get(200)?.length, counts.get(409)?.length]).toEqual([1, 99]);
    expect(entries).toMatchObject([{ decision: 'accepted', policyName: 'fresh' }]);
    expect(await metricsOf(url)).toContain('affidavit_challenges_used_total 1\n');
  });

  test('a request that is refused before evidence is looked at leaves it open', async () => {
    const { url } = await startService();
    const id = await drawChallenge(url);
    const bundle = await sampleBundle();
    const { evidence } = await reportScene();
    const spoiled = [
      await post(`${url}/verify?policy=nothing&challenge=${id}`, bundle),
      await post(`${url}/verify?policy=fresh&challenge=${id}`, bundle, 'text/plain'),
      await post(`${url}/verify?policy=fresh&challenge=${id}`, bundle, json, { accept: 'x/y' }),
      await post(`${url}/verify?policy=fresh&challenge=${id}`, evidence.bytes, binary),
    ];
    const codes = await Promise.all(spoiled.map(async (answer) => (await problemOf(answer)).code));
    expect(codes).toEqual([
      'policy-unknown',
      'media-type-unknown',
      'not-acceptable',
      'challenge-misplaced',
    ]);
    const answer = await post(`${url}/verify?policy=fresh&challenge=${id}`, bundle);
    expect((await verdictFrom(answer)).decision).toBe('accepted');
  });

  test('runs out', async () => {
    let now = fakeNow;
    const { url } = await startService({ now: () => now });
    const [one, other] = [await drawChallenge(url), await drawChallenge(url)];
    const ask = async (id: string) =>
      post(`${url}/verify?policy=fresh&challenge=${id}`, await sampleBundle());
    now = fakeNow + 119;
    expect((await ask(one)).status).toBe(200);
    now = fakeNow + 120;
    expect(await problemOf(await ask(other))).toMatchObject({ code: 'challenge-spent' });
  });

  test('refuses more than may be open, and keeps those that are', async () => {
    const { url } = await startService({ challenges: { lifetime: 120, capacity: 2 } });
    const [first] = [await drawChallenge(url), await drawChallenge(url)];
    const refused = await problemOf(await fetch(`${url}/challenges`, { method: 'POST' }));
    expect(refused).toMatchObject({ status: 503, code: 'busy' });
    expect(refused.headers.get('retry-after')).toBe('1');
    const answer = await post(
      `${url}/verify?policy=fresh&challenge=${first}`,
      await sampleBundle(),
    );
    expect(answer.status).toBe(200);
    await drawChallenge(url);
  });

  test('takes no body', async () => {
    const { url } = await startService();
    expect(await problemOf(await post(`${url}/challenges`, '{}'))).toMatchObject({
      status: 400,
      code: 'body-unexpected',
    });
  });
});

describe('POST /check', () => {
  const request = async (challenge: string, changed = {}) =>
    JSON.stringify({
      version: 1,
      proof: toBase64(utf8('proof')),
      bundle: toBase64(await sampleBundle()),
      response: toBase64(utf8('response')),
      audience: 'bob.example',
      challenge,
      policy: 'genuine',
      ...changed,
    });

  test('hands proof, response, audience and nonce to the checker', async () => {
    const given: GivenProof[] = [];
    const { url, entries } = await startService({
      checker: async (verified, proof) => {
        given.push(proof);
        return verified;
      },
    });
    const [one, other] = [await drawChallenge(url), await drawChallenge(url)];
    const body = await request(one, { bundleChallenge: other, policy: 'fresh' });
    const verdict = await verdictFrom(await post(`${url}/check`, body, json));
    expect(verdict).toMatchObject({ decision: 'accepted', policyName: 'fresh' });
    expect(given).toEqual([
      {
        proof: utf8('proof'),
        response: utf8('response'),
        audience: 'bob.example',
        nonce: expect.any(Uint8Array),
      },
    ]);
    expect(entries).toHaveLength(1);
    expect(await problemOf(await post(`${url}/check`, body, json))).toMatchObject({ status: 409 });
  });

  test('uses a challenge once under race, and refuses what is no request', async () => {
    const { url } = await startService({ checker: async (verified) => verified });
    const body = await request(await drawChallenge(url));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(`${url}/check`, body, json)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const [changed, code] of [
      [{ nonce: 1 }, 'json-shape'],
      [{ audience: '' }, 'json-shape'],
      [{ version: 2 }, 'version-unknown'],
      [{ proof: '!' }, 'base64-malformed'],
      [{ policy: 'nothing' }, 'policy-unknown'],
    ] as const) {
      const refused = await post(`${url}/check`, await request('ab'.repeat(16), changed), json);
      expect((await problemOf(refused)).code).toBe(code);
    }
  });

  test('is refused where there is no checker', async () => {
    const { url } = await startService();
    const refused = await post(`${url}/check`, await request('ab'.repeat(16)), json);
    expect(await problemOf(refused)).toMatchObject({ status: 503, code: 'checker-unavailable' });
  });
});
