/**
 * The story of scene.ts for a machine of AMD: a simulated SEV-SNP guest's report, bound by the agent; the checker's sets; and what
 * snp-report takes of all that. Of every product, under a VCEK or a VLEK.
 */
import type { InputMap } from '@noir-lang/noir_js';
import { makeBundle } from '#agent/evidence.ts';
import { type AgentState, bootState } from '#agent/state.ts';
import {
  type AttestationOpening,
  attestationCommitment,
  keyCommitment,
  referenceSnp,
} from '#prover/linked/formulas.ts';
import { levelSnp, type SnpSvns, tcbSnp, vekSnp } from '#prover/linked/formulas-snp.ts';
import type { MachineStatement } from '#prover/linked/public-inputs.ts';
import { readSnpFacts, type SnpFacts } from '#prover/linked/snp-facts.ts';
import { type SnpLevel, toSnpReportInputs } from '#prover/linked/snp-report-inputs.ts';
import { type AmdHierarchyOptions, fakeNow } from '#test/fake/amd.ts';
import { createInsecureAgent, demoClosure, demoServices } from '#test/fake/insecure-agent.ts';
import type { SnpFields } from '#test/fake/snp-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import type { Bundle } from '#verifier/abi/bundle.ts';
import { decodeTcb, type SnpProduct } from '#verifier/abi/snp-tcb.ts';
import type { Field } from '#verifier/field.ts';
import type { Tree } from '#verifier/smt/tree.ts';
import { attestationNonce, saltOf, setOf } from './scene.ts';
import { snpReportInputsOf } from './test-size.ts';

export type SnpStoryOptions = {
  readonly product?: SnpProduct;
  readonly kind?: 'vcek' | 'vlek';
  /** Of the certificates, and of the report where `fields` do not say otherwise. */
  readonly hierarchy?: Omit<AmdHierarchyOptions, 'product'>;
  readonly fields?: Partial<SnpFields>;
  /** In place of the machine's own product, and of parts that are one below the machine's. */
  readonly level?: { readonly product?: SnpLevel['product']; readonly svns?: Partial<SnpSvns> };
  /** More of the set of revoked chips. */
  readonly revoked?: readonly Field[];
};

export type SnpStory = {
  readonly state: AgentState;
  readonly bundle: Bundle;
  readonly facts: SnpFacts;
  readonly sets: Record<'accepted' | 'levels' | 'revoked', Tree>;
  readonly level: SnpLevel;
  readonly salts: { readonly key: Field; readonly attestation: Field };
  readonly opening: AttestationOpening;
  readonly statement: MachineStatement;
  /** Of snp-report. */
  readonly inputs: InputMap;
  /** Of circuits/test/linked_snp. */
  readonly testInputs: InputMap;
};

const closure = demoClosure();
const state = bootState(closure, demoServices(closure).services, fakeNow);

export async function tellSnpStory(options: SnpStoryOptions = {}): Promise<SnpStory> {
  const { product = 'Milan', kind = 'vcek' } = options;
  const hierarchy = await testHierarchy({ product, ...options.hierarchy });
  const { source } = await createInsecureAgent({
    hierarchy,
    state,
    now: () => fakeNow,
    logger: { info() {}, warn() {}, error() {} },
    fields: { signingKey: kind, ...options.fields },
  });
  const bundle = await makeBundle({
    state,
    source,
    nonce: attestationNonce,
    channel: null,
    now: () => fakeNow,
    random: (length) => new Uint8Array(length),
  });
  const { vcek, vlek, ask, asvk, ark } = hierarchy;
  const [vek, issuer] = kind === 'vcek' ? [vcek, ask] : [vlek, asvk];
  const facts = readSnpFacts(bundle.evidence, [vek.der, issuer.der, ark.der]);
  return storyOf(options, bundle, facts);
}

function storyOf(options: SnpStoryOptions, bundle: Bundle, facts: SnpFacts): SnpStory {
  const salts = { key: saltOf('snp/key'), attestation: saltOf('snp/attestation') };
  const level = levelOf(facts, options.level);
  const reference = referenceSnp(facts.report.measurement, state.closureDigest);
  const sets = setsOf(level, reference, options.revoked ?? []);
  const opening = {
    treeRoot: state.tree.root,
    reference,
    epoch: bundle.epoch,
    salt: salts.attestation,
  };
  const statement = {
    keyCommitment: keyCommitment(vekSnp(facts.vek), salts.key),
    accepted: sets.accepted.root,
    levels: sets.levels.root,
    revoked: sets.revoked.root,
    epochMin: opening.epoch - 300,
    epochMax: opening.epoch,
    nonce: attestationNonce,
    attestation: attestationCommitment(opening),
  };
  const inputs = toSnpReportInputs({
    statement,
    facts,
    keySalt: salts.key,
    level,
    levelSiblings: sets.levels.prove(levelElement(level)).proof.siblings,
    chipAbsence: sets.revoked.prove(facts.vek.chip),
    referenceSiblings: sets.accepted.prove(reference).proof.siblings,
    bound: bundle.bound,
    channel: bundle.channel,
    epoch: bundle.epoch,
    salt: salts.attestation,
  });
  const whole = { state, bundle, facts, sets, level, salts, opening, statement, inputs };
  return { ...whole, testInputs: snpReportInputsOf(inputs) };
}

export function levelElement({ product, svns }: SnpLevel): Field {
  return levelSnp(product, tcbSnp(svns));
}

/** Below what the machine reported in every part. */
function levelOf(
  { product: name, vek: { product }, report }: SnpFacts,
  changes: SnpStoryOptions['level'],
): SnpLevel {
  const { fmc, bootLoader, tee, snp, microcode } = decodeTcb(name, report.reportedTcb, 'REPORTED');
  const lower = (part: number) => Math.max(0, part - 1);
  const svns = {
    fmc: lower(fmc),
    bootLoader: lower(bootLoader),
    tee: lower(tee),
    snp: lower(snp),
    microcode: lower(microcode),
  };
  return { product: changes?.product ?? product, svns: { ...svns, ...changes?.svns } };
}

/** Each with some others: so that paths have siblings. */
function setsOf(level: SnpLevel, reference: Field, revoked: readonly Field[]): SnpStory['sets'] {
  const others = (name: string) => [1, 2, 3, 4, 5].map((i) => saltOf(`other ${name} ${i}`));
  const { svns } = level;
  const levels = ([1, 2, 3] as const).map((product) => ({
    product,
    svns: { ...svns, snp: 255 },
  }));
  return {
    accepted: setOf(reference, ...others('reference')),
    levels: setOf(...new Set([level, ...levels].map(levelElement))),
    revoked: setOf(...others('chip'), ...revoked),
  };
}
