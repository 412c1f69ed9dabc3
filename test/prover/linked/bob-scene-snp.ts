/** The scene of bob-scene.ts for a machine of AMD: what differs is the machine's key, who vouches for it, and the circuits. */
import type { VendorTrust } from '#prover/linked/bob-vouched.ts';
import type { Demands } from '#prover/linked/demands.ts';
import { keyCommitment } from '#prover/linked/formulas.ts';
import { issuerSnp, snpProducts, vekSnp } from '#prover/linked/formulas-snp.ts';
import type { LinkedKey } from '#prover/linked/proof-file.ts';
import { encodeLinkedProofFile } from '#prover/linked/proof-file.ts';
import { machineInputs, memberInputs, pckInputs } from '#prover/linked/public-inputs.ts';
import { snpVekOf } from '#prover/linked/vek-facts.ts';
import { digitsOf, saltOf, setOf, tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { type AmdHierarchy, type AmdHierarchyOptions, fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { asVek } from '#verifier/chain/amd.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { Field } from '#verifier/field.ts';
import {
  type CheckedScene,
  demandsFor,
  fileOf,
  hexOf,
  proofIn,
  sceneOf,
  soundTools,
  truthOf,
  until,
} from './bob-scene.ts';

/** How the machine's key is vouched for. */
export type SnpKeyKind = 'vek' | 'member' | 'shown';

export type SnpSceneOptions = {
  key?: SnpKeyKind;
  /** Of the machine. */
  keyKind?: 'vcek' | 'vlek';
  product?: SnpProduct;
  hierarchy?: Omit<AmdHierarchyOptions, 'product'>;
};

export type SnpScene = CheckedScene & {
  hierarchy: AmdHierarchy;
  /** Root of the set of keys. */
  veks: Field;
  salt: Field;
};

/** With tools that are sound by definition. */
export async function snpScene(options: SnpSceneOptions = {}): Promise<SnpScene> {
  const { key = 'vek', keyKind = 'vcek', product = 'Milan' } = options;
  const story = await tellLinkedStory();
  const hierarchy = await testHierarchy({ product, ...options.hierarchy });
  const facts = factsOf(hierarchy, keyKind);
  const { vek, issuer } = facts;
  const salt = saltOf('bob/snp');
  const commitment = keyCommitment(vek, salt);
  const veks = setOf(vek, saltOf('other vek')).root;
  const { attestation, ...asked } = story.statements['tdx-quote'];
  const statement = { ...asked, attestation, keyCommitment: commitment };
  const truth = {
    response: truthOf(story).response,
    'snp-vek': pckInputs({ issuer, at: digitsOf(fakeNow), keyCommitment: commitment }),
    'vek-member': memberInputs({ veks, keyCommitment: commitment }),
    'snp-report': machineInputs(statement),
  };
  const base = fileOf(story, { key: 'member', response: 'hash' });
  const file = {
    ...base,
    keyCommitment: commitment,
    key: snpKeyOf(key, hierarchy, keyKind, salt),
    machine: { ...base.machine, circuit: 'snp-report' as const },
  };
  const scene = sceneOf(story, file, soundTools(truth));
  return {
    ...scene,
    hierarchy,
    veks,
    salt,
    given: { ...scene.given, proof: utf8(encodeLinkedProofFile(file)) },
    settings: {
      ...scene.settings,
      demands: snpDemands({ ...story.sets, veks: { root: veks } }, { product, keyKind }),
      ...snpTrust(hierarchy.ark.der, hierarchy.crl.der),
    },
  };
}

/** Demands that such a machine meets, of every kind of key. */
export function snpDemands(
  sets: Parameters<typeof demandsFor>[0]['sets'],
  { product, keyKind }: { product: SnpProduct; keyKind: 'vcek' | 'vlek' },
): Demands {
  return demandsFor(
    { sets },
    {
      key: [
        { kind: 'amd', maxAge: 3600, products: [product], kinds: [keyKind] },
        { kind: 'veks', roots: [{ root: hexOf(sets.veks.root), until }] },
        { kind: 'shown', vendors: ['amd'] },
      ],
    },
  );
}

/** What the checker has of the vendors': of Intel's, nothing. */
export function snpTrust(ark: Bytes, crl: Bytes): VendorTrust {
  return {
    intel: { root: null, rootCrls: [], pckCrls: [] },
    amd: { roots: [insecureRoot(parseCertificate(ark, 'ARK'))], crls: [crl] },
  };
}

function issuerOf({ ask, asvk }: AmdHierarchy, keyKind: 'vcek' | 'vlek') {
  return keyKind === 'vcek' ? ask : asvk;
}

function factsOf(hierarchy: AmdHierarchy, keyKind: 'vcek' | 'vlek') {
  const certificate = parseCertificate(hierarchy[keyKind].der, keyKind);
  const { publicKey } = parseCertificate(issuerOf(hierarchy, keyKind).der, 'issuer');
  if (publicKey.kind !== 'rsa') throw new Error('AMD’s issuers have RSA keys');
  return {
    vek: vekSnp(snpVekOf(certificate, asVek(certificate))),
    issuer: issuerSnp(
      snpProducts[hierarchy.product],
      keyKind === 'vcek' ? 0 : 1,
      publicKey.modulus,
    ),
  };
}

/** As the prover of this machine makes it, with zeros for a proof. */
function snpKeyOf(
  kind: SnpKeyKind,
  hierarchy: AmdHierarchy,
  keyKind: 'vcek' | 'vlek',
  salt: Field,
): LinkedKey {
  const issuer = issuerOf(hierarchy, keyKind).der;
  const root = hierarchy.ark.der;
  switch (kind) {
    case 'vek':
      return { kind, proof: proofIn({}, 'snp-vek'), issuer, root, at: fakeNow };
    case 'member':
      return { kind, proof: proofIn({}, 'vek-member') };
    case 'shown':
      return { kind, certificates: [hierarchy[keyKind].der, issuer, root], salt };
  }
}
