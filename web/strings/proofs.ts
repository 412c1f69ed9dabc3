/** Words of the proofs view. */
import type { Decision } from '#verifier/appraise/verdict.ts';

const whole = (value: number) => value.toLocaleString('en-US');

const roles = {
  'open-proof': 'Proof beside a bundle',
  'linked-proof': 'Linked proofs',
  response: 'Signed response',
  'tree-proof': 'Service tree proof',
  bundle: 'Evidence bundle',
  demands: 'Demands',
  set: 'Set',
  secret: 'Secret file',
  policy: 'Policy',
  lists: 'Revocation lists',
  certificates: 'Certificates',
  other: 'Unknown',
};

const sets = {
  accepted: 'Software you accept',
  levels: 'Security levels (TCB) you accept',
  revoked: 'Chips and certificates you refuse',
  veks: 'Keys you believe',
};

const lists = {
  'intel-root': 'Intel’s root',
  pck: 'an Intel PCK CA',
  amd: 'an AMD root (ARK)',
};

const missing = {
  proof: 'a proof file',
  response: 'the signed response that the proof is about',
  'response-unwanted':
    'nothing about the response: this proof shows parts of one itself, so take the response away',
  bundle: 'the evidence bundle: drop it here, or give it to the Evidence view',
  demands: 'your demands: a file, or the sets and choices above',
  sets: 'at least one set of each kind that counts',
  audience: 'the checker’s name',
  nonce: 'the checker’s nonce',
  'nonce-form': 'a nonce of 64 lower-case hex digits (32 bytes)',
  'time-form': 'a time such as 2026-01-31T12:00:00Z',
  'secret-or-bundle': 'the secret file of “prove attestation”, or the evidence bundle',
  'tree-proof': 'the agent’s answer to /proofs/NAME for the service that signed',
  ranges: 'ranges of bytes in order, such as 0-9,20-29',
};

const stages = {
  starting: (_: string | null) => 'Starting the machine that executes circuits',
  evidence: (_: string | null) => 'Verifying the bundle: certificates, signatures, digests',
  key: (circuit: string | null) => `Getting the verification key of ${circuit}`,
  checking: (circuit: string | null) => `Checking the proof of ${circuit}`,
  points: (circuit: string | null) =>
    `Loading circuit ${circuit} and the ceremony’s points, and checking both`,
  backend: (_: string | null) => 'Starting Barretenberg, which proves',
  executing: (circuit: string | null) => `Executing ${circuit}: does everything hold?`,
  proving: (circuit: string | null) => `Proving ${circuit}, and checking the proof`,
  set: (_: string | null) => 'Computing the root of a set',
};

const decision: Readonly<Record<Decision, { word: string; plain: string }>> = {
  accepted: { word: 'Accepted', plain: 'The proof holds, and it is what you demand.' },
  rejected: {
    word: 'Rejected',
    plain: 'The proof holds, but what it proves is not what you demand.',
  },
  invalid: {
    word: 'Invalid',
    plain: 'Something here is false or does not belong together: believe none of it.',
  },
  undecided: {
    word: 'Undecided',
    plain: 'Nothing was found wrong, but something is missing: this is no acceptance.',
  },
};

const missingSets = {
  accepted: 'a set of accepted software',
  levels: 'a set of levels',
  revoked: 'a set of what is revoked (it may be empty)',
  key: 'a way in which the machine’s key may be vouched for',
};

type SetKind = keyof typeof sets;
type ListKind = keyof typeof lists;

/** What to do in this page, where the verifier's own words name options of the command line. */
const remedies: Readonly<Record<string, string>> = {
  'proof.key':
    'Drop a bn254_g1.dat with enough points here and check again, or use a copy of the page that was built with this key.',
  'link.verification-keys':
    'Drop a bn254_g1.dat with enough points here and check again, or use a copy of the page that was built with these keys.',
  'link.message':
    'Drop the response that the prover saved for you, or take it away where the proof shows parts of it.',
  'link.issuer-crl':
    'Drop the current revocation list of the vendor’s root here: of Intel’s root, or of the product’s ARK at AMD.',
  'link.certificate-crl':
    'Drop the current revocation list of the PCK CA here (platform or processor).',
  'link.challenge':
    'Demands with "challenge": "register" need a program that calls the library. In the page, keep account of your nonces yourself ("caller").',
};

const vendor = { amd: 'AMD', intel: 'Intel' } as const;
const machine = { amd: 'an SEV-SNP machine', intel: 'a TDX machine' } as const;
type Vendor = keyof typeof vendor;

export const proofStrings = {
  title: 'Proofs',
  intro:
    'A proof lets somebody show that an attested machine signed a response, without showing all of the evidence. Files are read here and go nowhere.',
  sidesLabel: 'Who you are',
  sides: { check: 'I check a proof', prove: 'I make a proof' },
  sideNotes: {
    check: 'You were given a proof file (Bob).',
    prove: 'You want to convince somebody (Alice).',
  },
  files: {
    title: 'Files',
    drop: 'Drop files here, or choose them',
    choose: 'Choose files',
    about: {
      check:
        'The proof file; the response it is about; your demands and sets (linked proofs) or the bundle (a proof beside a bundle); revocation lists. Each is recognised by what is in it.',
      prove:
        'The response; the agent’s /proofs/NAME; the secret file of “prove attestation”, or the bundle; points of the ceremony (bn254_g1.dat). Each is recognised by what is in it.',
    },
    listLabel: 'Files given',
    none: 'No file yet.',
    remove: (name: string) => `Remove ${name}`,
    removeShort: 'Remove',
    forget: 'Forget all files',
    tooLarge: (name: string, mebibytes: number) =>
      `${name} is larger than ${mebibytes} MiB: not read.`,
    unknown: 'not a file that this view knows',
    unusable: (problem: string) => `cannot be used: ${problem}`,
    points: 'Points of the ceremony',
    pointsHeld: (count: number) => `${whole(count)} points; checked before they are used`,
    reading: 'computing its root…',
    fromEvidence: 'The bundle of the Evidence view is used.',
  },
  roles,
  about: {
    openProof: (circuit: string) => `circuit ${circuit}`,
    linkedProof: (circuits: readonly string[]) => circuits.join(', '),
    secret: (platform: string, key: string, made: string) =>
      `${platform}, key ${key}, begun ${made}. Keep it to yourself`,
    demands: (name: string) => `“${name}”`,
    response: (service: string, time: string, bytes: number) =>
      `of ${service}, at ${time} by its clock, ${whole(bytes)} bytes`,
    treeProof: (name: string, present: boolean) =>
      present ? `${name} is in the tree` : `${name} is not in the tree`,
    bundle: (platform: string, epoch: string) => `${platform}, made ${epoch}`,
    policy: (name: string) => `“${name}”`,
    lists: (kinds: readonly ListKind[]) => kinds.map((kind) => `of ${lists[kind]}`).join(', '),
    certificates: (names: readonly string[]) => names.join(', '),
    set: (kind: SetKind, entries: number, made: string, source: string) =>
      `${sets[kind].toLowerCase()}, ${whole(entries)} ${entries === 1 ? 'entry' : 'entries'}, made ${made} from ${source}`,
  },
  fields: {
    check: {
      title: 'Whom the proof is for',
      audience: 'Your name, as you told it to the prover',
      nonce: 'The nonce that you sent to the prover (32 bytes, hex)',
      draw: 'Draw a new one',
      nonceNote:
        'Draw one for each proof, send it to the prover, and accept it once: an old proof cannot answer a new nonce.',
      nonceName: 'your nonce',
    },
    prove: {
      title: 'Whom the proof is for',
      audience: 'The checker’s name, as that one spells it',
      nonce: 'The nonce that the checker drew for you (32 bytes, hex)',
      nonceNote: 'Without these the checker cannot tell your proof from an old one.',
    },
  },
  check: {
    button: 'Check the proof',
    again: 'Check again',
    needs: 'Still needed:',
    cancel: 'Cancel',
    more: 'Time and roots',
    at: 'Check for this time (empty: now)',
    root: 'Another root certificate, for tests: replaces the vendor’s',
    rootUsed: (name: string) => `${name} counts in place of the vendors’ roots`,
    insecure: 'INSECURE: a root that was handed over counts. This proves nothing about hardware.',
  },
  sets: {
    title: 'Sets that count',
    note: 'A linked proof hides which machine it is: you decide which sets of software, levels and keys it may be in.',
    caption: (name: string) => `Sets of the demands “${name}”`,
    kinds: sets,
    counts: 'Counts',
    kind: 'Set of',
    root: 'Root',
    until: 'Until',
    contents: 'What it is',
    fileUnknown: 'no set file with this root was dropped',
    toggle: (kind: SetKind, root: string) => `${sets[kind]}, ${root}: counts`,
    makeTitle: 'No demands file: choose here',
    makeNote:
      'Drop the sets that you accept (affidavit set make …), then choose the rest. These demands ask nothing of the response’s time and show of it; a file can.',
    made: 'made in the page',
    missing: missingSets,
    missingLabel: 'Not yet demands:',
    days: 'Sets count for this many days from now',
    hours: 'The attestation may be this many hours old',
    pckCa: 'Believe keys that Intel certified',
    amd: 'Believe keys that AMD certified for a chip (VCEK)',
    vlek: 'and those it gave to a cloud (VLEK), which name no chip',
    shown: 'Believe a key whose certificate, and so the chip, is shown',
    attestationNonce:
      'Nonce that the attestation answers (hex; empty: believe the machine’s clock)',
    services: 'Services, apart by commas (empty: any)',
    save: 'Save these demands',
    saveName: 'demands.json',
  },
  missing,
  work: {
    title: { check: 'Checking', prove: 'Proving' },
    stages,
    seconds: (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`,
    expected: (seconds: number) =>
      `expected about ${seconds < 1 ? 'a second' : `${Math.round(seconds)} s`}`,
    begins: 'Starting the worker…',
    done: 'done',
    cancelled: 'Cancelled: nothing was kept.',
    refused: 'Refused',
    progress: 'Progress of this step',
  },
  verdict: {
    title: 'The verdict',
    decision,
    insecure: 'INSECURE: under a root that was handed over',
    held: (policy: string, time: string) => `Held to “${policy}”, for ${time}.`,
    forecast: (sentence: string) => `What runs out: ${sentence}.`,
    plainInsecure:
      'The proof holds, and it is what you demand, but only under the root that was handed over.',
    checks: 'Every check',
    proofChecks: 'Checks of the proof',
    otherChecks: 'Checks of the evidence, and of the policy',
    counts: (pass: number, fail: number, open: number) =>
      `${whole(pass)} passed, ${whole(fail)} failed, ${whole(open)} not made`,
    expected: 'Expected',
    actual: 'Found',
    reason: 'Why',
    protects: 'Protects',
    remedy: 'What to do',
    spec: 'Clause',
    nothing: 'The check compares nothing that can be shown.',
    warnings: 'Know this before you rely on it',
    remedies,
  },
  told: {
    titleAccepted: 'What this proof says',
    titleOther: 'What this proof would say if it were accepted',
    proved: 'What is proved',
    seen: 'What you see besides',
    hidden: 'What stays hidden',
    limits: 'Keep in mind',
    words: 'In the verifier’s words:',
    responseSeen:
      'The whole response: what was asked, what was answered, and when by the service’s clock.',
    noIdentity:
      'A proof is no identity: it does not say who made it. Whoever has the response and the secrets can make another one, for anybody.',
    once: 'It does not say that you see it for the first time: accept a nonce once. Nothing here counts its uses.',
    open: {
      inTree: 'The service’s key is in the service tree that the machine’s evidence vouches for.',
      signedBesides: 'That key signed this response; you check the signature yourself.',
      inTreeAndSigned:
        'A service of the tree that the machine’s evidence vouches for signed this very response.',
      bundleSeen:
        'The whole evidence bundle: the chip, what it measured, its software, its levels. It is verified here like any other.',
      keySeen: 'The service’s key.',
      key: 'The service’s key. (A signature gives it away: the response comes to you without one.)',
      build: 'Which build of the service it is (its NAR hash).',
      others: 'The other services of the machine.',
      linkable: 'Two such proofs can be linked: the bundle beside them is the same.',
    },
    linked: {
      key: {
        pck: (_: Vendor) => 'The machine’s key was certified by Intel.',
        vek: (_: Vendor) => 'The machine’s key was certified by AMD.',
        member: (of: Vendor) =>
          `The machine’s key is ${vendor[of]}’s, and one of your set of keys.`,
        shown: (of: Vendor) =>
          `The machine’s key is that of the ${vendor[of]} certificate in the file, which is checked in the open.`,
      },
      machine: (of: Vendor) =>
        `Under that key ${machine[of]} attested software of your accepted set, at a level of your set, not revoked as far as its key tells.`,
      response: 'A service that this machine vouched for signed this very response.',
      text: 'A service that this machine vouched for signed a response with the parts shown.',
      vendor: (of: Vendor) => `The vendor: ${vendor[of]}.`,
      keySeen: {
        pck: (_: Vendor) =>
          'Whether Intel’s Platform or Processor CA certified the key, and a time at which that held.',
        vek: (_: Vendor) =>
          'The AMD product line, and whether the key is a chip’s own or a cloud’s; a time at which its certificate was valid.',
        member: (_: Vendor) => 'Which of your sets the key is in.',
        shown: (_: Vendor) =>
          'The machine’s certificate, and with it the chip and its level; a VLEK names its cloud instead.',
      },
      demanded:
        'What you asked for: your sets, the time window, the nonces; and the service’s name.',
      textSeen:
        'The length of the response’s body, and those parts of the response that are shown.',
      chip: {
        certified: 'Which chip it is, and its certificate.',
        member: 'Which key of the set it is, and so which chip.',
      },
      software: 'Which software of your accepted set runs. A set of one names it.',
      level: 'Which level of your set the machine has.',
      service: 'The service’s key and build, and the other services.',
      textHidden: 'The rest of the response: it is in no public input, not even as a hash.',
      elsewhere:
        'It says that such a machine exists, not that you talk to it; and nothing of devices, logs and channel.',
      linkable: (shown: boolean) =>
        shown
          ? 'Two proofs about this machine can be linked: its certificate is in each.'
          : 'Two responses under one attestation can be linked. Once the machine is proved anew, the proofs link nothing.',
    },
  },
  prove: {
    title: 'What to prove',
    linked: 'Under your secret file: the checker does not learn which machine it is.',
    open: 'Beside the bundle: the checker sees the machine’s evidence, and not which key signed.',
    neither: 'Give a secret file or a bundle, and this view says what can be proved.',
    showLabel: 'What the checker gets to see of the response',
    whole: 'All of it: he is handed the response, without its signature',
    parts: 'Parts of it: he is handed no response',
    body: 'Of the body',
    bodies: { all: 'all of it', none: 'its length alone', ranges: 'ranges of bytes' },
    ranges: 'Ranges (the last byte included)',
    bodyText: 'The body, to choose from: select text, then add it',
    bodyBinary: 'The body is not printable text: count its bytes.',
    addSelection: 'Add the selection',
    showNonce: 'Show the client’s nonce',
    showTime: 'Show the time',
    showRequest: 'Show the request’s hash',
    partsNote: 'What stands between shown parts can change what they mean: show whole statements.',
    showKey:
      'Show the service’s key too: a smaller circuit and fewer points; the checker then needs the response with its signature',
    refused: 'This would not verify, so nothing is proved:',
    ready: (circuit: string) => `Ready: circuit ${circuit}.`,
    cost: (seconds: number, megabytes: number) =>
      `About ${Math.round(seconds)} s on this page, and ${megabytes} MB of memory.`,
    noCircuit: (circuit: string) =>
      `This copy of the page came without circuit ${circuit}: use the command line, or a copy that was built with all circuits.`,
    noKey:
      'Its key did not come with the page and is derived first, which takes about as long again.',
    pointsGiven: (count: number) => `${whole(count)} points were given.`,
    pointsNeeded: (count: number, mebibytes: number) =>
      `It takes ${whole(count)} points of the ceremony (bn254_g1.dat, ${mebibytes.toFixed(1)} MiB).`,
    pointsAsked:
      'None were dropped: when you press Prove, this page asks its own server for crs/bn254_g1.dat, and nobody else.',
    pointsFew: 'The file that you dropped holds fewer.',
    pointsHow:
      'Where to get it: “affidavit prove” downloads it once, into affidavit/crs/downloaded in your cache folder; Barretenberg’s tools keep it in ~/.bb-crs. It is public, and checked here against the ceremony before it is used.',
    button: 'Prove',
    cancel: 'Cancel',
    done: (seconds: number) => `Proved and verified in ${seconds.toFixed(1)} s.`,
    download: 'Download the proof',
    downloadResponse: 'Download the response for the checker',
    fileName: 'proof.json',
    responseName: 'response-for-checker.json',
    handOver: {
      open: 'Hand over the proof, the bundle and this response (without its signature: the key could be computed from it).',
      openKey: 'Hand over the proof, the bundle and the response as it is.',
      whole:
        'Hand over the proof and this response (without its signature: the key could be computed from it).',
      parts: 'Hand over the proof alone: what you show is in it.',
    },
    checkIt: 'Check it as the checker will',
  },
  threads: {
    title: 'This copy of the page',
    many: (count: number) => `Proving uses ${whole(count)} threads.`,
    one: 'Proving uses one thread, and takes about twice as long: browsers share memory between threads only on pages that are served isolated.',
    headers: 'To get threads, have the server send these two headers with the page and its files:',
    headerLines: [
      'Cross-Origin-Opener-Policy: same-origin',
      'Cross-Origin-Embedder-Policy: require-corp',
    ],
    complete: 'It has all circuits and all verification keys of its release.',
    noCircuits: (names: readonly string[]) => `It came without the circuits ${names.join(', ')}.`,
    noKeys: (names: readonly string[]) =>
      `It came without the verification keys of ${names.join(', ')}: they are derived here when they are needed, from the circuit and the ceremony’s points (bn254_g1.dat, which you drop).`,
    trust:
      'A circuit counts when it is the one that this release pins, points when they are the ceremony’s. A key that came with the page is as much to be believed as the page’s code: whoever serves you this page could serve you a wrong one. The command line derives its own.',
  },
  errors: {
    noCircuit: (circuit: string) => `this copy of the page came without the circuit ${circuit}`,
    otherCopy:
      'Use the command line, or a copy of the page that was built with all circuits (AFFIDAVIT_WEB_CIRCUITS=all npm run web).',
    unserved: (circuit: string, path: string) =>
      `${path} (for circuit ${circuit}) did not come from this page's server`,
    otherKey: (circuit: string, path: string) =>
      `${path} is not the verification key of ${circuit} that this page was built with`,
    reload:
      'Load the page again; if that does not help, whoever serves it serves the files of another build.',
    noPoints: (count: number, mebibytes: number) =>
      `${whole(count)} points of the ceremony (${mebibytes.toFixed(1)} MiB) are needed; none were dropped, and this page's server has none`,
    fewPoints: (count: number, held: number) =>
      `${whole(count)} points of the ceremony are needed, and the file holds ${whole(held)}`,
    getPoints:
      'Drop a bn254_g1.dat with enough points here: “affidavit prove” leaves one in your cache folder, Barretenberg’s tools one in ~/.bb-crs.',
  },
} as const;
