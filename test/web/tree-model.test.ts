import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { bundleScene, verifyScene } from '#test/verifier/scene.ts';
import type { Bundle } from '#verifier/abi/bundle.ts';
import { encodeLogEntry } from '#verifier/abi/log.ts';
import { type Service, serviceId, serviceKey, serviceTree } from '#verifier/abi/service.ts';
import {
  buildTreeProof,
  encodeTreeProof,
  type TreeProofDocument,
} from '#verifier/abi/tree-proof.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { boxWidth, drawingOf, shortHash } from '#web/tree/drawing.ts';
import { readProof, roadOf, standingOf } from '#web/tree/model.ts';

const publicKey = secp256k1.getPublicKey(new Uint8Array(32).fill(7), false).slice(1);
const service = (name: string): Service => ({
  name,
  narHash: new Uint8Array(32).fill(name.length),
  publicKey,
});
const services = Array.from({ length: 12 }, (_, i) => service(`service-${i}`));
const tree = serviceTree(services);
const own = services[3] as Service;
const present = buildTreeProof(tree, own.name, own);
const absences = Array.from({ length: 60 }, (_, i) => buildTreeProof(tree, `absent-${i}`, null));
const atEmpty = absences.find(({ other }) => other === null) as TreeProofDocument;
const atOther = absences.find(({ other }) => other !== null) as TreeProofDocument;
const root = toHex(fieldToBytes(tree.root));

describe('the road of a proof', () => {
  test('leads from the leaf to the root, each node made of the two below it', () => {
    const road = roadOf(present);
    expect(road.fault).toBe(null);
    expect(road.computed).toBe(root);
    expect(road.end).toMatchObject({ kind: 'leaf', key: road.key });
    expect(road.levels.map(({ depth }) => depth)).toEqual(
      present.proof.siblings.map((_, i) => i + 1).toReversed(),
    );
    road.levels.forEach(({ child }, i) => {
      expect(child).toBe(i === 0 ? road.end.hash : road.levels[i - 1]?.node);
    });
  });

  test('goes to the side that the key’s bit says', () => {
    const key = serviceKey(serviceId(own.name));
    for (const { depth, bit, siblingSide } of roadOf(present).levels) {
      expect(bit).toBe(Number((key >> BigInt(depth - 1)) & 1n));
      expect(siblingSide).toBe(bit === 1 ? 'left' : 'right');
    }
  });

  test('of an absent name ends in nothing or in another’s leaf', () => {
    expect(roadOf(atEmpty)).toMatchObject({ fault: null, end: { kind: 'empty' }, computed: root });
    const { end, key, fault } = roadOf(atOther);
    expect([fault, end.kind]).toEqual([null, 'other']);
    expect(end.kind === 'other' && end.key !== key).toBe(true);
  });

  test('of the only service is the leaf alone, and of an empty tree nothing', () => {
    const single = serviceTree([own]);
    expect(roadOf(buildTreeProof(single, own.name, own))).toMatchObject({
      levels: [],
      fault: null,
    });
    const empty = roadOf(buildTreeProof(serviceTree([]), own.name, null));
    expect(empty).toMatchObject({ levels: [], fault: null, end: { kind: 'empty' } });
  });
});

describe('a proof that does not hold says where', () => {
  const fault = (document: TreeProofDocument) => roadOf(document).fault;

  test('another code does not lead to the root', () => {
    const narHash = new Uint8Array(32).fill(99);
    expect(fault({ ...present, service: { narHash, publicKey } } as TreeProofDocument)).toEqual({
      kind: 'root',
    });
  });

  test('another sibling does not lead to the root', () => {
    const siblings = present.proof.siblings.with(0, 5n);
    expect(fault({ ...present, proof: { siblings } })).toEqual({ kind: 'root' });
  });

  test('the other leaf is the service’s own', () => {
    const key = serviceKey(serviceId(atOther.name));
    const other = { key, value: 1n };
    expect(fault({ ...atOther, other } as TreeProofDocument)).toEqual({ kind: 'other-is-own' });
  });

  test('the other leaf lies elsewhere: the bit at which they part', () => {
    const bit = atOther.proof.siblings.length - 1;
    const key = serviceKey(serviceId(atOther.name)) ^ (1n << BigInt(bit));
    expect(fault({ ...atOther, other: { key, value: 1n } } as TreeProofDocument)).toEqual({
      kind: 'other-elsewhere',
      bit,
    });
  });

  test('a last sibling that is empty is not canonical', () => {
    const siblings = [...atEmpty.proof.siblings, 0n];
    expect(fault({ ...atEmpty, proof: { siblings } })?.kind).toMatch(/^(?:unfit|root)$/);
  });
});

describe('a file', () => {
  test('is read', () => {
    const { road, problem } = readProof('p', utf8(JSON.stringify(encodeTreeProof(present))));
    expect(problem).toBe(null);
    expect(road?.service?.publicKey).toBe(toHex(publicKey));
  });

  test.each([
    ['[]', /expected/],
    ['{"version":1', /character/],
    [JSON.stringify({ ...encodeTreeProof(present), name: '<b>' }), /service name/],
    [
      JSON.stringify({
        ...encodeTreeProof(present),
        service: { narHash: '00'.repeat(32), publicKey: '11'.repeat(64) },
      }),
      /secp256k1/,
    ],
  ])('that is none says why: %s', (text, problem) => {
    const found = readProof('p', utf8(text));
    expect(found.road).toBe(null);
    expect(found.problem).toMatch(problem);
  });
});

describe('what it says of the bundle', () => {
  const earlier = serviceTree(services.slice(0, 5));
  const log = [
    encodeLogEntry({ kind: 'tree', time: 100, treeRoot: earlier.root, reason: 'boot' }),
    encodeLogEntry({ kind: 'tree', time: 200, treeRoot: tree.root, reason: 'more' }),
  ];
  const verified = async (edit?: (bundle: Bundle) => Partial<Bundle>) =>
    verifyScene(await bundleScene({ bound: { treeRoot: tree.root }, log, ...(edit && { edit }) }));

  test('the bound root proves it, an earlier or another tree does not', async () => {
    const found = await verified();
    expect(standingOf(roadOf(present), found)).toEqual({ kind: 'bound' });
    expect(standingOf(roadOf(atEmpty), found)).toEqual({ kind: 'bound' });
    expect(standingOf(roadOf(buildTreeProof(earlier, own.name, own)), found)).toMatchObject({
      kind: 'earlier',
      tree: { time: 100, reason: 'boot' },
    });
    const elsewhere = serviceTree([own]);
    expect(standingOf(roadOf(buildTreeProof(elsewhere, own.name, own)), found).kind).toBe('other');
  });

  test('a proof that does not hold is false, whatever root it names', async () => {
    const siblings = present.proof.siblings.with(0, 5n);
    expect(standingOf(roadOf({ ...present, proof: { siblings } }), await verified())).toEqual({
      kind: 'false',
    });
  });

  test('a root that the report does not bind is only stated', async () => {
    const found = await verified(({ bound }) => ({
      bound: { ...bound, closureDigest: new Uint8Array(32) },
    }));
    expect(standingOf(roadOf(present), found)).toEqual({ kind: 'stated' });
    const old = standingOf(roadOf(buildTreeProof(earlier, own.name, own)), found);
    expect(old).toEqual({ kind: 'other' });
  });

  test('without a bundle there is nothing to compare with', async () => {
    const found = await verified();
    const alone = { ...found, bundle: null } as typeof found;
    expect(standingOf(roadOf(present), alone)).toEqual({ kind: 'nothing' });
  });
});

describe('its picture', () => {
  test('has the root on top, and on each level the road and what is beside it', () => {
    const road = roadOf(present);
    const { boxes, lines, width, height } = drawingOf(road);
    expect(boxes).toHaveLength(1 + 2 * road.levels.length);
    expect(lines.filter(({ bit }) => bit !== null)).toHaveLength(road.levels.length);
    expect(boxes[0]).toMatchObject({ role: 'root', hash: shortHash(root) });
    expect(boxes.filter(({ role }) => role === 'end')).toHaveLength(1);
    for (const { x, y } of boxes) {
      expect(x >= 0 && x + boxWidth <= width && y >= 0 && y < height).toBe(true);
    }
  });

  test('draws what is empty without a hash', () => {
    const { boxes } = drawingOf(roadOf(atEmpty));
    expect(boxes.find(({ role }) => role === 'end')?.hash).toBe('');
    for (const { role, hash } of boxes) if (role === 'empty') expect(hash).toBe('');
  });

  test('of a tree of one leaf is one box', () => {
    const single = serviceTree([own]);
    expect(drawingOf(roadOf(buildTreeProof(single, own.name, own))).boxes).toHaveLength(1);
  });
});
