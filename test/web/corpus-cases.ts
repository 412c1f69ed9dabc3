/** Cases of the corpus as a reader would drop them, and what the command line says of the same files. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sharedPath } from '#test/shared.ts';
import { type Case, inputsOf } from '#test/tools/corpus.ts';
import { withNamedKey } from '#test/tools/corpus-devices.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { runVerify, type VerifyOptions } from '#verifier/cli/verify-command.ts';

/** As playwright takes a file that stands on no disk. */
export type DroppedFile = { name: string; mimeType: string; buffer: Buffer };

/** What a verdict says, as far as the command line and the page must agree. */
export type Said = {
  /** `refused`: no verdict at all. */
  decision: string;
  /** `id status`, in order. */
  checks: readonly string[];
};

export type DroppedCase = {
  name: string;
  files: readonly DroppedFile[];
  at: string;
  /** Hex, where the case says which one the verifier sent. */
  nonce: string | null;
  /** A public key is among the files, which the case trusts. */
  trustKeys: boolean;
};

/** For evidence whose case names no moment. */
const undated = '2026-01-15T00:00:00Z';

/** @returns `tee/id` of every case that can be verified by itself */
export function caseNames(tee?: string): string[] {
  const tees = tee === undefined ? Object.keys(inputsOf) : [tee];
  return tees.flatMap((one) =>
    readdirSync(sharedPath(`corpus/${one}`))
      .toSorted()
      .map((id) => `${one}/${id}`),
  );
}

/**
 * The files that the command line would be given: the case's others are for other tools.
 * @param name `tee/id`
 */
export function droppedCase(name: string): Promise<DroppedCase> {
  return withInputs(name, async (inputs, at) => {
    const { nonce, ...paths } = inputs;
    const trustKeys = paths['ak'] !== undefined;
    const files = Object.values(paths)
      .flatMap((path) => path ?? [])
      .map((path) => droppedFile(path));
    return { name, files, at, nonce: typeof nonce === 'string' ? nonce : null, trustKeys };
  });
}

export function cliSays(name: string): Promise<Said> {
  return withInputs(name, (inputs, at) => saidOf({ ...inputs, at }));
}

export async function saidOf(options: VerifyOptions): Promise<Said> {
  try {
    const { verdict } = await runVerify(options);
    const checks = verdict.checks.map(({ id, status }) => `${id} ${status}`);
    return { decision: verdict.decision, checks };
  } catch (error) {
    if (error instanceof CliError) return { decision: 'refused', checks: [] };
    throw error;
  }
}

export function droppedFile(path: string): DroppedFile {
  const mimeType = 'application/octet-stream';
  return { name: basename(path), mimeType, buffer: readFileSync(path) };
}

function withInputs<T>(
  name: string,
  run: (inputs: Record<string, string | readonly string[] | undefined>, at: string) => Promise<T>,
): Promise<T> {
  const folder = sharedPath(`corpus/${name}`);
  const found = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Case;
  const file = (role: string) => {
    const path = found.files[role];
    return path === undefined ? undefined : join(folder, path);
  };
  const inputs = inputsOf[found.tee]?.(file, found);
  if (inputs === undefined) throw new RangeError(`${name} is not verified by itself`);
  return withNamedKey(inputs, (all) => run(all, found.verify_at ?? undated));
}
