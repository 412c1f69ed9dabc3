/** Checks of what was given and of the machine’s key: bytes read, and a chain to a pinned root. */
import {
  abi,
  type CheckEntry,
  inBundle,
  kds,
  onAnyCpu,
  onIntel,
  onSnp,
  pckSpec,
  quoteSpec,
} from './entry.ts';

export const parseChecks = {
  'parse.bundle': {
    stage: 'parse',
    title: 'the evidence bundle follows its format exactly',
    protects: 'Against two readers seeing two documents in the same bytes.',
    remedy: 'Fetch the bundle again from the agent and pass it unedited.',
    spec: 'affidavit protocol 1, Evidence bundle',
    appliesTo: inBundle,
  },
  'parse.report': {
    stage: 'parse',
    title: 'the report has a known version and no stray bits',
    protects: 'Against reading fields at places where this version does not have them.',
    remedy: 'Pass the raw report, whole; for a newer report version update affidavit.',
    spec: `${abi}, ATTESTATION_REPORT`,
    appliesTo: onSnp,
  },
  'parse.quote': {
    stage: 'parse',
    title: 'the quote has a known version and no stray bits',
    protects: 'Against reading fields at places where this version does not have them.',
    remedy:
      'Pass the raw quote, whole; bytes after its stated end do no harm. A TDREPORT is no quote: have the quoting enclave make one.',
    spec: quoteSpec,
    appliesTo: onIntel,
  },
} as const satisfies Record<string, CheckEntry>;

export const chainChecks = {
  'chain.root-certificate': {
    stage: 'chain',
    title: 'the root certificate is of the vendor’s profile',
    protects: 'Against a certificate of another kind standing in for the root.',
    remedy:
      'Pass the ARK in --chain (AMD serves ASK and ARK together as cert_chain); a TDX or SGX quote carries Intel’s root itself.',
    spec: `${kds}, chapter 3; ${pckSpec}`,
    appliesTo: onAnyCpu,
  },
  'chain.root-pinned': {
    stage: 'chain',
    title: 'the root’s key is the one pinned for the vendor',
    protects:
      'Against simulated hardware and every home-made chain: names can be copied, this key cannot.',
    remedy:
      'If this is a test on simulated hardware, hand over its root with --insecure-root; otherwise the evidence is not from the vendor’s hardware.',
    spec: 'affidavit protocol 1, Vendor roots',
    appliesTo: onAnyCpu,
  },
  'chain.root-signature': {
    stage: 'chain',
    title: 'the root certificate is signed by its own key',
    protects: 'Against an edited root certificate around the genuine key.',
    remedy: 'Fetch the chain again from the vendor.',
    spec: 'RFC 5280, 6.1',
    appliesTo: onAnyCpu,
  },
  'chain.root-validity': {
    stage: 'chain',
    title: 'the root certificate is valid at the stated time',
    protects: 'Against a root that its vendor no longer, or not yet, stands behind.',
    remedy: 'Check --at and the clock; fetch a current chain.',
    spec: 'RFC 5280, 4.1.2.5',
    appliesTo: onAnyCpu,
  },
  'chain.issuer-certificate': {
    stage: 'chain',
    title: 'the issuer certificate is of the vendor’s profile',
    protects: 'Against a certificate without the right to sign machines’ keys.',
    remedy:
      'Pass the ASK (for a VCEK) or ASVK (for a VLEK) in --chain; a TDX or SGX quote carries its PCK CA itself.',
    spec: `${kds}, chapter 3; ${pckSpec}`,
    appliesTo: onAnyCpu,
  },
  'chain.issuer-signature': {
    stage: 'chain',
    title: 'the issuer certificate is signed by the root',
    protects: 'Against a forged issuer.',
    remedy: 'Pass the chain of the same product: Milan, Genoa and Turin each have their own.',
    spec: 'RFC 5280, 6.1; RFC 4055 (RSASSA-PSS); RFC 5758 (ECDSA)',
    appliesTo: onAnyCpu,
  },
  'chain.issuer-validity': {
    stage: 'chain',
    title: 'the issuer certificate is valid at the stated time',
    protects: 'Against an issuer that is retired or not yet in use.',
    remedy: 'Check --at and the clock; fetch a current chain.',
    spec: 'RFC 5280, 4.1.2.5',
    appliesTo: onAnyCpu,
  },
  'chain.vek-certificate': {
    stage: 'chain',
    title: 'the chip’s certificate (VCEK or VLEK) is of the vendor’s profile',
    protects: 'Against a TCB part or chip id that is missing, doubled or of another type.',
    remedy: 'Pass the VCEK or VLEK of this very chip and TCB in --vek.',
    spec: `${kds}, chapter 3`,
    appliesTo: onSnp,
  },
  'chain.names': {
    stage: 'chain',
    title: 'each certificate names the next as its issuer, all of one kind',
    protects: 'Against certificates of different products, CAs or roles put together.',
    remedy:
      'A VCEK needs the ASK of its product, a VLEK the ASVK: pass the chain that belongs to the key. A quote’s own chain is PCK, its CA, root.',
    spec: 'RFC 5280, 6.1.3',
    appliesTo: onAnyCpu,
  },
  'chain.vek-signature': {
    stage: 'chain',
    title: 'the chip’s certificate is signed by the issuer',
    protects: 'Against a home-made key: only AMD binds a key to a chip.',
    remedy: 'Pass the chain that belongs to this key and product.',
    spec: 'RFC 5280, 6.1; RFC 4055 (RSASSA-PSS)',
    appliesTo: onSnp,
  },
  'chain.vek-validity': {
    stage: 'chain',
    title: 'the chip’s certificate is valid at the stated time',
    protects: 'Against keys that ran out; a VLEK lives one year.',
    remedy:
      'Check --at and the clock; fetch the certificate again, AMD re-issues it with new dates.',
    spec: 'RFC 5280, 4.1.2.5',
    appliesTo: onSnp,
  },
  'chain.pck-certificate': {
    stage: 'chain',
    title: 'the platform’s certificate (PCK) is of the vendor’s profile',
    protects:
      'Against a TCB component, FMSPC or platform id that is missing, doubled or of another type.',
    remedy:
      'Have the quote made again with its certificate chain in it (certification data 5): other kinds name a certificate that this verifier would have to ask Intel for.',
    spec: pckSpec,
    appliesTo: onIntel,
  },
  'chain.pck-signature': {
    stage: 'chain',
    title: 'the platform’s certificate is signed by the issuer',
    protects: 'Against a home-made key: only Intel binds a key to a platform.',
    remedy: 'Have the quote made again: the chain inside it does not hold together.',
    spec: `RFC 5280, 6.1; ${pckSpec}`,
    appliesTo: onIntel,
  },
  'chain.pck-validity': {
    stage: 'chain',
    title: 'the platform’s certificate is valid at the stated time',
    protects: 'Against keys that ran out.',
    remedy: 'Check --at and the clock; have the platform registered again for a new certificate.',
    spec: 'RFC 5280, 4.1.2.5',
    appliesTo: onIntel,
  },
} as const satisfies Record<string, CheckEntry>;
