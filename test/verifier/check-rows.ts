/**
 * For each check of the catalogue what makes it fail, or be skipped where it cannot fail. The table
 * holds every id: a check that nothing can make fail would be noticed here.
 */
import { checkProof, type GivenProof, type ProofTools } from '#prover/bob.ts';
import { encodeProofFile, type ProofFile, proofLength } from '#prover/proof-file.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { basicConstraints } from '#test/fake/extensions.ts';
import { exchangeKeys } from '#test/fake/keys.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { type Story, sampleAudience, sampleNonce, tellStory } from '#test/prover/scene.ts';
import type { CollateralItem } from '#verifier/abi/bundle.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { type GuestPolicy, parseReport } from '#verifier/abi/snp.ts';
import { encodeTcb, type TcbParts } from '#verifier/abi/snp-tcb.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import type { Decision } from '#verifier/appraise/verdict.ts';
import { utf8 } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { VerifiedReferences } from '#verifier/reference/verified.ts';
import type { Verified } from '#verifier/verified.ts';
import { put } from './chain/profile.ts';
import { deviceRows, prepareDevices } from './device-rows.ts';
import { intelRows } from './intel-rows.ts';
import { alice, bob, referring, signedBy, snpValues, verifiedOf } from './reference/samples.ts';
import {
  type BundleOptions,
  bundleScene,
  hierarchyOf,
  reportScene,
  sampleDevices,
  strictPolicy,
  verifyScene,
} from './scene.ts';

export let strict: Policy;
let guest: GuestPolicy;
let tcb: TcbParts;
let story: Story;
/** To be called before any row. */
export async function prepare(): Promise<void> {
  strict = await strictPolicy();
  ({ tcb } = await hierarchyOf('Milan'));
  guest = parseReport((await reportScene()).evidence.bytes).policy;
  story = await tellStory();
  await prepareDevices();
}

export type Row = {
  verified: () => Promise<Verified>;
  policy?: () => Policy;
  /** Default none, which is enough for a policy that asks for none. */
  references?: () => Promise<VerifiedReferences>;
  /** Every check that fails, in order; default the row's own. */
  fails?: CheckId[];
  decision: Decision;
};

/** A bundle that is wrong, under the strict policy. */
const invalid = (
  options: () => BundleOptions | Promise<BundleOptions>,
  more: Partial<Row> = {},
): Row => ({
  verified: async () => verifyScene(await bundleScene(await options())),
  decision: 'invalid',
  ...more,
});
/** A bundle that is genuine, under a policy that does not accept it. */
const rejected = (sevSnp: () => Partial<SnpPolicy>, options: BundleOptions = {}): Row => ({
  ...invalid(() => options),
  policy: () => toPolicy({ ...strict, sevSnp: { ...(strict.sevSnp as SnpPolicy), ...sevSnp() } }),
  decision: 'rejected',
});
const rejectedBy = (member: Partial<Policy>, options: BundleOptions = {}): Row => ({
  ...invalid(() => options),
  policy: () => toPolicy({ ...strict, ...member }),
  decision: 'rejected',
});
const guestWith = (bits: Partial<GuestPolicy>) => async () => ({
  fields: { policy: { ...guest, ...bits } },
});
const floor = (which: keyof SnpPolicy['minimumTcb']) =>
  rejected(() => ({
    minimumTcb: {
      ...(strict.sevSnp as SnpPolicy).minimumTcb,
      [which]: { Milan: { ...tcb, snp: tcb.snp + 1 } },
    },
  }));
/** A bundle that is genuine, and a release that two of three builders signed. */
const unreferenced = (change: Parameters<typeof snpValues>[0]): Row => ({
  ...invalid(() => ({})),
  policy: () => referring(strict),
  references: async () => verifiedOf(await signedBy(snpValues(change), alice, bob)),
  decision: 'rejected',
});
const hex = (length: number) => ['ee'.repeat(length)];
const other32 = new Uint8Array(32).fill(0x99);
const past = { notBefore: 1, notAfter: 2 };

const pinnedArtifact = 'ab'.repeat(32);
const tools: ProofTools = {
  artifactHash: async () => pinnedArtifact,
  key: async () => new Uint8Array(3680),
  verify: async () => true,
};
export async function proved(
  file: Partial<ProofFile> = {},
  given: Partial<GivenProof> = {},
  backend: Partial<ProofTools> = {},
): Promise<Verified> {
  const service = story.agent.state.services.find(({ name }) => name === 'echo-node');
  if (service === undefined) throw new RangeError('the story has an echo-node');
  const whole: ProofFile = {
    circuit: 'response-open-key',
    artifact: pinnedArtifact,
    proof: new Uint8Array(proofLength),
    publicKey: service.publicKey,
    ...file,
  };
  const { roots } = await bundleScene();
  const evidence = {
    form: 'bundle',
    bytes: story.files.bundle,
    nonce: null,
    connection: null,
  } as const;
  const verified = await verifyScene({ evidence, collateral: [], roots, now: fakeNow });
  const proof = {
    proof: utf8(encodeProofFile(whole)),
    response: story.files.response,
    audience: sampleAudience,
    nonce: sampleNonce,
    ...given,
  };
  return checkProof(verified, proof, { ...tools, ...backend });
}
export const genuineStory = (): Policy =>
  toPolicy({
    ...strict,
    sevSnp: { ...(strict.sevSnp as SnpPolicy), measurement: 'any' },
    closureDigest: 'any',
    treeRoot: 'any',
    freshness: 'any',
    channel: 'any',
  });
const disproved = (verified: () => Promise<Verified>): Row => ({
  verified,
  policy: genuineStory,
  decision: 'invalid',
});

const everyRow: Record<CheckId, Row> = {
  'parse.bundle': {
    ...invalid(() => ({})),
    verified: async () => {
      const scene = await bundleScene();
      return verifyScene({ ...scene, evidence: { ...scene.evidence, bytes: utf8('{}') } });
    },
  },
  'parse.report': invalid(() => ({ edit: ({ evidence }) => ({ evidence: evidence.subarray(1) }) })),
  'chain.root-certificate': invalid(() => ({
    overrides: { ark: put(basicConstraints(false, null)) },
  })),
  'chain.root-pinned': {
    ...invalid(() => ({})),
    verified: async () => verifyScene({ ...(await bundleScene()), roots: [] }),
  },
  'chain.root-signature': invalid(async () => ({
    overrides: { ark: { signer: (await testKeys()).ask.privateKey } },
  })),
  'chain.root-validity': invalid(() => ({ overrides: { ark: past } })),
  'chain.issuer-certificate': invalid(() => ({
    overrides: { ask: put(basicConstraints(true, 1)) },
  })),
  'chain.issuer-signature': invalid(async () => ({
    overrides: { ask: { signer: (await testKeys()).asvk.privateKey } },
  })),
  'chain.issuer-validity': invalid(() => ({ overrides: { ask: past } })),
  'chain.vek-certificate': invalid(() => ({ overrides: { vcek: { serial: 1n } } })),
  // The simulator's products share their keys: only the names differ.
  'chain.names': invalid(async () => {
    const { ask } = await hierarchyOf('Genoa');
    const exchange = (item: CollateralItem) =>
      item.kind === 'ask' ? { ...item, data: ask.der } : item;
    return { edit: ({ collateral }) => ({ collateral: collateral.map(exchange) }) };
  }),
  'chain.vek-signature': invalid(async () => ({
    overrides: { vcek: { signer: (await testKeys()).asvk.privateKey } },
  })),
  'chain.vek-validity': invalid(() => ({ overrides: { vcek: past } })),
  'collateral.crl-signature': invalid(async () => ({
    overrides: { crl: { signer: (await testKeys()).ask.privateKey } },
  })),
  'collateral.crl-validity': invalid(() => ({ overrides: { crl: { nextUpdate: fakeNow - 1 } } })),
  'collateral.revocation': invalid(() => ({
    overrides: { crl: { revoked: [{ serial: 0x010001n, at: 1 }] } },
  })),
  'evidence.signature': invalid(async () => ({
    report: { signer: exchangeKeys(await testKeys()).vcek.privateKey },
  })),
  'evidence.signing-key': invalid(
    async () => {
      const { hardwareId: chipId } = await hierarchyOf('Milan');
      const signer = (await testKeys()).vcek.privateKey;
      return { report: { with: { signingKey: 'vlek', chipId }, signer } };
    },
    { fails: ['evidence.signing-key', 'policy.signing-key'] },
  ),
  'evidence.product': invalid(() => ({
    fields: { cpuid: { family: 0x19, model: 0x11, stepping: 1 } },
  })),
  'evidence.chip-id': invalid(() => ({ fields: { chipId: new Uint8Array(64).fill(5) } }), {
    fails: ['evidence.chip-id', 'policy.chip-id'],
  }),
  'evidence.tcb': invalid(
    () => ({ fields: { reportedTcb: encodeTcb('Milan', { ...tcb, snp: tcb.snp - 1 }) } }),
    { fails: ['evidence.tcb', 'policy.reported-tcb'] },
  ),
  'evidence.tcb-order': invalid(
    () => ({ fields: { currentTcb: encodeTcb('Milan', { ...tcb, snp: 1 }) } }),
    { fails: ['evidence.tcb-order', 'policy.provisional-firmware'] },
  ),
  'binding.devices': invalid(() => ({ bound: { deviceDigest: other32 } })),
  'binding.log': invalid(() => ({ bound: { logDigest: other32 } })),
  'binding.report-data': invalid(
    () => ({ edit: ({ bound }) => ({ bound: { ...bound, closureDigest: other32 } }) }),
    { fails: ['binding.report-data', 'policy.closure-digest'] },
  ),
  'binding.freshness': invalid(() => ({ edit: ({ epoch }) => ({ epoch: epoch + 1 }) })),
  'binding.nonce': invalid(() => ({ nonce: other32 })),
  'binding.channel': invalid(() => ({ connection: { channel: null } })),
  'proof.file': disproved(() => proved({}, { proof: utf8('<html>') })),
  'proof.response': disproved(() => proved({}, { response: utf8('{}') })),
  'proof.artifact': disproved(() => proved({ artifact: 'cd'.repeat(32) })),
  'proof.signature': disproved(() => {
    const altered = { ...story.response, body: utf8('hallo') };
    return proved({}, { response: utf8(encodeResponse(altered)) });
  }),
  // Lacking points for a key is no fault of the evidence: it is skipped, and so is the next.
  'proof.key': {
    ...disproved(() => proved({ artifact: 'cd'.repeat(32) })),
    fails: ['proof.artifact'],
  },
  'proof.valid': disproved(() => proved({}, {}, { verify: async () => false })),
  'policy.product': rejected(() => ({ product: ['Genoa'] })),
  'policy.signing-key': rejected(() => ({ signingKey: ['vlek'] })),
  'policy.provider': rejected(() => ({ signingKey: ['vlek'], provider: ['CN=a'], chipId: 'any' }), {
    role: 'vlek',
  }),
  'policy.debug': { ...invalid(guestWith({ debug: true })), decision: 'rejected' },
  'policy.migration': { ...invalid(guestWith({ migrateMa: true })), decision: 'rejected' },
  'policy.guest-policy': { ...invalid(guestWith({ cxlAllow: true })), decision: 'rejected' },
  'policy.guest-svn': rejected(() => ({ minimumGuestSvn: 1 })),
  'policy.vmpl': rejected(() => ({}), { fields: { vmpl: 1 } }),
  'policy.firmware-version': rejected(() => ({
    minimumFirmware: { major: 255, minor: 0, build: 0 },
  })),
  'policy.provisional-firmware': rejected(() => ({}), {
    fields: { committed: { build: 1, minor: 55, major: 1 } },
  }),
  'policy.reported-tcb': floor('reported'),
  'policy.current-tcb': floor('current'),
  'policy.committed-tcb': floor('committed'),
  'policy.launch-tcb': floor('launch'),
  'policy.mitigations': rejected(() => ({
    mitigations: { launch: 'ff'.repeat(8), current: 'any' },
  })),
  'policy.platform-info': rejected(() => ({
    platformInfo: {
      smtEnabled: 'refused',
      tsmeEnabled: 'allowed',
      tioEnabled: 'allowed',
      eccEnabled: 'any',
      raplDisabled: 'any',
      ciphertextHidingDramEnabled: 'any',
      aliasCheckComplete: 'any',
      unknownBits: 'allowed',
    },
  })),
  'policy.id-block': rejected(() => ({
    idBlock: { authorKey: 'any', trustedAuthorKeys: [], trustedIdKeys: hex(48) },
  })),
  // A host's table comes with a raw report.
  'policy.certificate-table': {
    verified: async () => {
      const scene = await reportScene();
      const { bytes } = scene.evidence;
      const certificateTable = ['00000000-0000-0000-0000-000000000001'];
      return verifyScene({ ...scene, evidence: { form: 'report', bytes, certificateTable } });
    },
    policy: genuineStory,
    decision: 'rejected',
  },
  'policy.measurement': rejected(() => ({ measurement: hex(48) })),
  'policy.chip-id': rejected(() => ({ chipId: hex(64) })),
  'policy.host-data': rejected(() => ({ hostData: hex(32) })),
  'policy.report-data': rejected(() => ({ reportData: hex(64) })),
  'policy.family-id': rejected(() => ({ familyId: hex(16) })),
  'policy.image-id': rejected(() => ({ imageId: hex(16) })),
  'policy.report-id': rejected(() => ({ reportId: hex(32) })),
  'policy.report-id-ma': rejected(() => ({ reportIdMa: hex(32) })),
  'policy.reference-signatures': {
    ...unreferenced({}),
    references: async () => verifiedOf(await signedBy(snpValues(), alice)),
    // Of values that nobody vouches for it does not matter what they are.
    fails: ['policy.reference-signatures', 'policy.reference-validity', 'policy.reference-values'],
  },
  'policy.reference-validity': unreferenced({ validity: { from: 1, until: 2 } }),
  'policy.reference-values': unreferenced({ measurement: 'ee'.repeat(48) }),
  'policy.closure-digest': rejectedBy({ closureDigest: hex(32) }),
  'policy.tree-root': rejectedBy({ treeRoot: hex(32) }),
  'policy.devices': rejectedBy({}, { devices: sampleDevices }),
  // Nothing is less fresh than the policy asks: without a nonce of one's own, nobody knows.
  'policy.freshness': { ...invalid(() => ({ nonce: null })), fails: [], decision: 'undecided' },
  'policy.channel': rejectedBy({ channel: ['noise'] }),
  ...intelRows,
  ...deviceRows,
};

/** What a row verifies is made once, however often it is looked at. */
export const rows = Object.fromEntries(
  Object.entries(everyRow).map(([id, row]): [string, Row] => {
    let made: Promise<Verified> | undefined;
    const verified = () => {
      made ??= row.verified();
      return made;
    };
    return [id, { ...row, verified }];
  }),
) as Record<CheckId, Row>;
