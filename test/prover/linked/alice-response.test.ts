/** What Alice refuses before she proves a response, each beside the twin that she takes; and what she shows of one. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { AliceError } from '#prover/linked/alice-errors.ts';
import { refuseOtherRelease } from '#prover/linked/alice-release.ts';
import {
  type LinkedResponseRequest,
  toLinkedProofFile,
  toLinkedResponseTask,
} from '#prover/linked/alice-response.ts';
import { discloseOf, maskOf, parseRanges, type Show } from '#prover/linked/alice-show.ts';
import type { KeyWanted } from '#prover/linked/attestation-task.ts';
import { encodeLinkedProofFile, parseLinkedProofFile } from '#prover/linked/proof-file.ts';
import type { SecretFile } from '#prover/linked/secret-file.ts';
import { encodeResponse, type SignedResponse } from '#verifier/abi/response.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type AliceScene, aliceScene, fakeNow } from './alice-scene.ts';
import { type AliceSnpScene, aliceSnpScene, snpVekSetOf } from './alice-snp-scene.ts';

const proof = { artifact: 'ab'.repeat(32), proof: new Uint8Array(458 * 32) };
const everything: Show = { body: 'all', nonce: true, time: true, request: true };
const nothing: Show = { body: 'none', nonce: false, time: false, request: false };
let scene: AliceScene;
let other: AliceScene;
let snp: AliceSnpScene;
let secret: SecretFile;

beforeAll(async () => {
  [scene, other] = [await aliceScene(), await aliceScene({ seed: 'another boot' })];
  snp = await aliceSnpScene();
  secret = finished(scene);
});

function finished(of: AliceScene): SecretFile {
  return { ...of.task(), proofs: { key: proof, machine: proof }, work: null };
}

function request(changes: Partial<LinkedResponseRequest> = {}): LinkedResponseRequest {
  const { response, treeProof } = scene.files;
  const asked = { audience: 'bob.example', nonce: new Uint8Array(32).fill(0xb0) };
  return { secret, response, treeProof, ...asked, show: null, ...changes };
}

/** The code that it is refused with, null when there is a task. */
function refusal(changes: Partial<LinkedResponseRequest> = {}): string | null {
  return codeOf(() => toLinkedResponseTask(request(changes)));
}

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof AliceError || error instanceof AttestationError) return error.code;
    throw error;
  }
}

function answering(content: Partial<SignedResponse>) {
  return { response: scene.sign(content) };
}

describe('a task', () => {
  test('about the response’s hash, or about its text', () => {
    const whole = toLinkedResponseTask(request());
    expect([whole.job.circuit, whole.job.publicInputs.length]).toEqual(['response', 9]);
    expect(whole.disclosure).toBeNull();
    const text = toLinkedResponseTask(request({ show: nothing }));
    expect([text.job.circuit, text.job.publicInputs.length]).toEqual(['response-text', 43]);
    expect(text.job.publicInputs[0]).toEqual(whole.job.publicInputs[0]);
  });

  test('only under an attestation that is whole', () => {
    expect(refusal()).toBeNull();
    const { work } = scene.task();
    const half = { ...secret, proofs: { key: proof, machine: null }, work };
    expect(refusal({ secret: half })).toBe('attestation-unfinished');
    expect(refusal({ secret: scene.task() })).toBe('attestation-unfinished');
    const shown = scene.task({ key: { kind: 'shown' } });
    expect(refusal({ secret: shown })).toBe('attestation-unfinished');
    const proofs = { key: null, machine: proof };
    expect(refusal({ secret: { ...shown, proofs, work: null } })).toBeNull();
  });

  test('only for a service of the tree that C_att holds', () => {
    expect(refusal({ treeProof: scene.treeProofOf('echo-cpp') })).toBe('proof-false');
    expect(refusal({ treeProof: other.files.treeProof })).toBe('proof-false');
    expect(refusal({ secret: finished(other) })).toBe('proof-false');
    expect(refusal({ treeProof: utf8('[]') })).toBe('json-shape');
  });

  test('only for a response that its service signed', () => {
    const altered = utf8(encodeResponse({ ...scene.story.response, body: utf8('hallo') }));
    expect(refusal({ response: altered })).toBe('signature-false');
    expect(refusal({ response: altered, show: everything })).toBe('signature-false');
    const unsigned = encodeResponse({ ...scene.story.response, signature: new Uint8Array(64) });
    expect(refusal({ response: utf8(unsigned) })).toBe('signature-malformed');
    expect(refusal({ response: other.files.response })).toBe('signature-false');
  });

  test('with a text of 800 bytes, and no more', () => {
    const [most, more] = [
      answering({ body: new Uint8Array(800).fill(7) }),
      answering({ body: new Uint8Array(801).fill(7) }),
    ];
    expect(refusal({ ...most, show: everything })).toBeNull();
    expect(refusal({ ...more, show: everything })).toBe('body-too-long');
    expect(refusal({ ...more, show: nothing })).toBe('body-too-long');
    expect(refusal(more)).toBeNull();
  });

  test('shows nothing that would pass for hidden', () => {
    const unasked = answering({ nonce: new Uint8Array(32) });
    expect(refusal({ ...unasked, show: nothing })).toBeNull();
    expect(refusal({ ...unasked, show: { ...nothing, nonce: true } })).toBe(
      'disclosure-impossible',
    );
    const timeless = answering({ time: 0 });
    expect(refusal({ ...timeless, show: nothing })).toBeNull();
    expect(refusal({ ...timeless, show: { ...nothing, time: true } })).toBe(
      'disclosure-impossible',
    );
  });

  test('shows no byte behind the body', () => {
    const { length } = scene.story.response.body;
    const show = (last: number) => ({ ...nothing, body: [{ first: 0, last }] });
    expect(refusal({ show: show(length - 1) })).toBeNull();
    expect(refusal({ show: show(length) })).toBe('disclosure-impossible');
  });

  test('only with the proofs of this release', async () => {
    const pinnedAs = (hash: string) =>
      refuseOtherRelease(secret, async () => hash).then(
        () => null,
        (error: AliceError) => error.code,
      );
    expect(await pinnedAs(proof.artifact)).toBeNull();
    expect(await pinnedAs('cd'.repeat(32))).toBe('release-changed');
    const asked: string[] = [];
    const proofs = { key: proof, machine: proof };
    await refuseOtherRelease({ ...snp.task(), proofs, work: null }, async (circuit) => {
      asked.push(circuit);
      return proof.artifact;
    });
    expect(asked).toEqual(['snp-vek', 'snp-report']);
  });
});

describe('the portable file', () => {
  test.each([
    ['the hash', null],
    ['all of the text', everything],
    ['none of it', nothing],
    [
      'two parts',
      {
        ...nothing,
        body: [
          { first: 0, last: 3 },
          { first: 5, last: 5 },
        ],
      },
    ],
  ])('with %s, is read as it was written', (_, show) => {
    const task = toLinkedResponseTask(request({ show }));
    const file = toLinkedProofFile(task, proof);
    expect(parseLinkedProofFile(utf8(encodeLinkedProofFile(file)))).toEqual(file);
    expect(file.machine).toEqual({ circuit: 'tdx-quote', ...secret.demanded, proof });
  });

  test('of either vendor, with the key as it is vouched for', () => {
    const snpIssuer = { issuer: snp.hierarchy.ask.der, root: snp.hierarchy.ark.der, at: fakeNow };
    const { vcek, ask, ark } = snp.hierarchy;
    const shown = { certificates: [vcek.der, ask.der, ark.der], salt: snp.inputs.salts.key };
    const member = { kind: 'member', veks: snpVekSetOf(snp) } as const;
    const keyOf = (wanted: KeyWanted) => {
      const made = snp.task({ key: wanted });
      const key = wanted.kind === 'shown' ? null : proof;
      const kept = { ...made, proofs: { key, machine: proof }, work: null };
      const task = toLinkedResponseTask(request({ secret: kept, ...snp.files }));
      const file = toLinkedProofFile(task, proof);
      expect(parseLinkedProofFile(utf8(encodeLinkedProofFile(file)))).toEqual(file);
      expect(file.machine.circuit).toBe('snp-report');
      return file.key;
    };
    expect(keyOf({ kind: 'certified', at: fakeNow })).toEqual({ kind: 'vek', proof, ...snpIssuer });
    expect(keyOf(member)).toEqual({ kind: 'member', proof });
    expect(keyOf({ kind: 'shown' })).toEqual({ kind: 'shown', ...shown });
  });

  test('says nothing of the salt, the tree or the machine', () => {
    const text = encodeLinkedProofFile(toLinkedProofFile(toLinkedResponseTask(request()), proof));
    const { opening } = secret;
    for (const hidden of [opening.salt, opening.treeRoot, opening.reference]) {
      expect(text).not.toContain(hidden.toString(16));
    }
    expect(Object.keys(JSON.parse(text))).toEqual([
      'version',
      'commitments',
      'key',
      'machine',
      'response',
    ]);
  });
});

describe('ranges', () => {
  test.each([
    [
      '0-9,20-29',
      [
        { first: 0, last: 9 },
        { first: 20, last: 29 },
      ],
    ],
    ['5', [{ first: 5, last: 5 }]],
    [
      '0-0,1-1',
      [
        { first: 0, last: 0 },
        { first: 1, last: 1 },
      ],
    ],
  ])('%s', (text, ranges) => {
    expect(parseRanges(text)).toEqual(ranges);
  });

  test.each([
    '',
    ',',
    '-',
    '3-2',
    '0-9,9-12',
    '5,1',
    '01',
    '1-',
    '-1',
    '0x1',
    '1.5',
    ' 1',
    '1e3',
    '9999999',
  ])('not "%s"', (text) => {
    expect(parseRanges(text)).toBeNull();
  });

  test('show those bytes and no others, in one form', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        fc.func(fc.boolean()),
        (body, wanted) => {
          const mask = Array.from(body, (_, i) => wanted(i));
          const single = mask.flatMap((shown, i) => (shown ? [{ first: i, last: i }] : []));
          const disclosure = discloseOf(answer(body), new Uint8Array(32), {
            ...nothing,
            body: single,
          });
          const found = maskOf(disclosure);
          expect(found.mask).toEqual(mask);
          expect([...found.shown]).toEqual(mask.map((shown, i) => (shown ? body[i] : 0)));
          // Parts that touch are one part.
          disclosure.shown.slice(1).forEach(({ at }, i) => {
            const before = disclosure.shown[i];
            expect(at).toBeGreaterThan((before?.at ?? 0) + (before?.bytes.length ?? 0));
          });
        },
      ),
    );
  });

  test('of an empty body there is none', () => {
    const empty = (body: Show['body']) =>
      codeOf(() => discloseOf(answer(new Uint8Array()), new Uint8Array(32), { ...nothing, body }));
    expect([empty('all'), empty('none')]).toEqual([null, null]);
    expect(empty([{ first: 0, last: 0 }])).toBe('disclosure-impossible');
  });
});

function answer(body: Bytes): SignedResponse {
  return { ...scene.story.response, body };
}
