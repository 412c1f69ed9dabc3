/** The reference file: values of one release and the signatures of those who built it, as strict JSON (docs/reference.md). */
import { type Bytes, fromUtf8, toBase64, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoded,
  type Decoder,
  hexBytes,
  nullable,
  object,
  oneOf,
  parseJson,
  shapeError,
  text,
  unixTime,
  version,
} from '../json.ts';
import { fingerprintOf } from './key.ts';
import { measuredOf, type ReferenceValues } from './values.ts';

export const maxSignatures = 32;
/** 32 signatures with the longest texts have less. */
export const maxReferenceLength = 64 * 1024;

/** Of products, releases and builders. */
export const shortText = text(
  /^[\x20-\x7e]{1,100}$/,
  'a text of 1 to 100 printable ASCII characters',
);
const sourceText = text(/^[\x20-\x7e]{1,500}$/, 'a text of 1 to 500 printable ASCII characters');

/** Lower-case hex of so many bytes, kept as text: values are compared and shown as such. */
const digest = (length: number): Decoder<string> => {
  const bytes = hexBytes(length);
  return (value, path) => toHex(bytes(value, path));
};

const signatureShape = object({
  /** What the signer calls itself. Whom the key belongs to is for the reader's policy to say. */
  builder: shortText,
  /** What it built from, such as a revision or a flake reference. */
  source: sourceText,
  /** Fingerprint: 32 bytes, hex */
  key: digest(32),
  /** SubjectPublicKeyInfo, DER, base64 */
  publicKey: base64Bytes,
  /** ECDSA P-256 with SHA-256: r ‖ s, 64 bytes, base64 */
  signature: base64Bytes,
});

const aSignature: Decoder<Decoded<typeof signatureShape>> = (value, path) => {
  const found = signatureShape(value, path);
  const fingerprint = fingerprintOf(found.publicKey, `${path}.publicKey`);
  if (fingerprint !== found.key) {
    throw new AttestationError(
      'value-out-of-range',
      `${path}.key: ${found.key} is not the fingerprint of the public key beside it, ${fingerprint}`,
    );
  }
  if (found.signature.length !== 64) {
    throw new AttestationError(
      'signature-malformed',
      `${path}.signature: expected 64 bytes (r and s), got ${found.signature.length}`,
    );
  }
  return found;
};

/** A builder's signature over values, with who the builder says it is. */
export type ReferenceSignature = Decoded<typeof signatureShape>;

const validityShape = object({ from: unixTime, until: unixTime });
const validity: typeof validityShape = (value, path) => {
  const found = validityShape(value, path);
  if (found.from >= found.until)
    throw shapeError(`${path}.until`, `a time after ${found.from}`, found.until);
  return found;
};

const signatureList = arrayOf(aSignature, { max: maxSignatures });
const signatures: typeof signatureList = (value, path) => {
  const found = signatureList(value, path);
  const keys = found.map(({ key }) => key);
  const again = keys.find((key, index) => keys.indexOf(key) !== index);
  if (again !== undefined) {
    throw new AttestationError('value-out-of-range', `${path}: key ${again} signs twice`);
  }
  return found;
};

const head = { version: version(1), name: shortText, release: shortText };
const tail = { closureDigest: digest(32), validity, signatures };

const platform = oneOf('sev-snp', 'tdx');
const snpShape = object({ ...head, platform, measurement: digest(48), ...tail });
const tdxShape = object({
  ...head,
  platform: oneOf('tdx'),
  mrTd: digest(48),
  rtmr0: digest(48),
  rtmr1: digest(48),
  rtmr2: digest(48),
  rtmr3: nullable(digest(48)),
  ...tail,
});

export type ReferenceFile = {
  values: ReferenceValues;
  /** Of as many keys; none when nobody has signed yet. */
  signatures: readonly ReferenceSignature[];
};

/** @throws AttestationError `json-shape`, `version-unknown`, `hex-malformed`, `base64-malformed`, `signature-malformed`, `value-out-of-range` */
export function toReference(document: unknown): ReferenceFile {
  const isTdx =
    typeof document === 'object' &&
    document !== null &&
    'platform' in document &&
    document.platform === 'tdx';
  if (isTdx) {
    const { version: _, signatures: signed, ...values } = tdxShape(document, 'reference');
    return { values, signatures: signed };
  }
  // Whatever names another platform is refused by this shape, which then says what there is.
  const { version: _, signatures: signed, ...values } = snpShape(document, 'reference');
  return { values: { ...values, platform: 'sev-snp' }, signatures: signed };
}

/** @throws AttestationError as `toReference`, and `too-large`, `utf8-malformed`, `json-malformed` */
export function parseReference(bytes: Bytes): ReferenceFile {
  if (bytes.length > maxReferenceLength) {
    throw new AttestationError(
      'too-large',
      `reference: ${bytes.length} bytes, at most ${maxReferenceLength} are allowed`,
    );
  }
  return toReference(parseJson(fromUtf8(bytes, 'reference'), 'reference'));
}

/** The text of the file, indented. @throws what `toReference` throws, for values and signatures that no file can hold */
export function encodeReference({ values, signatures: signed }: ReferenceFile): string {
  const { name, release, closureDigest, validity: when } = values;
  const document = {
    version: 1,
    name,
    release,
    platform: values.platform,
    ...Object.fromEntries(measuredOf(values)),
    closureDigest,
    validity: { from: when.from, until: when.until },
    signatures: signed.map(({ builder, source, key, publicKey, signature }) => ({
      builder,
      source,
      key,
      publicKey: toBase64(publicKey),
      signature: toBase64(signature),
    })),
  };
  toReference(document);
  return `${JSON.stringify(document, null, 2)}\n`;
}
