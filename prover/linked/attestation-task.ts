/**
 * Alice's task about a machine: everything that the checker will hold it to is looked at here, before minutes are spent. That
 * signatures, chain and binding hold is the plain verifier's to say, before this.
 */
import type { Bundle } from '#verifier/abi/bundle.ts';
import { type Bytes, fromBigEndian } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { AliceError } from './alice-errors.ts';
import type { Machine } from './attestation-machine.ts';
import { vekSiblings } from './attestation-sets.ts';
import { snpMachine } from './attestation-snp.ts';
import { tdxMachine } from './attestation-tdx.ts';
import type { AttestationWork } from './attestation-work.ts';
import { keyCommitment } from './formulas.ts';
import type { KeyDemand, SecretFile } from './secret-file.ts';
import type { SetOf } from './sets.ts';

/** How the checker is to believe the machine's key. */
export type KeyWanted =
  /** Proved: its certificate is valid at this time. Which vendor's CA it is under is seen. */
  | { readonly kind: 'certified'; readonly at: UnixTime }
  /** Proved: it is one of a set. */
  | { readonly kind: 'member'; readonly veks: SetOf<'veks'> }
  /** Seen: the checker is handed the certificate, which names the chip. */
  | { readonly kind: 'shown' };

export type AttestationInputs = {
  /** One that the plain verifier believes. */
  readonly bundle: Bundle;
  readonly accepted: SetOf<'accepted'>;
  readonly levels: SetOf<'levels'>;
  readonly revoked: SetOf<'revoked'>;
  readonly key: KeyWanted;
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
 * @throws AttestationError as `readQuoteFacts`, `readSnpFacts`
 */
export function toAttestationTask(inputs: AttestationInputs): AttestationTask {
  const { bundle, accepted, levels, revoked, epochMin, epochMax, salts, made } = inputs;
  const { bound, channel, nonce, epoch, platform } = bundle;
  const machine = (platform === 'tdx' ? tdxMachine : snpMachine)(
    inputs,
    inputs.key.kind === 'certified',
  );
  const key = keyDemandOf(inputs, machine);
  refuseOutside(epoch, epochMin, epochMax);
  const { vek, reference } = machine;
  const { kind } = inputs.key;
  return {
    made,
    platform,
    demanded: {
      accepted: accepted.root,
      levels: levels.root,
      revoked: revoked.root,
      epochMin,
      epochMax,
      nonce,
    },
    key,
    keyCommitment: keyCommitment(vek, salts.key),
    opening: { treeRoot: bound.treeRoot, reference, epoch, salt: salts.attestation },
    proofs: { key: null, machine: null },
    work: {
      ...machine.placed(),
      bound,
      channel,
      keySalt: salts.key,
      vekSiblings:
        kind === 'member' ? vekSiblings(inputs.key.veks, vek, machine.certificate.name) : null,
    },
  };
}

function keyDemandOf({ key, salts }: AttestationInputs, machine: Machine): KeyDemand {
  if (key.kind === 'member') return { kind: 'member', veks: key.veks.root };
  if (key.kind === 'shown') {
    return { kind: 'shown', certificates: machine.chain, salt: salts.key };
  }
  const { name, notBefore, notAfter } = machine.certificate;
  if (key.at < notBefore || key.at > notAfter) {
    throw new AliceError(
      'certificate-not-valid',
      `the ${name} certificate is valid from ${formatTime(notBefore)} to ${formatTime(notAfter)}, not at ${formatTime(key.at)}`,
    );
  }
  return machine.certifiedAt(key.at);
}

function refuseOutside(epoch: UnixTime, min: UnixTime, max: UnixTime): void {
  if (epoch >= min && epoch <= max) return;
  throw new AliceError(
    'epoch-outside',
    `the machine answered at ${formatTime(epoch)} by its own clock, outside ${formatTime(min)} to ${formatTime(max)}`,
  );
}
