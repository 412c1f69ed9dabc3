/**
 * What a prover or a checker of proofs lacks. It says nothing about the evidence: the outcome is
 * undecided.
 */

export const proverErrorCatalogue = {
  'points-missing': {
    means: 'Enough points of the ceremony are nowhere to be found.',
    lacks: 'points of the ceremony',
  },
  'points-wrong': {
    means: 'A file holds other points than those of the ceremony.',
    lacks: 'genuine points of the ceremony',
  },
  'artifact-wrong': {
    means: 'A page was given another circuit than its release pins.',
    lacks: 'the circuits of this release',
  },
  'backend-failed': {
    means: 'The proving backend did not start, or stopped on its way.',
    lacks: 'a working backend',
  },
} as const;

export type ProverErrorCode = keyof typeof proverErrorCatalogue;

export class ProverError extends Error {
  readonly code: ProverErrorCode;
  readonly remedy: string;

  /**
   * @param message what happened and what is needed, one line; @param remedy what to do next, as a
   * sentence
   */
  constructor(code: ProverErrorCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProverError';
    this.code = code;
    this.remedy = remedy;
  }

  /**
   * For a check that is skipped for this reason: what it needs, why it is not there and what to do.
   */
  get lack(): string {
    const remedy = this.remedy.replace(/\.$/, '');
    return `${proverErrorCatalogue[this.code].lacks}: ${this.message}. ${remedy}`;
  }
}
