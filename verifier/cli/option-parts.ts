/** What the options of several commands are made of, as yargs reads them. */

export const file = (describe: string) =>
  ({ type: 'string', requiresArg: true, describe }) as const;
export const needed = (describe: string) => ({ ...file(describe), demandOption: true }) as const;

/** Where collateral that evidence lacks is had from (docs/collateral.md). */
export const sourceOptions = {
  cache: file(
    'folder of the collateral cache (default: affidavit/collateral in your cache folder)',
  ),
  kds: file('URL of a mirror of AMD’s key service (default: AMD’s own)'),
  pcs: file('URL of a PCCS, or of a mirror of Intel’s service (default: Intel’s own)'),
  'ca-file': file('file of CA certificates to trust for HTTPS beside the system’s (PEM)'),
  early: { type: 'boolean', describe: 'Intel’s early release of TCB info and QE identity' },
  product: {
    // As `snpProducts` in abi/snp-tcb.ts, which must not be loaded to read a command line.
    choices: ['Milan', 'Genoa', 'Turin'] as const,
    requiresArg: true,
    describe: 'SEV-SNP: the processor, where a report of version 2 does not say',
  },
} as const;

/** Everything that may stand beside evidence, by vendor. */
export const collateralOptions = {
  vek: file('SEV-SNP: VCEK or VLEK certificate, PEM or DER'),
  chain: file('SEV-SNP: ASK or ASVK and ARK certificates, PEM or DER'),
  crl: file('SEV-SNP: revocation list of the ARK, PEM or DER'),
  'tcb-info': file('TDX, SGX: TCB info, as Intel served it'),
  'tcb-signing-chain': file('TDX, SGX: who signed the TCB info, and the root; PEM or DER'),
  'qe-identity': file('TDX, SGX: identity of the quoting enclave, as Intel served it'),
  'qe-identity-signing-chain': file('TDX, SGX: who signed the QE identity, and the root'),
  'pck-crl': file('TDX, SGX: revocation list of the PCK’s CA, PEM or DER'),
  'root-ca-crl': file('TDX, SGX: revocation list of Intel’s root, PEM or DER'),
  'insecure-root': file('trust this root certificate in place of the vendor’s: tests only'),
} as const;
