/** What cannot be used, said for the reader: which file, what was expected, and what to do about it. */
import { AttestationError, type ErrorCode, errorCatalogue } from '#verifier/errors.ts';

/** @param file as the reader knows it; null where it is about no single file */
export class RefusedFile extends AttestationError {
  readonly file: string | null;
  readonly #remedy: string;

  constructor(code: ErrorCode, file: string | null, problem: string, remedy?: string) {
    super(code, file === null ? problem : `${file}: ${problem}`);
    this.file = file;
    this.#remedy = remedy ?? errorCatalogue[code].remedy;
  }

  override get remedy(): string {
    return this.#remedy;
  }
}

/** The result, or the reader's refusal with the file's name before it. @throws RefusedFile */
export function naming<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError) || error instanceof RefusedFile) throw error;
    throw new RefusedFile(error.code, file, error.message, error.remedy);
  }
}

/** The result; null where the reader refuses. */
export function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}
