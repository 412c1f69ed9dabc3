/** `affidavit reference make`: the values of a release, from the build's own measurements, from evidence, or written out. */
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { registersOf } from '#verifier/appraise/reference.ts';
import { decide } from '#verifier/appraise/verdict.ts';
import { fromUtf8, toHex } from '#verifier/bytes.ts';
import { parseJson } from '#verifier/json.ts';
import { encodeReference } from '#verifier/reference/file.ts';
import { measuredNames, type ReferenceValues } from '#verifier/reference/values.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { blaming, CliError, usageError } from './cli-error.ts';
import { readEvidence } from './evidence-file.ts';
import { readFileLimited } from './files.ts';
import { hexOption, settingsOf, type VerdictOptions, verifyEvidence } from './verify-command.ts';

export type MakeOptions = VerdictOptions & {
  name: string;
  release: string;
  platform?: 'sev-snp' | 'tdx' | undefined;
  from: string;
  until: string;
  measured?: string | readonly string[] | undefined;
  evidence?: string | readonly string[] | undefined;
  mrTd?: string | undefined;
  rtmr0?: string | undefined;
  rtmr1?: string | undefined;
  rtmr2?: string | undefined;
  rtmr3?: string | undefined;
  closure?: string | undefined;
};

/** Names of values with what one source says of them, as hex. */
type Found = { source: string; values: ReadonlyMap<string, string> };

const lengths: Readonly<Record<string, number>> = {
  closureDigest: 32,
  measurement: 48,
  mrTd: 48,
  rtmr0: 48,
  rtmr1: 48,
  rtmr2: 48,
  rtmr3: 48,
};

/** Where a name differs from the option's. */
const optionNames: Readonly<Record<string, string>> = { mrTd: 'mr-td', closureDigest: 'closure' };

/** @returns the unsigned file. @throws CliError */
export async function makeReference(options: MakeOptions): Promise<string> {
  const { name, release, rtmr3 } = options;
  const sources = [
    writtenOut(options),
    ...(await Promise.all([options.measured ?? []].flat().map(measuredFrom))),
    ...(await Promise.all(
      [options.evidence ?? []].flat().map((path) => evidenceFrom(path, options)),
    )),
  ];
  const values = merged(sources);
  // Not stated, whatever the evidence holds: what runs later is then free.
  if (rtmr3 === 'none') values.delete('rtmr3');
  const platform = options.platform ?? platformOf(values);
  const take = (what: string): string => {
    const found = values.get(what);
    if (found !== undefined) return found;
    const option = `--${optionNames[what] ?? what}`;
    throw usageError(`${what} is not known`, `Give ${option}, or a source that tells it.`);
  };
  const head = {
    name,
    release,
    validity: { from: timeOf('from', options.from), until: timeOf('until', options.until) },
    closureDigest: take('closureDigest'),
  };
  refuseForeign(values, platform);
  if (platform === 'sev-snp' && rtmr3 !== undefined)
    throw usageError('rtmr3 is no value of sev-snp');
  const whole: ReferenceValues =
    platform === 'sev-snp'
      ? { ...head, platform, measurement: take('measurement') }
      : {
          ...head,
          platform,
          mrTd: take('mrTd'),
          rtmr0: take('rtmr0'),
          rtmr1: take('rtmr1'),
          rtmr2: take('rtmr2'),
          rtmr3: rtmr3 === 'none' ? null : take('rtmr3'),
        };
  return blaming('usage', 'reference make', () =>
    encodeReference({ values: whole, signatures: [] }),
  );
}

function writtenOut(options: MakeOptions): Found {
  const given: Record<string, string | undefined> = {
    measurement: options.measurement,
    mrTd: options.mrTd,
    rtmr0: options.rtmr0,
    rtmr1: options.rtmr1,
    rtmr2: options.rtmr2,
    rtmr3: options.rtmr3 === 'none' ? undefined : options.rtmr3,
    closureDigest: options.closure,
  };
  const values = new Map<string, string>();
  for (const [name, text] of Object.entries(given)) {
    const hex = hexOption(optionNames[name] ?? name, text, lengths[name] as number);
    if (hex !== undefined) values.set(name, hex);
  }
  return { source: 'the command line', values };
}

/** 100,000 store paths, or every event of a boot, in the same document. */
const maxMeasuredLength = 64 * 1024 * 1024;

/** Where `affidavit measure … --format json` writes what. */
const measuredPaths: Readonly<Record<string, readonly (string | number)[]>> = {
  closureDigest: ['closureDigest'],
  measurement: ['launchDigest'],
  mrTd: ['mrtd'],
  rtmr0: ['rtmr', 0, 'value'],
  rtmr1: ['rtmr', 1, 'value'],
  rtmr2: ['rtmr', 2, 'value'],
  rtmr3: ['rtmr', 3, 'value'],
};

/** Of what `affidavit measure` wrote, the values; how they came about is for people. A register that is not known is null there. */
async function measuredFrom(path: string): Promise<Found> {
  const bytes = await readFileLimited(path, maxMeasuredLength, 'measurement', 'usage');
  const source = `--measured ${path}`;
  const document = blaming('usage', source, () =>
    parseJson(fromUtf8(bytes, 'measurement'), 'measurement'),
  );
  const values = new Map<string, string>();
  for (const [name, place] of Object.entries(measuredPaths)) {
    const value = valueAt(document, place);
    if (value === undefined || value === null) continue;
    const length = lengths[name] as number;
    if (typeof value !== 'string' || value.length !== 2 * length || !/^[0-9a-f]*$/.test(value))
      throw usageError(`${source}: ${place.join('.')} is not ${length} bytes of hex`);
    values.set(name, value);
  }
  if (valueAt(document, ['version']) !== 1 || values.size === 0) {
    throw usageError(
      `${source}: no document of affidavit measure, version 1`,
      'Make it with: affidavit measure … --format json',
    );
  }
  const differences = valueAt(document, ['log', 'differences']);
  if (Array.isArray(differences) && differences.length > 0) {
    throw new CliError(
      'rejected',
      'values-differ',
      `${source}: the event log that it was compared with differs in ${differences.length} places`,
      'Find out what else was started, before anybody signs either.',
    );
  }
  return { source, values };
}

/** Undefined where there is no such member. */
function valueAt(document: unknown, place: readonly (string | number)[]): unknown {
  let value = document;
  for (const step of place) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** Only of evidence that is genuine: what is signed later should at least have run. */
async function evidenceFrom(path: string, options: MakeOptions): Promise<Found> {
  const { measurement: _, closure: __, policy: ___, ...rest } = options;
  const settings = await settingsOf(rest);
  const given = await readEvidence(path, null);
  const collateral = [...settings.collateral, ...given.collateral];
  const verified = await verifyEvidence(given.evidence, { ...settings, collateral });
  const checks = appraise(verified, genuinePolicy).checks.filter(({ stage }) => stage !== 'policy');
  const decision = decide(checks);
  const [open] = checks.filter(({ status }) => status === 'fail' || status === 'skip');
  if (decision !== 'accepted' || open !== undefined) {
    throw new CliError(
      decision === 'accepted' ? 'undecided' : decision,
      decision === 'invalid' ? 'evidence-invalid' : 'evidence-undecided',
      `${path} does not verify: ${open?.id} ${open?.reason ?? ''}`.trim(),
      'See affidavit verify with the same options.',
    );
  }
  return { source: path, values: valuesOf(path, verified) };
}

function valuesOf(path: string, { claims, bundle }: Verified): Map<string, string> {
  const closure =
    bundle === null ? [] : ([['closureDigest', toHex(bundle.bound.closureDigest)]] as const);
  if (claims?.platform === 'sev-snp')
    return new Map([['measurement', toHex(claims.report.measurement)], ...closure]);
  const body = claims !== null && 'quote' in claims ? claims.quote.body : undefined;
  if (body?.kind === 'tdx')
    return new Map([...Object.entries(registersOf(body.report)), ...closure]);
  throw usageError(`${path} is of no SEV-SNP guest and no TD`, 'No enclave has a reference file.');
}

/** @throws CliError rejected when two sources say different things of one value */
function merged(sources: readonly Found[]): Map<string, string> {
  const known = new Map<string, { value: string; source: string }>();
  for (const { source, values } of sources) {
    for (const [name, value] of values) {
      const before = known.get(name);
      if (before !== undefined && before.value !== value) {
        throw new CliError(
          'rejected',
          'values-differ',
          `${name} is ${before.value} by ${before.source}, and ${value} by ${source}`,
          'Find out which of them is not of this release.',
        );
      }
      known.set(name, before ?? { value, source });
    }
  }
  return new Map([...known].map(([name, { value }]) => [name, value]));
}

function platformOf(values: ReadonlyMap<string, string>): ReferenceValues['platform'] {
  const isSnp = values.has('measurement');
  const isTdx = measuredNames.tdx.some((name) => values.has(name));
  if (isSnp !== isTdx) return isSnp ? 'sev-snp' : 'tdx';
  throw usageError(
    isSnp ? 'values of both SEV-SNP and TDX were given' : 'no measurement was given',
    'Make one file for each platform; --platform says for which.',
  );
}

/** A value that would not be signed was meant to be. */
function refuseForeign(
  values: ReadonlyMap<string, string>,
  platform: ReferenceValues['platform'],
): void {
  const own: readonly string[] = ['closureDigest', ...measuredNames[platform]];
  const [foreign] = [...values.keys()].filter((name) => !own.includes(name));
  if (foreign !== undefined) throw usageError(`${foreign} is no value of ${platform}`);
}

function timeOf(option: string, text: string): UnixTime {
  const time = parseTime(text);
  if (time !== null) return time;
  throw usageError(
    `--${option} ${text} is not an RFC 3339 time with its zone`,
    'Write for example 2026-01-31T12:00:00Z.',
  );
}
