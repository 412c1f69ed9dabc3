/** What Alice is given of a simulated SEV-SNP guest: its bundle, the checker's sets as files, a response and its tree proof. */
import { makeBundle } from '#agent/evidence.ts';
import {
  type AttestationInputs,
  type AttestationTask,
  toAttestationTask,
} from '#prover/linked/attestation-task.ts';
import type { LevelSnp, VekSnp } from '#prover/linked/set-entries-snp.ts';
import { acceptedSet, levelSet, revokedSet, vekSet } from '#prover/linked/sets.ts';
import { findSnpChain, readSnpFacts, type SnpFacts } from '#prover/linked/snp-facts.ts';
import { attestationNonce, saltOf } from '#test/circuits/linked/scene.ts';
import { type AmdHierarchy, type AmdHierarchyOptions, fakeNow } from '#test/fake/amd.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import type { SnpFields, SnpReportOptions } from '#test/fake/snp-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type Bundle, encodeBundle } from '#verifier/abi/bundle.ts';
import { encodeResponse, type ResponseContent, signResponse } from '#verifier/abi/response.ts';
import { parseReport, type SnpReport } from '#verifier/abi/snp.ts';
import { decodeTcb } from '#verifier/abi/snp-tcb.ts';
import { buildTreeProof, encodeTreeProof } from '#verifier/abi/tree-proof.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { origin, someRevoked } from './alice-scene.ts';

export type SnpSceneOptions = Partial<AmdHierarchyOptions> & {
  /** Of every report; a `signingKey` of `vlek` brings VLEK and ASVK. */
  readonly fields?: Partial<SnpFields>;
  /** For programs that are no tests. Default: with the keys of the tests' run. */
  readonly hierarchy?: AmdHierarchy;
};

export type AliceSnpScene = {
  readonly hierarchy: AmdHierarchy;
  readonly facts: SnpFacts;
  /** What she proves, and has accepted. */
  readonly inputs: AttestationInputs;
  /** The machine's own versions, and its key as a set has it. */
  readonly machine: LevelSnp;
  readonly key: VekSnp;
  readonly files: { readonly bundle: Bytes; readonly response: Bytes; readonly treeProof: Bytes };
  /** The bundle with another report of the same guest. */
  rereport(changes?: Partial<SnpReport>, options?: SnpReportOptions): Bundle;
  task(changes?: Partial<AttestationInputs>): AttestationTask;
};

export async function aliceSnpScene(options: SnpSceneOptions = {}): Promise<AliceSnpScene> {
  const { fields = {}, hierarchy: given, ...wanted } = options;
  const hierarchy = given ?? (await testHierarchy({ product: 'Milan', ...wanted }));
  const logger = { info() {}, warn() {}, error() {} };
  const now = () => fakeNow;
  const agent = await createInsecureAgent({ hierarchy, fields, now, logger });
  const random = (length: number) => new Uint8Array(length);
  const { state, source, device } = agent;
  const bundle = await makeBundle({
    ...{ state, source, now, random },
    nonce: attestationNonce,
    channel: null,
  });
  const { reportData } = parseReport(bundle.evidence);
  const facts = factsOf(bundle);
  const machine = {
    product: facts.product,
    ...decodeTcb(facts.product, facts.certified.tcb, 'TCB'),
  };
  const inputs = inputsOf(bundle, facts, machine);
  return {
    hierarchy,
    facts,
    inputs,
    machine,
    key: keyOf(facts, machine),
    files: { bundle: utf8(encodeBundle(bundle)), ...answered(agent) },
    rereport: (changes = {}, reporting = {}) => ({
      ...bundle,
      evidence: device.report(reportData, {
        ...reporting,
        with: { ...fields, ...reporting.with, ...changes },
      }),
    }),
    task: (changes = {}) => toAttestationTask({ ...inputs, ...changes }),
  };
}

export function factsOf({ evidence, collateral }: Bundle): SnpFacts {
  const chain = findSnpChain(collateral);
  if (chain === null) throw new Error('the bundle has no chain');
  return readSnpFacts(evidence, chain);
}

function inputsOf(bundle: Bundle, { report }: SnpFacts, machine: LevelSnp): AttestationInputs {
  const { measurement } = report;
  const { closureDigest } = bundle.bound;
  // Sets of both vendors, as a checker may make them.
  const tdx = {
    accepted: { mrTd: measurement, rtmr: Array(4).fill(measurement), closureDigest },
    level: {
      fmspc: new Uint8Array(6),
      cpuSvn: new Uint8Array(16),
      pceSvn: 0,
      teeTcbSvn: new Uint8Array(16),
      qeIsvSvn: 0,
    },
  };
  const other = { measurement: new Uint8Array(48), closureDigest };
  return {
    bundle,
    accepted: acceptedSet([{ measurement, closureDigest }, other, tdx.accepted], origin),
    levels: levelSet([machine, { ...machine, microcode: 255 }, tdx.level], origin),
    revoked: revokedSet([...someRevoked, { chipId: new Uint8Array(64).fill(7) }], origin),
    key: { kind: 'certified', at: fakeNow },
    epochMin: bundle.epoch - 300,
    epochMax: bundle.epoch,
    salts: { key: saltOf('alice/key'), attestation: saltOf('alice/attestation') },
    made: fakeNow,
  };
}

function keyOf({ certified, vek }: SnpFacts, { product, ...tcb }: LevelSnp): VekSnp {
  return { product, keyKind: certified.role, publicKey: vek.publicKey, chip: vek.chip, tcb };
}

function answered({ state, secretKeys }: Awaited<ReturnType<typeof createInsecureAgent>>) {
  const content: ResponseContent = {
    service: 'echo-node',
    nonce: new Uint8Array(32).fill(0xa1),
    time: fakeNow + 60,
    request: utf8('what did I pay?'),
    body: utf8('12.50 EUR'),
  };
  const service = state.services.find(({ name }) => name === content.service) ?? null;
  const proof = buildTreeProof(state.tree, content.service, service);
  return {
    response: utf8(encodeResponse(signResponse(content, secretKeys[content.service] as Bytes))),
    treeProof: utf8(JSON.stringify(encodeTreeProof(proof))),
  };
}

/** The set of keys with the machine's among others. */
export function snpVekSetOf({ key }: AliceSnpScene, withOwn = true) {
  const others = [1, 2].map((byte) => ({ ...key, publicKey: new Uint8Array(96).fill(byte) }));
  return vekSet([...(withOwn ? [key] : []), ...others], origin);
}
