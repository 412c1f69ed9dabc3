/** What a check is, and what it can apply to. */

export const stages = [
  'parse',
  'chain',
  'collateral',
  'evidence',
  'binding',
  'proof',
  'policy',
] as const;
export type Stage = (typeof stages)[number];

/** What a verification is about; a check that cannot apply to it is not listed. */
export type Subject = {
  form: 'report' | 'bundle';
  /** The verifier drew a nonce for this evidence. */
  challenged: boolean;
  /** The evidence came over a connection of this verifier. */
  connected: boolean;
  /** The circuit of the proof that came with a bundle; null when none did. */
  proof: ProofSubject | null;
};

/** `unreadable`: a file that should be a proof and is none. */
export type ProofSubject = 'response-open' | 'response-open-key' | 'unreadable';

export type CheckEntry = {
  stage: Stage;
  /** One line, as a statement that is true when the check passes. */
  title: string;
  protects: string;
  remedy: string;
  spec: string;
  appliesTo?: (subject: Subject) => boolean;
};

export const inBundle = (subject: Subject): boolean => subject.form === 'bundle';

export const abi = 'AMD 56860 (SEV-SNP ABI)';
export const kds = 'AMD 57230 (VCEK and KDS)';
