/** The sample services, built, and how each is started. */
import { fileURLToPath } from 'node:url';
import { buildEchoCpp } from '#test/services/echo-cpp/build.ts';
import { buildEchoRust } from '#test/tools/cargo.ts';

export const sampleNames = ['echo-node', 'echo-cpp', 'echo-cpp-sanitized', 'echo-rust'] as const;
export type SampleName = (typeof sampleNames)[number];

export type Sample = {
  readonly name: SampleName;
  /** As its own complaints begin. */
  readonly program: string;
  readonly command: readonly string[];
  /** Reads `<x‖y> <hash> <r‖s>` in hex, a line each; says `ok` or `refused`. */
  readonly verifier: string | null;
  readonly env: NodeJS.ProcessEnv;
  /** Bytes that clients may make its memory grow by. */
  readonly memoryRoom: number;
};

export type Skipped = { readonly name: SampleName; readonly skipped: string };

const mebi = 2 ** 20;
const nodeScript = fileURLToPath(new URL('../../../services/echo-node/main.ts', import.meta.url));

/** Freed memory is kept to find late uses of it: of that, less than usual. A finding ends it with 99. */
const sanitizers = {
  ASAN_OPTIONS: 'quarantine_size_mb=16:exitcode=99',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1:exitcode=99',
};

export async function buildSample(name: SampleName): Promise<Sample | Skipped> {
  if (name === 'echo-node') {
    // Memory that its collector has not looked at yet counts too.
    const command = [process.execPath, nodeScript];
    return { name, program: name, command, verifier: null, env: {}, memoryRoom: 160 * mebi };
  }
  const sanitize = name === 'echo-cpp-sanitized';
  const built = await (name === 'echo-rust' ? buildEchoRust() : buildEchoCpp({ sanitize }));
  if ('skipped' in built) return { name, skipped: built.skipped };
  return {
    name,
    program: sanitize ? 'echo-cpp' : name,
    command: [built.server],
    verifier: built.verifier,
    env: sanitize ? sanitizers : {},
    memoryRoom: (sanitize ? 192 : 48) * mebi,
  };
}
