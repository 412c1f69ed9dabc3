/** Real proofs about the story of snp-scene.ts: what goes into the test-size builds, and what Bob is given. */
import type { InputMap } from '@noir-lang/noir_js';
import { audienceHash } from '#prover/circuit-inputs.ts';
import type { LinkedTools } from '#prover/linked/bob.ts';
import { vekSnp } from '#prover/linked/formulas-snp.ts';
import type { LinkedProofFile } from '#prover/linked/proof-file.ts';
import { encodeLinkedProofFile } from '#prover/linked/proof-file.ts';
import { toVekMemberInputs } from '#prover/linked/quote-inputs.ts';
import { toLinkedResponseInputs } from '#prover/linked/response-inputs.ts';
import { toSnpVekInputs } from '#prover/linked/snp-vek-inputs.ts';
import { attestationNonce, digitsOf, saltOf, setOf } from '#test/circuits/linked/scene.ts';
import type { SnpStory } from '#test/circuits/linked/snp-scene.ts';
import { shortDepth, snpVekInputsOf } from '#test/circuits/linked/test-size.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { encodeResponse, responseHash, type SignedResponse } from '#verifier/abi/response.ts';
import { serviceId, serviceKey } from '#verifier/abi/service.ts';
import { utf8 } from '#verifier/bytes.ts';
import { audience, type CheckedScene, nonce, now, type Proofs, proofIn } from './bob-scene.ts';
import { type SnpKeyKind, snpDemands, snpTrust } from './bob-scene-snp.ts';

export type SnpProven = CheckedScene & { readonly story: SnpStory };

/** Nobody signed it: the test-size build leaves the service's signature out. */
const response: SignedResponse = {
  service: 'echo-node',
  nonce: new Uint8Array(32).fill(0xa1),
  time: fakeNow + 60,
  request: utf8('what did I pay?'),
  body: utf8('12.50 EUR'),
  signature: new Uint8Array(64),
};

function vekSetOf({ facts }: SnpStory) {
  return setOf(vekSnp(facts.vek), saltOf('other vek'));
}

type Inputs = Partial<Record<'snp-vek' | 'vek-member' | 'snp-report' | 'response', InputMap>>;

/** Of the circuits that the machine is proved with. */
export function snpInputsOf(story: SnpStory, key: SnpKeyKind): Inputs {
  return {
    ...(key === 'vek' && { 'snp-vek': vekInputs(story) }),
    ...(key === 'member' && { 'vek-member': memberInputs(story) }),
    'snp-report': story.testInputs,
    response: responseInputs(story),
  };
}

function vekInputs({ facts, salts, statement }: SnpStory): InputMap {
  return snpVekInputsOf(
    toSnpVekInputs({
      facts,
      at: digitsOf(fakeNow),
      commitment: statement.keyCommitment,
      salt: salts.key,
    }),
  );
}

function memberInputs(story: SnpStory): InputMap {
  const { facts, salts, statement } = story;
  const vek = vekSnp(facts.vek);
  const veks = vekSetOf(story);
  return toVekMemberInputs({
    statement: { veks: veks.root, keyCommitment: statement.keyCommitment },
    vek,
    salt: salts.key,
    siblings: veks.prove(vek).proof.siblings,
  });
}

function responseInputs({ state, opening, statement }: SnpStory): InputMap {
  const service = state.services.find(({ name }) => name === response.service);
  if (service === undefined) throw new Error('the machine has that service');
  const id = serviceId(service.name);
  const { siblings } = state.tree.prove(serviceKey(id)).proof;
  const {
    signature: _,
    path,
    ...rest
  } = toLinkedResponseInputs({
    statement: {
      attestation: statement.attestation,
      serviceId: id,
      responseHash: responseHash(response),
      audience: audienceHash(audience),
      nonce,
    },
    opening,
    service,
    siblings,
    signature: response.signature,
  });
  const { n, siblings: all } = path as { n: string; siblings: string[] };
  return { ...rest, path: { n, siblings: all.slice(0, shortDepth) } };
}

/** What Bob is given of it. */
export async function provenSnpScene(
  story: SnpStory,
  key: SnpKeyKind,
  proofs: Proofs,
  tools: LinkedTools,
): Promise<SnpProven> {
  const { facts, sets, statement } = story;
  const { product } = facts;
  const file: LinkedProofFile = {
    keyCommitment: statement.keyCommitment,
    attestation: statement.attestation,
    key: keyOf(story, key, proofs),
    machine: {
      circuit: 'snp-report',
      proof: proofIn(proofs, 'snp-report'),
      accepted: statement.accepted,
      levels: statement.levels,
      revoked: statement.revoked,
      epochMin: statement.epochMin,
      epochMax: statement.epochMax,
      nonce: attestationNonce,
    },
    response: { kind: 'hash', proof: proofIn(proofs, 'response') },
  };
  const { crl } = await testHierarchy({ product });
  return {
    story,
    file,
    given: {
      proof: utf8(encodeLinkedProofFile(file)),
      response: utf8(encodeResponse(response)),
      audience,
      nonce,
    },
    settings: {
      demands: snpDemands(
        { ...sets, veks: vekSetOf(story) },
        { product, keyKind: facts.certified.role },
      ),
      now,
      ...snpTrust(facts.rootCertificate.der, crl.der),
    },
    tools,
  };
}

function keyOf(
  { facts, salts }: SnpStory,
  kind: SnpKeyKind,
  proofs: Proofs,
): LinkedProofFile['key'] {
  const issuer = facts.issuerCertificate.der;
  const root = facts.rootCertificate.der;
  switch (kind) {
    case 'vek':
      return { kind, proof: proofIn(proofs, 'snp-vek'), issuer, root, at: fakeNow };
    case 'member':
      return { kind, proof: proofIn(proofs, 'vek-member') };
    case 'shown':
      return { kind, certificates: [facts.certificate.der, issuer, root], salt: salts.key };
  }
}
