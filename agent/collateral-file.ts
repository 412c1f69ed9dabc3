/**
 * `collateral.json`: what the refresher found, written whole, and what the agent sends along. The agent has no way to verify it
 * and need not: every object counts by its own signatures, with who reads the evidence.
 */
import {
  amdCollateralKinds,
  type CollateralItem,
  intelCollateralKinds,
  maxBundleLength,
} from '#verifier/abi/bundle.ts';
import { type Bytes, equalBytes, fromUtf8, toBase64 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoder,
  nullable,
  object,
  oneOf,
  parseJson,
  shapeError,
  text,
  unixTime,
  version,
} from '#verifier/json.ts';
import type { UnixTime } from '#verifier/time.ts';
import { readCollateralData } from './collateral.ts';

export const collateralFileName = 'collateral.json';

/** 8 MiB, as of a bundle. */
export const maxCollateralFileLength: number = maxBundleLength;

/** As of a bundle. */
export const maxCollateralItems = 64;

export type CollateralFile = {
  readonly version: 1;
  /** One of a kind. */
  readonly items: readonly CollateralItem[];
  /** When the refresher looked last, whatever came of it. */
  readonly checked: UnixTime;
  /** One line: what could not be had, and why; null where nothing lacks. */
  readonly problem: string | null;
};

const maxProblemLength = 1024;
const source = text(/^[\x20-\x7e]{0,2048}$/, 'printable ASCII, 2048 characters at most');
const problem: Decoder<string> = (value, path) => {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= maxProblemLength;
  if (!fits || value !== oneLine(value)) {
    throw shapeError(path, `a line of 1 to ${maxProblemLength} characters`, value);
  }
  return value;
};

const itemMembers = object({
  // Of processors: what devices need, the refresher does not get.
  kind: oneOf(...amdCollateralKinds, ...intelCollateralKinds),
  data: base64Bytes,
  source,
  fetched: unixTime,
});

/** DER or signed JSON as a bundle has it: no PEM. */
const item: Decoder<CollateralItem> = (value, path) => {
  const found = itemMembers(value, path);
  if (!equalBytes(readCollateralData(found.kind, found.data, `${path}.data`), found.data)) {
    throw new AttestationError('der-malformed', `${path}.data: expected DER, got PEM`);
  }
  return found;
};

const fileShape = object({
  version: version(1),
  items: arrayOf(item, { max: maxCollateralItems }),
  checked: unixTime,
  problem: nullable(problem),
});

/**
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape` (a kind that occurs twice too),
 *   `version-unknown`, `base64-malformed`, `pem-malformed`, `der-malformed`, `hex-malformed`
 */
export function parseCollateralFile(bytes: Bytes): CollateralFile {
  const what = collateralFileName;
  if (bytes.length > maxCollateralFileLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${maxCollateralFileLength} (8 MiB) are allowed`,
    );
  }
  const file = fileShape(parseJson(fromUtf8(bytes, what), what), what);
  const kinds = file.items.map(({ kind }) => kind);
  const twice = kinds.find((kind, index) => kinds.indexOf(kind) !== index);
  if (twice === undefined) return file;
  throw new AttestationError('json-shape', `${what}.items: ${twice} occurs twice, expected once`);
}

/** The JSON object, with a line feed. */
export function encodeCollateralFile(file: CollateralFile): string {
  const items = file.items.map(({ kind, data, source, fetched }) => {
    return { kind, data: toBase64(data), source, fetched };
  });
  const { checked, problem } = file;
  return `${JSON.stringify({ version: 1, items, checked, problem })}\n`;
}

/** The text as `problem` may have it: control characters are spaces, and what is too long is cut. */
export function oneLine(words: string): string {
  const line = words.toWellFormed().replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return line.length <= maxProblemLength
    ? line
    : `${line.slice(0, maxProblemLength - 1)}…`.toWellFormed();
}
