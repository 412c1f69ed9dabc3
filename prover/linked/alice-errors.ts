/** Why Alice does not begin, or does not go on: what she was given is not what a proof could be made of. */

/** `ending`: how the command ends, evidence refused or wrong usage. `docs/linked-proofs.md` lists the codes. */
export const aliceErrorCatalogue = {
  'quote-unsupported': {
    ending: 'invalid',
    remedy: 'No proof can be made of this quote; verify it in the open with affidavit verify.',
  },
  'report-unsupported': {
    ending: 'invalid',
    remedy: 'No proof can be made of this report; verify it in the open with affidavit verify.',
  },
  'certificate-missing': {
    ending: 'invalid',
    remedy:
      'Complete the bundle with its collateral: affidavit verify with --save, then give that file.',
  },
  'certificate-not-valid': {
    ending: 'invalid',
    remedy: 'Give a time with --at at which the certificate is valid and the checker agrees.',
  },
  'not-accepted': {
    ending: 'invalid',
    remedy: 'Ask the checker for the set that holds this release, or run the one he accepts.',
  },
  'level-not-reached': {
    ending: 'invalid',
    remedy: 'Update the machine’s firmware, or ask the checker for a lower floor.',
  },
  'machine-revoked': {
    ending: 'invalid',
    remedy: 'Move to another machine: the checker does not believe this one.',
  },
  'key-not-listed': {
    ending: 'invalid',
    remedy:
      'Ask the checker for a set with this key, or prove its certificate: --key certified, without --veks.',
  },
  'epoch-outside': {
    ending: 'invalid',
    remedy: 'Ask the agent for new evidence, or ask the checker for another window.',
  },
  'circuit-refused': {
    ending: 'invalid',
    remedy: 'The evidence is of a form that the circuit does not take; verify it in the open.',
  },
  'attestation-unfinished': {
    ending: 'usage',
    remedy: 'Finish it: affidavit prove attestation --resume --out-secret with this file.',
  },
  'release-changed': {
    ending: 'usage',
    remedy: 'Make the attestation anew with this release, or use the release that made it.',
  },
  'disclosure-impossible': {
    ending: 'usage',
    remedy: 'Leave it hidden, or prove the response as a whole: without any --show.',
  },
  'body-too-long': {
    ending: 'invalid',
    remedy: 'Prove the response as a whole: without any --show.',
  },
  'secret-exists': {
    ending: 'usage',
    remedy: 'Give another name, or --resume to go on with what it holds.',
  },
  'secret-exposed': {
    ending: 'usage',
    remedy:
      'Whoever read it can tell what its proofs hide: chmod 600, and make it anew if somebody may have.',
  },
  'secret-unreadable': { ending: 'usage', remedy: 'Check the path and its permissions.' },
  'secret-unwritable': { ending: 'usage', remedy: 'Check the folder and its permissions.' },
} as const satisfies Record<string, { ending: 'invalid' | 'usage'; remedy: string }>;

export type AliceErrorCode = keyof typeof aliceErrorCatalogue;

export class AliceError extends Error {
  readonly code: AliceErrorCode;

  /** @param message what was found and what is needed, one line */
  constructor(code: AliceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AliceError';
    this.code = code;
  }

  get ending(): 'invalid' | 'usage' {
    return aliceErrorCatalogue[this.code].ending;
  }

  get remedy(): string {
    return aliceErrorCatalogue[this.code].remedy;
  }
}

/** What has to hold, and what is wrong when it does not. */
export type Faults = readonly (readonly [holds: boolean, fault: string])[];

/** @throws AliceError with the first fault of `subject` */
export function refuseFaults(code: AliceErrorCode, subject: string, checks: Faults): void {
  const found = checks.find(([holds]) => !holds);
  if (found !== undefined) throw new AliceError(code, `${subject}: ${found[1]}`);
}
