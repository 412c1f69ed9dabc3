/** The member `nitro` of a policy: what it takes of AWS Nitro's documents. docs/policy.md explains each member. */
import { nitroKinds } from '../abi/nitro.ts';
import { fromHex } from '../bytes.ts';
import {
  anyOr,
  type Decoded,
  type Decoder,
  described,
  object,
  oneOf,
  optional,
  schemaOf,
  shapeError,
  text,
} from '../json.ts';
import { hexText, setOf } from './sets.ts';

const maxBytes = 1024;
const indices = Array.from({ length: 32 }, (_, index) => String(index));
/** SHA-384, the one digest of these documents. */
const pcrLength = 48;

export type NitroPcrRule = 'any' | string[];
/** By index, `0` to `31`. Either all of them stand there, or `others` does, for those that do not. */
export type NitroPcrPolicy = {
  readonly [index: `${number}`]: NitroPcrRule;
  others?: 'any' | 'unused';
};

const registers = object({
  ...Object.fromEntries(
    indices.map((index) => [index, optional(anyOr(setOf(hexText(pcrLength))))]),
  ),
  /** `unused`: left out of the document, or as it was at the start: all zero, of a TPM also all ones. */
  others: optional(oneOf('any', 'unused')),
});
const pcrs: Decoder<NitroPcrPolicy> = described(
  (value: unknown, path: string) => {
    const found = registers(value, path) as NitroPcrPolicy;
    const missing = indices.find((index) => !Object.hasOwn(found, index));
    if (missing !== undefined && found.others === undefined)
      throw shapeError(path, 'all of 0 to 31, or others', `no ${missing}`);
    return found;
  },
  () => ({
    ...schemaOf(registers),
    anyOf: [
      { properties: {}, required: ['others'] },
      { properties: {}, required: indices },
    ],
  }),
);

/** Bytes of any length that fits a document, as lower-case hex, empty too; `none` for a document that has none. */
const bytesOrNone: Decoder<string> = described(
  (value: unknown, path: string) => {
    if (value === 'none') return value;
    if (typeof value !== 'string' || value.length > 2 * maxBytes)
      throw shapeError(path, `hex of at most ${maxBytes} bytes, or "none"`, value);
    fromHex(value, path);
    return value;
  },
  () => ({
    anyOf: [
      { const: 'none' },
      { type: 'string', pattern: '^(?:[0-9a-f]{2})*$', maxLength: 2 * maxBytes },
    ],
  }),
);

export const nitroPolicy = object({
  /** An enclave's documents, those of an instance with NitroTPM, or both. */
  kind: setOf(oneOf(...nitroKinds)),
  debug: oneOf('refused', 'dangerously-allowed'),
  moduleId: anyOr(
    setOf(text(/^[\x21-\x7e]{1,256}$/, 'a module id of 1 to 256 printable characters')),
  ),
  pcrs: anyOr(pcrs),
  userData: anyOr(setOf(bytesOrNone)),
  publicKey: anyOr(setOf(bytesOrNone)),
});

export type NitroPolicy = Decoded<typeof nitroPolicy>;

/** The rule of one register; `unused` where it is one of the others and those are. */
export function nitroPcrRule(
  { pcrs }: Pick<NitroPolicy, 'pcrs'>,
  index: number,
): NitroPcrRule | 'unused' {
  if (pcrs === 'any') return 'any';
  return pcrs[`${index}`] ?? pcrs.others ?? 'unused';
}
