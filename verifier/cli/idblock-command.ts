/** `affidavit idblock`: what a guest's owner expects of its launch, signed, as hosts hand it to the processor. */

import { encodeGuestPolicy } from '#verifier/abi/snp.ts';
import { type Bytes, equalBytes, fromHex, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import {
  checkIdAuth,
  encodeIdAuth,
  type IdAuth,
  idAuthLength,
  parseIdAuth,
  signIdBlock,
} from '#verifier/measure/snp/id-auth.ts';
import {
  encodeIdBlock,
  type IdBlock,
  idBlockLength,
  parseIdBlock,
  policyOf,
} from '#verifier/measure/snp/id-block.ts';
import { ownerKeyDigest } from '#verifier/measure/snp/owner-key.ts';
import { blaming, CliError, exitCodes, usageError } from './cli-error.ts';
import { type OutputOptions, ownerSignerOf, readBlob, writeBlob } from './idblock-files.ts';

type Output = { stdout: string; stderr: string; exitCode: number };
type Format = 'text' | 'json';

export type IdblockMakeOptions = OutputOptions & {
  launchDigest: string;
  policy: string;
  familyId?: string | undefined;
  imageId?: string | undefined;
  guestSvn: number;
};

/** @throws CliError wrong usage */
export async function runIdblockMake(options: IdblockMakeOptions): Promise<Output> {
  const { launchDigest, policy, familyId, imageId, guestSvn } = options;
  if (!Number.isInteger(guestSvn) || guestSvn < 0 || guestSvn > 0xffff_ffff) {
    throw usageError(`--guest-svn should be 0 to 4294967295, got ${guestSvn}`);
  }
  if (!/^0x[0-9a-f]{1,16}$/i.test(policy)) {
    throw usageError(`--policy should be a number such as 0x30000, got ${policy}`);
  }
  const block = encodeIdBlock({
    launchDigest: hexOf(launchDigest, '--launch-digest', 48),
    familyId: familyId === undefined ? new Uint8Array(16) : hexOf(familyId, '--family-id', 16),
    imageId: imageId === undefined ? new Uint8Array(16) : hexOf(imageId, '--image-id', 16),
    guestSvn,
    policy: blaming('usage', '--policy', () => policyOf(BigInt(policy))),
  });
  return { stdout: await writeBlob(block, options), stderr: '', exitCode: exitCodes.accepted };
}

export type IdblockSignOptions = OutputOptions & {
  block: string;
  idKey: string;
  authorKey?: string | undefined;
};

/** @throws CliError wrong usage, a malformed block */
export async function runIdblockSign(options: IdblockSignOptions): Promise<Output> {
  const { bytes } = await blockOf(options.block);
  const id = await ownerSignerOf(options.idKey);
  const author = options.authorKey === undefined ? null : await ownerSignerOf(options.authorKey);
  if (author !== null && equalBytes(author.key, id.key)) {
    throw usageError('--author-key and --id-key are the same key', 'Leave out --author-key.');
  }
  const auth = await signIdBlock(bytes, id, author);
  const stdout = await writeBlob(encodeIdAuth(auth), options);
  return { stdout, stderr: lines(keyRows(auth)), exitCode: exitCodes.accepted };
}

export type IdblockVerifyOptions = {
  block: string;
  auth: string;
  launchDigest?: string | undefined;
  idKeyDigest?: string | undefined;
  authorKeyDigest?: string | undefined;
  format: Format;
};

type Check = { check: string; passed: boolean; expected: string; actual: string };

/** @throws CliError wrong usage, malformed files */
export async function runIdblockVerify(options: IdblockVerifyOptions): Promise<Output> {
  const { bytes, block } = await blockOf(options.block);
  const auth = await authOf(options.auth);
  const checks = [...signatureChecks(bytes, auth), ...expectationChecks(options, block, auth)];
  const accepted = checks.every(({ passed }) => passed);
  const json = { version: 1, accepted, checks, ...authJson(auth) };
  const rows = checks.map(
    ({ check, passed, expected, actual }): Row => [
      passed ? 'ok' : 'FAILED',
      passed ? check : `${check}: expected ${expected}, got ${actual}`,
    ],
  );
  return {
    stdout:
      options.format === 'json'
        ? `${JSON.stringify(json, null, 2)}\n`
        : lines([...rows, ...keyRows(auth)]),
    stderr: '',
    exitCode: accepted ? exitCodes.accepted : exitCodes.rejected,
  };
}

function signatureChecks(bytes: Bytes, auth: IdAuth): Check[] {
  const { block, idKey } = checkIdAuth(bytes, auth);
  const row = (check: string, passed: boolean): Check => ({
    check,
    passed,
    expected: 'a signature that holds',
    actual: passed ? 'one that holds' : 'one that does not',
  });
  const ofBlock = row('the ID key signed the block', block);
  return idKey === null ? [ofBlock] : [ofBlock, row('the author key signed the ID key', idKey)];
}

function expectationChecks(
  { launchDigest, idKeyDigest, authorKeyDigest }: IdblockVerifyOptions,
  block: IdBlock,
  { idKey, author }: IdAuth,
): Check[] {
  const expect = (check: string, option: string, text: string | undefined, found: Bytes | null) => {
    if (text === undefined) return [];
    const expected = toHex(hexOf(text, option, 48));
    const actual = found === null ? 'none' : toHex(found);
    return [{ check, passed: expected === actual, expected, actual }];
  };
  const authorDigest = author === null ? null : ownerKeyDigest(author.key);
  return [
    ...expect('launch digest', '--launch-digest', launchDigest, block.launchDigest),
    ...expect('ID key digest', '--id-key-digest', idKeyDigest, ownerKeyDigest(idKey)),
    ...expect('author key digest', '--author-key-digest', authorKeyDigest, authorDigest),
  ];
}

export type IdblockShowOptions = { file: readonly string[]; format: Format };

/** @throws CliError wrong usage, malformed files */
export async function runIdblockShow({ file: files, format }: IdblockShowOptions): Promise<Output> {
  let block: IdBlock | null = null;
  let auth: IdAuth | null = null;
  const paths = { block: '', auth: '' };
  for (const path of files) {
    const bytes = await readBlob(path, 'ID block or ID authentication');
    const isBlock = bytes.length === idBlockLength;
    if (!isBlock && bytes.length !== idAuthLength) throw lengthWrong(path, bytes.length);
    if ((isBlock ? block : auth) !== null) throw usageError(`${path} is the second of its kind`);
    paths[isBlock ? 'block' : 'auth'] = path;
    if (isBlock) block = blaming('invalid', path, () => parseIdBlock(bytes));
    else auth = blaming('invalid', path, () => parseIdAuth(bytes));
  }
  const json = {
    version: 1,
    ...(block !== null && blockJson(block)),
    ...(auth !== null && authJson(auth)),
  };
  const rows = [
    ...(block === null ? [] : blockRows(block)),
    ...(auth === null ? [] : keyRows(auth)),
    ...(block === null || auth === null ? [] : qemuRows(block, auth, paths)),
  ];
  const stdout = format === 'json' ? `${JSON.stringify(json, null, 2)}\n` : lines(rows);
  return { stdout, stderr: '', exitCode: exitCodes.accepted };
}

async function blockOf(path: string): Promise<{ bytes: Bytes; block: IdBlock }> {
  const bytes = await readBlob(path, 'ID block');
  return { bytes, block: blaming('invalid', path, () => parseIdBlock(bytes)) };
}

async function authOf(path: string): Promise<IdAuth> {
  const bytes = await readBlob(path, 'ID authentication');
  return blaming('invalid', path, () => parseIdAuth(bytes));
}

function lengthWrong(path: string, length: number): CliError {
  const { message, code, remedy } = new AttestationError(
    'length-wrong',
    `${path}: ${length} bytes, an ID block has ${idBlockLength} and an ID authentication ${idAuthLength}`,
  );
  return new CliError('invalid', code, message, remedy);
}

function hexOf(text: string, option: string, length: number): Bytes {
  return blaming('usage', option, () => fromHex(text.toLowerCase(), 'hex', length));
}

type Row = readonly [label: string, value: string];

function lines(rows: readonly Row[]): string {
  return rows.map(([label, value]) => `${label.padEnd(20)} ${value}\n`).join('');
}

function blockRows(block: IdBlock): Row[] {
  const set = Object.entries(block.policy).filter(([, value]) => value === true);
  const flags = set.map(([name]) => name).join(', ');
  const { abiMajor, abiMinor } = block.policy;
  return [
    ['launch digest', toHex(block.launchDigest)],
    ['family id', toHex(block.familyId)],
    ['image id', toHex(block.imageId)],
    ['guest SVN', String(block.guestSvn)],
    [
      'policy',
      `${policyHex(block)}: ABI ${abiMajor}.${abiMinor}, allows or asks for ${flags || 'nothing'}`,
    ],
  ];
}

function keyRows({ idKey, author }: IdAuth): Row[] {
  return [
    ['ID key digest', toHex(ownerKeyDigest(idKey))],
    ['author key digest', author === null ? 'none' : toHex(ownerKeyDigest(author.key))],
  ];
}

/** QEMU, qapi/qom.json: members of sev-snp-guest. The files by name, for an ID authentication is 5,464 characters of base64. */
function qemuRows(
  block: IdBlock,
  auth: IdAuth,
  paths: { readonly block: string; readonly auth: string },
): Row[] {
  const authorKey = auth.author === null ? '' : ',author-key-enabled=on';
  const blobs = `id-block=<${paths.block}>,id-auth=<${paths.auth}>`;
  const members = `sev-snp-guest,policy=${policyHex(block)},${blobs}${authorKey}`;
  return [['QEMU', `${members} (each <file> in base64, in one line)`]];
}

function policyHex({ policy }: IdBlock): string {
  return `0x${encodeGuestPolicy(policy).toString(16)}`;
}

function blockJson(block: IdBlock): Record<string, unknown> {
  return {
    launchDigest: toHex(block.launchDigest),
    familyId: toHex(block.familyId),
    imageId: toHex(block.imageId),
    guestSvn: block.guestSvn,
    policy: { bits: policyHex(block), ...block.policy },
  };
}

function authJson({ idKey, author }: IdAuth): Record<string, unknown> {
  return {
    idKeyDigest: toHex(ownerKeyDigest(idKey)),
    authorKeyDigest: author === null ? null : toHex(ownerKeyDigest(author.key)),
  };
}
