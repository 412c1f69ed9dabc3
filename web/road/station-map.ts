/** Which station of the road each check belongs to. A check that belongs nowhere does not compile, and a test counts them. */
import type { CheckId } from '#verifier/checks.ts';

export const stationIds = [
  'root',
  'issuer',
  'amd-crl',
  'vek',
  'pck',
  'intel-crls',
  'qe',
  'qe-identity',
  'report',
  'quote',
  'tcb',
  'tcb-info',
  'hcl',
  'ak-root',
  'ak-chain',
  'ak',
  'tpm-quote',
  'event-log',
  'nitro-root',
  'nitro-chain',
  'nitro-document',
  'gpu-root',
  'gpu-chain',
  'gpu-revocation',
  'gpu-report',
  'gpu-software',
  'gpu-manifests',
  'binding',
  'closure',
  'tree',
  'log',
  'devices',
  'moment',
  'proof',
  'policy',
] as const;
export type StationId = (typeof stationIds)[number];

type PolicyCheckId = Extract<CheckId, `policy.${string}`>;

/** Every check that is no policy's own question. */
const ofEvidence = {
  'chain.root-certificate': 'root',
  'chain.root-pinned': 'root',
  'chain.root-signature': 'root',
  'chain.root-validity': 'root',

  'chain.issuer-certificate': 'issuer',
  'chain.issuer-signature': 'issuer',
  'chain.issuer-validity': 'issuer',
  'chain.names': 'issuer',

  'collateral.crl-signature': 'amd-crl',
  'collateral.crl-validity': 'amd-crl',
  'collateral.revocation': 'amd-crl',

  'chain.vek-certificate': 'vek',
  'chain.vek-signature': 'vek',
  'chain.vek-validity': 'vek',

  'chain.pck-certificate': 'pck',
  'chain.pck-signature': 'pck',
  'chain.pck-validity': 'pck',

  'collateral.root-crl-signature': 'intel-crls',
  'collateral.root-crl-validity': 'intel-crls',
  'collateral.issuer-revocation': 'intel-crls',
  'collateral.pck-crl-signature': 'intel-crls',
  'collateral.pck-crl-validity': 'intel-crls',
  'collateral.pck-revocation': 'intel-crls',

  'evidence.qe-report-signature': 'qe',
  'evidence.attestation-key': 'qe',
  'evidence.qe-identity': 'qe',

  'collateral.qe-identity-signer': 'qe-identity',
  'collateral.qe-identity-signature': 'qe-identity',
  'collateral.qe-identity-validity': 'qe-identity',

  'parse.report': 'report',
  'evidence.signature': 'report',
  'evidence.signing-key': 'report',
  'evidence.product': 'report',
  'evidence.chip-id': 'report',
  'evidence.tcb': 'report',
  'evidence.tcb-order': 'report',

  'parse.quote': 'quote',
  'evidence.quote-signature': 'quote',

  'evidence.tcb-level': 'tcb',
  'evidence.tdx-module': 'tcb',

  'collateral.tcb-info-signer': 'tcb-info',
  'collateral.tcb-info-signature': 'tcb-info',
  'collateral.tcb-info-validity': 'tcb-info',
  'collateral.tcb-info-match': 'tcb-info',
  'collateral.signer-revocation': 'tcb-info',

  'parse.hcl': 'hcl',
  'evidence.hcl-runtime-data': 'hcl',
  'evidence.hcl-quote': 'hcl',

  'chain.ak-root-pinned': 'ak-root',

  'chain.ak-certificates': 'ak-chain',
  'chain.ak-signatures': 'ak-chain',
  'chain.ak-validity': 'ak-chain',

  'evidence.ak-key': 'ak',

  'parse.tpm-quote': 'tpm-quote',
  'evidence.tpm-signature': 'tpm-quote',
  'evidence.pcr-digest': 'tpm-quote',

  'parse.event-log': 'event-log',
  'evidence.event-log': 'event-log',

  'chain.nitro-root-pinned': 'nitro-root',

  'chain.nitro-certificates': 'nitro-chain',
  'chain.nitro-signatures': 'nitro-chain',
  'chain.nitro-validity': 'nitro-chain',

  'parse.nitro': 'nitro-document',
  'evidence.nitro-signature': 'nitro-document',

  'chain.gpu-root-pinned': 'gpu-root',

  'chain.gpu-certificates': 'gpu-chain',
  'chain.gpu-signatures': 'gpu-chain',
  'chain.gpu-validity': 'gpu-chain',

  'collateral.gpu-revocation': 'gpu-revocation',

  'parse.gpu': 'gpu-report',
  'evidence.gpu-signature': 'gpu-report',
  'evidence.gpu-identity': 'gpu-report',

  'collateral.gpu-driver': 'gpu-software',
  'collateral.gpu-firmware': 'gpu-software',

  'collateral.rim-signature': 'gpu-manifests',
  'collateral.rim-validity': 'gpu-manifests',

  'parse.bundle': 'binding',
  'binding.report-data': 'binding',

  'binding.log': 'log',
  'binding.devices': 'devices',
  'binding.device-nonces': 'devices',

  'binding.freshness': 'moment',
  'binding.nonce': 'moment',
  'binding.channel': 'moment',
  'binding.quote-nonce': 'moment',

  'proof.file': 'proof',
  'proof.response': 'proof',
  'proof.artifact': 'proof',
  'proof.signature': 'proof',
  'proof.key': 'proof',
  'proof.valid': 'proof',
} as const satisfies Record<Exclude<CheckId, PolicyCheckId>, StationId>;

/** What a policy asks of something that a bundle binds is shown with that thing; every other question at the road's end. */
const ofPolicy: Partial<Record<CheckId, StationId>> = {
  'policy.closure-digest': 'closure',
  'policy.tree-root': 'tree',
  'policy.devices': 'devices',
  'policy.freshness': 'moment',
  'policy.channel': 'moment',
} satisfies Partial<Record<PolicyCheckId, StationId>>;

/** @param bound the evidence is a bundle: there are a closure, a tree, a log, devices and a moment to speak of */
export function stationOf(id: CheckId, bound: boolean): StationId {
  if (isOfEvidence(id)) return ofEvidence[id];
  return (bound ? ofPolicy[id] : undefined) ?? 'policy';
}

function isOfEvidence(id: CheckId): id is keyof typeof ofEvidence {
  return Object.hasOwn(ofEvidence, id);
}
