/**
 * One error type for everything that is wrong with what we were given. Codes are API; messages are not.
 * A mistake of our own caller (wrong type, impossible argument) is a TypeError or RangeError instead.
 */

/** Every code, with what it means and what a person does next. `docs/errors.md` is written from this table. */
export const errorCatalogue = {
  'hex-malformed': {
    means: 'Text that should be lower-case hex of an exact length is not.',
    remedy: 'Write lower-case hex digits without 0x and with the stated number of bytes.',
  },
  'base64-malformed': {
    means: 'Text that should be standard, padded base64 is not.',
    remedy: 'Encode with the standard alphabet and padding; URL-safe base64 is refused.',
  },
  'utf8-malformed': {
    means: 'Bytes that should be UTF-8 text are not.',
    remedy: 'Check that the file is the text file it should be.',
  },
  'json-malformed': {
    means: 'The text is not JSON, or holds a member twice.',
    remedy:
      'Check that the file or answer is the JSON document it should be, complete and unedited.',
  },
  'json-shape': {
    means: 'A JSON document has a missing, unknown or wrongly typed member.',
    remedy:
      'Compare the named member with docs/formats.md; unknown members are refused on purpose.',
  },
  'version-unknown': {
    means: 'A format or report version that this release does not know.',
    remedy: 'Update affidavit, or have the sender write a version that is supported.',
  },
  'length-wrong': {
    means: 'Binary data is shorter or longer than its format says.',
    remedy: 'Pass the raw bytes, whole and with nothing before or after them.',
  },
  'reserved-not-zero': {
    means: 'Bits that the specification reserves are set.',
    remedy: 'The data is damaged, or from firmware newer than this release: update affidavit.',
  },
  'value-out-of-range': {
    means: 'A field holds a value that its specification does not allow.',
    remedy: 'The data is damaged or was made by software that does not follow the specification.',
  },
  'field-not-canonical': {
    means: 'A BN254 field element is not below the field order.',
    remedy: 'Write each field element as the 32-byte integer below the order; it is never reduced.',
  },
  'pem-malformed': {
    means: 'A PEM file has no usable block, or an unexpected one.',
    remedy: 'Pass CERTIFICATE (or X509 CRL) blocks, or the DER bytes themselves.',
  },
  'der-malformed': {
    means: 'The bytes are not strict DER.',
    remedy: 'The certificate or CRL is damaged; fetch it again from its issuer.',
  },
  'protobuf-malformed': {
    means: 'The bytes are not strict protobuf, or hold an unknown, repeated or missing field.',
    remedy: 'Write the message again with the schema that the form names, and pass it unchanged.',
  },
  'cbor-malformed': {
    means:
      'The bytes are not CBOR of the form that is read, or hold an unknown, repeated or missing member.',
    remedy:
      'Pass the bytes as their maker wrote them, whole: the token or document is damaged, or of another form.',
  },
  'token-malformed': {
    means: 'The text or bytes are no signed token of the form that is read: JWT or CWT, ES256.',
    remedy: 'Pass the token whole and unedited; docs/tokens.md says what is read.',
  },
  'token-key-unknown': {
    means: 'The token names a key that is not in the JWKS.',
    remedy:
      'Fetch the JWKS of the verifier that you trust again; never take keys from the token’s sender.',
  },
  'token-false': {
    means: 'The token was not signed by the key that it names, or was altered since.',
    remedy: 'Ask the verifier for a new token.',
  },
  'token-expired': {
    means: 'The token does not hold at this time: it has expired, or is from the future.',
    remedy: 'Ask for a new token, and compare the clocks; --at checks for another time.',
  },
  'token-nonce': {
    means: 'The token does not answer your nonce.',
    remedy: 'Ask for a token for your own nonce: this one may be a recording.',
  },
  'form-unknown': {
    means: 'The bytes are none of the forms that evidence comes in.',
    remedy: 'Check that this is the right file; docs/formats.md lists the forms that are read.',
  },
  'certificate-profile': {
    means: 'A certificate or CRL is well-formed but not of the profile its vendor issues.',
    remedy:
      'Check that each file is what its option asks for (VCEK or VLEK, ASK or ASVK, ARK, CRL; PCK, PCK CA, TCB signing, Intel root).',
  },
  'closure-malformed': {
    means: 'A closure manifest or registration file breaks its format.',
    remedy: 'Make it again with nix (closureInfo) and pass it unchanged.',
  },
  'log-malformed': {
    means: 'The event log breaks its format or its order rules.',
    remedy: 'The evidence was edited or made by a faulty agent; fetch it again.',
  },
  'tree-key-collision': {
    means: 'Two services share a key, or the low 64 bits of their keys.',
    remedy: 'Rename one of the two services.',
  },
  'proof-malformed': {
    means: 'A tree proof is not in its one canonical form.',
    remedy: 'Fetch the proof again from the agent.',
  },
  'proof-false': {
    means: 'A tree proof is well-formed but does not prove what was asked, under the given root.',
    remedy: 'Ask the agent for the proof of this very name and tree root; else do not believe it.',
  },
  'too-large': {
    means: 'Input is larger than its format allows.',
    remedy: 'Check that this is the right file or URL.',
  },
  'signature-malformed': {
    means: 'A signature or public key is not in its canonical form.',
    remedy: 'The signer does not follow the protocol: r and s in range, s in the lower half.',
  },
  'signature-false': {
    means: 'A response was not signed by the key that it should be, or was altered since.',
    remedy: 'Use the response as the service gave it, with the evidence of the same boot.',
  },
} as const satisfies Record<string, { means: string; remedy: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

export class AttestationError extends Error {
  readonly code: ErrorCode;

  /** @param message what happened and what was expected, one line, no trailing full stop needed */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AttestationError';
    this.code = code;
  }

  /** What a person does next. */
  get remedy(): string {
    return errorCatalogue[this.code].remedy;
  }
}
