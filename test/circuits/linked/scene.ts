/**
 * One story for the linked circuits: a simulated TD's quote, bound by the agent; the checker's sets; a response of one of its
 * services; and what each circuit takes of all that. The same seed tells the same story, but for the random of ECDSA.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { InputMap } from '@noir-lang/noir_js';
import { makeBundle } from '#agent/evidence.ts';
import { type AgentState, bootState } from '#agent/state.ts';
import { audienceHash } from '#prover/circuit-inputs.ts';
import {
  type AttestationOpening,
  attestationCommitment,
  chipTdx,
  keyCommitment,
  type LevelTdx,
  levelTdx,
  referenceTdx,
  serial,
  vekTdx,
} from '#prover/linked/formulas.ts';
import type {
  MachineStatement,
  MemberStatement,
  PckStatement,
  ResponseStatement,
  TextStatement,
} from '#prover/linked/public-inputs.ts';
import { type QuoteFacts, readQuoteFacts } from '#prover/linked/quote-facts.ts';
import { toTdxQuoteInputs, toVekMemberInputs } from '#prover/linked/quote-inputs.ts';
import { toLinkedResponseInputs, toResponseTextInputs } from '#prover/linked/response-inputs.ts';
import { toTdxPckInputs } from '#prover/linked/tdx-inputs.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createInsecureTdxAgent, demoClosure } from '#test/fake/insecure-agent.ts';
import { createIntel, type Intel } from '#test/fake/intel.ts';
import type { PckValues } from '#test/fake/intel-profile.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import type { TdxFields } from '#test/fake/tdx-device.ts';
import type { Bundle } from '#verifier/abi/bundle.ts';
import {
  type ResponseContent,
  responseHash,
  type SignedResponse,
  signResponse,
} from '#verifier/abi/response.ts';
import { type Service, serviceId, serviceKey } from '#verifier/abi/service.ts';
import { type Bytes, fromBigEndian, utf8 } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import { buildTree, type Tree } from '#verifier/smt/tree.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type TdxCircuitName, type TestCircuit, testInputsOf } from './test-size.ts';

export { shortDepth, type TestCircuit, testCircuits } from './test-size.ts';

export type StoryOptions = {
  /** Of the vendor's and the services' keys, and of the salts. */
  readonly seed?: string;
  /** Of the services alone: another name, another response of the same machine. */
  readonly service?: 'echo-node' | 'echo-cpp' | 'echo-rust';
  readonly machine?: Partial<PckValues>;
  readonly fields?: Partial<TdxFields>;
  readonly level?: Partial<LevelTdx>;
  readonly salts?: { readonly key?: Field; readonly attestation?: Field };
  readonly content?: Partial<ResponseContent>;
  /** Which bytes of the body are shown. Default: the first half. */
  readonly mask?: (index: number) => boolean;
  readonly audience?: string;
  /** Of the checker, for the response. */
  readonly nonce?: Bytes;
};

export type Sets = {
  readonly accepted: Tree;
  readonly levels: Tree;
  readonly revoked: Tree;
  readonly veks: Tree;
};

export type Statements = {
  readonly 'tdx-pck': PckStatement;
  readonly 'tdx-quote': MachineStatement;
  readonly 'vek-member': MemberStatement;
  readonly response: ResponseStatement;
  readonly 'response-text': TextStatement;
};

export type LinkedStory = {
  readonly intel: Intel;
  readonly state: AgentState;
  readonly bundle: Bundle;
  readonly facts: QuoteFacts;
  readonly sets: Sets;
  readonly level: LevelTdx;
  readonly salts: { readonly key: Field; readonly attestation: Field };
  readonly vek: Field;
  readonly opening: AttestationOpening;
  readonly service: Service;
  readonly response: SignedResponse;
  readonly statements: Statements;
  readonly inputs: Readonly<Record<TdxCircuitName, InputMap>>;
  /** Of the test-size builds under circuits/test. */
  readonly testInputs: Readonly<Record<TestCircuit, InputMap>>;
};

/** Of the attestation: in the quote's freshness. */
export const attestationNonce: Bytes = new Uint8Array(32).fill(0xe0);
export const sampleBody =
  'Paid 12.50 EUR to the bakery; the rest of the account is nobody’s business.';

/** 31 bytes as an integer, of a seed. */
export function saltOf(seed: string): Field {
  return fromBigEndian(sha256(utf8(seed)).subarray(1));
}

/** YYYYMMDDhhmmss UTC as an integer. */
export function digitsOf(time: UnixTime): bigint {
  return BigInt(new Date(time * 1000).toISOString().slice(0, 19).replaceAll(/\D/g, ''));
}

/** A set: a tree of the field with value 1. */
export function setOf(...elements: readonly Field[]): Tree {
  return buildTree(elements.map((key) => ({ key, value: 1n })));
}

export async function tellLinkedStory(options: StoryOptions = {}): Promise<LinkedStory> {
  const { seed = 'linked', machine = {} } = options;
  const intel = createIntel({ keys: generateIntelKeys(seed), machine });
  const { services, secretKeys } = servicesOf(seed);
  const state = bootState(demoClosure(), services, fakeNow);
  const { source } = createInsecureTdxAgent({
    intel,
    state,
    now: () => fakeNow,
    logger: { info() {}, warn() {}, error() {} },
    ...(options.fields && { fields: options.fields }),
  });
  const bundle = await makeBundle({
    state,
    source,
    nonce: attestationNonce,
    channel: null,
    now: () => fakeNow,
    random: (length) => new Uint8Array(length),
  });
  return storyOf(options, { intel, state, bundle, secretKeys });
}

function servicesOf(seed: string) {
  const closure = demoClosure();
  const secretKeys: Record<string, Bytes> = {};
  const services = ['echo-node', 'echo-cpp', 'echo-rust'].map((name) => {
    const { path: storePath, narHash } = closure.find(({ path }) =>
      path.endsWith(`-${name}-1.0`),
    ) as { path: string; narHash: Bytes };
    const secretKey = sha256(utf8(`${seed}/${name}`));
    secretKeys[name] = secretKey;
    return {
      name,
      storePath,
      narHash,
      publicKey: secp256k1.getPublicKey(secretKey, false).slice(1),
    };
  });
  return { services, secretKeys };
}

type Told = {
  readonly intel: Intel;
  readonly state: AgentState;
  readonly bundle: Bundle;
  readonly secretKeys: Readonly<Record<string, Bytes>>;
};

function storyOf(options: StoryOptions, told: Told): LinkedStory {
  const { seed = 'linked' } = options;
  const { intel, state, bundle } = told;
  const facts = readQuoteFacts(bundle.evidence);
  const salts = {
    key: options.salts?.key ?? saltOf(`${seed}/key`),
    attestation: options.salts?.attestation ?? saltOf(`${seed}/attestation`),
  };
  const level = levelOf(facts, options.level);
  const vek = vekTdx(facts.pck);
  const reference = referenceTdx(facts.report, state.closureDigest);
  const sets = setsOf(facts, { level, vek, reference });
  const opening = {
    treeRoot: state.tree.root,
    reference,
    epoch: bundle.epoch,
    salt: salts.attestation,
  };
  const { service, response } = respond(options, told);
  const story = { intel, state, bundle, facts, sets, level, salts, vek, opening };
  const whole = { ...story, service, response };
  const statements = statementsOf(options, whole);
  const inputs = inputsOf(whole, statements);
  return {
    ...whole,
    statements,
    inputs,
    testInputs: testInputsOf(facts, inputs),
  };
}

/** Below the machine in every part but the module's version. */
function levelOf({ pck, report, qeIsvSvn }: QuoteFacts, changes: Partial<LevelTdx> = {}): LevelTdx {
  const lower = (bytes: Bytes, kept: number) =>
    bytes.map((byte, i) => (i === kept ? byte : Math.max(0, byte - 1)));
  return {
    fmspc: pck.fmspc,
    cpuSvn: lower(pck.cpuSvn, -1),
    pceSvn: pck.pceSvn - 1,
    teeTcbSvn: lower(report.teeTcbSvn, 1),
    qeIsvSvn: qeIsvSvn - 1,
    ...changes,
  };
}

/** Each with some others: so that paths have siblings. */
function setsOf(
  { pck, issuer }: QuoteFacts,
  own: { level: LevelTdx; vek: Field; reference: Field },
): Sets {
  const others = (name: string, count = 5) =>
    Array.from({ length: count }, (_, i) => saltOf(`other ${name} ${i}`));
  const chips = [1, 2, 3].map((byte) => chipTdx(new Uint8Array(16).fill(byte)));
  const serials = [1, 2, 3, 4].map((byte) => serial(issuer, Uint8Array.of(byte)));
  return {
    accepted: setOf(own.reference, ...others('reference')),
    levels: setOf(
      levelTdx(own.level),
      levelTdx({ ...own.level, pceSvn: own.level.pceSvn + 900 }),
      levelTdx({ ...own.level, fmspc: new Uint8Array(pck.fmspc.length) }),
    ),
    revoked: setOf(...chips, ...serials),
    veks: setOf(own.vek, ...others('vek', 9)),
  };
}

function respond(options: StoryOptions, { state, secretKeys }: Told) {
  const { service: name = 'echo-node' } = options;
  const content = {
    service: name,
    nonce: new Uint8Array(32).fill(0xa1),
    time: fakeNow + 60,
    request: utf8('what did I pay?'),
    body: utf8(sampleBody),
    ...options.content,
  };
  const service = state.services.find((one) => one.name === name) as Service;
  return { service, response: signResponse(content, secretKeys[name] as Bytes) };
}

type Story = Omit<LinkedStory, 'statements' | 'inputs' | 'testInputs'>;

function statementsOf(options: StoryOptions, story: Story): Statements {
  const { facts, sets, salts, vek, opening, service, response } = story;
  const commitment = keyCommitment(vek, salts.key);
  const attestation = attestationCommitment(opening);
  const asked = {
    audience: audienceHash(options.audience ?? 'bob.example'),
    nonce: options.nonce ?? new Uint8Array(32).fill(0xb0),
  };
  const answered = { ...asked, attestation, serviceId: serviceId(service.name) };
  const { body } = response;
  const mask = Array.from(body, (_, i) => options.mask?.(i) ?? i < body.length / 2);
  return {
    'tdx-pck': { issuer: facts.issuer, at: digitsOf(fakeNow), keyCommitment: commitment },
    'vek-member': { veks: sets.veks.root, keyCommitment: commitment },
    'tdx-quote': {
      keyCommitment: commitment,
      accepted: sets.accepted.root,
      levels: sets.levels.root,
      revoked: sets.revoked.root,
      epochMin: opening.epoch - 300,
      epochMax: opening.epoch,
      nonce: attestationNonce,
      attestation,
    },
    response: { ...answered, responseHash: responseHash(response) },
    'response-text': {
      ...answered,
      clientNonce: response.nonce,
      time: response.time,
      requestHash: null,
      length: body.length,
      mask,
      shown: body.map((byte, i) => (mask[i] ? byte : 0)),
    },
  };
}

function inputsOf(story: Story, statements: Statements): Record<TdxCircuitName, InputMap> {
  const { facts, sets, level, salts, vek, opening, state, bundle, service, response } = story;
  const siblingsIn = (tree: Tree, key: Field) => tree.prove(key).proof.siblings;
  const { issuer: _, at, keyCommitment: commitment } = statements['tdx-pck'];
  const signer = {
    opening,
    service,
    siblings: siblingsIn(state.tree, serviceKey(serviceId(service.name))),
    signature: response.signature,
  };
  return {
    'tdx-pck': toTdxPckInputs({ facts, at, commitment, salt: salts.key }),
    'vek-member': toVekMemberInputs({
      statement: statements['vek-member'],
      vek,
      salt: salts.key,
      siblings: siblingsIn(sets.veks, vek),
    }),
    'tdx-quote': toTdxQuoteInputs({
      statement: statements['tdx-quote'],
      facts,
      keySalt: salts.key,
      level,
      levelSiblings: siblingsIn(sets.levels, levelTdx(level)),
      chipAbsence: sets.revoked.prove(facts.pck.chip),
      serialAbsence: sets.revoked.prove(facts.pck.serial),
      referenceSiblings: siblingsIn(sets.accepted, opening.reference),
      bound: bundle.bound,
      channel: bundle.channel,
      epoch: bundle.epoch,
      salt: salts.attestation,
    }),
    response: toLinkedResponseInputs({ ...signer, statement: statements.response }),
    'response-text': toResponseTextInputs({
      ...signer,
      statement: statements['response-text'],
      response,
    }),
  };
}
