/** What is given → verify → appraise: the same two calls as the command line's, over WebCrypto. */

import { readDerObjects } from '#verifier/abi/pem.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, parsePolicy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { noReferences } from '#verifier/reference/verified.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { verify } from '#verifier/verify.ts';
import type { Given } from './session.ts';
import type { GivenFile, Sorted } from './sort-files.ts';

export type Judged = {
  given: Given;
  sorted: Sorted;
  verified: Verified;
  verdict: Verdict;
  policy: Policy;
  roots: readonly TrustedRoot[];
  at: UnixTime;
  /** From the sorted files to the verdict. */
  milliseconds: number;
};

/** The same certificates come again with each change of the policy. */
const crypto = rememberingCrypto(webCrypto);

/** @throws AttestationError for a policy or a root that cannot be read */
export async function judge(given: Given, sorted: Sorted): Promise<Judged> {
  const start = performance.now();
  const at = given.at ?? Math.floor(Date.now() / 1000);
  const policy = await policyOf(given.policy);
  const roots = rootsOf(given.insecureRoot);
  const { evidence, collateral } = sorted;
  const verified = await verify(evidence, collateral, roots, at, crypto);
  const verdict = appraise(verified, policy, noReferences);
  const milliseconds = performance.now() - start;
  return { given, sorted, verified, verdict, policy, roots, at, milliseconds };
}

/** @throws AttestationError for one that cannot be read */
export async function policyOf(file: GivenFile | null): Promise<Policy> {
  if (file === null) return genuinePolicy;
  const first = file.bytes.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte));
  if (first === 0x7b) return parsePolicy(file.bytes);
  // Loaded here: most policies are JSON, and a YAML reader is not small.
  const { parseYamlPolicy } = await import('#verifier/appraise/policy-yaml.ts');
  return parseYamlPolicy(file.bytes);
}

function rootsOf(file: GivenFile | null): readonly TrustedRoot[] {
  if (file === null) return vendorRoots;
  return readDerObjects(file.bytes, 'CERTIFICATE', 'root').map((der) =>
    insecureRoot(parseCertificate(der, 'root')),
  );
}
