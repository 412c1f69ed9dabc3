/**
 * Checks of linked proofs, in the order of their verdicts. They are a catalogue of their own: such a verdict is about no evidence that
 * anybody has seen, so none of the other checks can be made, and none of these can be made of evidence.
 */
import { type CheckEntry, kds, pckSpec } from './entry.ts';

const linked = 'affidavit protocol 1, Linked proofs';
const demands = 'docs/linked-proofs.md, Bob';
const vendors = `${kds}, chapter 3; ${pckSpec}`;

export const linkedChecks = {
  'link.file': {
    stage: 'proof',
    title: 'the proof file follows its format exactly',
    protects: 'Against two readers seeing two proofs in the same bytes.',
    remedy: 'Ask the prover for the file again and pass it unedited.',
    spec: 'docs/formats.md, Proof file',
  },
  'link.artifacts': {
    stage: 'proof',
    title: 'each proof was made with the circuit that this release pins',
    protects: 'Against a circuit of the same name that checks less.',
    remedy: 'Prover and verifier need the same release: update the older one and prove again.',
    spec: linked,
  },
  'link.verification-keys': {
    stage: 'proof',
    title: 'each verification key is derived from its circuit and the ceremony’s points',
    protects: 'Against a key of the prover’s choosing, under which anything could be proved.',
    remedy: 'Put the ceremony’s points where --crs, CRS_PATH or ~/.bb-crs finds them.',
    spec: linked,
  },
  'link.message': {
    stage: 'proof',
    title: 'the message is rebuilt: from the response, or from what the proof shows of it',
    protects: 'Against a response that says something else to another reader.',
    remedy:
      'Give the response that the prover saved for you (--response); none where the proof shows parts of it.',
    spec: 'affidavit protocol 1, Signed response',
  },
  'link.issuer': {
    stage: 'proof',
    title:
      'the issuer of the key is the vendor’s: signed by the pinned root, of its profile, valid now',
    protects: 'Against a certificate authority that the prover made up.',
    remedy:
      'Ask for a proof about a certificate that Intel’s PCK CA, or AMD’s ASK or ASVK, issued.',
    spec: vendors,
  },
  'link.issuer-crl': {
    stage: 'proof',
    title: 'a current list of the vendor’s root does not revoke that issuer',
    protects: 'Against a certificate authority whose key was lost.',
    remedy:
      'Fetch the root’s revocation list again; give Intel’s with --root-ca-crl, AMD’s with --crl.',
    spec: vendors,
  },
  'link.certificate': {
    stage: 'proof',
    title: 'the certificate that is shown is of its profile, signed by that issuer, and valid now',
    protects: 'Against a home-made key: only the vendor binds a key to a chip.',
    remedy:
      'Ask for a new proof with the machine’s current certificate and the chain that belongs to it.',
    spec: vendors,
  },
  'link.certificate-crl': {
    stage: 'proof',
    title: 'a current list of the PCK CA does not revoke the certificate that is shown',
    protects:
      'Against a platform whose keys Intel knows to be compromised. AMD’s lists name issuers alone.',
    remedy:
      'Fetch the PCK CRL of this CA (platform or processor) again and give it with --pck-crl.',
    spec: pckSpec,
  },
  'link.key': {
    stage: 'proof',
    title: 'the key is certified by that issuer, of your set, or shown; and it is that of C_key',
    protects: 'Against a key that no processor holds, and one of another proof.',
    remedy: 'Ask the prover for a whole new file: its parts belong together.',
    spec: linked,
  },
  'link.machine': {
    stage: 'proof',
    title:
      'a quote or report under the key of C_key meets what the file states, and is that of C_att',
    protects: 'Against a forged quote or report, and one of another machine, set, nonce or time.',
    remedy: 'Ask the prover for a whole new file: its parts belong together.',
    spec: linked,
  },
  'link.response': {
    stage: 'proof',
    title: 'a service of the machine of C_att signed this message, for your audience and nonce',
    protects: 'Against an altered response, another service’s, and a proof made for someone else.',
    remedy: 'Give your own audience and nonce exactly as the prover was told, and that response.',
    spec: linked,
  },
  'link.key-kind': {
    stage: 'policy',
    title: 'the demands accept a key of this kind, vendor and product',
    protects:
      'Your choice between the vendors’ issuers, a published set of keys and a chip that you see.',
    remedy: 'Ask for a proof of the other kind, or add the kind to "key".',
    spec: demands,
  },
  'link.certificate-age': {
    stage: 'policy',
    title: 'the time at which the hidden certificate was valid is recent, and not to come',
    protects: 'Against a certificate that has expired since.',
    remedy: 'Ask for a new proof of the machine, or raise maxAge of "key".',
    spec: demands,
  },
  'link.veks': {
    stage: 'policy',
    title: 'the set of keys still counts',
    protects: 'Against keys that were taken out of the set since.',
    remedy: 'Get the current set, name its root in "key", and ask for a new proof.',
    spec: demands,
  },
  'link.accepted': {
    stage: 'policy',
    title: 'the set of accepted software is one of yours, and still counts',
    protects: 'What runs: everything else the guest says is this software’s word.',
    remedy: 'Give the prover your current set; name its root in "accepted".',
    spec: demands,
  },
  'link.levels': {
    stage: 'policy',
    title: 'the set of TCB levels is one of yours, and still counts',
    protects: 'Against processors, firmware, modules and quoting enclaves with known holes.',
    remedy: 'Give the prover your current set; name its root in "levels".',
    spec: demands,
  },
  'link.revoked': {
    stage: 'policy',
    title: 'the set of revoked chips and certificates is one of yours, and still counts',
    protects:
      'Against machines whose keys are known to be lost: where the chip is hidden you cannot look. A VLEK states no chip.',
    remedy: 'Give the prover your current set; name its root in "revoked".',
    spec: demands,
  },
  'link.epoch': {
    stage: 'policy',
    title: 'the guest’s clock at the attestation was within the time that the demands allow',
    protects: 'Against an attestation from before a change or a compromise.',
    remedy: 'Ask for a new attestation, proved for a narrower window of time.',
    spec: demands,
  },
  'link.attestation-nonce': {
    stage: 'policy',
    title: 'the attestation answers the nonce that the demands name',
    protects: 'Against a recording: the host sets the guest’s clock, so a time alone proves none.',
    remedy: 'Have the machine attest for your nonce, or write "guest-clock" knowing what it means.',
    spec: demands,
  },
  'link.service': {
    stage: 'policy',
    title: 'the service is one that the demands name',
    protects: 'Against the answer of another service of the same machine.',
    remedy: 'Add the service to "services" if you mean to accept it.',
    spec: demands,
  },
  'link.disclosure': {
    stage: 'policy',
    title: 'the proof shows of the response what the demands ask for',
    protects: 'Against a response whose nonce, time or request nobody can compare.',
    remedy:
      'Ask for a proof that shows the named parts (--show-nonce, --show-time, --show-request).',
    spec: demands,
  },
  'link.response-time': {
    stage: 'policy',
    title: 'the service signed the response within the time that the demands allow',
    protects: 'Against an old response, by the service’s clock.',
    remedy: 'Ask for a newer response, or raise maxAge of "responseTime".',
    spec: demands,
  },
  'link.challenge': {
    stage: 'policy',
    title: 'your nonce was used once: by this proof',
    protects: 'Against a proof that is handed to you twice.',
    remedy: 'Draw a new nonce for each proof; another use of the same one is a replay.',
    spec: demands,
  },
} as const satisfies Record<string, CheckEntry>;

export type LinkedCheckId = keyof typeof linkedChecks;
