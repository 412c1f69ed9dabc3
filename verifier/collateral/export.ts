/** Collateral on its way to a machine without network: in a bundle, or as a file of its own. */
import { type Bundle, collateralKinds, encodeBundle, parseBundle } from '../abi/bundle.ts';
import { type Bytes, fromUtf8, toBase64, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoder,
  object,
  oneOf,
  parseJson,
  shapeError,
  text,
  unixTime,
  version,
} from '../json.ts';
import { objectOfName } from './object-name.ts';
import { objectName, type StoredObject, type VendorObject } from './vendor-object.ts';

/** 32 MiB: more than a thousand of the largest lists. */
export const maxCollateralFileLength = 32 * 1024 * 1024;
const maxObjects = 1024;
/** An object, who signed it, and the root. */
const maxItems = 8;

/** An object and what it is. */
export type NamedObject = { object: VendorObject; stored: StoredObject };

const name: Decoder<VendorObject> = (value, path) => {
  const found = typeof value === 'string' ? objectOfName(value) : null;
  if (found === null) throw shapeError(path, 'the name of an object of AMD’s or Intel’s', value);
  return found;
};

const fileShape = object({
  version: version(1),
  objects: arrayOf(
    object({
      name,
      items: arrayOf(object({ kind: oneOf(...collateralKinds), data: base64Bytes }), {
        min: 1,
        max: maxItems,
      }),
      signers: arrayOf(base64Bytes, { max: maxItems }),
      fetched: unixTime,
      source: text(/^[\x20-\x7e]{0,2048}$/, 'printable ASCII, 2048 characters at most'),
    }),
    { max: maxObjects },
  ),
});

/** `{"version":1,"objects":[{"name","items":[{"kind","data"}],"signers","fetched","source"}]}`, each object once. */
export function encodeCollateralFile(objects: readonly NamedObject[]): string {
  return JSON.stringify({
    version: 1,
    objects: objects.map(({ object: of, stored: { items, signers, fetched, source } }) => ({
      name: objectName(of),
      items: items.map(({ kind, data }) => ({ kind, data: toBase64(data) })),
      signers: signers.map(toBase64),
      fetched,
      source,
    })),
  });
}

/**
 * Nothing in it is believed: each object is to be accepted like an answer (accept.ts).
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `base64-malformed`
 */
export function parseCollateralFile(bytes: Bytes): NamedObject[] {
  const what = 'collateral file';
  if (bytes.length > maxCollateralFileLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${maxCollateralFileLength} (32 MiB) are allowed`,
    );
  }
  const { objects } = fileShape(parseJson(fromUtf8(bytes, what), what), what);
  const seen = new Set<string>();
  return objects.map(({ name: of, ...stored }, index) => {
    const own = objectName(of);
    const path = `${what}.objects[${index}].name`;
    if (seen.has(own)) throw shapeError(path, 'each object once', own);
    seen.add(own);
    return { object: of, stored };
  });
}

/**
 * The bundle with these objects in it. What it carries of the same kinds goes: it is of another machine, out of date, or the same.
 * @throws AttestationError what `parseBundle` throws, of a result too large to be a bundle too
 */
export function completeBundle(bytes: Bytes, found: readonly StoredObject[]): Bytes {
  const bundle: Bundle = parseBundle(bytes);
  const added = found.flatMap(({ items, fetched, source }) =>
    items.map(({ kind, data }) => ({ kind, data, source, fetched })),
  );
  const kinds = new Set(added.map(({ kind }) => kind));
  const kept = bundle.collateral.filter(({ kind }) => !kinds.has(kind));
  const completed = utf8(`${encodeBundle({ ...bundle, collateral: [...added, ...kept] })}\n`);
  // What is written must be what a verifier reads.
  parseBundle(completed);
  return completed;
}
