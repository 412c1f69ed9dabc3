/** `affidavit reference`: makes, signs and verifies the values that a release should measure. */
import { type ReferencesPolicy, referencesPolicy } from '#verifier/appraise/reference-policy.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Agreement, agreementsOf, type Builder } from '#verifier/reference/agreement.ts';
import { encodeReference, maxSignatures, type ReferenceFile } from '#verifier/reference/file.ts';
import { fingerprintOf } from '#verifier/reference/key.ts';
import { hasSigned, type ReferenceSigner, signReference } from '#verifier/reference/signature.ts';
import { validityAt } from '#verifier/reference/values.ts';
import { type CheckedReference, verifyReferences } from '#verifier/reference/verified.ts';
import { spkiOf } from '#verifier/tokens/keys.ts';
import { blaming, CliError, exitCodes, usageError } from './cli-error.ts';
import { nodeCrypto } from './node-crypto.ts';
import { signerOfFile } from './node-signer.ts';
import {
  fingerprintOfFile,
  readReference,
  readReferences,
  writeReference,
} from './reference-files.ts';
import { type MakeOptions, makeReference } from './reference-make.ts';
import type { ReferenceCommand } from './reference-options.ts';
import { signedText, verifiedJson, verifiedText } from './reference-text.ts';
import { settingsOf } from './verify-command.ts';

/** What is printed where, and how the command ends. */
export type Ended = { stdout: string; stderr: string; exitCode: number };

type OutOptions = { out?: string | undefined; force?: boolean | undefined };

export type SignOptions = OutOptions & {
  file: string;
  key: string;
  builder: string;
  source: string;
};

export type ReferenceVerifyOptions = {
  file: readonly string[];
  builder?: string | readonly string[] | undefined;
  threshold?: string | undefined;
  policy?: string | undefined;
  at?: string | undefined;
  format?: 'text' | 'json' | undefined;
};

const commands = {
  make: (found) => runReferenceMake(found as MakeOptions & OutOptions),
  sign: (found) => runReferenceSign(found as SignOptions),
  verify: (found) => runReferenceVerify(found as ReferenceVerifyOptions),
} as const satisfies Record<ReferenceCommand, (found: never) => Promise<Ended>>;

/** @param found as yargs found it, of the options that reference-options.ts declares. @throws CliError */
export function runReference(name: ReferenceCommand, found: object): Promise<Ended> {
  return commands[name](found as never);
}

/** @throws CliError wrong usage; rejected where sources differ; as its verdict for evidence that does not verify */
export async function runReferenceMake(options: MakeOptions & OutOptions): Promise<Ended> {
  const { out, force } = options;
  if (out === undefined && force) throw usageError('--force belongs beside --out');
  const content = await makeReference(options);
  if (out === undefined) return accepted(content);
  await writeReference(out, content, force ?? false);
  return accepted(`${out} written. Next: affidavit reference sign ${out}\n`);
}

/** @throws CliError wrong usage, for a key that has signed already too; invalid for a file that holds a false signature */
export async function runReferenceSign(options: SignOptions): Promise<Ended> {
  const { file: path, builder, source, out, force } = options;
  if (out === undefined && force) throw usageError('--force belongs beside --out');
  const file = await readReference(path);
  await refuseFalse(path, file);
  const signer = await signerOf(options.key);
  const key = fingerprintOf(signer.spki, 'key');
  if (hasSigned(file, key)) {
    throw new CliError(
      'usage',
      'signed-already',
      `${path} has a signature of key ${key} already`,
      'A builder counts once; sign other values in a file of their own.',
    );
  }
  if (file.signatures.length >= maxSignatures)
    throw usageError(`${path} holds ${maxSignatures} signatures, and no file holds more`);
  const signed = await blamed(`--builder and --source`, () =>
    signReference(file, { builder, source }, signer),
  );
  await writeReference(out ?? path, encodeReference(signed), out === undefined || (force ?? false));
  return accepted(signedText(out ?? path, signed, key));
}

/** Nobody adds his name to a file that was altered since others signed it. */
async function refuseFalse(path: string, file: ReferenceFile): Promise<void> {
  const { files } = await verifyReferences([file], nodeCrypto);
  const bad = files[0]?.signatures.find(({ good }) => !good);
  if (bad === undefined) return;
  throw new CliError(
    'invalid',
    'signature-false',
    `${path}: the signature of key ${bad.key} is not over these values`,
    'The file was altered after it was signed: take it from its builder again, or sign a copy without signatures.',
  );
}

async function signerOf(path: string): Promise<ReferenceSigner> {
  const signer = await signerOfFile(path);
  return { spki: spkiOf(signer.publicJwk), sign: (message) => signer.sign(message) };
}

async function blamed<T>(input: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    throw new CliError('usage', error.code, `${input}: ${error.message}`, error.remedy);
  }
}

/** What is known of all files together, for both output formats. */
export type VerifiedFiles = {
  at: number;
  threshold: number;
  builders: readonly Builder[];
  files: readonly (CheckedReference & { path: string })[];
  agreements: readonly (Agreement & { enough: boolean; when: 'future' | 'valid' | 'expired' })[];
  /** A file holds a false signature: it was altered. */
  altered: boolean;
  /** Every set of values in the files has enough builders, holds now, and nothing was altered. */
  agreed: boolean;
};

/** @throws CliError wrong usage; invalid for a file that is none */
export async function runReferenceVerify(options: ReferenceVerifyOptions): Promise<Ended> {
  const { now: at } = await settingsOf({ at: options.at });
  const rules = await rulesOf(options);
  const paths = options.file;
  const references = await verifyReferences(await readReferences(paths), nodeCrypto);
  const { builders, threshold } = rules;
  const agreements = agreementsOf(references, builders).map((agreement) => ({
    ...agreement,
    enough: agreement.signers.length >= threshold,
    when: validityAt(agreement.values, at),
  }));
  const altered = references.files.some(({ signatures }) => signatures.some(({ good }) => !good));
  const unexpected = references.files.some(({ values }) => !isNamed(values, rules));
  const agreed =
    !altered && !unexpected && agreements.every(({ enough, when }) => enough && when === 'valid');
  const files = references.files.map((file, index) => ({ ...file, path: paths[index] as string }));
  const verified = { at, threshold, builders, files, agreements, altered, agreed };
  return {
    stdout: options.format === 'json' ? verifiedJson(verified) : verifiedText(verified),
    stderr: '',
    exitCode: altered ? exitCodes.invalid : agreed ? exitCodes.accepted : exitCodes.rejected,
  };
}

function isNamed(values: CheckedReference['values'], { name, release }: ReferencesPolicy): boolean {
  const has = (accepted: 'any' | readonly string[], value: string) =>
    accepted === 'any' || accepted.includes(value);
  return has(name, values.name) && has(release, values.release);
}

async function rulesOf(options: ReferenceVerifyOptions): Promise<ReferencesPolicy> {
  const { policy: path, threshold } = options;
  const given = [options.builder ?? []].flat();
  if (path !== undefined) {
    if (given.length > 0 || threshold !== undefined)
      throw usageError(
        '--policy names builders and threshold: leave out --builder and --threshold',
      );
    const { policy } = await settingsOf({ policy: path });
    if (policy.references !== undefined) return policy.references;
    throw usageError(`policy ${path} has no member references`, 'Give --builder and --threshold.');
  }
  if (given.length === 0 || threshold === undefined) {
    throw usageError(
      'whose signatures count, and how many it takes, was not given',
      'Give --builder NAME=FINGERPRINT for each builder and --threshold, or --policy.',
    );
  }
  const builders = [];
  for (const text of given) builders.push(await builderOf(text));
  const document = { name: 'any', release: 'any', builders, threshold: countOf(threshold) };
  return blaming('usage', '--builder and --threshold', () =>
    referencesPolicy(document, 'references'),
  );
}

/** NAME=FINGERPRINT or NAME=FILE; a file that is called like a fingerprint is given as ./FILE. */
async function builderOf(text: string): Promise<Builder> {
  const at = text.indexOf('=');
  const [name, key] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || key === '') {
    throw usageError(
      `--builder ${text} is not NAME=FINGERPRINT or NAME=FILE`,
      'Write for example alice=alice.pem.',
    );
  }
  return { name, key: /^[0-9a-f]{64}$/.test(key) ? key : await fingerprintOfFile(key) };
}

function countOf(text: string): number {
  if (/^[1-9][0-9]?$/.test(text)) return Number(text);
  throw usageError(
    `--threshold ${text} is not a number from 1 to 32`,
    'Nobody’s signature proves nothing: ask for one at least.',
  );
}

function accepted(stdout: string): Ended {
  return { stdout, stderr: '', exitCode: exitCodes.accepted };
}
