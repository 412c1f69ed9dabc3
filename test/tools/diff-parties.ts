/**
 * One quote with its collateral, judged by @phala/dcap-qvl and by this project. Policy is kept out of it: every TCB status that a
 * policy can accept is accepted, and what is compared is whether the evidence is refused, and else the status and the advisories.
 */
import { QuoteVerifier } from '@phala/dcap-qvl';
import type { TcbAssessment } from '#verifier/abi/tcb-status.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { acceptableStatuses, type TcbPolicy } from '#verifier/appraise/intel-policy.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { Decision } from '#verifier/appraise/verdict.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { CheckId } from '#verifier/checks.ts';
import { readLists, readSigningChain } from '#verifier/cli/certificate-files.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral } from '#verifier/evidence.ts';
import { vendorRoots } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { verify } from '#verifier/verify.ts';

/** A quote, and the files that Intel's service answers with, as they are. */
export type Sample = {
  quote: Bytes;
  tcbInfo: Bytes;
  qeIdentity: Bytes;
  /** PEM: the TCB signer, then the root. */
  tcbSigningChain: Bytes;
  qeIdentitySigningChain: Bytes;
  /** DER */
  pckCrl: Bytes;
  rootCaCrl: Bytes;
  at: UnixTime;
  /** DER of the root to trust; left out: Intel's. */
  root?: Bytes;
};

/** Status and advisories of evidence that is accepted, sorted; else why it is refused. */
export type Answer =
  | { accepted: true; status: string; advisories: readonly string[] }
  | { accepted: false; why: string };

export type OwnAnswer = Answer & {
  /** Under the policy "genuine", or null when a file of collateral cannot be read. */
  decision: Decision | null;
  /** What failed, under that policy with every status accepted that a policy can accept. */
  failures: readonly { id: CheckId; reason: string }[];
  /** What the status is made of; null when the TCB could not be judged. */
  tcb: TcbAssessment | null;
};

/** What @phala/dcap-qvl takes: the signed text of each document cut out of its envelope, not written anew. */
export function dcapCollateral(sample: Sample) {
  const info = openEnvelope(sample.tcbInfo, 'tcbInfo');
  const identity = openEnvelope(sample.qeIdentity, 'enclaveIdentity');
  const text = (bytes: Bytes) => Buffer.from(bytes).toString();
  const chain = text(sample.tcbSigningChain);
  return {
    pck_crl_issuer_chain: chain,
    root_ca_crl: toHex(sample.rootCaCrl),
    pck_crl: toHex(sample.pckCrl),
    tcb_info_issuer_chain: chain,
    tcb_info: info.text,
    tcb_info_signature: info.signature,
    qe_identity_issuer_chain: text(sample.qeIdentitySigningChain),
    qe_identity: identity.text,
    qe_identity_signature: identity.signature,
  };
}

/** The package itself starts from the two members; who calls it has taken the envelope off. */
function openEnvelope(bytes: Bytes, member: string): { text: string; signature: string } {
  const file = Buffer.from(bytes).toString();
  const [start, end] = [
    file.indexOf('{', file.indexOf(`"${member}"`)),
    file.lastIndexOf('}', file.lastIndexOf('"signature"')),
  ];
  const { signature } = JSON.parse(file) as { signature: string };
  return { text: file.slice(start, end + 1), signature };
}

export function theirAnswer(sample: Sample): Answer {
  try {
    const verifier =
      sample.root === undefined
        ? QuoteVerifier.newProd()
        : QuoteVerifier.newWithRootCa(Buffer.from(sample.root));
    const report = verifier.verify(sample.quote, dcapCollateral(sample), sample.at);
    return { accepted: true, status: report.status, advisories: asSet(report.advisory_ids) };
  } catch (error) {
    return { accepted: false, why: (error as Error).message };
  }
}

/** "genuine" with every status that a policy can accept. */
export const lenientPolicy: Policy = lenientOf(genuinePolicy);

function lenientOf({ tdx, sgx, ...rest }: Policy): Policy {
  const lenient = (tcb: TcbPolicy) => ({ ...tcb, acceptedStatuses: [...acceptableStatuses] });
  return toPolicy({
    ...rest,
    ...(tdx && { tdx: { ...tdx, tcb: lenient(tdx.tcb) } }),
    ...(sgx && { sgx: { ...sgx, tcb: lenient(sgx.tcb) } }),
  });
}

export async function ownAnswer(
  sample: Sample,
  crypto: CryptoPort = nodeCrypto,
): Promise<OwnAnswer> {
  let collateral: Collateral[];
  try {
    collateral = ownCollateral(sample);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { accepted: false, why: error.message, decision: null, failures: [], tcb: null };
  }
  const evidence = { form: 'quote', bytes: sample.quote } as const;
  const roots =
    sample.root === undefined ? vendorRoots : [insecureRoot(parseCertificate(sample.root, 'root'))];
  const verified = await verify(evidence, collateral, roots, sample.at, crypto);
  const { decision } = appraise(verified, genuinePolicy);
  const { checks, decision: lenient } = appraise(verified, lenientPolicy);
  const failures = checks.flatMap(({ id, status, reason }) =>
    status === 'fail' ? [{ id, reason: reason ?? '' }] : [],
  );
  const { claims } = verified;
  const tcb = claims !== null && 'tcb' in claims ? claims.tcb : null;
  if (lenient !== 'accepted' || tcb === null) {
    const why = failures.map(({ id }) => id).join(' ') || `nothing failed, but ${lenient}`;
    return { accepted: false, why, decision, failures, tcb };
  }
  const { status, advisories } = tcb;
  return { accepted: true, status, advisories: asSet(advisories), decision, failures, tcb };
}

/** From the files' bytes, as the command does it. @throws AttestationError */
export function ownCollateral(sample: Sample): Collateral[] {
  return [
    { kind: 'tcb-info', data: sample.tcbInfo },
    { kind: 'qe-identity', data: sample.qeIdentity },
    ...readSigningChain(sample.tcbSigningChain, 'tcb-signing'),
    ...readSigningChain(sample.qeIdentitySigningChain, 'qe-identity-signing'),
    ...readLists(sample.pckCrl, 'pck-crl'),
    ...readLists(sample.rootCaCrl, 'intel-root-crl'),
  ];
}

function asSet(advisories: readonly string[]): string[] {
  return [...new Set(advisories)].sort();
}

/** Both refuse, or both accept with the same status and advisories. */
export function agree(theirs: Answer, ours: Answer): boolean {
  if (!theirs.accepted || !ours.accepted) return theirs.accepted === ours.accepted;
  return theirs.status === ours.status && theirs.advisories.join(' ') === ours.advisories.join(' ');
}
