/** A log that cannot be written or read: not a fault of the program, and nothing about evidence. */

export type LogErrorCode = 'log-unwritable' | 'log-unreadable' | 'log-damaged' | 'log-locked';

export class DecisionLogError extends Error {
  readonly code: LogErrorCode;
  /** What a person does next, as a sentence. */
  readonly remedy: string;

  constructor(code: LogErrorCode, message: string, remedy: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DecisionLogError';
    this.code = code;
    this.remedy = remedy;
  }
}
