/** What this copy of the page came with, as the build wrote it. */
import type { CircuitsCopy } from './copy.ts';

declare const CIRCUITS_OF_THIS_COPY: CircuitsCopy;

export const thisCopy: CircuitsCopy = CIRCUITS_OF_THIS_COPY;
