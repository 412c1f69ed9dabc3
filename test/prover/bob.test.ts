/**
 * Bob's checks with a backend that says what the test wants: which inputs he asks about, and what
 * he refuses before.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { checkProof, type GivenProof, type ProofTools } from '#prover/bob.ts';
import { ProverError } from '#prover/errors.ts';
import { encodeProofFile, type ProofFile, proofLength } from '#prover/proof-file.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { checkOf, idsWith } from '#test/verifier/scene.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { Verified } from '#verifier/verified.ts';
import { verify } from '#verifier/verify.ts';
import { type Story, sampleAudience, sampleNonce, tellStory } from './scene.ts';

const pinned = 'ab'.repeat(32);
let story: Story;
let verified: Verified;
let asked: string[][];
let tools: ProofTools;

async function verifyBundle(bytes: Bytes): Promise<Verified> {
  const roots = [insecureRoot(parseCertificate(story.hierarchy.ark.der, 'ARK'))];
  const evidence = { form: 'bundle', bytes, nonce: null, connection: null } as const;
  return verify(evidence, [], roots, fakeNow, nodeCrypto);
}

beforeAll(async () => {
  story = await tellStory();
  verified = await verifyBundle(story.files.bundle);
  asked = [];
  tools = {
    artifactHash: async () => pinned,
    key: async () => new Uint8Array(3680),
    verify: async (_key, _proof, inputs) => {
      asked.push(inputs.map(toHex));
      return true;
    },
  };
});

function keyOf(name: string): Bytes {
  return story.agent.state.services.find((service) => service.name === name)?.publicKey as Bytes;
}

function proofFile(members: Partial<ProofFile> = {}): ProofFile {
  return {
    circuit: 'response-open-key',
    artifact: pinned,
    proof: new Uint8Array(proofLength),
    publicKey: keyOf('echo-node'),
    ...members,
  };
}

const hidden = { circuit: 'response-open', publicKey: null } as const;

function given(members: Partial<GivenProof> = {}, file: Partial<ProofFile> = {}): GivenProof {
  return {
    proof: utf8(encodeProofFile(proofFile(file))),
    response: story.files.response,
    audience: sampleAudience,
    nonce: sampleNonce,
    ...members,
  };
}

async function verdictOf(proof: GivenProof, overrides: Partial<ProofTools> = {}) {
  const proved = await checkProof(verified, proof, { ...tools, ...overrides });
  return appraise(proved, genuinePolicy);
}

describe('Bob', () => {
  test('accepts, with verify’s checks before and the policy’s after', async () => {
    const verdict = await verdictOf(given());
    expect(verdict.decision).toBe('accepted');
    const proofChecks = verdict.checks.filter(({ stage }) => stage === 'proof');
    expect(proofChecks.map(({ id }) => id)).toEqual([
      'proof.file',
      'proof.response',
      'proof.artifact',
      'proof.signature',
      'proof.key',
      'proof.valid',
    ]);
    const plain = appraise(verified, genuinePolicy).checks;
    expect(verdict.checks.filter(({ stage }) => stage !== 'proof')).toEqual(plain);
  });

  test('leaves out the signature where the key is hidden, and never asks for it', async () => {
    const blank = { ...story.response, signature: new Uint8Array(64) };
    const verdict = await verdictOf(given({ response: utf8(encodeResponse(blank)) }, hidden));
    expect(verdict.decision).toBe('accepted');
    expect(verdict.checks.map(({ id }) => id)).not.toContain('proof.signature');
  });

  test('asks about his own data alone', async () => {
    asked = [];
    await verdictOf(given());
    await verdictOf(given({ audience: 'carol.example' }));
    await verdictOf(given({ nonce: new Uint8Array(32).fill(1) }));
    await verdictOf(given({ response: utf8(encodeResponse(story.sign({ service: 'echo-cpp' }))) }));
    await verdictOf(given({}, { publicKey: keyOf('echo-cpp') }));
    await verdictOf(given({}, hidden));
    const time = story.response.time + 1;
    await verdictOf(given({ response: utf8(encodeResponse(story.sign({ time }))) }, hidden));
    expect(new Set(asked.map((inputs) => inputs.join())).size).toBe(asked.length);
  });

  test('refuses what the backend refuses', async () => {
    const verdict = await verdictOf(given(), { verify: async () => false });
    expect(verdict.decision).toBe('invalid');
    expect(idsWith('fail', verdict)).toEqual(['proof.valid']);
  });

  test.each([
    ['an unreadable proof', () => given({ proof: utf8('<html>') }), 'proof.file'],
    ['an unreadable response', () => given({ response: utf8('{}') }), 'proof.response'],
    ['another artefact', () => given({}, { artifact: 'cd'.repeat(32) }), 'proof.artifact'],
    ['another’s key', () => given({}, { publicKey: keyOf('echo-cpp') }), 'proof.signature'],
    [
      'a key off the curve',
      () => given({}, { publicKey: new Uint8Array(64).fill(1) }),
      'proof.signature',
    ],
    [
      'an altered response',
      () => given({ response: utf8(encodeResponse({ ...story.response, body: utf8('hallo') })) }),
      'proof.signature',
    ],
  ])('refuses %s', async (_, make, id) => {
    const verdict = await verdictOf(make());
    expect(verdict.decision).toBe('invalid');
    expect(idsWith('fail', verdict)).toEqual([id]);
  });

  test('does not trust a key or proof of another artefact', async () => {
    const verdict = await verdictOf(given({}, { artifact: 'cd'.repeat(32) }));
    expect(idsWith('skip', verdict)).toEqual(['proof.key', 'proof.valid']);
  });

  test('an unreadable bundle leaves nothing to prove', async () => {
    const nothing = await verifyBundle(utf8('{}'));
    const verdict = appraise(await checkProof(nothing, given(), tools), genuinePolicy);
    expect(verdict.decision).toBe('invalid');
    expect(checkOf('proof.valid', verdict).status).toBe('skip');
  });

  test('lacking points is undecided and names them; no policy waives it', async () => {
    const lacking = new ProverError('points-missing', 'circuit x needs 5 points', 'Get them.');
    const key = () => Promise.reject(lacking);
    const waivers = (['proof.key', 'proof.valid'] as const).map((check) => ({
      check,
      reason: 'none',
      expires: null,
    }));
    const proved = await checkProof(verified, given(), { ...tools, key });
    for (const policy of [
      genuinePolicy,
      { ...genuinePolicy, waivers: [...genuinePolicy.waivers, ...waivers] },
    ]) {
      const verdict = appraise(proved, policy);
      expect(verdict.decision).toBe('undecided');
      expect(checkOf('proof.key', verdict).reason).toMatch(/x needs 5 points\. Get them/);
    }
  });

  test('a fault of the program is no verdict', async () => {
    const fault = new TypeError('a fault');
    await expect(verdictOf(given(), { verify: () => Promise.reject(fault) })).rejects.toBe(fault);
  });

  test('a verification takes one proof, and only of a bundle', async () => {
    const once = await checkProof(verified, given(), tools);
    await expect(checkProof(once, given(), tools)).rejects.toThrow(RangeError);
  });
});

describe('what Bob is told', () => {
  test('what is proved and what stays hidden', async () => {
    expect((await verdictOf(given())).warnings.join()).toMatch(
      /holds the disclosed key for echo-node.*Hidden: the service's build/,
    );
    expect((await verdictOf(given({}, hidden))).warnings.join()).toMatch(
      /for echo-node signed this response\. Hidden: that key, the service's build/,
    );
  });

  test('that a response without a client’s nonce can be replayed', async () => {
    const zero = story.sign({ nonce: new Uint8Array(32) });
    const replayable = /can be replayed/;
    expect(
      (await verdictOf(given({ response: utf8(encodeResponse(zero)) }))).warnings.join(),
    ).toMatch(replayable);
    expect((await verdictOf(given())).warnings.join()).not.toMatch(replayable);
  });

  test('that a signature gives away the hidden key', async () => {
    const blank = { ...story.response, signature: new Uint8Array(64) };
    const without = given({ response: utf8(encodeResponse(blank)) }, hidden);
    expect((await verdictOf(given({}, hidden))).warnings.join()).toMatch(/can be computed from it/);
    expect((await verdictOf(without)).warnings.join()).not.toMatch(/can be computed from it/);
  });
});
