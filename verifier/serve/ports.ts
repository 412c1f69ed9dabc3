/** What the service is given: clock, randomness, keys, logs and the checker of proofs are its host's. */
import type { Policy } from '../appraise/policy.ts';
import type { Decision, Verdict } from '../appraise/verdict.ts';
import type { Bytes } from '../bytes.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import type { TrustedRoot } from '../roots.ts';
import type { UnixTime } from '../time.ts';
import type { Verified } from '../verified.ts';

/** Where the service writes what an operator should know, one line each. */
export type Logger = {
  info(message: string): void;
  warn(message: string, cause?: unknown): void;
  error(message: string, cause?: unknown): void;
};

/** `observe` changes what a reader makes of a decision, never the decision nor what is logged. */
export type Mode = 'enforce' | 'observe';

/** One verdict, as the decision log keeps it. */
export type DecisionEntry = {
  at: UnixTime;
  /** SHA-256 of the evidence's bytes, hex */
  evidence: string;
  /** policyDigest, hex: of the policy as it was narrowed for this request */
  policy: string;
  policyName: string;
  mode: Mode;
  decision: Decision;
  failed: readonly CheckId[];
  skipped: readonly CheckId[];
  waived: readonly CheckId[];
  expires: UnixTime | null;
};

/** A decision is given only after it is written. */
export type DecisionLog = { append(entry: DecisionEntry): Promise<void> };

export type Tokens = {
  /** An EAR, as a signed JWT. */
  sign(verdict: Verdict, policyName: string): Promise<string>;
  /** RFC 7517 */
  jwks(): unknown;
};

export type GivenProof = {
  proof: Bytes;
  response: Bytes;
  audience: string;
  nonce: Bytes;
};

/** The checks of stage proof. What it lacks skips checks; it throws only for faults. */
export type ProofChecker = (verified: Verified, given: GivenProof) => Promise<Verified>;

export type Finding = {
  id: string;
  severity: 'error' | 'warning' | 'note';
  path: string;
  text: string;
};

export type Lint = (policy: Policy, at: UnixTime) => readonly Finding[];

export type ServiceDependencies = {
  roots: readonly TrustedRoot[];
  crypto: CryptoPort;
  /** Unix seconds. */
  now(): UnixTime;
  /** Seconds of a clock that only goes forward. */
  elapsed(): number;
  /** Bytes that nobody can foresee. */
  random(length: number): Bytes;
  logger: Logger;
  decisionLog: DecisionLog | null;
  tokens: Tokens | null;
  checker: ProofChecker | null;
};
