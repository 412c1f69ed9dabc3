/** The member `tpm` of a policy: what it takes of a TPM's quote. docs/policy.md explains each member. */
import { pcrCount, type TpmHash, tpmHashes, tpmHashNames } from '../abi/tpm/hash.ts';
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
} from '../json.ts';
import { type RegisterRule, registerRule } from './register-policy.ts';
import { hexText, protection, setOf } from './sets.ts';

const indices = Array.from({ length: pcrCount }, (_, index) => String(index));

/** By index, `0` to `23`. Either all of them stand there, or `others` does, for those that do not. */
export type BankPolicy = { readonly [index: string]: RegisterRule } & { others?: 'any' };

function bank(hash: TpmHash): Decoder<BankPolicy> {
  const rule = registerRule(tpmHashes[hash].length);
  const registers = Object.fromEntries(indices.map((index) => [index, optional(rule)]));
  const shape = object({ ...registers, others: optional(oneOf('any')) });
  const decode: Decoder<BankPolicy> = (value, path) => {
    const found = shape(value, path) as BankPolicy;
    const missing = indices.find((index) => !Object.hasOwn(found, index));
    if (missing !== undefined && found.others === undefined) {
      throw shapeError(path, `all of 0 to ${pcrCount - 1}, or others "any"`, `no ${missing}`);
    }
    return found;
  };
  return described(decode, () => ({
    ...schemaOf(shape),
    anyOf: [
      { properties: {}, required: ['others'] },
      { properties: {}, required: indices },
    ],
  }));
}

const bankSet = object(
  Object.fromEntries(tpmHashNames.map((hash) => [hash, optional(bank(hash))])) as Record<
    TpmHash,
    ReturnType<typeof optional<BankPolicy>>
  >,
);
const someBank: typeof bankSet = described(
  (value: unknown, path: string) => {
    const found = bankSet(value, path);
    if (Object.keys(found).length === 0)
      throw shapeError(path, 'at least one bank, or "any"', 'none');
    return found;
  },
  () => ({ ...schemaOf(bankSet), minProperties: 1 }),
);

/** How the key that signed the quote is known to be a TPM's. */
export const tpmKeys = ['certificate', 'trusted', 'hcl'] as const;

export const tpmPolicy = object({
  key: setOf(oneOf(...tpmKeys)),
  /** Whose TPMs: who certified the key. */
  provider: anyOr(setOf(oneOf('google', 'azure'))),
  /** The quote's firmwareVersion, 16 hex digits. */
  firmware: anyOr(setOf(hexText(8))),
  /** Every bank that stands here must be quoted and fit. */
  pcrs: anyOr(someBank),
  eventLog: protection,
  secureBoot: protection,
});

export type TpmPolicy = Decoded<typeof tpmPolicy>;

/** The rules that ask something, in the order of banks and indices. */
export function askedRegisters({
  pcrs,
}: Pick<TpmPolicy, 'pcrs'>): { hash: TpmHash; index: number; rule: RegisterRule }[] {
  if (pcrs === 'any') return [];
  return tpmHashNames.flatMap((hash) =>
    indices.flatMap((name) => {
      const rule = pcrs[hash]?.[name];
      return rule === undefined || rule === 'any' ? [] : [{ hash, index: Number(name), rule }];
    }),
  );
}
