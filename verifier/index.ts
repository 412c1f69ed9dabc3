/** The verifier's public face (docs/library.md). */
export { type AzureEvidence, readAzureEvidence } from './abi/azure-evidence.ts';
export type { CollateralKind } from './abi/bundle.ts';
export { type NvidiaEvidence, readNvidiaFile } from './abi/nvidia/evidence.ts';
export {
  readSnpEvidence,
  readTsmEvidence,
  type SnpEvidence,
  type TsmBlobs,
} from './abi/snp-forms.ts';
export {
  parseTpmEvidence,
  readTpm2Quote,
  type TpmEvidence,
  type TpmQuote,
} from './abi/tpm/evidence.ts';
export { type GoTpmAttestation, parseGoTpmAttestation } from './abi/tpm/go-tpm.ts';
export type { PcrValues, TpmHash } from './abi/tpm/hash.ts';
export { appraise } from './appraise/appraise.ts';
export { genuinePolicy } from './appraise/genuine.ts';
export {
  type Expectations,
  type Policy,
  parsePolicy,
  policyDigest,
  tighten,
  toPolicy,
} from './appraise/policy.ts';
export type { Decision, Verdict } from './appraise/verdict.ts';
export { type Bytes, fromHex, toHex } from './bytes.ts';
export { insecureRoot } from './chain/insecure-root.ts';
export { type Certificate, parseCertificate } from './chain/x509.ts';
export type { CheckResult, CheckStatus } from './checklist.ts';
export {
  type CheckId,
  catalogue,
  checkIds,
  entryOf,
  type Stage,
  waivableChecks,
} from './checks.ts';
export type { CryptoPort } from './crypto.ts';
export { rememberingCrypto } from './crypto-memory.ts';
export { webCrypto } from './crypto-web.ts';
export { AttestationError, type ErrorCode, errorCatalogue } from './errors.ts';
export type {
  Collateral,
  Connection,
  CpuEvidence,
  DeviceEvidence,
  Evidence,
} from './evidence.ts';
export { encodeReference, parseReference, type ReferenceFile } from './reference/file.ts';
export { type VerifiedReferences, verifyReferences } from './reference/verified.ts';
export { type TrustedRoot, vendorRoots } from './roots.ts';
export { formatTime, parseTime, type UnixTime } from './time.ts';
export type { Verified } from './verified.ts';
export { verify } from './verify.ts';
