/**
 * Alice's task about a machine: everything that the checker will hold it to is looked at here, before minutes are spent. That
 * signatures, chain and binding hold is the plain verifier's to say, before this.
 */
import type { Bundle } from '#verifier/abi/bundle.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { type Bytes, fromBigEndian, toHex } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { AliceError } from './alice-errors.ts';
import { refuseUnsupported } from './attestation-quote.ts';
import type { AttestationWork } from './attestation-work.ts';
import { keyCommitment, referenceTdx, vekTdx } from './formulas.ts';
import { type QuoteFacts, readQuoteFacts } from './quote-facts.ts';
import type { AbsenceProof } from './quote-inputs.ts';
import type { KeyDemand, SecretFile } from './secret-file.ts';
import { findLevel, memberSiblings, provenAbsence, type SetOf } from './sets.ts';

export type AttestationInputs = {
  /** One that the plain verifier believes. */
  readonly bundle: Bundle;
  readonly accepted: SetOf<'accepted'>;
  readonly levels: SetOf<'levels'>;
  readonly revoked: SetOf<'revoked'>;
  /** The PCK's certificate valid `at` this time, or its key one of a set. */
  readonly key:
    | { readonly kind: 'pck'; readonly at: UnixTime }
    | { readonly kind: 'member'; readonly veks: SetOf<'veks'> };
  /** Seconds, inclusive. */
  readonly epochMin: UnixTime;
  readonly epochMax: UnixTime;
  /** New ones, each of 31 random bytes (`saltOf`). */
  readonly salts: { readonly key: Field; readonly attestation: Field };
  /** Now. */
  readonly made: UnixTime;
};

/** A secret file with proofs still to be made. */
export type AttestationTask = SecretFile & { readonly work: AttestationWork };

/** 31 random bytes as an integer. */
export function saltOf(random: (length: number) => Bytes): Field {
  return fromBigEndian(random(31));
}

/**
 * @throws AliceError for what is not what the checker demands, or no circuit takes
 * @throws AttestationError as `readQuoteFacts`
 */
export function toAttestationTask(inputs: AttestationInputs): AttestationTask {
  const { bundle, accepted, levels, revoked, epochMin, epochMax, salts, made } = inputs;
  refuseOtherPlatform(bundle);
  const facts = readQuoteFacts(bundle.evidence);
  refuseUnsupported(facts);
  const key = keyDemandOf(inputs, facts);
  refuseOutside(bundle.epoch, epochMin, epochMax);
  const { bound, channel, nonce, epoch } = bundle;
  const reference = referenceTdx(facts.report, bound.closureDigest);
  const { level, siblings: levelSiblings } = reachedLevel(levels, facts);
  return {
    made,
    demanded: {
      accepted: accepted.root,
      levels: levels.root,
      revoked: revoked.root,
      epochMin,
      epochMax,
      nonce,
    },
    key,
    keyCommitment: keyCommitment(vekTdx(facts.pck), salts.key),
    opening: { treeRoot: bound.treeRoot, reference, epoch, salt: salts.attestation },
    proofs: { key: null, quote: null },
    work: {
      evidence: bundle.evidence,
      bound,
      channel,
      keySalt: salts.key,
      level,
      levelSiblings,
      referenceSiblings: acceptedSiblings(accepted, facts, bound.closureDigest),
      chipAbsence: absenceIn(revoked, facts.pck.chip, 'chip'),
      serialAbsence: absenceIn(revoked, facts.pck.serial, 'PCK certificate'),
      vekSiblings: inputs.key.kind === 'member' ? vekSiblings(inputs.key.veks, facts) : null,
    },
  };
}

/** @throws AliceError `platform-unsupported` */
export function refuseOtherPlatform({ platform }: Bundle): void {
  if (platform === 'tdx') return;
  throw new AliceError(
    'platform-unsupported',
    `the bundle is of ${platform}, linked proofs are about TDX`,
  );
}

function keyDemandOf({ bundle, key }: AttestationInputs, facts: QuoteFacts): KeyDemand {
  if (key.kind === 'member') return { kind: 'member', veks: key.veks.root };
  const { notBefore, notAfter } = facts.certificate;
  if (key.at < notBefore || key.at > notAfter) {
    throw new AliceError(
      'certificate-not-valid',
      `the PCK certificate is valid from ${formatTime(notBefore)} to ${formatTime(notAfter)}, not at ${formatTime(key.at)}`,
    );
  }
  return { kind: 'pck', issuer: issuerCertificate(bundle.evidence), at: key.at };
}

/** DER of the PCK CA's certificate, which a quote whose facts were read has. */
function issuerCertificate(evidence: Bytes): Bytes {
  const [, issuer] = readPemChain(parseQuote(evidence).certification.data, 'certification data');
  return issuer as Bytes;
}

function refuseOutside(epoch: UnixTime, min: UnixTime, max: UnixTime): void {
  if (epoch >= min && epoch <= max) return;
  throw new AliceError(
    'epoch-outside',
    `the machine answered at ${formatTime(epoch)} by its own clock, outside ${formatTime(min)} to ${formatTime(max)}`,
  );
}

function acceptedSiblings(
  set: SetOf<'accepted'>,
  { report }: QuoteFacts,
  closureDigest: Bytes,
): readonly Field[] {
  const siblings = memberSiblings(set, referenceTdx(report, closureDigest));
  if (siblings !== null) return siblings;
  throw new AliceError(
    'not-accepted',
    `none of the ${set.entries.length} accepted has MRTD ${short(report.mrTd)}, RTMR ${report.rtmr.map(short).join(', ')} and closure ${short(closureDigest)} together`,
  );
}

function reachedLevel(set: SetOf<'levels'>, { pck, report, qeIsvSvn }: QuoteFacts) {
  const { fmspc, cpuSvn, pceSvn } = pck;
  const { teeTcbSvn } = report;
  const found = findLevel(set, { fmspc, cpuSvn, pceSvn, teeTcbSvn, qeIsvSvn });
  if (found !== null) return found;
  const ofModel = set.entries.filter((level) => toHex(level.fmspc) === toHex(fmspc)).length;
  throw new AliceError(
    'level-not-reached',
    `the machine reaches none of the ${ofModel} levels for FMSPC ${toHex(fmspc)}: it has CPUSVN ${toHex(cpuSvn)}, PCESVN ${pceSvn}, TEE_TCB_SVN ${toHex(teeTcbSvn)}, ISVSVN ${qeIsvSvn}`,
  );
}

function absenceIn(set: SetOf<'revoked'>, element: Field, what: string): AbsenceProof {
  const found = provenAbsence(set, element);
  if (found !== null) return found;
  throw new AliceError('machine-revoked', `the machine’s ${what} is in the set of what is revoked`);
}

function vekSiblings(set: SetOf<'veks'>, { pck }: QuoteFacts): readonly Field[] {
  const siblings = memberSiblings(set, vekTdx(pck));
  if (siblings !== null) return siblings;
  throw new AliceError(
    'key-not-listed',
    `the machine’s PCK, with this TCB, is none of the ${set.entries.length} keys of the set`,
  );
}

function short(bytes: Bytes): string {
  return `${toHex(bytes.subarray(0, 6))}…`;
}
