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

/** What made the evidence. */
export type Tee = 'sev-snp' | 'tdx' | 'sgx';

/** What a verification is about; a check that cannot apply to it is not listed. */
export type Subject = {
  /** A raw SEV-SNP report, a raw TDX or SGX quote, or a bundle with one of them. */
  form: 'report' | 'quote' | 'bundle';
  /** Null when the bundle, which names it, could not be read. */
  tee: Tee | null;
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

export const onSnp = ({ tee }: Subject): boolean => tee === 'sev-snp';
export const onTdx = ({ tee }: Subject): boolean => tee === 'tdx';
export const onSgx = ({ tee }: Subject): boolean => tee === 'sgx';
/** Both are quoted by Intel's enclaves and vouched for by the same PKI. */
export const onIntel = ({ tee }: Subject): boolean => tee === 'tdx' || tee === 'sgx';
/** Anything but a bundle that could not be read. */
export const onAnyTee = ({ tee }: Subject): boolean => tee !== null;

export const abi = 'AMD 56860 (SEV-SNP ABI)';
export const kds = 'AMD 57230 (VCEK and KDS)';
export const quoteSpec = 'Intel TDX DCAP Quoting Library API, A.3 and A.4';
export const pckSpec = 'Intel SGX PCK Certificate and CRL Profile 1.5';
export const pcsSpec = 'Intel PCS API v4';
export const moduleAbi = 'Intel TDX Module ABI (348551)';
