/** How one kind of entry is read, written and hashed, and what the forms of both vendors share. */
import { toHex } from '#verifier/bytes.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '#verifier/field.ts';
import { type Decoder, hexBytes } from '#verifier/json.ts';

export type EntryFormat<T> = {
  readonly decode: Decoder<T>;
  /** Members in the order of the file. */
  readonly toJson: (entry: T) => Record<string, unknown>;
  readonly element: (entry: T) => Field;
};

export const fieldHex: Decoder<Field> = (value, path) =>
  fieldFromBytes(hexBytes(32)(value, path), path);

export function hexOfField(field: Field): string {
  return toHex(fieldToBytes(field));
}

/**
 * Entries of two forms, told apart by one member that every entry of the first has and none of the second: what has it is read as
 * the first, all else as the second, each strictly, so that no entry is both.
 */
export function either<M extends string, A extends { readonly [K in M]: unknown }, B>(
  member: M,
  first: EntryFormat<A>,
  second: EntryFormat<B>,
): EntryFormat<A | B> {
  const isFirst = (entry: A | B): entry is A => has(entry, member);
  return {
    decode: (value, path) => (has(value, member) ? first : second).decode(value, path),
    toJson: (entry) => (isFirst(entry) ? first.toJson(entry) : second.toJson(entry)),
    element: (entry) => (isFirst(entry) ? first.element(entry) : second.element(entry)),
  };
}

function has(value: unknown, member: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, member);
}
