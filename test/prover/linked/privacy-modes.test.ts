/**
 * What a checker is handed, and what Alice keeps, of a machine of either vendor and of each way in which its key is vouched for: which
 * chip it is, what it runs, and the secrets of both commitments. docs/privacy.md says the same in words.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { toLinkedProofFile, toLinkedResponseTask } from '#prover/linked/alice-response.ts';
import type { AttestationTask, KeyWanted } from '#prover/linked/attestation-task.ts';
import { encodeLinkedProofFile } from '#prover/linked/proof-file.ts';
import { encodeSecretFile, type SecretFile } from '#prover/linked/secret-file.ts';
import { type Bytes, toBase64, toHex } from '#verifier/bytes.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import { aliceScene, fakeNow, vekSetOf } from './alice-scene.ts';
import { aliceSnpScene, type SnpSceneOptions, snpVekSetOf } from './alice-snp-scene.ts';

type Mode = KeyWanted['kind'];
const modes: readonly Mode[] = ['certified', 'member', 'shown'];

/** One machine, and what of it might be told. */
type Machine = {
  readonly task: (mode: Mode) => AttestationTask;
  readonly files: { readonly response: Bytes; readonly treeProof: Bytes };
  readonly closure: Bytes;
  /** Null of a VLEK, which names none. */
  readonly chip: Bytes | null;
  readonly publicKey: Bytes;
  readonly measurement: Bytes;
};

const proof = { artifact: 'ab'.repeat(32), proof: new Uint8Array(458 * 32) };
const kinds = ['TDX', 'SNP, VCEK', 'SNP, VLEK', 'SNP, Turin'] as const;
let machines: Record<(typeof kinds)[number], Machine>;

beforeAll(async () => {
  machines = {
    TDX: await tdx(),
    'SNP, VCEK': await snp(),
    'SNP, VLEK': await snp({ fields: { signingKey: 'vlek' } }),
    'SNP, Turin': await snp({ product: 'Turin' }),
  };
});

async function tdx(): Promise<Machine> {
  const scene = await aliceScene();
  const { facts, intel } = scene.story;
  const veks = vekSetOf(scene);
  return {
    task: (mode) => scene.task({ key: wanted(mode, veks) }),
    files: scene.files,
    closure: scene.inputs.bundle.bound.closureDigest,
    chip: intel.machine.ppid,
    publicKey: facts.pck.publicKey,
    measurement: facts.report.mrTd,
  };
}

async function snp(options: SnpSceneOptions = {}): Promise<Machine> {
  const measurement = Uint8Array.from({ length: 48 }, (_, i) => 0xa0 + i);
  const scene = await aliceSnpScene({ ...options, fields: { ...options.fields, measurement } });
  const veks = snpVekSetOf(scene);
  return {
    task: (mode) => scene.task({ key: wanted(mode, veks) }),
    files: scene.files,
    closure: scene.inputs.bundle.bound.closureDigest,
    chip: scene.facts.certified.hardwareId,
    publicKey: scene.facts.vek.publicKey,
    measurement,
  };
}

function wanted(mode: Mode, veks: ReturnType<typeof vekSetOf>): KeyWanted {
  switch (mode) {
    case 'certified':
      return { kind: mode, at: fakeNow };
    case 'member':
      return { kind: mode, veks };
    case 'shown':
      return { kind: mode };
  }
}

function finished(task: AttestationTask): SecretFile {
  const key = task.key.kind === 'shown' ? null : proof;
  return { ...task, proofs: { key, machine: proof }, work: null };
}

/** What of the machine and of the commitments is found in a JSON text, as hex or inside of its base64. */
function toldBy(
  text: string,
  { closure, chip, publicKey, measurement }: Machine,
  task: AttestationTask,
) {
  const bytes: Record<string, Bytes | null> = { chip, publicKey, measurement, closure };
  const { opening, work } = task;
  const fields: Record<string, Field> = {
    'salt of C_key': work.keySalt,
    'salt of C_att': opening.salt,
    reference: opening.reference,
    tree: opening.treeRoot,
  };
  for (const [name, value] of Object.entries(fields)) bytes[name] = fieldToBytes(value);
  const haystack = [text, ...stringsOf(JSON.parse(text)).map(decoded)].join('\n');
  return Object.entries(bytes)
    .filter(([, found]) => found !== null && isIn(haystack, found))
    .map(([name]) => name)
    .toSorted();
}

function isIn(haystack: string, bytes: Bytes): boolean {
  return haystack.includes(toHex(bytes)) || haystack.includes(toBase64(bytes));
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsOf);
}

/** Of base64, and of PEM in it. */
function decoded(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  const pem = bytes.toString('latin1').matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g);
  const inside = Array.from(pem, ([, body]) => Buffer.from(body ?? '', 'base64').toString('hex'));
  return [bytes.toString('hex'), ...inside].join('\n');
}

const ofOpening = ['reference', 'salt of C_att', 'tree'];
const ofShown = ['chip', 'publicKey', 'salt of C_key'];
const everything = [...ofOpening, ...ofShown, 'closure', 'measurement'];

describe.each(kinds)('%s', (kind) => {
  const without = (names: readonly string[]) => {
    const hasChip = machines[kind].chip !== null;
    return names.filter((name) => hasChip || name !== 'chip').toSorted();
  };

  test.each(modes)('with its key %s', (mode) => {
    const machine = machines[kind];
    const task = machine.task(mode);
    const secret = finished(task);
    const asked = { audience: 'bob.example', nonce: new Uint8Array(32).fill(0xb0), show: null };
    const response = toLinkedResponseTask({ secret, ...machine.files, ...asked });
    const file = encodeLinkedProofFile(toLinkedProofFile(response, proof));
    // What the checker is handed.
    const seen = mode === 'shown' ? without(ofShown) : [];
    expect(toldBy(file, machine, task)).toEqual(seen);
    // What Alice keeps, once all is proved and before.
    expect(toldBy(encodeSecretFile(secret), machine, task)).toEqual(
      [...seen, ...ofOpening].toSorted(),
    );
    // Until then the evidence itself is there, which names all of it.
    expect(toldBy(encodeSecretFile(task), machine, task)).toEqual(without(everything));
  });
});

test('the proof of a response does not tell whose machine it was', () => {
  const shapes = kinds.map((kind) => {
    const machine = machines[kind];
    const secret = finished(machine.task('certified'));
    const asked = { audience: 'bob.example', nonce: new Uint8Array(32).fill(0xb0), show: null };
    const { job } = toLinkedResponseTask({ secret, ...machine.files, ...asked });
    return [job.circuit, job.publicInputs.map(({ length }) => length).join()].join(' ');
  });
  expect(new Set(shapes).size).toBe(1);
});

test('of AMD the issuer is seen, and by a VLEK’s that it is a provider’s', () => {
  const issuerOf = (kind: (typeof kinds)[number]) => {
    const { key } = machines[kind].task('certified');
    return key.kind === 'vek' ? Buffer.from(key.issuer).toString('latin1') : '';
  };
  expect(issuerOf('SNP, VCEK')).toContain('SEV-Milan');
  expect(issuerOf('SNP, VLEK')).toContain('SEV-VLEK-Milan');
  expect(issuerOf('SNP, Turin')).toContain('SEV-Turin');
});
