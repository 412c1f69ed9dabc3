/** What a vendor object says of itself. Nothing is verified here; that is accept.ts. */
import type { CollateralKind } from '../abi/bundle.ts';
import { parseQeIdentity, type SignedQeIdentity } from '../abi/qe-identity.ts';
import { parseTcbInfo, type SignedTcbInfo } from '../abi/tcb-info.ts';
import type { Bytes } from '../bytes.ts';
import {
  type Certificate,
  parseCertificate,
  parseRevocationList,
  type RevocationList,
} from '../chain/x509.ts';
import { AttestationError } from '../errors.ts';
import {
  describeObject,
  type ObjectFacts,
  type StoredObject,
  type VendorObject,
} from './vendor-object.ts';

/** Items and signers of a stored object: what it is made of. */
export type Content = Pick<StoredObject, 'items' | 'signers'>;

/** The items of each kind of object, in this order. */
export const itemKinds = {
  vcek: ['vek'],
  'amd-chain': ['ask', 'ark'],
  'amd-crl': ['ark-crl'],
  'tcb-info': ['tcb-info', 'tcb-signing', 'intel-root'],
  'qe-identity': ['qe-identity', 'qe-identity-signing', 'intel-root'],
  'pck-crl': ['pck-crl'],
  'intel-root-crl': ['intel-root-crl'],
} as const satisfies Record<VendorObject['kind'], readonly CollateralKind[]>;

/** PCK CA and root. */
const pckCrlSigners = 2;

/** An object as the parsers read it. */
export type Parts =
  | { readonly kind: 'vcek'; readonly vek: Certificate }
  | { readonly kind: 'amd-chain'; readonly ask: Certificate; readonly ark: Certificate }
  | { readonly kind: 'amd-crl' | 'intel-root-crl'; readonly list: RevocationList }
  | {
      readonly kind: 'pck-crl';
      readonly list: RevocationList;
      readonly ca: Certificate;
      readonly root: Certificate;
    }
  | ({ readonly kind: 'tcb-info'; readonly document: SignedTcbInfo } & Signer)
  | ({ readonly kind: 'qe-identity'; readonly document: SignedQeIdentity } & Signer);

type Signer = { readonly signer: Certificate; readonly root: Certificate };

/** @throws AttestationError of the parsers; `value-out-of-range` when it is not made of what such an object is made of */
export function readParts(object: VendorObject, { items, signers }: Content): Parts {
  const what = describeObject(object);
  const wanted: readonly CollateralKind[] = itemKinds[object.kind];
  const found = items.map(({ kind }) => kind);
  const signersWanted = object.kind === 'pck-crl' ? pckCrlSigners : 0;
  if (found.join() !== wanted.join() || signers.length !== signersWanted) {
    throw new AttestationError(
      'value-out-of-range',
      `${what}: expected ${wanted.join(', ')} and ${signersWanted} signers, got ${found.join(', ') || 'nothing'} and ${signers.length}`,
    );
  }
  const [first, second, third] = items.map(({ data }) => data) as [Bytes, Bytes, Bytes];
  const certificate = (der: Bytes) => parseCertificate(der, what);
  switch (object.kind) {
    case 'vcek':
      return { kind: object.kind, vek: certificate(first) };
    case 'amd-chain':
      return { kind: object.kind, ask: certificate(first), ark: certificate(second) };
    case 'amd-crl':
    case 'intel-root-crl':
      return { kind: object.kind, list: parseRevocationList(first, what) };
    case 'pck-crl': {
      const [ca, root] = signers.map(certificate) as [Certificate, Certificate];
      return { kind: object.kind, list: parseRevocationList(first, what), ca, root };
    }
    case 'tcb-info':
    case 'qe-identity': {
      const signed = { signer: certificate(second), root: certificate(third) };
      return object.kind === 'tcb-info'
        ? { kind: object.kind, document: parseTcbInfo(first), ...signed }
        : { kind: object.kind, document: parseQeIdentity(first), ...signed };
    }
  }
}

/**
 * Parses only.
 * @throws AttestationError as `readParts`
 */
export function factsOf(object: VendorObject, stored: Content): ObjectFacts {
  return factsOfParts(readParts(object, stored));
}

export function factsOfParts(parts: Parts): ObjectFacts {
  const expires = Math.min(...spansOf(parts).map(({ end }) => end));
  switch (parts.kind) {
    case 'vcek':
      return { issued: parts.vek.notBefore, expires, number: null };
    case 'amd-chain':
      return {
        issued: Math.max(parts.ask.notBefore, parts.ark.notBefore),
        expires,
        number: null,
      };
    case 'amd-crl':
    case 'pck-crl':
    case 'intel-root-crl':
      return { issued: parts.list.thisUpdate, expires, number: parts.list.crlNumber };
    case 'tcb-info':
    case 'qe-identity': {
      const { issueDate, tcbEvaluationDataNumber } = contentOf(parts);
      return { issued: issueDate, expires, number: BigInt(tcbEvaluationDataNumber) };
    }
  }
}

/** When a part of an object holds, both moments included. */
export type Span = { readonly what: string; readonly start: number; readonly end: number };

/** Of all that an object is made of, itself first. */
export function spansOf(parts: Parts): readonly Span[] {
  switch (parts.kind) {
    case 'vcek':
      return [ofCertificate(parts.vek)];
    case 'amd-chain':
      return [ofCertificate(parts.ask), ofCertificate(parts.ark)];
    case 'amd-crl':
    case 'intel-root-crl':
      return [ofList(parts.list)];
    case 'pck-crl':
      return [ofList(parts.list), ofCertificate(parts.ca), ofCertificate(parts.root)];
    case 'tcb-info':
    case 'qe-identity': {
      const { issueDate, nextUpdate } = contentOf(parts);
      const document = { what: 'the document', start: issueDate, end: nextUpdate };
      return [document, ofCertificate(parts.signer), ofCertificate(parts.root)];
    }
  }
}

function contentOf(parts: Extract<Parts, { kind: 'tcb-info' | 'qe-identity' }>) {
  return parts.kind === 'tcb-info' ? parts.document.info : parts.document.identity;
}

function ofCertificate({ commonName, notBefore, notAfter }: Certificate): Span {
  return { what: `the certificate of ${commonName}`, start: notBefore, end: notAfter };
}

function ofList({ thisUpdate, nextUpdate }: RevocationList): Span {
  return { what: 'the list', start: thisUpdate, end: nextUpdate };
}
