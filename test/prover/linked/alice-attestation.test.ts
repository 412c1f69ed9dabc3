/** What Alice refuses before she proves what a machine is, each beside the twin that she takes. */
import { beforeAll, describe, expect, test } from 'vitest';
import { AliceError } from '#prover/linked/alice-errors.ts';
import { attestationJobs, circuitTime } from '#prover/linked/attestation-jobs.ts';
import type { AttestationInputs } from '#prover/linked/attestation-task.ts';
import { attestationCommitment, keyCommitment, vekTdx } from '#prover/linked/formulas.ts';
import { acceptedSet, levelSet, revokedSet } from '#prover/linked/sets.ts';
import { createIntel } from '#test/fake/intel.ts';
import { makeQuote } from '#test/fake/intel-qe.ts';
import { verifyProof } from '#verifier/smt/proof.ts';
import {
  type AliceScene,
  aliceScene,
  fakeNow,
  origin,
  someRevoked,
  vekSetOf,
} from './alice-scene.ts';

let scene: AliceScene;

beforeAll(async () => {
  scene = await aliceScene();
});

/** The refusal's code, null when the task is made. */
function refusal(changes: Partial<AttestationInputs> = {}): string | null {
  try {
    scene.task(changes);
    return null;
  } catch (error) {
    if (error instanceof AliceError) return error.code;
    throw error;
  }
}

function withEvidence(evidence: Uint8Array): Partial<AttestationInputs> {
  return { bundle: { ...scene.inputs.bundle, evidence } };
}

describe('a task', () => {
  test('is made of what the checker would believe', () => {
    const { story, inputs } = scene;
    const task = scene.task();
    expect(task.proofs).toEqual({ key: null, machine: null });
    expect(task.platform).toBe('tdx');
    expect(task.keyCommitment).toBe(keyCommitment(vekTdx(story.facts.pck), inputs.salts.key));
    expect(task.opening).toEqual({ ...story.opening, salt: inputs.salts.attestation });
    expect(task.demanded).toMatchObject({
      accepted: inputs.accepted.root,
      nonce: inputs.bundle.nonce,
    });
    expect(task.key).toEqual({ kind: 'pck', issuer: story.intel.pckCa.der, at: fakeNow });
    const { claim, proof } = task.work.chipAbsence;
    expect(verifyProof(inputs.revoked.root, story.facts.pck.chip, claim, proof)).toBe(true);
  });

  test('states what the circuits take, in their order', () => {
    const task = scene.task();
    const { key, machine } = attestationJobs(task);
    expect([key?.circuit, machine.circuit]).toEqual(['tdx-pck', 'tdx-quote']);
    expect(key?.publicInputs).toHaveLength(3);
    expect(machine.publicInputs).toHaveLength(9);
    expect(machine.publicInputs[0]).toEqual(key?.publicInputs[2]);
    const last = BigInt(`0x${Buffer.from(machine.publicInputs[8] ?? []).toString('hex')}`);
    expect(last).toBe(attestationCommitment(task.opening));
  });

  test('has a key of a set in place of its certificate', () => {
    const veks = vekSetOf(scene);
    const task = scene.task({ key: { kind: 'member', veks } });
    expect(task.key).toEqual({ kind: 'member', veks: veks.root });
    expect(attestationJobs(task).key?.circuit).toBe('vek-member');
    expect(refusal({ key: { kind: 'member', veks: vekSetOf(scene, false) } })).toBe(
      'key-not-listed',
    );
  });

  test('shows its certificate in place of a proof', () => {
    const { intel } = scene.story;
    const task = scene.task({ key: { kind: 'shown' } });
    const certificates = [intel.pck.der, intel.pckCa.der];
    expect(task.key).toEqual({ kind: 'shown', certificates, salt: scene.inputs.salts.key });
    expect(task.keyCommitment).toBe(scene.task().keyCommitment);
    const { key, machine } = attestationJobs(task);
    expect([key, machine.circuit]).toEqual([null, 'tdx-quote']);
  });

  test('writes a time as the circuit reads it', () => {
    expect(circuitTime(1_768_435_200)).toBe(20260115000000n);
    expect(() => circuitTime(253_402_300_800)).toThrow(RangeError);
  });
});

describe('the sets', () => {
  test('software that is not accepted', () => {
    expect(refusal()).toBeNull();
    const [own, other] = scene.inputs.accepted.entries;
    if (own === undefined || other === undefined) throw new Error('the scene has two');
    const hasOwn = (entries: (typeof own)[]) => refusal({ accepted: acceptedSet(entries, origin) });
    expect([hasOwn([own]), hasOwn([other])].toSorted()).toEqual(['not-accepted', null].toSorted());
    const closure = { ...scene.inputs.bundle.bound, closureDigest: new Uint8Array(32) };
    expect(refusal({ bundle: { ...scene.inputs.bundle, bound: closure } })).toBe('not-accepted');
  });

  test.each([
    ['its own', {}, null],
    ['a higher PCESVN', { pceSvn: 14 }, 'level-not-reached'],
    ['a higher ISVSVN', { qeIsvSvn: 0xffff }, 'level-not-reached'],
    ['another model', { fmspc: new Uint8Array(6) }, 'level-not-reached'],
    ['a higher component', { cpuSvn: new Uint8Array(16).fill(5) }, 'level-not-reached'],
  ])('a floor of %s', (_, changes, code) => {
    const levels = levelSet([{ ...scene.machine, ...changes }], origin);
    expect(refusal({ levels })).toBe(code);
  });

  test('a chip or a certificate that is revoked', () => {
    const { facts, intel } = scene.story;
    const revoking = (entry: (typeof someRevoked)[number]) =>
      refusal({ revoked: revokedSet([...someRevoked, entry], origin) });
    expect(revoking({ chip: new Uint8Array(16).fill(0xcc) })).toBeNull();
    expect(revoking({ chip: intel.machine.ppid })).toBe('machine-revoked');
    const serialNumber = facts.certificate.serial;
    expect(revoking({ issuer: 7n, serialNumber })).toBeNull();
    expect(revoking({ issuer: facts.issuer, serialNumber })).toBe('machine-revoked');
  });

  test('nobody revoked at all', () => {
    expect(refusal({ revoked: revokedSet([], origin) })).toBeNull();
  });
});

describe('times', () => {
  test('an epoch outside the window, which includes both ends', () => {
    const { epoch } = scene.inputs.bundle;
    expect(refusal({ epochMin: epoch, epochMax: epoch })).toBeNull();
    expect(refusal({ epochMin: epoch + 1, epochMax: epoch + 9 })).toBe('epoch-outside');
    expect(refusal({ epochMin: epoch - 9, epochMax: epoch - 1 })).toBe('epoch-outside');
  });

  test('a certificate that is not valid then', () => {
    const { notBefore, notAfter } = scene.story.facts.certificate;
    const at = (time: number) => refusal({ key: { kind: 'certified', at: time } });
    expect([at(notBefore), at(notAfter)]).toEqual([null, null]);
    expect([at(notBefore - 1), at(notAfter + 1)]).toEqual(Array(2).fill('certificate-not-valid'));
  });
});

describe('a quote that no circuit takes', () => {
  test('is told from one that is only made again', () => {
    expect(refusal(withEvidence(scene.requote()))).toBeNull();
    expect(refusal(withEvidence(scene.requote({}, { version: 5 })))).toBeNull();
  });

  test.each([
    ['a TD to be debugged', { tdAttributes: Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0) }],
    ['SEPT_VE_DISABLE 0', { tdAttributes: new Uint8Array(8) }],
    ['another signer of the module', { mrSignerSeam: new Uint8Array(48).fill(1) }],
    ['SEAM attributes', { seamAttributes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) }],
  ])('%s', (_, changes) => {
    expect(refusal(withEvidence(scene.requote(changes)))).toBe('quote-unsupported');
  });

  test.each([
    ['a quoting enclave of another signer', { qe: { mrSigner: new Uint8Array(32) } }],
    ['the enclave that quotes other enclaves', { qe: { isvProdId: 1 } }],
    ['an enclave to be debugged', { qe: { attributes: Uint8Array.from({ length: 16 }, () => 2) } }],
    ['an enclave of another vendor', { header: { qeVendorId: new Uint8Array(16) } }],
    ['authentication data of 31 bytes', { qeAuthData: new Uint8Array(31) }],
    ['authentication data of 33 bytes', { qeAuthData: new Uint8Array(33) }],
  ])('%s', (_, options) => {
    expect(refusal(withEvidence(scene.requote({}, options)))).toBe('quote-unsupported');
  });

  test('a certificate that has no room', () => {
    const { intel, facts } = scene.story;
    expect(facts.certificate.tbs.length).toBeLessThan(1207);
    // A name that nobody reads makes it long.
    const longer = createIntel({
      keys: intel.keys,
      machine: intel.machine,
      overrides: { pck: (plan) => ({ ...plan, subject: [...plan.subject, ...manyNames] }) },
    });
    const evidence = makeQuote(longer, { kind: 'tdx', report: facts.report });
    expect(refusal(withEvidence(evidence))).toBe('quote-unsupported');
    expect(refusal({ ...withEvidence(evidence), key: { kind: 'shown' } })).toBeNull();
  });
});

const manyNames = Array.from({ length: 12 }, () => ({
  type: 'O' as const,
  value: 'an organisation of many words',
  string: 'utf8' as const,
}));
