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

/** A CPU that keeps a guest or an enclave from its host, and says so under its vendor's key. */
export type Cpu = 'sev-snp' | 'tdx' | 'sgx';
/** What made the evidence: a CPU, the hypervisor of AWS Nitro, or, by itself, a TPM or NVIDIA's devices. */
export type Tee = Cpu | 'nitro' | 'tpm' | 'nvidia';

/** What a verification is about; a check that cannot apply to it is not listed. */
export type Subject = {
  /**
   * A raw SEV-SNP report, a raw TDX or SGX quote, or a bundle with one of them; an HCL report of Azure with what is below it;
   * a TPM's quotes; a document of AWS Nitro; reports of NVIDIA's devices.
   */
  form: 'report' | 'quote' | 'bundle' | 'hcl' | 'tpm-quote' | 'nitro' | 'gpu';
  /** Null when the bundle or HCL report, which names it, could not be read. */
  tee: Tee | null;
  /** Whose word the attestation key of a TPM's quote is; null without such a quote. */
  ak: AkKind | null;
  /** There are reports of NVIDIA's devices. */
  gpu: boolean;
  /** There is a document of AWS NitroTPM beside the CPU's evidence. */
  nitroTpm: boolean;
  /** There is an event log. */
  eventLog: boolean;
  /** The verifier drew a nonce for this evidence. */
  challenged: boolean;
  /** The evidence came over a connection of this verifier. */
  connected: boolean;
  /** The circuit of the proof that came with a bundle; null when none did. */
  proof: ProofSubject | null;
};

/** `unreadable`: a file that should be a proof and is none. */
export type ProofSubject = 'response-open' | 'response-open-key' | 'unreadable';

/** `certificate`: its provider's chain; `trusted`: a key that the verifier was given; `hcl`: the paravisor of Azure. */
export type AkKind = 'certificate' | 'trusted' | 'hcl';

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
/** Anything that a CPU vouches for but a bundle that could not be read. */
export const onAnyCpu = ({ tee }: Subject): boolean =>
  tee === 'sev-snp' || tee === 'tdx' || tee === 'sgx';
export const onTpm = ({ ak }: Subject): boolean => ak !== null;
export const onGpu = ({ gpu }: Subject): boolean => gpu;
export const onNitro = ({ tee, nitroTpm }: Subject): boolean => tee === 'nitro' || nitroTpm;
export const withEventLog = ({ eventLog }: Subject): boolean => eventLog;

export const abi = 'AMD 56860 (SEV-SNP ABI)';
export const kds = 'AMD 57230 (VCEK and KDS)';
export const quoteSpec = 'Intel TDX DCAP Quoting Library API, A.3 and A.4';
export const pckSpec = 'Intel SGX PCK Certificate and CRL Profile 1.5';
export const pcsSpec = 'Intel PCS API v4';
export const tpmSpec = 'TCG TPM 2.0 Library, Part 2';
export const pfpSpec = 'TCG PC Client Platform Firmware Profile 1.06';
export const spdmSpec = 'DMTF DSP0274 (SPDM) 1.1';
export const nitroSpec = 'AWS Nitro Enclaves, Attestation process';
export const hclSpec = 'Azure confidential VMs, HCL report';
export const moduleAbi = 'Intel TDX Module ABI (348551)';
