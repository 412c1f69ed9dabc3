/** What `affidavit replay` compares a log with: a quote that was verified, values that somebody wrote down, or another log. */
import { asLogged, type Quoted } from '#verifier/abi/event-log/compare.ts';
import { eventsByRegister, replayPcrs, untouchedPcr } from '#verifier/abi/event-log/replay.ts';
import { type EventLog, registerKind } from '#verifier/abi/event-log/types.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { bytesOfText } from '#verifier/abi/text-form.ts';
import type { PcrValues } from '#verifier/abi/tpm/hash.ts';
import { maxPcrsLength, readPcrs } from '#verifier/abi/tpm/pcrs.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { hexBytes, object, optional, parseJson } from '#verifier/json.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { verify } from '#verifier/verify.ts';
import { blaming, usageError } from './cli-error.ts';
import { readFileLimited } from './files.ts';
import { nodeCrypto } from './node-crypto.ts';

export type Compared = {
  kind: Quoted['kind'];
  /** By registers as the log numbers them. */
  values: PcrValues;
  /** Of the quote: what makes its registers its vendor's word; null for values without a signature. */
  checks: readonly CheckResult[] | null;
  /** The quote's chain ends in a root that was handed over in place of the vendor's. */
  insecureRoot: boolean;
};

const quoteLimit = 1024 * 1024;

/** What must hold of a quote for its registers to count; how current the platform is, is for `affidavit verify`. */
const evidenceChecks: readonly string[] = [
  'evidence.qe-report-signature',
  'evidence.attestation-key',
  'evidence.quote-signature',
];

/** @throws CliError wrong usage for a file that is no TDX quote, invalid for one that cannot be read */
export async function readQuoted(
  path: string,
  roots: readonly TrustedRoot[],
  now: UnixTime,
): Promise<Compared> {
  const file = await readFileLimited(path, quoteLimit, 'quote', 'invalid');
  const bytes = blaming('invalid', path, () => bytesOfText(file, 'quote')) ?? file;
  const { body } = blaming('invalid', path, () => parseQuote(bytes));
  if (body.kind !== 'tdx') {
    throw usageError(`${path} is a quote of an SGX enclave, which has no runtime registers`);
  }
  const verified = await verify({ form: 'quote', bytes }, [], roots, now, nodeCrypto);
  const checks = verified.checks.filter(
    ({ id, stage }) => stage === 'parse' || stage === 'chain' || evidenceChecks.includes(id),
  );
  const values = asLogged({ kind: 'rtmr', registers: body.report.rtmr });
  return { kind: 'rtmr', values, checks, insecureRoot: verified.insecureRoot };
}

/** Values that are somebody's own word. */
const unsigned = { checks: null, insecureRoot: false } as const;

const rtmr = optional(hexBytes(48));
const rtmrNames = object({ rtmr0: rtmr, rtmr1: rtmr, rtmr2: rtmr, rtmr3: rtmr });

/** @throws CliError wrong usage for a file that cannot be read, for it is this verifier's own */
export async function readRegisters(path: string, log: EventLog): Promise<Compared> {
  const bytes = await readFileLimited(path, maxPcrsLength, 'registers', 'usage');
  return blaming('usage', path, () => {
    const named = readRtmrNames(bytes);
    if (named !== null) return { kind: 'rtmr', values: named, ...unsigned };
    return { kind: registerKind(log), values: readPcrs(bytes), ...unsigned };
  });
}

/** `{"rtmr0": hex, …}`; null for every other form. */
function readRtmrNames(bytes: Bytes): PcrValues | null {
  if (!/^\s*\{\s*"rtmr/.test(new TextDecoder('latin1').decode(bytes))) return null;
  const found = rtmrNames(parseJson(fromUtf8(bytes, 'registers'), 'registers'), 'registers');
  const { rtmr0, rtmr1, rtmr2, rtmr3 } = found;
  const values = [rtmr0, rtmr1, rtmr2, rtmr3].flatMap((value, i) =>
    value === undefined ? [] : [[i + 1, value] as const],
  );
  return new Map([['sha384', new Map(values)]]);
}

/** What the registers held after another boot, by its log; those too that the other log alone extends. */
export function valuesOfReference(log: EventLog, reference: EventLog): Compared {
  const shared = log.algorithms.filter((one) => reference.algorithms.includes(one));
  const registers = [...eventsByRegister(log).keys(), ...eventsByRegister(reference).keys()];
  const values = shared.map((algorithm) => {
    const replayed = replayPcrs(reference, algorithm);
    const held = [...new Set(registers)].map(
      (register) =>
        [register, replayed.get(register) ?? untouchedPcr(reference, algorithm, register)] as const,
    );
    return [algorithm, new Map(held)] as const;
  });
  return { kind: registerKind(log), values: new Map(values), ...unsigned };
}
