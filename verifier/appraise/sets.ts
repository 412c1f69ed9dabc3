/** Decoders that policies share: sets, values as hex text, switches. */
import { toHex } from '../bytes.ts';
import {
  arrayOf,
  type Decoder,
  described,
  hexBytes,
  oneOf,
  schemaOf,
  shapeError,
} from '../json.ts';

/** Lower-case hex of a fixed number of bytes, kept as text: values are compared and shown as such. */
export function hexText(length: number): Decoder<string> {
  const bytes = hexBytes(length);
  const decode: Decoder<string> = (value, path) => toHex(bytes(value, path));
  return described(decode, () => schemaOf(bytes));
}

/** A non-empty set, each element once. */
export function setOf<T>(element: Decoder<T>): Decoder<T[]> {
  const list = arrayOf(element, { min: 1, max: 10_000 });
  const decode: Decoder<T[]> = (value, path) => {
    const found = list(value, path);
    if (new Set(found).size !== found.length) throw shapeError(path, 'each value once', value);
    return found;
  };
  return described(decode, () => ({ ...schemaOf(list), uniqueItems: true }));
}

/** What widens a machine's exposure. */
export const feature = oneOf('refused', 'allowed');
/** What protects it. */
export const protection = oneOf('required', 'any');

/** A set that may be empty: nothing is asked. */
export function listOf<T>(element: Decoder<T>): Decoder<T[]> {
  const set = setOf(element);
  const decode: Decoder<T[]> = (value, path) =>
    Array.isArray(value) && value.length === 0 ? [] : set(value, path);
  return described(decode, () => ({ ...schemaOf(set), minItems: 0 }));
}
