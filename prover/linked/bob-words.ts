/** What a verdict on linked proofs tells its reader: what is proved, what stays hidden, and what no such proof states. */
import { type Bytes, isZero, toHex } from '#verifier/bytes.ts';
import type { Message } from './bob-message.ts';
import type { Demands } from './demands.ts';
import type { Disclosure, LinkedProofFile } from './proof-file.ts';

export type Told = {
  readonly file: LinkedProofFile;
  readonly message: Message;
  readonly demands: Demands;
};

/** Of an acceptance: the demands are met, so that what the file states is the checker's own. */
export function wordsOf({ file, message, demands }: Told): string[] {
  const isMember = file.key.kind === 'member';
  return [
    provedText(file, message),
    hiddenText(isMember),
    ...(message.disclosure === null ? [] : [shownBody(message.disclosure)]),
    'Not stated by the proof: devices, log, channel, and every other member of a policy. It shows that such a machine exists, not that you talk to it.',
    ageText(demands),
    nonceText(demands),
    ...replayText(message),
    ...(message.isSigned ? [signedText] : []),
  ];
}

export const insecureRoot =
  'INSECURE: a root was handed over in place of Intel’s. This proves nothing about hardware.';

const signedText =
  "The response came with its signature: the service's key can be computed from it, though the proof hides it.";

function provedText({ key }: LinkedProofFile, { service, disclosure }: Message): string {
  const vouched = key.kind === 'pck' ? 'that Intel’s PCK CA certified' : 'of your set of keys';
  const signed = disclosure === null ? 'this response' : 'a response with the parts shown below';
  return `Proved: a TDX machine with a key ${vouched} ran software of your accepted set, at a TCB level of your set, neither its chip nor its certificate in your revoked set; the key that it vouched for as ${service}'s signed ${signed}.`;
}

function hiddenText(isMember: boolean): string {
  const which = isMember ? 'which key of the set' : 'the PCK certificate';
  return `Hidden: the chip, ${which}, which software of the accepted set and which level, the service's key and build, the other services.`;
}

function shownBody({ length, shown }: Disclosure): string {
  if (shown.length === 0) return `Of the body nothing is shown but its length: ${length} bytes.`;
  const parts = shown.map(({ at, bytes }) => `${rangeOf(at, bytes)} ${contentOf(bytes)}`);
  return `Shown of the body's ${length} bytes: ${parts.join('; ')}. What stands between them can change what they mean.`;
}

function rangeOf(at: number, { length }: Bytes): string {
  return length === 1 ? `byte ${at}` : `bytes ${at} to ${at + length - 1}`;
}

/** Printable ASCII as text, all else as hex. */
function contentOf(bytes: Bytes): string {
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? JSON.stringify(String.fromCharCode(...bytes)) : toHex(bytes);
}

function ageText({ attestationNonce }: Demands): string {
  return attestationNonce === 'guest-clock'
    ? "The attestation's age is the guest's word alone: its host can set that clock."
    : 'The attestation is from after the nonce in your demands was known.';
}

function nonceText({ challenge }: Demands): string {
  const once = challenge === 'register' ? '' : ' Use a nonce once: nothing here counts its uses.';
  return `The proof is for your audience and nonce; it does not say who made it.${once}`;
}

function replayText({ clientNonce }: Message): string[] {
  if (clientNonce === null) {
    return [
      'Whether the response answers a client’s nonce is hidden: it may be one that can be replayed.',
    ];
  }
  return isZero(clientNonce)
    ? ["The response answers no client's nonce: it can be replayed, however new the proof."]
    : [];
}
