/** Checks of what the guest had signed, and of a proof about it. */
import { type CheckEntry, inBundle, type Subject } from './entry.ts';

const withProof = (subject: Subject): boolean => subject.proof !== null;
const linked = 'affidavit protocol 1, Linked proofs';

export const bindingChecks = {
  'binding.devices': {
    stage: 'binding',
    title: 'the device digest is that of the devices given',
    protects: 'Against device evidence added, removed or swapped after the report.',
    remedy: 'Fetch the bundle again from the agent.',
    spec: 'affidavit protocol 1, device digest',
    appliesTo: inBundle,
  },
  'binding.log': {
    stage: 'binding',
    title: 'the log digest is that of the log given, whose last tree is the one bound',
    protects: 'Against a rewritten history of services.',
    remedy: 'Fetch the bundle again from the agent.',
    spec: 'affidavit protocol 1, log digest',
    appliesTo: inBundle,
  },
  'binding.report-data': {
    stage: 'binding',
    title: 'the report binds closure, services, devices and log',
    protects: 'Against a closure or key that this machine never vouched for.',
    remedy: 'Fetch the bundle again; if it persists, the agent does not speak this protocol.',
    spec: 'affidavit protocol 1, binding and REPORT_DATA',
    appliesTo: inBundle,
  },
  'binding.freshness': {
    stage: 'binding',
    title: 'the report binds nonce, channel and epoch',
    protects: 'Against a nonce or time written over an old report.',
    remedy: 'Fetch the bundle again.',
    spec: 'affidavit protocol 1, freshness',
    appliesTo: inBundle,
  },
  'binding.nonce': {
    stage: 'binding',
    title: 'the evidence answers the nonce that this verifier drew',
    protects: 'Against replay of older evidence.',
    remedy:
      'Fetch new evidence for your nonce; if this was your own nonce, someone answered with a recording.',
    spec: 'affidavit protocol 1, freshness',
    appliesTo: (subject: Subject) => inBundle(subject) && subject.challenged,
  },
  'binding.channel': {
    stage: 'binding',
    title: 'the evidence states the channel that this verifier sees',
    protects: 'Against evidence made for another connection.',
    remedy: 'Connect to the agent directly, without a proxy that ends the connection.',
    spec: 'affidavit protocol 1, channel',
    appliesTo: (subject: Subject) => inBundle(subject) && subject.connected,
  },
} as const satisfies Record<string, CheckEntry>;

export const proofChecks = {
  'proof.file': {
    stage: 'proof',
    title: 'the proof file follows its format exactly',
    protects: 'Against two readers seeing two proofs in the same bytes.',
    remedy: 'Ask the prover for the file again and pass it unedited.',
    spec: 'docs/formats.md, Proof file',
    appliesTo: withProof,
  },
  'proof.response': {
    stage: 'proof',
    title: 'the response follows its format exactly',
    protects: 'Against a response that says something else to another reader.',
    remedy: 'Ask the prover for the response as the service gave it.',
    spec: 'affidavit protocol 1, Signed response',
    appliesTo: withProof,
  },
  'proof.artifact': {
    stage: 'proof',
    title: 'the proof was made with the circuit that this release pins',
    protects: 'Against a circuit of the same name that checks less.',
    remedy: 'Prover and verifier need the same release: update the older one and prove again.',
    spec: linked,
    appliesTo: withProof,
  },
  'proof.signature': {
    stage: 'proof',
    title: 'the response is signed by the disclosed key, a point of secp256k1',
    protects: 'Against an altered response, and one that another key signed.',
    remedy: 'Ask the prover for the response that the service signed, unedited.',
    spec: 'affidavit protocol 1, Signed response',
    appliesTo: (subject: Subject) => subject.proof === 'response-open-key',
  },
  'proof.key': {
    stage: 'proof',
    title: 'the verification key is derived from that circuit and the ceremony’s points',
    protects: 'Against a key of the prover’s choosing, under which anything could be proved.',
    remedy: 'Put the ceremony’s points where --crs, CRS_PATH or ~/.bb-crs finds them.',
    spec: linked,
    appliesTo: withProof,
  },
  'proof.valid': {
    stage: 'proof',
    title: 'the proof holds for the public inputs that this verifier rebuilt',
    protects:
      'Against a forged proof, and one about another tree, service or response, or made for someone else.',
    remedy:
      'Give your own audience and nonce exactly as the prover was told, and the bundle and response that he proved.',
    spec: linked,
    appliesTo: withProof,
  },
} as const satisfies Record<string, CheckEntry>;
