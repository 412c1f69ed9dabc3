/**
 * Every difference between @phala/dcap-qvl and this project that is known, and who is right by Intel's own library, QVL
 * (intel/SGX-TDX-DCAP-QuoteVerificationLibrary). docs/verification.md says the same, one heading a key.
 */
import { readDerObjects } from '#verifier/abi/pem.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { parseTcbInfo, type TcbLevel } from '#verifier/abi/tcb-info.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { parseCertificate, sameName } from '#verifier/chain/x509.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { Answer, OwnAnswer, Sample } from './diff-parties.ts';

export type Difference = { sample: Sample; theirs: Answer; ours: OwnAnswer };

export type Known = {
  /** Who answers as QVL does; `policy`: QVL leaves it to whoever appraises. */
  right: 'ours' | 'theirs' | 'policy';
  why: string;
  matches: (difference: Difference) => boolean;
};

const signers: readonly CheckId[] = ['collateral.tcb-info-signer', 'collateral.qe-identity-signer'];
const certificates: readonly CheckId[] = [
  'chain.names',
  'chain.issuer-certificate',
  'chain.pck-certificate',
  ...signers,
];
const documents: readonly CheckId[] = [
  'collateral.tcb-info-signature',
  'collateral.qe-identity-signature',
];
const listDates: readonly CheckId[] = [
  'collateral.root-crl-validity',
  'collateral.pck-crl-validity',
];
const listChecks: readonly CheckId[] = [
  'collateral.root-crl-signature',
  'collateral.pck-crl-signature',
  ...listDates,
];

export const knownDifferences = {
  'crl-signature': {
    right: 'ours',
    why: 'the package checks no signature or issuer of a CRL, and takes one that it cannot read for an empty one; QVL checks all three',
    matches: (found) =>
      (weRefuse(found, listChecks) && !weRefuse(found, listDates)) ||
      (found.theirs.accepted &&
        found.ours.decision === null &&
        /^revocation list: /.test(whyOf(found.ours))),
  },
  'crl-validity': {
    right: 'ours',
    why: 'the package does not look at the dates of a CRL; QVL refuses one that is out of date or from later',
    matches: (found) => weRefuse(found, listDates),
  },
  'pck-chain-length': {
    right: 'ours',
    why: 'the package takes a PCK chain without its root, or with the root twice; QVL wants exactly three certificates',
    matches: (found) =>
      weRefuse(found, ['chain.pck-certificate'], /the quote holds \d+ certificates/),
  },
  'pck-chain-text': {
    right: 'theirs',
    why: 'QVL skips text around the certificates of the PCK chain; Intel writes none, and we refuse it since nothing signs it',
    matches: (found) => weRefuse(found, ['chain.pck-certificate'], /text around the PEM blocks/),
  },
  'pck-chain-spaces': {
    right: 'ours',
    why: 'the package passes over a certificate with a space in its base64; QVL (OpenSSL) reads it, as RFC 7468 asks',
    matches: (found) => theyRefuse(found, /CaUsedAsEndEntity/) && hasSpaces(found.sample),
  },
  'certification-type': {
    right: 'ours',
    why: 'the package does not look at the outer certification type of versions 4 and 5; QVL wants 6',
    matches: (found) => weRefuse(found, ['parse.quote'], /: CERTIFICATION_TYPE .* should be 6/),
  },
  'signature-data-length': {
    right: 'theirs',
    why: 'QVL, too, passes over bytes that the length of the signature data counts and nothing uses; we refuse them, for Intel writes none',
    matches: (found) =>
      weRefuse(found, ['parse.quote'], /_SIZE .* all that is left/) && !isNested(found),
  },
  'nested-length': {
    right: 'ours',
    why: 'the package passes over bytes after the certification data that is nested in versions 4 and 5; QVL refuses them',
    matches: (found) =>
      weRefuse(found, ['parse.quote'], /_SIZE .* all that is left/) && isNested(found),
  },
  'reserved-bytes': {
    right: 'theirs',
    why: 'QVL does not look at reserved bytes of an enclave report; we refuse what has no meaning yet, and Intel writes zeros',
    matches: (found) => weRefuse(found, ['parse.quote'], /: reserved bytes .* are not zero/),
  },
  'qe-auth-data': {
    right: 'ours',
    why: 'the package hashes 32 bytes of QE authentication data whatever its length, so what follows is not bound; QVL hashes all of it',
    matches: (found) =>
      (weRefuse(found, ['evidence.attestation-key']) ||
        theyRefuse(found, /QE report hash mismatch/)) &&
      authLength(found.sample) !== 32,
  },
  'qe-report-data': {
    right: 'theirs',
    why: "QVL compares the first half of the QE's report data only; we want the other half zero, as Intel specifies it",
    matches: (found) =>
      weRefuse(found, ['evidence.attestation-key']) && authLength(found.sample) === 32,
  },
  'qe-vendor': {
    right: 'ours',
    why: "the package does not look at the QE vendor id; QVL wants Intel's, as our built-in policy does",
    matches: (found) => weRefuse(found, ['policy.qe-vendor']),
  },
  'sgx-versions': {
    right: 'ours',
    why: 'the package refuses SGX quotes of versions 4 and 5; QVL takes them',
    matches: (found) => theyRefuse(found, /SGX TEE quote must have version 3/),
  },
  'tdx-module-identity': {
    right: 'ours',
    why: "the package does not compare MRSIGNERSEAM and SEAMATTRIBUTES with Intel's TDX module; QVL refuses another one, and an unknown version",
    matches: (found) =>
      weRefuse(found, ['evidence.tdx-module', 'evidence.tcb-level', 'policy.tcb-status']) &&
      found.ours.failures.some(({ id }) => id === 'evidence.tdx-module'),
  },
  'tdx-module-level': {
    right: 'ours',
    why: 'from TDX module 1.5 on QVL judges the module by its own levels and TDX components 2 to 15 by the platform’s; the package compares components 0 and 1 with the platform’s and knows no levels of modules',
    matches: (found) =>
      found.ours.tcb?.module != null &&
      !isRelaunch(found) &&
      !isConvergence(found) &&
      isSorted(found.sample) &&
      ((found.theirs.accepted && found.ours.accepted) ||
        theyRefuse(found, /No matching TCB level found/) ||
        weRefuse(found, ['policy.tcb-status'], /TDX module Revoked/)),
  },
  'td-relaunch': {
    right: 'ours',
    why: 'the package has no status TDRelaunchAdvised; QVL gives it when the running TDX module is current and only the one that started the TD was not',
    matches: (found) => isRelaunch(found) && isSorted(found.sample),
  },
  'status-convergence': {
    right: 'ours',
    why: 'with a QE out of date the package takes the worse of two statuses and forgets that configuration is needed; QVL says OutOfDateConfigurationNeeded',
    matches: isConvergence,
  },
  'tcb-level-order': {
    right: 'ours',
    why: 'the package takes the first TCB level in the order of the file that fits; QVL sorts them, highest first',
    matches: (found) => found.theirs.accepted && found.ours.accepted && !isSorted(found.sample),
  },
  'isv-level-order': {
    right: 'theirs',
    why: 'QVL, too, takes a QE’s first level that fits in the order of the file; we refuse an order that is not from the highest down, as Intel’s is',
    matches: (found) => weRefuse(found, documents, /isvsvn \d+ should be below/),
  },
  'pce-id': {
    right: 'ours',
    why: 'the package does not compare the PCEID of the PCK certificate with that of the TCB info; QVL does',
    matches: (found) => weRefuse(found, ['collateral.tcb-info-match'], /PCEID/),
  },
  'identity-mask': {
    right: 'ours',
    why: 'the package masks both sides; QVL masks the report only, so an identity with bits beyond its own mask fits no enclave',
    matches: (found) => weRefuse(found, ['evidence.qe-identity'], /under (?:its|their) mask/),
  },
  'certificate-names': {
    right: 'ours',
    why: 'the package reads no names; QVL wants issuer and subject linked, and names that say what a certificate is',
    matches: (found) => weRefuse(found, certificates, /the (?:issuer|subject) should be Intel's/),
  },
  'certificate-profile': {
    right: 'theirs',
    why: 'QVL, too, asks only that the extensions are there; we want CA bit, path length and key usage of each place, as RFC 5280 does',
    matches: (found) =>
      weRefuse(found, certificates, /: (?:basic constraints|key usage) should be/),
  },
  'document-form': {
    right: 'ours',
    why: 'the package reads TCB info and QE identity of any version and type, with members missing, levels twice and unknown statuses; QVL refuses each',
    matches: (found) =>
      weRefuse(found, documents, /is not known|: expected |is missing|SGX .* occurs twice/),
  },
  'document-members': {
    right: 'theirs',
    why: 'QVL, too, passes over members that it does not know or that come twice; we refuse what could be read in two ways',
    matches: (found) => weRefuse(found, documents, /unknown member|member "\w+" occurs twice/),
  },
  'signing-chain-root': {
    right: 'theirs',
    why: "QVL, too, wants the root in the signing chain; we verify the signer by the pinned root of the quote's chain and need no second copy",
    matches: (found) => theyRefuse(found, /Certificate chain is too short for/),
  },
  'signing-chain-order': {
    right: 'ours',
    why: 'the package wants the signer first; QVL finds each certificate by its name, whatever the order',
    matches: (found) =>
      theyRefuse(found, /CaUsedAsEndEntity/) &&
      chainsOf(found.sample).some(([first]) => first !== undefined && isRoot(first)),
  },
  'signing-chain-extra': {
    right: 'theirs',
    why: 'QVL, too, wants exactly two certificates; we take a file with the former and the current signer, and use the current one',
    matches: (found) =>
      theyRefuse(found, /leaf signature invalid/) &&
      chainsOf(found.sample).some(({ length }) => length > 2),
  },
  'sept-ve-disable': {
    right: 'policy',
    why: 'the package refuses every TD without SEPT_VE_DISABLE; QVL leaves attributes to appraisal, we to `septVeDisable` of a policy',
    matches: (found) => theyRefuse(found, /SEPT_VE_DISABLE is not enabled/),
  },
  'td-attributes': {
    right: 'policy',
    why: 'the package takes LASS, MIGRATABLE, TPA and other bits defined since for reserved, and refuses them; QVL leaves them to appraisal, we to `attributes` of a policy',
    matches: (found) => theyRefuse(found, /Reserved bits in TD attributes are set/),
  },
  'mr-service-td': {
    right: 'policy',
    why: 'the package refuses every TD with a service TD bound; QVL leaves MRSERVICETD to appraisal, we to `mrServiceTd` of a policy',
    matches: (found) => theyRefuse(found, /Invalid mr service td/),
  },
} as const satisfies Record<string, Known>;

export type KnownKey = keyof typeof knownDifferences;

/** The keys that explain a difference: one, or the table is wrong. */
export function explanationsOf(found: Difference): KnownKey[] {
  const known = Object.entries(knownDifferences) as [KnownKey, Known][];
  return known.filter(([, { matches }]) => matches(found)).map(([key]) => key);
}

/** They accept; we refuse for these checks alone, each for a reason of this kind. */
function weRefuse({ theirs, ours }: Difference, ids: readonly CheckId[], reason = /^/): boolean {
  return (
    theirs.accepted &&
    !ours.accepted &&
    ours.failures.length > 0 &&
    ours.failures.every(({ id }) => ids.includes(id)) &&
    ours.failures.some((failure) => reason.test(failure.reason))
  );
}

function theyRefuse({ theirs, ours }: Difference, why: RegExp): boolean {
  return !theirs.accepted && ours.accepted && why.test(theirs.why);
}

function whyOf(answer: Answer): string {
  return answer.accepted ? '' : answer.why;
}

function isRelaunch({ ours }: Difference): boolean {
  return ours.accepted && ours.status.startsWith('TDRelaunch');
}

function isConvergence({ theirs, ours }: Difference): boolean {
  return (
    theirs.accepted &&
    theirs.status === 'OutOfDate' &&
    ours.accepted &&
    ours.status === 'OutOfDateConfigurationNeeded' &&
    ours.tcb?.qe?.status === 'OutOfDate' &&
    theirs.advisories.join() === ours.advisories.join()
  );
}

/** The bytes too many are inside the nested part, which versions 4 and 5 have. */
function isNested({ sample, ours }: Difference): boolean {
  const nested = ours.failures.some(({ reason }) => reason.includes(' QE_CERTIFICATION_SIZE '));
  return nested && sample.quote[0] !== 3;
}

function authLength({ quote }: Sample): number {
  return parseQuote(quote).qeAuthData.length;
}

function hasSpaces({ quote }: Sample): boolean {
  return fromUtf8(parseQuote(quote).certification.data, 'PCK chain').includes('\n ');
}

function isSorted({ tcbInfo }: Sample): boolean {
  const all = ({ sgx, pceSvn, tdx }: TcbLevel) => [...sgx, pceSvn, ...(tdx ?? [])];
  const levels = parseTcbInfo(tcbInfo).info.tcbLevels.map(all);
  return levels.every((level, index) => {
    const before = levels[index - 1] ?? level;
    const at = level.findIndex((svn, component) => svn !== before[component]);
    return at === -1 || (level[at] as number) < (before[at] as number);
  });
}

function chainsOf({ tcbSigningChain, qeIdentitySigningChain }: Sample): Bytes[][] {
  return [tcbSigningChain, qeIdentitySigningChain].map((chain) =>
    readDerObjects(chain, 'CERTIFICATE', 'signing chain'),
  );
}

function isRoot(der: Bytes): boolean {
  const { subject, issuer } = parseCertificate(der, 'certificate');
  return sameName(subject, issuer);
}
