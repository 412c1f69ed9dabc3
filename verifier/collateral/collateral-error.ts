/** Why an object of a vendor could not be had. None of it says anything about the evidence: the outcome is undecided. */

export const collateralErrorCatalogue = {
  'vendor-unreachable': {
    means:
      'The vendor’s server gave no answer: no network, no name, no connection, or none in time.',
    remedy: 'Check the network and HTTPS_PROXY, or take the object from a mirror or an export.',
  },
  'vendor-busy': {
    means: 'The vendor’s server says that it was asked too often, or that it is out of order.',
    remedy:
      'Wait as long as the message says; a cache or a mirror of one’s own asks far less often.',
  },
  'vendor-unknown': {
    means: 'The vendor’s server knows no such object.',
    remedy:
      'Check that the evidence is of genuine hardware and names its chip, and that the address is the vendor’s.',
  },
  'answer-wrong': {
    means: 'What answered is not the vendor’s service, or answered with something else.',
    remedy:
      'A portal, proxy or mirror is in between: open the address in a browser and see who answers.',
  },
  'answer-too-large': {
    means: 'The answer is longer than any object of its kind.',
    remedy: 'Something other than the vendor’s service answers at this address.',
  },
  'answer-other': {
    means: 'The answer is an object of the vendor’s, but not the one that was asked for.',
    remedy: 'The server or mirror mixes up machines: ask another one, and tell its operator.',
  },
  'answer-unsigned': {
    means: 'The answer is not signed under the vendor’s root, so it was not kept.',
    remedy: 'The answer was changed on its way, or made up: ask the vendor directly.',
  },
  'answer-older': {
    means:
      'The answer is older than what is in the cache already: numbers of lists and documents never go back.',
    remedy:
      'A server or mirror serves an old copy, or somebody replays one: ask the vendor directly.',
  },
  'answer-future': {
    means: 'The answer is dated after this machine’s clock.',
    remedy: 'Set this machine’s clock (timedatectl), then try again.',
  },
  'answer-expired': {
    means: 'The answer was out of date when it came.',
    remedy: 'A server or mirror serves an old copy, or this machine’s clock is ahead: check both.',
  },
  'not-cached': {
    means: 'The object is not in the cache, and nothing may be asked of a network.',
    remedy: 'Run affidavit collateral fetch where there is a network, or leave --offline out.',
  },
  'cache-unusable': {
    means: 'The cache’s folder cannot be read or written.',
    remedy: 'Check the folder and its permissions, or name another with --cache.',
  },
} as const;

export type CollateralErrorCode = keyof typeof collateralErrorCatalogue;

export class CollateralError extends Error {
  readonly code: CollateralErrorCode;

  /** @param message what happened and what was expected, one line that names the address */
  constructor(code: CollateralErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CollateralError';
    this.code = code;
  }

  get remedy(): string {
    return collateralErrorCatalogue[this.code].remedy;
  }
}
