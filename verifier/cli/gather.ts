/**
 * Verifies, and where evidence lacks collateral has that gathered and verifies again. What verifies as it is lacks nothing:
 * then nothing is loaded here, neither cache nor HTTP client.
 */
import type { StoredObject } from '#verifier/collateral/vendor-object.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import type { FoundEvidence } from '#verifier/evidence-forms.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { verify } from '#verifier/verify.ts';
import { blaming, usageError } from './cli-error.ts';
import type { SourceOptions } from './collateral-options.ts';
import type { GatherLacking } from './gather-lacking.ts';

export type Gathered = {
  /** In the order to be used. */
  objects: readonly StoredObject[];
  /** What to verify for: it takes time, and what was made meanwhile is not from the future. */
  now: UnixTime;
};

/** @param given all that stands beside the evidence @param now what it is verified for */
export type Gather = (
  evidence: Evidence,
  given: readonly Collateral[],
  now: UnixTime,
) => Promise<Gathered>;

export type Settings = {
  now: UnixTime;
  roots: readonly TrustedRoot[];
  collateral: readonly Collateral[];
};

/** @param gather null: with what there is */
export async function verifyGathering(
  { evidence, collateral }: FoundEvidence<Evidence>,
  { now, roots, collateral: beside }: Settings,
  gather: Gather | null,
  crypto: CryptoPort,
): Promise<{ verified: Verified; gathered: readonly StoredObject[] }> {
  const given = [...beside, ...collateral];
  const verified = await verify(evidence, given, roots, now, crypto);
  const complete = verified.checks.every(({ status }) => status === 'pass');
  if (complete || gather === null) return { verified, gathered: [] };
  const { objects: gathered, now: then } = await gather(evidence, given, now);
  if (gathered.length === 0) return { verified, gathered };
  // First, for of several certificates the first is used: what was gathered is what the rest does not have, or not any more.
  const all = [...gathered.flatMap(({ items }) => items), ...given];
  return { verified: await verify(evidence, all, roots, then, crypto), gathered };
}

/** What was gathered travels in the bundle, so that it verifies alone. */
export async function withGathered(
  evidence: Evidence,
  gathered: readonly StoredObject[],
): Promise<Evidence> {
  if (evidence.form !== 'bundle' || gathered.length === 0) return evidence;
  const { completeBundle } = await import('#verifier/collateral/export.ts');
  const complete = () => completeBundle(evidence.bytes, gathered);
  return { ...evidence, bytes: blaming('invalid', '--save', complete) };
}

/**
 * Null where nothing is to be gathered: AFFIDAVIT_COLLATERAL=off, or a root in the vendors' place, of whose machines they know
 * nothing, and nobody else named to ask.
 * @param say one line for people @throws CliError wrong usage
 */
export function gathererOf(
  options: SourceOptions & { at?: string | undefined },
  roots: readonly TrustedRoot[],
  say: (line: string) => void = sayOnStderr,
): Gather | null {
  if (isOff(process.env['AFFIDAVIT_COLLATERAL'])) return null;
  const { insecureRoot, kds, pcs, cache } = options;
  if (insecureRoot !== undefined && [kds, pcs, cache].every((one) => one === undefined))
    return null;
  const said = new Set<string>();
  const sayOnce = (line: string) => {
    if (!said.has(line)) say(line);
    said.add(line);
  };
  let opened: Promise<GatherLacking> | undefined;
  return async (evidence, given, now) => {
    opened ??= import('./gather-lacking.ts').then(({ gatherLacking }) =>
      gatherLacking(options, roots, sayOnce),
    );
    const objects = await (await opened)(evidence, given, now);
    const clock = Math.floor(Date.now() / 1000);
    return { objects, now: options.at === undefined ? Math.max(now, clock) : now };
  };
}

function sayOnStderr(line: string): void {
  process.stderr.write(`affidavit: ${line}\n`);
}

function isOff(setting: string | undefined): boolean {
  if (setting === undefined || setting === '' || setting === 'on') return false;
  if (setting === 'off') return true;
  throw usageError(
    `AFFIDAVIT_COLLATERAL is ${JSON.stringify(setting)}`,
    'Set it to on or off, or not at all.',
  );
}
