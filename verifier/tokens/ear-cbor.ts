/** The claims of a token in CBOR: names are numbers, tiers are numbers, base64url is bytes. */
import type { CborKey, CborMap, CborValue } from '../abi/cbor.ts';
import { quote } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { aspects } from './aspects.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { type EarAppraisal, type EarClaims, toEar } from './ear.ts';
import { type Tier, tiers } from './vector.ts';

/** Claim names and their CBOR keys (RFC 8392, RFC 9711, draft-ietf-rats-ear). */
const claimKeys = {
  exp: 4,
  iat: 6,
  eat_nonce: 10,
  eat_profile: 265,
  submods: 266,
  'ear.raw-evidence': 1002,
  'ear.verifier-id': 1004,
} as const satisfies Record<keyof EarClaims, number>;
const appraisalKeys = {
  'ear.status': 1000,
  'ear.trustworthiness-vector': 1001,
  'ear.appraisal-policy-id': 1003,
} as const satisfies Record<keyof EarAppraisal, number>;
const verifierKeys = { developer: 0, build: 1 } as const;
const vectorKeys: Keys = Object.fromEntries(aspects.map((aspect, key) => [aspect, key]));

type Keys = Readonly<Record<string, number>>;
type Translate<From, To> = (name: string, value: From) => To;

/** A JSON object as a map by number. */
function toMap(value: object, keys: Keys, inner: Translate<unknown, CborValue>): CborMap {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return new Map(entries.map(([name, member]) => [keys[name] as number, inner(name, member)]));
}

/** The way back. @throws AttestationError `token-malformed` */
function fromMap(value: CborValue, keys: Keys, inner: Translate<CborValue, unknown>): object {
  const known = new Map<CborKey, string>(Object.entries(keys).map(([name, key]) => [key, name]));
  return Object.fromEntries(
    [...aMap(value)].map(([key, member]) => {
      const name = known.get(key);
      if (name === undefined)
        throw malformed(`claim ${typeof key === 'number' ? key : quote(key)} is not known`);
      return [name, inner(name, member)];
    }),
  );
}

function aMap(value: CborValue): CborMap {
  if (!(value instanceof Map)) throw malformed('a map was expected');
  return value as CborMap;
}

function malformed(problem: string): AttestationError {
  return new AttestationError('token-malformed', `claims: ${problem}`);
}

const same = <T>(_: string, value: T): T => value;

export function earToCbor(claims: EarClaims): CborMap {
  return toMap(claims, claimKeys, (name, value): CborValue => {
    if (name === 'eat_nonce' || name === 'ear.raw-evidence')
      return fromBase64Url(value as string, name);
    if (name === 'ear.verifier-id') return toMap(value as object, verifierKeys, asCbor);
    if (name !== 'submods') return value as CborValue;
    const all = Object.entries(value as EarClaims['submods']);
    return new Map(all.map(([label, one]) => [label, toMap(one, appraisalKeys, appraisalToCbor)]));
  });
}

const asCbor: Translate<unknown, CborValue> = (_, value) => value as CborValue;

function appraisalToCbor(name: string, value: unknown): CborValue {
  if (name === 'ear.status') return tiers[value as Tier];
  if (name === 'ear.trustworthiness-vector') return toMap(value as object, vectorKeys, asCbor);
  return value as CborValue;
}

/** @throws AttestationError `token-malformed`, and as `toEar` */
export function earFromCbor(value: CborValue): EarClaims {
  return toEar(
    fromMap(value, claimKeys, (name, member) => {
      if (name === 'eat_nonce' || name === 'ear.raw-evidence') {
        if (!(member instanceof Uint8Array)) throw malformed(`${name} should be bytes`);
        return toBase64Url(member);
      }
      if (name === 'ear.verifier-id') return fromMap(member, verifierKeys, same);
      if (name !== 'submods') return member;
      const all = [...aMap(member)].map(([label, one]) => {
        if (typeof label !== 'string') throw malformed('a submodule has no name');
        return [label, fromMap(one, appraisalKeys, appraisalFromCbor)] as const;
      });
      return Object.fromEntries(all);
    }),
  );
}

function appraisalFromCbor(name: string, value: CborValue): unknown {
  if (name === 'ear.status')
    return Object.entries(tiers).find(([, number]) => number === value)?.[0] ?? value;
  return name === 'ear.trustworthiness-vector' ? fromMap(value, vectorKeys, same) : value;
}
