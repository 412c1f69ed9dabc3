/**
 * What a user is told before he waits. Measured on two cores; the first run also compiles and
 * derives the key.
 */
import type { CircuitName } from './circuit-names.ts';

export const backendKinds = ['native', 'wasm'] as const;
export type BackendKind = (typeof backendKinds)[number];

/** Of proving: seconds, and the most memory in MB, this process and the backend's together. */
export type Cost = { readonly seconds: number; readonly megabytes: number };

export const provingCosts: Readonly<Record<CircuitName, Readonly<Record<BackendKind, Cost>>>> = {
  'response-open': {
    native: { seconds: 2.1, megabytes: 350 },
    wasm: { seconds: 6.4, megabytes: 380 },
  },
  'response-open-key': {
    native: { seconds: 0.6, megabytes: 265 },
    wasm: { seconds: 2, megabytes: 285 },
  },
  'tdx-pck': { native: { seconds: 4.5, megabytes: 450 }, wasm: { seconds: 15, megabytes: 600 } },
  'tdx-quote': { native: { seconds: 7, megabytes: 550 }, wasm: { seconds: 25, megabytes: 750 } },
  'snp-vek': { native: { seconds: 9.6, megabytes: 1000 }, wasm: { seconds: 23, megabytes: 1140 } },
  'snp-report': { native: { seconds: 7.2, megabytes: 840 }, wasm: { seconds: 19, megabytes: 830 } },
  'vek-member': { native: { seconds: 0.6, megabytes: 265 }, wasm: { seconds: 2, megabytes: 285 } },
  response: { native: { seconds: 2.1, megabytes: 350 }, wasm: { seconds: 6.4, megabytes: 380 } },
  'response-text': {
    native: { seconds: 4.5, megabytes: 450 },
    wasm: { seconds: 15, megabytes: 600 },
  },
};

/** Seconds to execute a circuit, most of it to load the machine that does. */
export const executingSeconds = 0.4;

/** Those whose hints take longer. */
const longExecuting: Partial<Record<CircuitName, number>> = { 'snp-vek': 2.5, 'snp-report': 1.5 };

export function secondsToExecute(circuit: CircuitName): number {
  return longExecuting[circuit] ?? executingSeconds;
}
