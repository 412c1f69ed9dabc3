/** What a reader of an acceptance must know and no single check says. */
import type { CheckId } from '../checks.ts';
import type { ProofClaims, Verified } from '../verified.ts';
import { missingReferences } from './devices.ts';
import { isDebugNitro } from './nitro.ts';
import type { Policy } from './policy.ts';
import { isDebugEnclave } from './sgx.ts';
import { namesSoftware } from './software.ts';
import { isDebugTd } from './tdx.ts';
import { tdxSoftware } from './tdx-policy.ts';
import { askedRegisters } from './tpm-policy.ts';

type Claims = NonNullable<Verified['claims']>;

export function warningsFor(verified: Verified, policy: Policy): string[] {
  const { insecureRoot, bundle, claims, subject, proof, checks } = verified;
  const warnings: string[] = [];
  if (insecureRoot) {
    warnings.push(
      'INSECURE: the chain ends in a root that was handed over, not in the vendor’s. This proves nothing about hardware.',
    );
  }
  if (claims !== null && !namesSoftware(verified, policy)) {
    warnings.push(unnamedSoftware[claims.platform]);
  }
  if (claims !== null && isDebug(claims) && allowsDebug(claims, policy)) {
    warnings.push(
      'DANGEROUS: the guest is in debug mode and the policy allows it: the host sees all its memory.',
    );
  }
  warnings.push(...besideWarnings(verified, policy));
  const late = checks.filter(({ id }) => claims !== null && isOverdue(claims, id));
  if (late.length > 0) {
    warnings.push(
      `Collateral has run out (${late.map(({ id }) => id).join(', ')}): what was found out since then is not in it.`,
    );
  }
  if (bundle !== null && bundle.channel === null) {
    warnings.push(
      'The evidence is bound to no channel: it shows that such a machine exists, not that you talk to it.',
    );
  }
  if (subject.form === 'bundle' && !subject.challenged) {
    warnings.push('No nonce of yours is in the evidence: it proves the machine, not the moment.');
  }
  const proved = checks.every(({ stage, status }) => stage !== 'proof' || status === 'pass');
  return proof !== null && proved ? [...warnings, ...proofWarnings(proof)] : warnings;
}

const unnamedSoftware = {
  'sev-snp':
    'The policy names no software (measurement "any"): whatever runs in this guest is accepted.',
  tdx: `The policy does not name all of the software (one of ${tdxSoftware.join(', ')} is "any"): whatever runs in this guest is accepted.`,
  sgx: 'The policy names no enclave (mrEnclave "any"): whatever runs in it is accepted.',
  tpm: 'The policy names no PCR (pcrs "any"): whatever was booted is accepted.',
  nitro:
    'The policy does not name the software (PCR 0 of an enclave, PCRs 4 and 12 of an instance): whatever runs is accepted.',
  nvidia: 'The policy asks nothing of devices ("any"): any genuine device of NVIDIA’s is accepted.',
} as const satisfies Record<Claims['platform'], string>;

/** Of what stands beside the CPU: an Azure paravisor, a TPM, devices. */
function besideWarnings(verified: Verified, policy: Policy): string[] {
  const { claims, subject, tpm, bundle, devices } = verified;
  const warnings: string[] = [];
  if (subject.form === 'hcl' && claims !== null) {
    warnings.push(
      'On Azure the hardware measures the paravisor (MEASUREMENT, MRTD): what your guest booted is in the PCRs alone.',
    );
  }
  const bare = claims?.platform === 'tpm';
  if (
    tpm !== null &&
    !bare &&
    (policy.tpm === undefined || askedRegisters(policy.tpm).length === 0)
  )
    warnings.push('The policy names no PCR of the TPM: whatever it measured is accepted.');
  if (bundle !== null && bundle.deviceKinds.length > 0 && policy.devices === 'any') {
    warnings.push('The policy asks nothing of devices ("any"): any device beside it is accepted.');
  }
  const uncompared = devices.filter((device) => missingReferences(device).length > 0).length;
  if (uncompared > 0) {
    warnings.push(
      `${uncompared} of ${devices.length} NVIDIA devices were not compared with reference values (RIM): genuine, but with any driver or firmware.`,
    );
  }
  if (subject.gpu && !passed(verified, 'collateral.gpu-revocation')) {
    warnings.push(
      'NVIDIA was not asked whether the devices’ certificates are revoked (OCSP): stolen keys go unseen.',
    );
  }
  return warnings;
}

function passed({ checks }: Verified, wanted: CheckId): boolean {
  return checks.some(({ id, status }) => id === wanted && status === 'pass');
}

function isDebug(claims: Claims): boolean {
  switch (claims.platform) {
    case 'sev-snp':
      return claims.report.policy.debug;
    case 'tdx':
    case 'sgx': {
      const { body } = claims.quote;
      return body.kind === 'tdx' ? isDebugTd(body.report) : isDebugEnclave(body.report);
    }
    case 'nitro':
      return isDebugNitro(claims.document);
    case 'tpm':
    case 'nvidia':
      return false;
  }
}

function allowsDebug({ platform }: Claims, { sevSnp, tdx, sgx, nitro }: Policy): boolean {
  const rule = {
    'sev-snp': sevSnp?.guestPolicy.debug,
    tdx: tdx?.attributes.debug,
    sgx: sgx?.debug,
    nitro: nitro?.debug,
    tpm: undefined,
    nvidia: undefined,
  };
  return rule[platform] === 'dangerously-allowed';
}

function isOverdue(claims: Claims, id: CheckId): boolean {
  return (claims.platform === 'tdx' || claims.platform === 'sgx') && claims.overdue.has(id);
}

/** What an accepted proof says, and what it does not. */
function proofWarnings({ circuit, service, replayable, signed }: ProofClaims): string[] {
  if (circuit === 'unreadable' || service === null) return [];
  const warnings = [
    circuit === 'response-open'
      ? `Proved: a key that the bundle's tree holds for ${service} signed this response. Hidden: that key, the service's build and the tree's other services.`
      : `Proved: the bundle's tree holds the disclosed key for ${service}; the signature was checked in the open. Hidden: the service's build and the tree's other services.`,
    'The proof is for your audience and nonce; it does not say who made it. Use a nonce once.',
  ];
  if (replayable) {
    warnings.push(
      "The response answers no client's nonce: it can be replayed, however new the proof.",
    );
  }
  if (circuit === 'response-open' && signed) {
    warnings.push(
      "The response came with its signature: the service's key can be computed from it, though the proof hides it.",
    );
  }
  return warnings;
}
