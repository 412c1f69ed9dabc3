/** What `affidavit reference` prints. */
import type { Builder } from '#verifier/reference/agreement.ts';
import type { ReferenceFile } from '#verifier/reference/file.ts';
import { measuredOf, type ReferenceValues } from '#verifier/reference/values.ts';
import type { CheckedReference, CheckedSignature } from '#verifier/reference/verified.ts';
import { formatTime } from '#verifier/time.ts';
import { wrap } from '#verifier/words/lines.ts';
import type { VerifiedFiles } from './reference-command.ts';

const indent = '  ';

/** What was signed, to be compared with what should be. */
export function signedText(
  path: string,
  { values, signatures }: ReferenceFile,
  key: string,
): string {
  const count = `${signatures.length} ${signatures.length === 1 ? 'signature' : 'signatures'} in it`;
  return lines([
    ...wrap(`${path}: ${titleOf(values)}, signed with key ${key}; ${count}.`, '', indent),
    ...valueLines(values),
  ]);
}

export function verifiedText(verified: VerifiedFiles): string {
  const { files, builders } = verified;
  return lines([
    ...files.flatMap((file) => fileLines(file, builders)),
    ...verified.agreements.flatMap((agreement) => agreementLines(agreement, verified)),
    ...wrap(conclusionOf(verified), '', indent),
  ]);
}

function fileLines(
  { path, values, digest, signatures }: CheckedReference & { path: string },
  builders: readonly Builder[],
): string[] {
  return [
    ...wrap(`${path}: ${titleOf(values)}, values ${digest}`, '', indent),
    ...valueLines(values),
    ...(signatures.length === 0 ? [`${indent}nobody has signed`] : []),
    ...signatures.flatMap((signature) => signatureLines(signature, builders)),
  ];
}

function titleOf({ name, release, platform }: ReferenceValues): string {
  return `${name} ${release} for ${platform}`;
}

function valueLines(values: ReferenceValues): string[] {
  const { closureDigest, validity } = values;
  const shown = [
    ...measuredOf(values),
    ['closureDigest', closureDigest] as const,
    ['holds', `from ${formatTime(validity.from)}, before ${formatTime(validity.until)}`] as const,
  ];
  return shown.flatMap(([name, value]) =>
    wrap(`${name} ${value ?? 'not stated'}`, indent, indent.repeat(2)),
  );
}

function signatureLines(
  { key, builder, source, good }: CheckedSignature,
  builders: readonly Builder[],
): string[] {
  const listed = nameOf(key, builders);
  // What a false signature says of its builder is nobody's word.
  const text = good
    ? `${listed ?? 'not listed'}: key ${key}, as "${builder}", from "${source}"`
    : `${listed ?? 'not listed'}: key ${key} did not sign these values with this builder and source`;
  return wrap(text, `${indent}${good ? 'good ' : 'FALSE'}  `, indent.repeat(5));
}

function nameOf(key: string, builders: readonly Builder[]): string | null {
  return builders.find((builder) => builder.key === key)?.name ?? null;
}

function agreementLines(
  { values, digest, signers, when }: VerifiedFiles['agreements'][number],
  { threshold, at }: VerifiedFiles,
): string[] {
  const count = `${signers.length} of ${threshold} needed`;
  const who = signers.length === 0 ? '' : ` (${signers.join(', ')})`;
  const { from, until } = values.validity;
  const late = {
    valid: '',
    future: `; they hold from ${formatTime(from)}, and it is ${formatTime(at)}`,
    expired: `; they held before ${formatTime(until)}, and it is ${formatTime(at)}`,
  }[when];
  return wrap(`values ${digest}: ${count}${who}${late}`, '', indent);
}

function conclusionOf({ agreed, altered, files, agreements }: VerifiedFiles): string {
  if (agreed) return 'AGREED: enough builders signed equal values, and they hold.';
  if (altered) return 'INVALID: a signature is false, so a file was altered after it was signed.';
  if (agreements.some(({ enough }) => !enough)) {
    const more = agreements.length > 1 ? ' Signatures over other values do not add up.' : '';
    return `NOT AGREED: too few of the builders signed these values.${more}`;
  }
  if (agreements.some(({ when }) => when !== 'valid'))
    return 'NOT AGREED: the values do not hold at this time.';
  return `NOT AGREED: the policy does not name ${files.length === 1 ? 'this release' : 'all of these releases'}.`;
}

export function verifiedJson(verified: VerifiedFiles): string {
  const { at, threshold, builders, files, agreements, agreed } = verified;
  const document = {
    version: 1,
    at,
    agreed,
    threshold,
    builders,
    files: files.map(({ path, values, digest, signatures }) => ({
      file: path,
      values,
      digest,
      signatures: signatures.map((signature) => ({
        ...signature,
        listed: nameOf(signature.key, builders),
      })),
    })),
    agreements: agreements.map(({ digest, signers, enough, when }) => ({
      digest,
      signers,
      enough,
      validity: when,
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function lines(found: readonly string[]): string {
  return `${found.join('\n')}\n`;
}
