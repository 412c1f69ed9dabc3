/** What Alice refuses before she proves what an SEV-SNP machine is, each beside the twin that she takes. */
import { beforeAll, describe, expect, test } from 'vitest';
import { AliceError } from '#prover/linked/alice-errors.ts';
import { type AttestationJobs, attestationJobs } from '#prover/linked/attestation-jobs.ts';
import type { AttestationInputs } from '#prover/linked/attestation-task.ts';
import { attestationCommitment, keyCommitment, referenceSnp } from '#prover/linked/formulas.ts';
import { chipSnp, noChip, snpProducts, tcbSnp, vekSnp } from '#prover/linked/formulas-snp.ts';
import { acceptedSet, levelSet, revokedSet } from '#prover/linked/sets.ts';
import { findSnpChain, readSnpFacts, type SnpChain } from '#prover/linked/snp-facts.ts';
import type { AmdOverrides } from '#test/fake/amd.ts';
import { amdExtensions } from '#test/fake/amd-profile.ts';
import { replaceExtension } from '#test/fake/certificates.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import type { GuestPolicy, SnpReport } from '#verifier/abi/snp.ts';
import { encodeTcb, hardwareIdLength } from '#verifier/abi/snp-tcb.ts';
import { concat, fromBigEndian } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { verifyProof } from '#verifier/smt/proof.ts';
import { fakeNow, origin, someRevoked } from './alice-scene.ts';
import { type AliceSnpScene, aliceSnpScene, factsOf, snpVekSetOf } from './alice-snp-scene.ts';

let scene: AliceSnpScene;
let vlek: AliceSnpScene;
let turin: AliceSnpScene;
let jobs: AttestationJobs;

beforeAll(async () => {
  [scene, vlek, turin] = await Promise.all([
    aliceSnpScene(),
    aliceSnpScene({ product: 'Genoa', fields: { signingKey: 'vlek', version: 3 } }),
    aliceSnpScene({ product: 'Turin' }),
  ]);
  jobs = attestationJobs(turin.task());
});

/** The refusal's code, null when the task is made. */
function refusal(changes: Partial<AttestationInputs> = {}, of = scene): string | null {
  try {
    of.task(changes);
    return null;
  } catch (error) {
    if (error instanceof AliceError) return error.code;
    throw error;
  }
}

function reporting(changes: Partial<SnpReport>, of = scene): string | null {
  return refusal({ bundle: of.rereport(changes) }, of);
}

describe('a task', () => {
  test.each([
    ['a VCEK', () => scene, 1, 0],
    ['a VLEK', () => vlek, 2, 1],
    ['a VCEK of Turin', () => turin, 3, 0],
  ])('of %s is made of what the checker would believe', (_, sceneOf, product, kind) => {
    const { facts, inputs, hierarchy, machine, task: make } = sceneOf();
    const task = make();
    expect(facts.vek).toMatchObject({ product, kind, tcb: tcbSnp(machine) });
    expect(facts.vek.chip).toBe(kind === 1 ? noChip : chipSnp(hierarchy.hardwareId));
    expect(task.proofs).toEqual({ key: null, machine: null });
    expect(task.platform).toBe('sev-snp');
    expect(task.keyCommitment).toBe(keyCommitment(vekSnp(facts.vek), inputs.salts.key));
    const { bound, epoch } = inputs.bundle;
    expect(task.opening).toEqual({
      treeRoot: bound.treeRoot,
      reference: referenceSnp(facts.report.measurement, bound.closureDigest),
      epoch,
      salt: inputs.salts.attestation,
    });
    const issuer = (kind === 1 ? hierarchy.asvk : hierarchy.ask).der;
    expect(task.key).toEqual({ kind: 'vek', issuer, root: hierarchy.ark.der, at: fakeNow });
    const { claim, proof } = task.work.chipAbsence;
    expect(verifyProof(inputs.revoked.root, facts.vek.chip, claim, proof)).toBe(true);
  });

  test('states what the circuits take, in their order', () => {
    const { key, machine } = jobs;
    expect([key?.circuit, machine.circuit]).toEqual(['snp-vek', 'snp-report']);
    expect(key?.publicInputs).toHaveLength(3);
    expect(machine.publicInputs).toHaveLength(9);
    expect(machine.publicInputs[0]).toEqual(key?.publicInputs[2]);
    const [issuer] = key?.publicInputs ?? [];
    expect(fromBigEndian(issuer ?? new Uint8Array())).toBe(turin.facts.issuer);
    const last = fromBigEndian(machine.publicInputs[8] ?? new Uint8Array());
    expect(last).toBe(attestationCommitment(turin.task().opening));
  });

  test('gives the circuits what was signed, and the level of its product', () => {
    const { key, machine } = jobs;
    const { signed, level } = machine.inputs as Record<string, Record<string, unknown>>;
    expect(signed?.['report']).toEqual([...turin.facts.signed]);
    expect(BigInt(level?.['tcb'] as string)).toBe(tcbSnp(turin.machine));
    const { product, certificate } = key?.inputs ?? {};
    expect(BigInt(product as string)).toBe(BigInt(snpProducts.Turin));
    const tbs = (certificate as number[]).slice(0, turin.facts.certificate.tbs.length);
    expect(Uint8Array.from(tbs)).toEqual(turin.facts.certificate.tbs);
  });

  test('has a key of a set in place of its certificate', () => {
    for (const one of [scene, vlek]) {
      const veks = snpVekSetOf(one);
      expect(one.task({ key: { kind: 'member', veks } }).key).toEqual({
        kind: 'member',
        veks: veks.root,
      });
      const without = { kind: 'member', veks: snpVekSetOf(one, false) } as const;
      expect(refusal({ key: without }, one)).toBe('key-not-listed');
    }
    const task = vlek.task({ key: { kind: 'member', veks: snpVekSetOf(vlek) } });
    const { key } = attestationJobs(task);
    expect(key?.circuit).toBe('vek-member');
    expect(BigInt(key?.inputs['vek'] as string)).toBe(vekSnp(vlek.facts.vek));
  });

  test('shows its certificate in place of a proof', () => {
    const { hierarchy, inputs } = scene;
    const task = scene.task({ key: { kind: 'shown' } });
    const certificates = [hierarchy.vcek.der, hierarchy.ask.der, hierarchy.ark.der];
    expect(task.key).toEqual({ kind: 'shown', certificates, salt: inputs.salts.key });
    expect(task.keyCommitment).toBe(scene.task().keyCommitment);
    const { key, machine } = attestationJobs(task);
    expect([key, machine.circuit]).toEqual([null, 'snp-report']);
  });
});

describe('the facts of a report', () => {
  test('hold the signature as it verifies', async () => {
    for (const { facts } of [scene, vlek, turin]) {
      const { certificate, signed, signature } = facts;
      const verifies = (r: Uint8Array) => nodeCrypto.verifyP384Sha384(certificate.spki, signed, r);
      expect(await verifies(signature)).toBe(true);
      expect(await verifies(signature.toReversed())).toBe(false);
    }
  });

  test('refuse a signature of more than 384 bits', () => {
    const signature = {
      r: new Uint8Array(72).fill(1, 0, 48),
      s: new Uint8Array(72).fill(1, 0, 48),
    };
    expect(codeOf(() => factsOf(scene.rereport({ signature })))).toBeNull();
    const long = { ...signature, s: new Uint8Array(72).fill(1, 0, 49) };
    expect(codeOf(() => factsOf(scene.rereport({ signature: long })))).toBe('signature-malformed');
  });

  test('refuse an issuer of another kind or product', () => {
    const { evidence } = scene.inputs.bundle;
    const { vcek, ask, asvk, ark } = scene.hierarchy;
    const read = (...chain: SnpChain) => codeOf(() => readSnpFacts(evidence, chain));
    expect(read(vcek.der, ask.der, ark.der)).toBeNull();
    expect(read(vcek.der, asvk.der, ark.der)).toBe('certificate-profile');
    expect(read(vcek.der, turin.hierarchy.ask.der, ark.der)).toBe('certificate-profile');
    expect(read(ask.der, ask.der, ark.der)).toBe('certificate-profile');
    expect(read(vcek.der, ask.der, new Uint8Array())).toBe('der-malformed');
  });
});

describe('the chain', () => {
  const item = (kind: 'vek' | 'ask' | 'ark', data: Uint8Array) => ({ kind, data });

  test('is the one that the plain verifier walks', () => {
    const { vcek, vlek: leased, ask, asvk, ark } = scene.hierarchy;
    const issuers = [item('ask', asvk.der), item('ask', ask.der)];
    const roots = [item('ark', turin.hierarchy.ark.der), item('ark', ark.der)];
    const found = (first: Uint8Array) => findSnpChain([item('vek', first), ...issuers, ...roots]);
    expect(found(vcek.der)).toEqual([vcek.der, ask.der, ark.der]);
    expect(found(leased.der)).toEqual([leased.der, asvk.der, ark.der]);
    const two = [item('vek', vcek.der), item('vek', leased.der), ...issuers, ...roots];
    expect(findSnpChain(two)?.[0]).toEqual(vcek.der);
  });

  test.each(['vek', 'ask', 'ark'])('without its %s there is none', (missing) => {
    const { bundle } = scene.inputs;
    const collateral = bundle.collateral.filter(({ kind }) => kind !== missing);
    expect(refusal({ bundle: { ...bundle, collateral } })).toBe('certificate-missing');
  });
});

describe('the sets', () => {
  test('software that is not accepted', () => {
    expect(refusal()).toBeNull();
    const { measurement } = scene.facts.report;
    const { closureDigest } = scene.inputs.bundle.bound;
    const accepting = (changes: object) =>
      refusal({ accepted: acceptedSet([{ measurement, closureDigest, ...changes }], origin) });
    expect(accepting({})).toBeNull();
    expect(accepting({ measurement: new Uint8Array(48) })).toBe('not-accepted');
    expect(accepting({ closureDigest: new Uint8Array(32) })).toBe('not-accepted');
    const tdx = { mrTd: measurement, rtmr: Array(4).fill(measurement), closureDigest };
    expect(refusal({ accepted: acceptedSet([tdx], origin) })).toBe('not-accepted');
  });

  test.each([
    ['its own', {}, null],
    ['a lower microcode', { microcode: 1 }, null],
    ['a higher boot loader', { bootLoader: 5 }, 'level-not-reached'],
    ['a higher TEE', { tee: 2 }, 'level-not-reached'],
    ['a higher SNP', { snp: 28 }, 'level-not-reached'],
    ['a higher microcode', { microcode: 223 }, 'level-not-reached'],
    ['another product', { product: 'Genoa' }, 'level-not-reached'],
  ])('a floor of %s', (_, changes, code) => {
    const levels = levelSet([{ ...scene.machine, ...changes } as typeof scene.machine], origin);
    expect(refusal({ levels })).toBe(code);
  });

  test('a floor of the FMC, which Turin has', () => {
    const floor = (fmc: number) =>
      refusal({ levels: levelSet([{ ...turin.machine, fmc }], origin) }, turin);
    expect([floor(1), floor(2)]).toEqual([null, 'level-not-reached']);
  });

  test('a floor that COMMITTED_TCB does not pass', () => {
    const { product, ...tcb } = scene.machine;
    const committing = (microcode: number) =>
      reporting({ committedTcb: encodeTcb(product, { ...tcb, microcode }) });
    expect(committing(tcb.microcode)).toBeNull();
    expect(committing(tcb.microcode - 1)).toBe('level-not-reached');
  });

  test('a chip that is revoked; of a VLEK there is none', () => {
    const revoking = (chipId: Uint8Array, of = scene) =>
      refusal({ revoked: revokedSet([...someRevoked, { chipId }], origin) }, of);
    expect(revoking(new Uint8Array(64).fill(9))).toBeNull();
    expect(revoking(scene.hierarchy.hardwareId)).toBe('machine-revoked');
    expect(revoking(turin.hierarchy.hardwareId, turin)).toBe('machine-revoked');
    expect(revoking(vlek.hierarchy.hardwareId, vlek)).toBeNull();
    expect(refusal({ revoked: revokedSet([], origin) }, vlek)).toBeNull();
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
    const { notBefore, notAfter } = scene.facts.certificate;
    const at = (time: number) => refusal({ key: { kind: 'certified', at: time } });
    expect([at(notBefore), at(notAfter)]).toEqual([null, null]);
    expect([at(notBefore - 1), at(notAfter + 1)]).toEqual(Array(2).fill('certificate-not-valid'));
  });
});

describe('a report that no circuit takes', () => {
  test.each([
    [2, null],
    [3, null],
    [4, 'report-unsupported'],
    [5, null],
  ] as const)('version %i', (version, code) => {
    const old = version < 5 ? { launchMitVector: null, currentMitVector: null } : {};
    const cpuid = version < 3 ? { cpuid: null } : {};
    expect(reporting({ version, ...old, ...cpuid })).toBe(code);
  });

  const policy = (changes: Partial<GuestPolicy>) => ({
    policy: { ...scene.facts.report.policy, ...changes },
  });
  const tcb = (name: 'currentTcb' | 'reportedTcb' | 'launchTcb', changes: object) => {
    const { product, ...own } = scene.machine;
    return { [name]: encodeTcb(product, { ...own, ...changes }) };
  };

  test.each<[string, () => Partial<SnpReport>, string | null]>([
    ['made again', () => ({}), null],
    ['without SMT', () => policy({ smt: false }), null],
    ['a guest to be debugged', () => policy({ debug: true }), 'report-unsupported'],
    ['a guest that may be moved', () => policy({ migrateMa: true }), 'report-unsupported'],
    ['another VMPL', () => ({ vmpl: 1 }), 'report-unsupported'],
    ['asked for by the host', () => ({ vmpl: 0xffffffff }), 'report-unsupported'],
    ['an author’s key', () => ({ authorKeyEn: true }), null],
    ['another kind of key', () => ({ signingKey: 'vlek' }), 'report-unsupported'],
    ['no key', () => ({ signingKey: 'none' }), 'report-unsupported'],
    ['a masked VCEK', () => ({ maskChipKey: true }), 'report-unsupported'],
    ['a masked chip id', () => ({ chipId: new Uint8Array(64) }), 'report-unsupported'],
    ['another chip', () => ({ chipId: new Uint8Array(64).fill(1) }), 'report-unsupported'],
    ['another processor', () => ({ cpuid: turin.facts.report.cpuid }), 'report-unsupported'],
    ['another TCB', () => tcb('reportedTcb', { snp: 1 }), 'report-unsupported'],
    ['a higher current TCB', () => tcb('currentTcb', { snp: 28 }), null],
    ['a lower current TCB', () => tcb('currentTcb', { snp: 1 }), 'report-unsupported'],
    ['a lower launch TCB', () => tcb('launchTcb', { snp: 1 }), null],
    [
      'a strange launch TCB',
      () => ({ launchTcb: new Uint8Array(8).fill(1) }),
      'report-unsupported',
    ],
    ['a current version that is newer', () => ({ current: version(2) }), null],
    ['a committed version that is newer', () => ({ committed: version(2) }), 'report-unsupported'],
  ])('%s', (_, changes, code) => {
    expect(reporting(changes())).toBe(code);
  });

  const version = (major: number) => ({ build: 0, minor: 0, major });

  test('of Turin, whose id has eight bytes', () => {
    const { hardwareId } = turin.hierarchy;
    const id = (tail: number) =>
      concat(hardwareId, new Uint8Array(64 - hardwareIdLength.Turin).fill(tail));
    expect(reporting({ chipId: id(0) }, turin)).toBeNull();
    expect(reporting({ chipId: id(1) }, turin)).toBe('report-unsupported');
  });

  test('under a VLEK, of which neither CHIP_ID nor the VCEK’s mask counts', () => {
    const chipId = new Uint8Array(64).fill(3);
    expect(reporting({ chipId, maskChipKey: true }, vlek)).toBeNull();
    expect(reporting({ signingKey: 'vcek' }, vlek)).toBe('report-unsupported');
  });

  test('a certificate that has no room, unless it is shown', async () => {
    const named = (length: number) => {
      // A name that nobody reads makes it long.
      const name = amdExtensions.productName('x'.repeat(length));
      const vlek: AmdOverrides['vlek'] = (plan) => ({
        ...plan,
        extensions: replaceExtension(plan.extensions, name),
      });
      const fields = { signingKey: 'vlek' } as const;
      return aliceSnpScene({ fields, cspId: 'x'.repeat(255), overrides: { vlek } });
    };
    const { length } = (await named(200)).facts.certificate.tbs;
    // What is left of nine blocks of 128 bytes beside a byte 0x80 and the length.
    const most = 200 + 1135 - length;
    expect(refusal({}, await named(most))).toBeNull();
    const wide = await named(most + 1);
    expect(refusal({}, wide)).toBe('report-unsupported');
    expect(refusal({ key: { kind: 'shown' } }, wide)).toBeNull();
    expect(refusal({ key: { kind: 'member', veks: snpVekSetOf(wide) } }, wide)).toBeNull();
  });
});
