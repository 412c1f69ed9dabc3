/** `--save`: the bundle as it was fetched, with the collateral of the command line in it, to be verified alone later. */
import { writeFile } from 'node:fs/promises';
import { type CollateralItem, encodeBundle, parseBundle } from '#verifier/abi/bundle.ts';
import { equalBytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import type { UnixTime } from '#verifier/time.ts';
import { CliError, usageError } from './cli-error.ts';

export type SaveOptions = { save?: string | undefined; force?: boolean | undefined };

/** Before anything is asked of an agent. @throws CliError wrong usage */
export function refuseSaving(
  options: SaveOptions & {
    report?: unknown;
    quote?: unknown;
    hclReport?: unknown;
    tpmQuote?: unknown;
    nitro?: unknown;
    gpu?: unknown;
  },
): void {
  const { save, force, report, quote, hclReport, tpmQuote, nitro, gpu } = options;
  if (save === undefined) {
    if (force === true) throw usageError('--force belongs beside --save', 'Give both, or neither.');
    return;
  }
  if ([report, quote, hclReport, tpmQuote, nitro, gpu].some((given) => given !== undefined)) {
    throw usageError('--save is for bundles', 'Raw evidence is saved as it is: copy it.');
  }
}

/**
 * @param given the collateral of the command line, which a verifier uses before the bundle's own
 * @returns one line that says what was written and how to verify it, or why nothing was
 * @throws CliError wrong usage for a file that exists already or cannot be written
 */
export async function saveBundle(
  path: string,
  { force = false }: SaveOptions,
  evidence: Evidence,
  given: readonly Collateral[],
  now: UnixTime,
): Promise<string> {
  let text: string;
  try {
    text = bundleText(evidence, given, now);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return `not saved: ${error.message}`;
  }
  try {
    await writeFile(path, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    throw writeError(path, error);
  }
  const nonce = evidence.form === 'bundle' && evidence.nonce !== null ? evidence.nonce : null;
  const proof = nonce === null ? '' : ` --nonce ${toHex(nonce)}`;
  return `saved; to verify it again: affidavit verify ${path} --offline${proof}`;
}

/** @throws AttestationError for a bundle that cannot be read, or with no room for the collateral */
function bundleText(evidence: Evidence, given: readonly Collateral[], now: UnixTime): string {
  if (evidence.form !== 'bundle') throw new RangeError('only a bundle is saved');
  const bundle = parseBundle(evidence.bytes);
  const isCarried = ({ kind, data }: Collateral) =>
    bundle.collateral.some((item) => item.kind === kind && equalBytes(item.data, data));
  const added = given
    .filter((item) => !isCarried(item))
    .map(
      ({ kind, data }): CollateralItem => ({ kind, data, source: 'command line', fetched: now }),
    );
  const text = `${encodeBundle({ ...bundle, collateral: [...added, ...bundle.collateral] })}\n`;
  // What was written must be what a verifier reads: too many items, or too long, is found here.
  parseBundle(new TextEncoder().encode(text));
  return text;
}

function writeError(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  if (error.code === 'EEXIST') {
    return usageError(
      `--save ${path} exists already`,
      'Give another name, or --force to write over it.',
    );
  }
  return new CliError(
    'usage',
    'file-unwritable',
    `--save ${path} cannot be written: ${error.code}`,
    'Check the path and its permissions.',
  );
}
