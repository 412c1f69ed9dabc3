/** Checks of revocation and of what the vendor publishes about its platforms. */
import { type CheckEntry, onIntel, onSnp, pckSpec, pcsSpec } from './entry.ts';

export const collateralChecks = {
  'collateral.crl-signature': {
    stage: 'collateral',
    title: 'the revocation list is the root’s own',
    protects: 'Against an empty list made by the attacker.',
    remedy: 'Fetch the CRL again from AMD for this product and pass it with --crl.',
    spec: 'RFC 5280, 6.3.3',
    appliesTo: onSnp,
  },
  'collateral.crl-validity': {
    stage: 'collateral',
    title: 'the revocation list is current at the stated time',
    protects: 'Against an old list from before the revocation.',
    remedy: 'Fetch the CRL again; its nextUpdate has passed, or --at is before it was made.',
    spec: 'RFC 5280, 5.1.2.4 and 5.1.2.5',
    appliesTo: onSnp,
  },
  'collateral.revocation': {
    stage: 'collateral',
    title: 'the issuer is not revoked',
    protects:
      'Against chips’ keys signed by a compromised issuer. AMD’s list names issuers; chip serials are all 0.',
    remedy: 'Do not trust this machine until AMD re-issues its certificate under another issuer.',
    spec: 'RFC 5280, 5.3; AMD 57230, CRL',
    appliesTo: onSnp,
  },
  'collateral.root-crl-signature': {
    stage: 'collateral',
    title: 'the root’s revocation list is the root’s own',
    protects: 'Against an empty list made by the attacker.',
    remedy: 'Fetch the root CA CRL again from Intel and pass it with --root-ca-crl.',
    spec: 'RFC 5280, 6.3.3',
    appliesTo: onIntel,
  },
  'collateral.root-crl-validity': {
    stage: 'collateral',
    title: 'the root’s revocation list is current at the stated time',
    protects: 'Against an old list from before the revocation.',
    remedy:
      'Fetch the root CA CRL again; its nextUpdate has passed, or --at is before it was made.',
    spec: 'RFC 5280, 5.1.2.4 and 5.1.2.5',
    appliesTo: onIntel,
  },
  'collateral.issuer-revocation': {
    stage: 'collateral',
    title: 'the issuer of the platform’s certificate is not revoked',
    protects: 'Against platforms’ keys signed by a compromised CA.',
    remedy: 'Do not trust this machine until Intel certifies it under another CA.',
    spec: 'RFC 5280, 5.3',
    appliesTo: onIntel,
  },
  'collateral.pck-crl-signature': {
    stage: 'collateral',
    title: 'the PCK revocation list is signed by the CA that issued the certificate',
    protects: 'Against an empty list made by the attacker, and against the list of the other CA.',
    remedy:
      'Fetch the PCK CRL of this CA (platform or processor) again and pass it with --pck-crl.',
    spec: 'RFC 5280, 6.3.3',
    appliesTo: onIntel,
  },
  'collateral.pck-crl-validity': {
    stage: 'collateral',
    title: 'the PCK revocation list is current at the stated time',
    protects: 'Against an old list from before the revocation.',
    remedy: 'Fetch the PCK CRL again; its nextUpdate has passed, or --at is before it was made.',
    spec: 'RFC 5280, 5.1.2.4 and 5.1.2.5',
    appliesTo: onIntel,
  },
  'collateral.pck-revocation': {
    stage: 'collateral',
    title: 'the platform’s certificate is not revoked',
    protects: 'Against a platform whose keys Intel knows to be compromised.',
    remedy: 'Do not trust this machine: Intel has withdrawn its key.',
    spec: 'RFC 5280, 5.3',
    appliesTo: onIntel,
  },
  'collateral.tcb-info-signer': {
    stage: 'collateral',
    title: 'the TCB info comes with a certificate of Intel’s TCB signer',
    protects:
      'Against TCB levels that anybody wrote, and against a signer that is not valid at the stated time.',
    remedy:
      'Pass the chain that came with the TCB info (header TCB-Info-Issuer-Chain) with --tcb-signing-chain.',
    spec: pckSpec,
    appliesTo: onIntel,
  },
  'collateral.tcb-info-signature': {
    stage: 'collateral',
    title: 'the TCB info is signed, byte for byte, by that signer',
    protects: 'Against edited TCB levels, also when only white space or order was changed.',
    remedy:
      'Pass the file exactly as Intel served it: reading and writing it again breaks its signature.',
    spec: `${pcsSpec}, Get TCB Info`,
    appliesTo: onIntel,
  },
  'collateral.tcb-info-validity': {
    stage: 'collateral',
    title: 'the TCB info is current at the stated time',
    protects: 'Against levels from before a vulnerability was known.',
    remedy: 'Fetch the TCB info again; a policy may allow a grace period.',
    spec: `${pcsSpec}, nextUpdate`,
    appliesTo: onIntel,
  },
  'collateral.tcb-info-match': {
    stage: 'collateral',
    title: 'the TCB info is for this kind of platform',
    protects:
      'Against the levels of another processor family (FMSPC, PCEID) or of SGX in place of TDX.',
    remedy: 'Fetch the TCB info for the FMSPC that the certificate names.',
    spec: `${pcsSpec}, fmspc and pceId`,
    appliesTo: onIntel,
  },
  'collateral.qe-identity-signer': {
    stage: 'collateral',
    title: 'the QE identity comes with a certificate of Intel’s TCB signer',
    protects: 'Against an enclave that anybody declared to be the quoting enclave.',
    remedy:
      'Pass the chain that came with the QE identity (header SGX-Enclave-Identity-Issuer-Chain) with --qe-identity-signing-chain.',
    spec: pckSpec,
    appliesTo: onIntel,
  },
  'collateral.qe-identity-signature': {
    stage: 'collateral',
    title: 'the QE identity is signed, byte for byte, by that signer',
    protects: 'Against an edited identity, also when only white space or order was changed.',
    remedy: 'Pass the file exactly as Intel served it.',
    spec: `${pcsSpec}, Get Quoting Enclave Identity`,
    appliesTo: onIntel,
  },
  'collateral.qe-identity-validity': {
    stage: 'collateral',
    title: 'the QE identity is current at the stated time',
    protects: 'Against an identity from before a vulnerability was known.',
    remedy: 'Fetch the QE identity again; a policy may allow a grace period.',
    spec: `${pcsSpec}, nextUpdate`,
    appliesTo: onIntel,
  },
  'collateral.signer-revocation': {
    stage: 'collateral',
    title: 'Intel’s TCB signer is not revoked',
    protects: 'Against TCB levels signed with a stolen key.',
    remedy:
      'Fetch TCB info and QE identity again: they come with the certificate of the new signer.',
    spec: 'RFC 5280, 5.3',
    appliesTo: onIntel,
  },
} as const satisfies Record<string, CheckEntry>;
