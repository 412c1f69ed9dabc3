/** From a Nitro document to AWS's root: each link broken once, beside the chain that holds. */
import { describe, expect, test } from 'vitest';
import {
  type CertificatePlan,
  type Change,
  type Extension,
  removeExtension,
  replaceExtension,
} from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { basicConstraints, extension, keyUsage, oids } from '#test/fake/extensions.ts';
import { generateEcKey } from '#test/fake/keys.ts';
import { type NitroDocumentOptions, type NitroRole, nitroRoles } from '#test/fake/nitro.ts';
import type { CheckId } from '#verifier/checks.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { nitro, nitroChecks, sceneOf, verifyScene } from './nitro-scene.ts';

const hour = 3600;
const [parse, certificates, pinned, validity, signatures, evidence] = nitroChecks;
const genuine = nitro();
const stranger = await generateEcKey('P-384');
const p256 = await generateEcKey('P-256');

type Plan = Change<CertificatePlan>;
const withExtensions =
  (edit: (extensions: readonly Extension[]) => readonly Extension[]): Plan =>
  ({ extensions }) => ({ extensions: edit(extensions) });
const replaced = (one: Extension) => withExtensions((all) => replaceExtension(all, one));
const removed = (oid: string) => withExtensions((all) => removeExtension(all, oid));
const added = (one: Extension) => withExtensions((all) => [...all, one]);
const lax = (one: Extension): Extension => ({ ...one, critical: false });

async function failedOf(
  overrides: Partial<Record<NitroRole, Plan>>,
  document: NitroDocumentOptions = {},
): Promise<readonly CheckId[]> {
  const fake = nitro({ overrides });
  const { failed, skipped } = await verifyScene(sceneOf(fake, fake.document(document)));
  expect(skipped).toEqual([]);
  return failed;
}

test('accepted: the whole chain', async () => {
  const { failed, skipped, document, root, ends } = await verifyScene(sceneOf(genuine));
  expect([failed, skipped]).toEqual([[], []]);
  expect(document?.moduleId).toBe(genuine.moduleId);
  expect(root).toEqual(genuine.root);
  expect(ends.map(({ at }) => at)).toEqual(
    nitroRoles.map((role) => genuine.certificates[role].plan.notAfter),
  );
});

test('accepted: a document of NitroTPM, where either is asked for or it alone', async () => {
  const fake = nitro({ kind: 'tpm' });
  expect((await verifyScene(sceneOf(fake))).failed).toEqual([]);
  expect((await verifyScene({ ...sceneOf(fake), only: 'tpm' })).failed).toEqual([]);
  const other = await verifyScene({ ...sceneOf(fake), only: 'enclave' });
  expect([other.failed, other.skipped.length]).toEqual([[parse], 5]);
});

describe('profiles', () => {
  type Case = [name: string, role: NitroRole, change: Plan, failed: readonly CheckId[]];
  const cases: Case[] = [
    ['accepted: another serial number', 'zone', { serial: 5n }, []],
    [
      'accepted: an extension that nobody knows, not critical',
      'zone',
      added(extension('1.2.3', false, der.derNull())),
      [],
    ],
    ['a critical one', 'zone', added(extension('1.2.3', true, der.derNull())), [certificates]],
    [
      'a critical one in the leaf',
      'leaf',
      added(extension('1.2.3', true, der.derNull())),
      [certificates],
    ],
    [
      'a root of another name as its issuer',
      'root',
      { issuer: [{ type: 'CN', value: 'x', string: 'utf8' }] },
      [certificates],
    ],
    ['a root that is no CA', 'root', replaced(basicConstraints(false, null)), [certificates]],
    ['a CA that is none', 'zone', replaced(basicConstraints(false, null)), [certificates]],
    [
      'cA FALSE written out',
      'leaf',
      replaced(extension(oids.basicConstraints, true, der.sequence(der.derBoolean(false)))),
      [certificates],
    ],
    ['a CA without basic constraints', 'zone', removed(oids.basicConstraints), [certificates]],
    [
      'basic constraints not critical',
      'zone',
      replaced(lax(basicConstraints(true, 1))),
      [certificates],
    ],
    ['accepted: a longer path length', 'zone', replaced(basicConstraints(true, 7)), []],
    ['accepted: none', 'zone', replaced(basicConstraints(true, null)), []],
    ['too short a path length', 'zone', replaced(basicConstraints(true, 0)), [certificates]],
    ['accepted: the root’s path length', 'root', replaced(basicConstraints(true, 3)), []],
    ['the root’s too short', 'root', replaced(basicConstraints(true, 2)), [certificates]],
    ['a negative one', 'zone', replaced(basicConstraints(true, -1)), [certificates]],
    [
      'accepted: a CA that only signs certificates',
      'zone',
      replaced(keyUsage(['keyCertSign'])),
      [],
    ],
    [
      'a CA that may not',
      'zone',
      replaced(keyUsage(['digitalSignature', 'cRLSign'])),
      [certificates],
    ],
    ['a CA without key usage', 'zone', removed(oids.keyUsage), [certificates]],
    ['key usage not critical', 'zone', replaced(lax(keyUsage(['keyCertSign']))), [certificates]],
    [
      'key usage not as short as it can be',
      'zone',
      replaced(keyUsage(['keyCertSign'], 1)),
      [certificates],
    ],
    ['no bit of key usage', 'zone', replaced(keyUsage([])), [certificates]],
    [
      'accepted: the leaf’s key usage critical',
      'leaf',
      replaced(keyUsage(['digitalSignature'])),
      [],
    ],
    ['accepted: a leaf without basic constraints', 'leaf', removed(oids.basicConstraints), []],
    ['a leaf that is a CA', 'leaf', replaced(basicConstraints(true, null)), [certificates]],
    ['a leaf with a path length', 'leaf', replaced(basicConstraints(false, 0)), [certificates]],
    ['a leaf without key usage', 'leaf', removed(oids.keyUsage), [certificates]],
    [
      'a leaf that may not sign data',
      'leaf',
      replaced(keyUsage(['nonRepudiation'])),
      [certificates],
    ],
    [
      'a leaf that may sign certificates',
      'leaf',
      replaced(keyUsage(['digitalSignature', 'keyCertSign'])),
      [certificates],
    ],
    [
      'a CA under another name',
      'zone',
      { issuer: [{ type: 'CN', value: 'x', string: 'utf8' }] },
      [certificates],
    ],
  ];
  test.each(cases)('%s', async (_, role, change, failed) => {
    expect(await failedOf({ [role]: change })).toEqual(failed);
  });

  test('a key on P-256', async () => {
    const keys = { publicKey: p256.publicKey };
    // Its child’s signature was made by another key, and would be of another algorithm.
    expect(await failedOf({ zone: keys })).toEqual([certificates, signatures]);
    expect(await failedOf({ leaf: keys })).toEqual([certificates, evidence]);
  });

  test.each(['sha256', 'sha512'] as const)('signed with %s', async (hash) => {
    const overrides = { zone: { algorithm: { name: 'ecdsa', hash } } } as const;
    const { failed, skipped } = await verifyScene(sceneOf(nitro({ overrides })));
    expect([failed, skipped]).toEqual([[certificates], [pinned, validity, signatures, evidence]]);
  });
});

describe('the chain as a whole', () => {
  const bundle = (...roles: NitroRole[]): NitroDocumentOptions => ({
    with: { cabundle: roles.map((role) => genuine.certificates[role].der) },
  });
  const scene = (options: NitroDocumentOptions) => sceneOf(genuine, genuine.document(options));

  test('accepted: fewer CAs, when the last of them issued the leaf', async () => {
    const fake = nitro({
      overrides: {
        leaf: {
          issuer: genuine.certificates.root.plan.subject,
          signer: genuine.keys.root.privateKey,
        },
      },
    });
    const cabundle = [fake.certificates.root.der];
    const bytes = fake.document({ with: { cabundle } });
    expect((await verifyScene(sceneOf(fake, bytes))).failed).toEqual([]);
    // The same leaf, where its issuer is not the one above it.
    expect((await verifyScene(sceneOf(fake))).failed).toEqual([certificates, signatures]);
  });

  test.each<[string, NitroRole[], readonly CheckId[]]>([
    ['as it is', ['root', 'region', 'zone', 'instance'], []],
    ['a CA left out', ['root', 'region', 'instance'], [certificates, signatures]],
    ['two exchanged', ['root', 'zone', 'region', 'instance'], [certificates, signatures]],
    ['without the root', ['region', 'zone', 'instance'], [certificates, pinned, signatures]],
    [
      'from the leaf on',
      ['instance', 'zone', 'region', 'root'],
      [certificates, pinned, signatures],
    ],
  ])('%s', async (_, roles, failed) => {
    expect((await verifyScene(scene(bundle(...roles)))).failed).toEqual(failed);
  });

  test('a certificate that cannot be read ends the chain', async () => {
    const options = { with: { certificate: genuine.certificates.leaf.der.subarray(0, -1) } };
    const { failed, skipped, ends } = await verifyScene(scene(options));
    expect([failed, skipped, ends]).toEqual([
      [certificates],
      [pinned, validity, signatures, evidence],
      [],
    ]);
  });

  test('another root: of another Nitro, of no vendor, of another vendor', async () => {
    const own = sceneOf(genuine);
    const failed = async (roots: typeof own.roots) => (await verifyScene({ ...own, roots })).failed;
    expect(await failed([...vendorRoots, genuine.root])).toEqual([]);
    expect(await failed(vendorRoots)).toEqual([pinned]);
    expect(await failed([])).toEqual([pinned]);
    const { spkiSha256, insecure } = genuine.root;
    expect(await failed([{ vendor: 'nvidia', spkiSha256, insecure }])).toEqual([pinned]);
  });

  test('a stranger’s signature', async () => {
    const signer = stranger.privateKey;
    for (const role of nitroRoles) {
      const { checks } = await verifyScene(sceneOf(nitro({ overrides: { [role]: { signer } } })));
      const wrong = checks.filter(({ status }) => status !== 'pass');
      expect(
        wrong.map(({ id }) => id),
        role,
      ).toEqual([signatures]);
      expect(wrong[0]?.reason, role).toMatch(/Nitro (root|CA \d|leaf)$/);
    }
    expect(await failedOf({}, { signer })).toEqual([evidence]);
  });

  test('before and after: each certificate, and the document', async () => {
    const { notBefore, notAfter } = genuine.certificates.leaf.plan;
    const at = async (now: number) => (await verifyScene({ ...sceneOf(genuine), now })).failed;
    expect([await at(notBefore), await at(notAfter)]).toEqual([[], []]);
    expect(await at(notBefore - 1)).toEqual([validity]);
    expect(await at(notAfter + 1)).toEqual([validity]);
    expect(await failedOf({ region: { notAfter: genuine.at - 1 } })).toEqual([validity]);
    expect(await failedOf({ root: { notAfter: genuine.at - 1 } })).toEqual([validity]);
  });

  test('a document is made while its certificate is valid', async () => {
    const madeAt = (milliseconds: number) => failedOf({}, { with: { timestamp: milliseconds } });
    const { notBefore, notAfter } = genuine.certificates.leaf.plan;
    expect(await madeAt(notBefore * 1000)).toEqual([]);
    expect(await madeAt(notAfter * 1000 + 999)).toEqual([]);
    expect(await madeAt(notBefore * 1000 - 1)).toEqual([evidence]);
    expect(await madeAt(notAfter * 1000 + 1000)).toEqual([evidence]);
    expect(await madeAt((genuine.at + 4 * hour) * 1000)).toEqual([evidence]);
  });

  test('a document that cannot be read fails, and all else lacks it', async () => {
    const { failed, skipped, document } = await verifyScene(sceneOf(genuine, new Uint8Array(9)));
    expect([failed, skipped, document]).toEqual([[parse], nitroChecks.slice(1), null]);
  });
});
