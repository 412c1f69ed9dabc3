/** The verifier's public face. */
export { appraise } from './appraise/appraise.ts';
export { genuinePolicy } from './appraise/genuine.ts';
export {
  type Expectations,
  type Policy,
  parsePolicy,
  policyDigest,
  tighten,
} from './appraise/policy.ts';
export type { Decision, Verdict } from './appraise/verdict.ts';
export { insecureRoot } from './chain/insecure-root.ts';
export type { CheckResult, CheckStatus } from './checklist.ts';
export { type CheckId, catalogue } from './checks.ts';
export type { CryptoPort } from './crypto.ts';
export { rememberingCrypto } from './crypto-memory.ts';
export { webCrypto } from './crypto-web.ts';
export { AttestationError, type ErrorCode } from './errors.ts';
export type { Collateral, Connection, Evidence } from './evidence.ts';
export { type TrustedRoot, vendorRoots } from './roots.ts';
export type { Verified } from './verified.ts';
export { verify } from './verify.ts';
