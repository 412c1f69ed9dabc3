/**
 * What Bob demands of an attestation that he does not see, from strict JSON: his policy for linked proofs. Every member is written
 * out: silence is refusal. docs/linked-proofs.md explains each member.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { serviceName } from '#verifier/abi/service.ts';
import { snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, concat, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { fieldFromBytes } from '#verifier/field.ts';
import {
  anyOr,
  arrayOf,
  canonicalJson,
  type Decoded,
  type Decoder,
  hexBytes,
  integer,
  object,
  oneOf,
  parseJson,
  shapeError,
  text,
  unixTime,
  version,
} from '#verifier/json.ts';
import { tag } from '#verifier/tags.ts';

/** Of one list of sets; each root that a key may be in is tried. */
export const maxSets = 16;
const maxServices = 1000;

/** Lower-case hex of a field, kept as text. */
const fieldText: Decoder<string> = (value, path) => {
  const bytes = hexBytes(32)(value, path);
  fieldFromBytes(bytes, path);
  return toHex(bytes);
};

const nonceText: Decoder<string> = (value, path) => toHex(hexBytes(32)(value, path));

/** A set by its root, and the last second at which it counts. */
const set = object({ root: fieldText, until: unixTime });
export type SetDemand = Decoded<typeof set>;

const setList = arrayOf(set, { min: 1, max: maxSets });
const sets: Decoder<SetDemand[]> = (value, path) => {
  const found = setList(value, path);
  refuseRepeats(
    found.map(({ root }) => root),
    path,
    'each root once',
  );
  return found;
};

/** Some of these names, each once. */
function listOf<const T extends string>(names: readonly T[]): Decoder<T[]> {
  const list = arrayOf(oneOf(...names), { min: 1, max: names.length });
  return (value, path) => {
    const found = list(value, path);
    refuseRepeats(found, path, 'each name once');
    return found;
  };
}

const seconds = integer(0, 10 ** 10);
/** A key that Intel's PCK CA certified. */
const pckCa = object({ kind: oneOf('pck-ca'), maxAge: seconds });
/** One that AMD certified: of these products, and a chip's own (VCEK) or a cloud's (VLEK). */
const amd = object({
  kind: oneOf('amd'),
  maxAge: seconds,
  products: listOf(snpProducts),
  kinds: listOf(['vcek', 'vlek'] as const),
});
/** One of a set. */
const veks = object({ kind: oneOf('veks'), roots: sets });
/** One whose certificate, and so its chip, is shown. */
const shown = object({ kind: oneOf('shown'), vendors: listOf(['amd', 'intel'] as const) });

const keyDemands = { 'pck-ca': pckCa, amd, veks, shown } as const;
type KeyKind = keyof typeof keyDemands;
export type KeyDemand = { [K in KeyKind]: Decoded<(typeof keyDemands)[K]> }[KeyKind];

const keyKinds = Object.keys(keyDemands) as KeyKind[];
const keyKind = oneOf(...keyKinds);
const keyDemand: Decoder<KeyDemand> = (value, path) => {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : null;
  return keyDemands[keyKind(kind, `${path}.kind`)](value, path);
};
const keyList = arrayOf(keyDemand, { min: 1, max: keyKinds.length });
const keys: Decoder<KeyDemand[]> = (value, path) => {
  const found = keyList(value, path);
  refuseRepeats(
    found.map(({ kind }) => kind),
    path,
    'each kind once',
  );
  return found;
};

/** About the checker's own clock. */
const window = object({ maxAge: seconds, maxFuture: seconds });
export type Window = Decoded<typeof window>;

const shownPart = oneOf('nonce', 'time', 'requestHash');
export type ShownPartName = Decoded<typeof shownPart>;
const shownList = arrayOf(shownPart, { max: 3 });
const mustShow: Decoder<ShownPartName[]> = (value, path) => {
  const found = shownList(value, path);
  refuseRepeats(found, path, 'each part once');
  return found;
};

const serviceList = arrayOf(serviceName, { min: 1, max: maxServices });
const services: Decoder<string[]> = (value, path) => {
  const found = serviceList(value, path);
  refuseRepeats(found, path, 'each service once');
  return found;
};

const nonce: Decoder<string> = (value, path) =>
  value === 'guest-clock' ? 'guest-clock' : nonceText(value, path);

const members = object({
  version: version(1),
  name: text(/^[\x20-\x7e]{1,100}$/, 'a name of 1 to 100 printable ASCII characters'),
  accepted: sets,
  levels: sets,
  revoked: sets,
  /** How the machine's key may be vouched for. */
  key: keys,
  /** The file's [epochMin, epochMax] lies within it. */
  epoch: window,
  /** 32 bytes, hex: the checker's own or a beacon's; or `guest-clock`, and the age is the guest's word. */
  attestationNonce: nonce,
  services: anyOr(services),
  /** What response-text must not hide; response hides nothing of it. */
  mustShow,
  /** Of the service's clock; a window asks that the time is shown. */
  responseTime: anyOr(window),
  /** Who sees to it that a nonce counts once: the register that the caller brings, or the caller himself. */
  challenge: oneOf('register', 'caller'),
});

export type Demands = Decoded<typeof members>;

/**
 * @throws AttestationError `utf8-malformed`, `too-large`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 *   `field-not-canonical`
 */
export function parseDemands(bytes: Bytes): Demands {
  return members(parseJson(fromUtf8(bytes, 'demands'), 'demands'), 'demands');
}

/** policy = SHA-256(tag(policy) ‖ the demands as RFC 8785 JSON) */
export function demandsDigest(demands: Demands): Bytes {
  return sha256(concat(tag('policy'), utf8(canonicalJson(demands))));
}

function refuseRepeats(values: readonly string[], path: string, expected: string): void {
  if (new Set(values).size !== values.length) throw shapeError(path, expected, values.join(', '));
}
