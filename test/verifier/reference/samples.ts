/** Four builders and what they sign of a release that the default scenes run. */
import { generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { fakeNow } from '#test/fake/amd.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { ReferencesPolicy } from '#verifier/appraise/reference-policy.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { Builder } from '#verifier/reference/agreement.ts';
import type { ReferenceFile } from '#verifier/reference/file.ts';
import { fingerprintOf } from '#verifier/reference/key.ts';
import { type ReferenceSigner, signReference } from '#verifier/reference/signature.ts';
import type { ReferenceValues, SnpValues, TdxValues } from '#verifier/reference/values.ts';
import { type VerifiedReferences, verifyReferences } from '#verifier/reference/verified.ts';

export type SampleBuilder = Builder & {
  signer: ReferenceSigner;
  /** PKCS#8 */
  privatePem: string;
  /** SPKI */
  publicPem: string;
};

function makeBuilder(name: string): SampleBuilder {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  return {
    name,
    key: fingerprintOf(spki, name),
    signer: {
      spki,
      sign: async (message) =>
        new Uint8Array(nodeSign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
    },
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }) as string,
  };
}

export const [alice, bob, carol, mallory] = ['alice', 'bob', 'carol', 'mallory'].map(
  makeBuilder,
) as [SampleBuilder, SampleBuilder, SampleBuilder, SampleBuilder];

const release = {
  name: 'guest',
  release: '1.2.0',
  validity: { from: fakeNow - 1000, until: fakeNow + 1000 },
  closureDigest: 'c1'.repeat(32),
};

export const snpValues = (change: Partial<SnpValues> = {}): SnpValues => ({
  ...release,
  platform: 'sev-snp',
  measurement: '4d'.repeat(48),
  ...change,
});

export const tdxValues = (change: Partial<TdxValues> = {}): TdxValues => ({
  ...release,
  platform: 'tdx',
  mrTd: '4d'.repeat(48),
  rtmr0: 'a0'.repeat(48),
  rtmr1: 'a1'.repeat(48),
  rtmr2: 'a2'.repeat(48),
  rtmr3: '00'.repeat(48),
  ...change,
});

/** Each signs with its own name and source. */
export async function signedBy(
  values: ReferenceValues,
  ...signers: readonly SampleBuilder[]
): Promise<ReferenceFile> {
  let file: ReferenceFile = { values, signatures: [] };
  for (const { name, signer } of signers) {
    const signatory = { builder: `${name} builds`, source: `git:${name}` };
    file = await signReference(file, signatory, signer);
  }
  return file;
}

export const verifiedOf = (...files: readonly ReferenceFile[]): Promise<VerifiedReferences> =>
  verifyReferences(files, nodeCrypto);

export const listOf = (...builders: readonly SampleBuilder[]): { name: string; key: string }[] =>
  builders.map(({ name, key }) => ({ name, key }));

/** The policy, asking for 2 of alice, bob and carol. */
export function referring(base: Policy, change: Partial<ReferencesPolicy> = {}): Policy {
  const references = {
    name: ['guest'],
    release: 'any',
    builders: listOf(alice, bob, carol),
    threshold: 2,
    ...change,
  };
  return toPolicy({ ...base, references });
}
