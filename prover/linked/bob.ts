/**
 * Bob's side of linked proofs. Every public input is rebuilt from his own data; what the file states of the rest he finds within his
 * demands, or refuses (protocol, "Linked proofs").
 */
import { decide } from '#verifier/appraise/verdict.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Ending } from '#verifier/verified.ts';
import { checkDemands, endingsOf } from './bob-demands.ts';
import { readMessage } from './bob-message.ts';
import { type AskedBy, checkProofs, type LinkedProofTools } from './bob-proofs.ts';
import { checkVouched, type VendorTrust } from './bob-vouched.ts';
import { insecureRoot, type Told, wordsOf } from './bob-words.ts';
import { type Demands, demandsDigest } from './demands.ts';
import {
  attempt,
  type Finding,
  judge,
  type LinkedResult,
  type LinkedVerdict,
  pass,
  proofsHold,
  resultsOf,
  skip,
  unread,
} from './linked-checks.ts';
import { parseLinkedProofFile } from './proof-file.ts';

export type GivenLinkedProof = AskedBy & {
  /** Bytes of the proof file. */
  readonly proof: Bytes;
  /** Bytes of the response's JSON; null where the proof shows parts of it. */
  readonly response: Bytes | null;
};

/** Roots that the vendors' certificates must end in, and lists of what is revoked; neither is asked about a key of a set. */
export type LinkedSettings = VendorTrust & {
  readonly demands: Demands;
  /** The checker's own clock. */
  readonly now: UnixTime;
};

export type LinkedTools = LinkedProofTools & {
  readonly crypto: CryptoPort;
  /**
   * Register of the nonces that the checker drew: true the first time that it is asked about one, and never again. Asked once
   * every proof holds; needed by demands whose challenge is `register`.
   */
  spend?(nonce: Bytes): Promise<boolean>;
};

/** Bad proofs fail checks and never throw. @throws RangeError for a nonce that has not 32 bytes */
export async function checkLinkedProof(
  given: GivenLinkedProof,
  settings: LinkedSettings,
  tools: LinkedTools,
): Promise<LinkedVerdict> {
  if (given.nonce.length !== 32) {
    throw new RangeError(`a nonce has 32 bytes, got ${given.nonce.length}`);
  }
  const read = attempt(() => parseLinkedProofFile(given.proof), 'a file of linked proofs');
  if ('failure' in read) return verdictOf(settings, resultsOf(unread(read.failure)), [], null);
  const file = read.value;
  const { demands } = settings;
  const { finding: readable, message } = readMessage(file.response, given.response);
  const vouched = await checkVouched(file, { ...settings, crypto: tools.crypto });
  const { findings: proofs, memberOf } = await checkProofs(
    { file, vouched, message, askedBy: given, demands },
    tools,
  );
  const { seen } = vouched;
  const findings = {
    'link.file': pass({ actual: 'linked proofs' }),
    'link.message': readable,
    ...vouched.findings,
    ...proofs,
    ...checkDemands({ file, message, memberOf, seen, demands, now: settings.now }),
  };
  // A nonce is spent on proofs that hold, all of them, and on nothing less.
  const holds =
    proofs['link.key'] !== null && proofsHold(resultsOf({ ...findings, 'link.challenge': null }));
  const challenge = await checkChallenge(given.nonce, holds, settings, tools);
  const results = resultsOf({ ...findings, 'link.challenge': challenge });
  const ends = [...vouched.ends, ...endingsOf({ file, memberOf, demands })];
  const told = message && seen && { file, message, seen, demands };
  return verdictOf(settings, results, ends, told);
}

async function checkChallenge(
  nonce: Bytes,
  holds: boolean,
  { demands }: LinkedSettings,
  { spend }: LinkedTools,
): Promise<Finding> {
  if (demands.challenge === 'caller') {
    return pass({ expected: 'caller', actual: 'whoever drew the nonce keeps account of it' });
  }
  if (spend === undefined) {
    return skip('a register of spent nonces, which only a program that calls the library brings');
  }
  if (!holds) return skip('proofs that hold: the nonce was not spent on these');
  return judge(await spend(nonce), {
    expected: 'a nonce that no proof has used',
    actual: toHex(nonce),
    reason: 'the nonce was used before, or was never drawn: the proof may be a replay',
  });
}

/** @param told what an acceptance tells of; null when there is nothing to accept */
function verdictOf(
  { demands, now, intel, amd }: LinkedSettings,
  checks: readonly LinkedResult[],
  ends: readonly Ending[],
  told: Told | null,
): LinkedVerdict {
  const decision = decide(checks);
  const forecast = ends.toSorted((one, other) => one.at - other.at);
  const words = decision === 'accepted' && told !== null ? wordsOf(told) : [];
  const isInsecure = [intel.root, ...amd.roots].some((root) => root?.insecure === true);
  return {
    decision,
    at: now,
    policy: toHex(demandsDigest(demands)),
    checks,
    expires: forecast[0]?.at ?? null,
    forecast,
    warnings: isInsecure ? [insecureRoot, ...words] : words,
  };
}
