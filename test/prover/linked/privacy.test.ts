/**
 * Which pairs of proofs a checker can link, from all that he is handed: public inputs and proof files. docs/privacy.md says the same in
 * words.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publicInputs } from '#prover/circuit-inputs.ts';
import type { LinkedProof, LinkedProofFile } from '#prover/linked/proof-file.ts';
import {
  type LinkedStory,
  type StoryOptions,
  tellLinkedStory,
} from '#test/circuits/linked/scene.ts';
import { parseResponse, responseHash } from '#verifier/abi/response.ts';
import { type Bytes, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { hasPoints, pointsMissing } from '../points.ts';
import { openWorkbench, type Workbench } from './bob-real.ts';
import { type Kinds, linkedScene, truthOf, verdictIn } from './bob-scene.ts';

const names = {
  'tdx-pck': ['issuer', 'at', 'C_key'],
  'vek-member': ['veks', 'C_key'],
  'tdx-quote': [
    ...['C_key', 'accepted', 'levels', 'revoked', 'epochMin', 'epochMax'],
    ...['attestation nonce hi', 'attestation nonce lo', 'C_att'],
  ],
  response: [
    ...['C_att', 'service id hi', 'service id lo', 'response hash hi', 'response hash lo'],
    ...['audience hi', 'audience lo', 'nonce hi', 'nonce lo'],
  ],
  'response-text': [
    ...['C_att', 'service id hi', 'service id lo', 'client nonce hi', 'client nonce lo', 'time'],
    ...['request hash hi', 'request hash lo', 'length'],
    ...Array.from({ length: 4 }, (_, i) => `mask ${i}`),
    ...Array.from({ length: 26 }, (_, i) => `shown ${i}`),
    ...['audience hi', 'audience lo', 'nonce hi', 'nonce lo'],
  ],
} as const;

/** All that a checker sees of one proof, by name. */
function viewOf(story: LinkedStory, kinds: Kinds): Map<string, string> {
  const key = { pck: ['tdx-pck'], member: ['vek-member'], shown: [] } as const;
  const response = kinds.response === 'hash' ? 'response' : 'response-text';
  const truth = truthOf(story);
  return new Map(
    ([...key[kinds.key], 'tdx-quote', response] as const).flatMap((circuit) => {
      expect(truth[circuit]).toHaveLength(names[circuit].length);
      return truth[circuit].map((value, i): [string, string] => [
        names[circuit][i] as string,
        toHex(value),
      ]);
    }),
  );
}

/** Names of what is equal in two views. */
function shared(one: LinkedStory, other: LinkedStory, kinds: Kinds = whole): string[] {
  const [a, b] = [viewOf(one, kinds), viewOf(other, kinds)];
  return [...a].flatMap(([name, value]) => (b.get(name) === value ? [name] : [])).toSorted();
}

const whole: Kinds = { key: 'pck', response: 'hash' };
const text: Kinds = { key: 'pck', response: 'text' };
const commitments = ['C_att', 'C_key'];
/** What the checker chose, or what says nothing that he has not asked for. */
const chosen = [
  ...['accepted', 'at', 'attestation nonce hi', 'attestation nonce lo', 'audience hi'],
  ...['audience lo', 'epochMax', 'epochMin', 'issuer', 'levels', 'nonce hi', 'nonce lo', 'revoked'],
];
const service = ['service id hi', 'service id lo'];

const chip2 = { ppid: new Uint8Array(16).fill(0xcc) };
const fresh = { key: 101n, attestation: 102n };
const answer = { body: utf8('another answer'), time: 1_900_000_000 };

const stories = {
  first: {},
  answered: { content: answer },
  neighbour: { service: 'echo-cpp' },
  remade: { salts: fresh, content: answer },
  halfRemade: { salts: { attestation: fresh.attestation }, content: answer },
  stranger: { machine: chip2, salts: fresh, content: answer },
} as const satisfies Record<string, StoryOptions>;
type Name = keyof typeof stories;
let told: Record<Name, LinkedStory>;

beforeAll(async () => {
  const made = await Promise.all(
    Object.entries(stories).map(async ([name, options]) => [name, await tellLinkedStory(options)]),
  );
  told = Object.fromEntries(made) as Record<Name, LinkedStory>;
});

describe('by public inputs', () => {
  test('two responses under one attestation are linked, by C_att and C_key', () => {
    expect(shared(told.first, told.answered)).toEqual(
      [...commitments, ...chosen, ...service].toSorted(),
    );
  });

  test('two services of one attestation too', () => {
    expect(shared(told.first, told.neighbour)).toEqual([...commitments, ...chosen].toSorted());
  });

  test('fresh salts leave nothing by which the same machine differs from another', () => {
    expect(told.first.facts.pck.chip).toBe(told.remade.facts.pck.chip);
    expect(told.first.facts.pck.chip).not.toBe(told.stranger.facts.pck.chip);
    const same = shared(told.first, told.remade);
    expect(same).toEqual([...chosen, ...service].toSorted());
    expect(same).toEqual(shared(told.first, told.stranger));
  });

  test('a fresh salt for one commitment alone is not enough: the other links', () => {
    expect(shared(told.first, told.halfRemade)).toContain('C_key');
    expect(shared(told.first, told.halfRemade)).not.toContain('C_att');
  });

  test('parts of a response hide its hash, and of what is hidden nothing but the length is seen', async () => {
    const body = (end: string) => ({ body: utf8(`the same beginning, ${end}`) });
    const mask = (index: number) => index < 18;
    const one = await tellLinkedStory({ content: body('one'), mask });
    const two = await tellLinkedStory({ content: body('two'), mask });
    expect(responseHash(one.response)).not.toEqual(responseHash(two.response));
    expect(shared(one, two, text)).toHaveLength(viewOf(one, text).size);
    const longer = await tellLinkedStory({ content: body('three'), mask });
    expect(shared(one, longer, text)).toHaveLength(viewOf(one, text).size - 1);
  });

  test('a set of keys shows its root in place of the issuer', () => {
    const seen = [...viewOf(told.first, { key: 'member', response: 'hash' }).keys()];
    expect(seen).toContain('veks');
    expect(seen).not.toContain('issuer');
    expect(seen).not.toContain('at');
  });

  test('a key that is shown links nothing more than its certificate and C_key do', () => {
    const seen = [...viewOf(told.first, { key: 'shown', response: 'hash' }).keys()];
    expect(seen).toContain('C_key');
    for (const name of ['issuer', 'at', 'veks']) expect(seen).not.toContain(name);
  });

  test('in open linkage everything is linked: the tree is seen, and the evidence beside it', () => {
    const open = ({ bundle, statements }: LinkedStory) =>
      publicInputs('response-open', {
        ...statements.response,
        treeRoot: bundle.bound.treeRoot,
        publicKey: null,
      }).map(toHex);
    const [one, two, other] = [told.first, told.remade, told.stranger].map(open);
    expect(one?.[0]).toBe(two?.[0]);
    expect(told.first.bundle.evidence.includes(0xbb)).toBe(true);
    // The services of all these stories have the same keys: the quote tells the machines apart.
    expect(other?.[0]).toBe(one?.[0]);
    expect(toHex(told.stranger.bundle.evidence)).not.toBe(toHex(told.first.bundle.evidence));
  });
});

describe('by the response itself', () => {
  test('its signature gives the service’s key away, and the checker is handed none', async () => {
    const { response, service: signer } = told.first;
    const hash = responseHash(response);
    const recovered = [0, 1].map((bit) =>
      toHex(
        secp256k1.Signature.fromBytes(response.signature, 'compact')
          .addRecoveryBit(bit)
          .recoverPublicKey(hash)
          .toBytes(false)
          .slice(1),
      ),
    );
    expect(recovered).toContain(toHex(signer.publicKey));
    const scene = await linkedScene();
    const handed = parseResponse(fromUtf8(scene.given.response as Bytes, 'response'));
    expect(handed.signature).toEqual(new Uint8Array(64));
    expect((await verdictIn(scene)).decision).toBe('accepted');
  });
});

describe.skipIf(!hasPoints)(`by the proofs’ bytes (${hasPoints ? 'here' : pointsMissing})`, () => {
  let bench: Workbench;
  let files: Record<'first' | 'again' | 'remade' | 'stranger', LinkedProofFile>;

  beforeAll(async () => {
    bench = await openWorkbench();
    const fileOf = async (name: Name) =>
      (await bench.scene(told[name], { key: 'pck', response: 'hash' })).file;
    files = {
      first: await fileOf('first'),
      again: await fileOf('first'),
      remade: await fileOf('remade'),
      stranger: await fileOf('stranger'),
    };
  }, 600_000);

  afterAll(async () => bench?.close());

  const parts = ['key', 'machine', 'response'] as const;

  function proofOf(file: LinkedProofFile, part: (typeof parts)[number]): LinkedProof {
    const found = file[part];
    if ('proof' in found) return found.proof;
    throw new Error('nothing is proved of a key that is shown');
  }

  function elements(file: LinkedProofFile, part: (typeof parts)[number]): Set<string> {
    const { proof } = proofOf(file, part);
    const count = proof.length / 32;
    return new Set(
      Array.from({ length: count }, (_, i) => toHex(proof.subarray(32 * i, 32 * i + 32))),
    );
  }

  test.for(parts)('the same machine is no nearer to itself than to another: %s', (part) => {
    const common = (one: LinkedProofFile, other: LinkedProofFile) => {
      const known = elements(other, part);
      return [...elements(one, part)].filter((element) => known.has(element)).toSorted();
    };
    const strange = common(files.first, files.stranger);
    expect(common(files.first, files.again)).toEqual(strange);
    expect(common(files.first, files.remade)).toEqual(strange);
    // Nothing but what every proof of the circuit has.
    expect(strange.length).toBeLessThan(20);
    expect(elements(files.first, part).size).toBeGreaterThan(400);
  });

  test('no salt, key, chip, serial, reference or path is in a file', () => {
    const { salts, vek, opening, facts, service: signer } = told.first;
    const { chip, serial, publicKey } = facts.pck;
    const hidden = [salts.key, salts.attestation, vek, chip, serial]
      .concat(opening.reference, opening.treeRoot)
      .map((field) => field.toString(16).padStart(64, '0'));
    const strings = [publicKey, signer.publicKey, signer.narHash].flatMap((bytes) =>
      Array.from({ length: bytes.length / 32 }, (_, i) =>
        toHex(bytes.subarray(32 * i, 32 * i + 32)),
      ),
    );
    const { key } = files.first;
    const issuer = key.kind === 'pck' ? toHex(key.issuer) : '';
    const seen = parts.map((part) => toHex(proofOf(files.first, part).proof)).concat(issuer);
    for (const secret of [...hidden, ...strings]) {
      for (const text of seen) expect(text.includes(secret)).toBe(false);
    }
  });
});
