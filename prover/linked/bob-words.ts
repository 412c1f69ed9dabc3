/** What a verdict on linked proofs tells its reader: what is proved, what stays hidden, and what no such proof states. */
import { type Bytes, isZero, toHex } from '#verifier/bytes.ts';
import type { Vek } from '#verifier/chain/amd.ts';
import type { Message } from './bob-message.ts';
import type { SeenKey } from './bob-vouched.ts';
import type { Demands } from './demands.ts';
import type { Disclosure, LinkedProofFile, MachineCircuit } from './proof-file.ts';

export type Told = {
  readonly file: LinkedProofFile;
  readonly message: Message;
  readonly seen: SeenKey;
  readonly demands: Demands;
};

/** Of an acceptance: the demands are met, so that what the file states is the checker's own. */
export function wordsOf({ file, message, seen, demands }: Told): string[] {
  const { circuit } = file.machine;
  return [
    provedText(circuit, seen, message),
    modeText(circuit, seen),
    hiddenText(seen),
    ...(message.disclosure === null ? [] : [shownBody(message.disclosure)]),
    'Not stated by the proof: devices, log, channel, and every other member of a policy. It shows that such a machine exists, not that you talk to it.',
    ageText(demands),
    nonceText(demands),
    ...replayText(message),
    ...(message.isSigned ? [signedText] : []),
  ];
}

export const insecureRoot =
  'INSECURE: a root was handed over in place of the vendor’s. This proves nothing about hardware.';

const signedText =
  "The response came with its signature: the service's key can be computed from it, though the proof hides it.";

function provedText(
  circuit: MachineCircuit,
  seen: SeenKey,
  { service, disclosure }: Message,
): string {
  const signed = disclosure === null ? 'this response' : 'a response with the parts shown below';
  return `Proved: ${machineText(circuit, seen)} ran software of your accepted set, at a TCB level of your set${unrevokedText(circuit, seen)}; the key that it vouched for as ${service}'s signed ${signed}.`;
}

function machineText(circuit: MachineCircuit, seen: SeenKey): string {
  const machine = circuit === 'tdx-quote' ? 'a TDX machine' : 'an SEV-SNP machine';
  switch (seen.kind) {
    case 'pck':
      return `${machine} with a key that Intel’s PCK CA certified`;
    case 'vek':
      return `${machine}, ${seen.product}, with a ${seen.keyKind.toUpperCase()} that AMD’s ${seen.keyKind === 'vcek' ? 'ASK' : 'ASVK'} certified`;
    case 'member':
      return `${machine} with a key of your set of keys`;
    case 'shown-pck':
      return `${machine} with the key of the PCK certificate that is shown`;
    case 'shown-vek':
      return `${machine}, ${seen.vek.product}, with the key of the ${seen.vek.role.toUpperCase()} certificate that is shown`;
  }
}

/** AMD's certificates have no numbers of their own, and a VLEK's states no chip. */
function unrevokedText(circuit: MachineCircuit, seen: SeenKey): string {
  if (circuit === 'tdx-quote') return ', neither its chip nor its certificate in your revoked set';
  if (seen.kind === 'member') return ', its chip, if its key states one, not in your revoked set';
  return isVlek(seen) ? '' : ', its chip not in your revoked set';
}

function isVlek(seen: SeenKey): boolean {
  if (seen.kind === 'vek') return seen.keyKind === 'vlek';
  return seen.kind === 'shown-vek' && seen.vek.role === 'vlek';
}

const noChipText = 'a VLEK states no chip, so that your revoked set cannot hold it';

/** Which of the ways of docs/privacy.md, and what it lets the checker see of the machine's key. */
function modeText(circuit: MachineCircuit, seen: SeenKey): string {
  switch (seen.kind) {
    case 'pck':
      return `Certified key: seen is that Intel’s PCK ${seen.ca === 'platform' ? 'Platform' : 'Processor'} CA certified it.`;
    case 'vek':
      return seen.keyKind === 'vcek'
        ? `Certified key: seen is the issuer of the product line alone, AMD’s ASK of ${seen.product}.`
        : `Certified key: seen is the issuer of the product line alone, AMD’s ASVK of ${seen.product}, so that the key is a cloud’s; ${noChipText}.`;
    case 'member':
      return circuit === 'tdx-quote'
        ? 'Key of a set: seen is that it is Intel’s, and one of your set.'
        : `Key of a set: seen is that it is AMD’s, and one of your set; if it is a VLEK: ${noChipText}.`;
    case 'shown-pck':
      return `Shown key: the chip is SEEN, PPID ${toHex(seen.pck.ppid)} (FMSPC ${toHex(seen.pck.fmspc)}), and every proof about it can be linked.`;
    case 'shown-vek':
      return shownVekText(seen.vek);
  }
}

function shownVekText({ product, hardwareId, cspId }: Vek): string {
  return hardwareId === null
    ? `Shown key: the VLEK is SEEN, which AMD issued to ${cspId} for ${product}, and every proof about it can be linked; ${noChipText}.`
    : `Shown key: the chip is SEEN, ${product} ${toHex(hardwareId)}, and every proof about it can be linked.`;
}

function hiddenText(seen: SeenKey): string {
  return `Hidden: ${hiddenKey(seen)}which software of the accepted set and which level, the service's key and build, the other services.`;
}

/** With a comma behind it; nothing where the certificate is shown. */
function hiddenKey(seen: SeenKey): string {
  switch (seen.kind) {
    case 'pck':
      return 'the chip, the PCK certificate, ';
    case 'vek':
      return `the chip, the ${seen.keyKind.toUpperCase()} certificate, `;
    case 'member':
      return 'the chip, which key of the set, ';
    case 'shown-pck':
    case 'shown-vek':
      return '';
  }
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
