/**
 * XML Signature in the one profile of NVIDIA's manifests: one enveloped signature of the whole document, Canonical XML 1.1,
 * SHA-384, ECDSA P-384. Nothing in it chooses what is signed or how: every algorithm, the transforms and the empty reference are
 * compared, so that what is read from the document is what the signature covers.
 */
import { sha384 } from '@noble/hashes/sha2.js';
import { type Bytes, equalBytes, fromBase64, quote } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { canonicalXml } from './canonical.ts';
import type { XmlElement } from './parse.ts';

export const dsigUri = 'http://www.w3.org/2000/09/xmldsig#';

const algorithms = {
  canonical: 'http://www.w3.org/2006/12/xml-c14n11',
  signature: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384',
  digest: 'http://www.w3.org/2001/04/xmldsig-more#sha384',
  enveloped: 'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
} as const;

export type XmlSignature = {
  /** What the key signs: the canonical form of SignedInfo. */
  signedInfo: Bytes;
  /** r ‖ s, 48 bytes each. */
  value: Bytes;
  /** Whether the document is the one that SignedInfo speaks of. */
  digestFits: boolean;
  /** DER, as they stand in KeyInfo: no signature covers them. */
  certificates: readonly Bytes[];
  /** The element, which is no part of what the document says. */
  element: XmlElement;
};

const maxCertificates = 8;

/** @throws AttestationError `signature-malformed`, `base64-malformed` */
export function readXmlSignature(root: XmlElement, what: string): XmlSignature {
  const fail = (problem: string): never => {
    throw new AttestationError('signature-malformed', `${what}: ${problem}`);
  };
  const element = onlySignature(root, fail);
  const [signedInfo, signatureValue, keyInfo] = childrenOf(
    element,
    ['SignedInfo', 'SignatureValue', 'KeyInfo'],
    fail,
  ) as [XmlElement, XmlElement, XmlElement];
  const digest = digestIn(signedInfo, what, fail);
  const value = base64In(signatureValue, what, fail);
  if (value.length !== 96) fail(`a P-384 signature has 96 bytes, this one ${value.length}`);
  return {
    signedInfo: canonicalXml(signedInfo),
    value,
    digestFits: equalBytes(sha384(canonicalXml(root, element)), digest),
    certificates: certificatesIn(keyInfo, what, fail),
    element,
  };
}

type Fail = (problem: string) => never;

/** A child of the root, and the only element of its namespace that is not inside it: there is nothing to move or to confuse. */
function onlySignature(root: XmlElement, fail: Fail): XmlElement {
  const outermost = (element: XmlElement): XmlElement[] =>
    element.uri === dsigUri ? [element] : elementsOf(element).flatMap(outermost);
  const [found, ...others] = outermost(root);
  if (found === undefined || others.length > 0) fail('there should be exactly one signature');
  const signature = found as XmlElement;
  if (signature.local !== 'Signature' || !root.children.includes(signature))
    fail('the signature should be a child of the root element');
  return signature;
}

export function elementsOf({ children }: XmlElement): XmlElement[] {
  return children.filter((child) => typeof child !== 'string');
}

function blank(text: string): boolean {
  return !/[^ \t\n]/.test(text);
}

/** The elements in an element of the signature, by name and order; between them white space alone. */
function childrenOf(parent: XmlElement, names: readonly string[], fail: Fail): XmlElement[] {
  const stray = parent.children.some((child) => typeof child === 'string' && !blank(child));
  if (stray) fail(`there is text in ${parent.local}`);
  if (parent.attributes.length > 0) fail(`${parent.local} should have no attributes`);
  return named(elementsOf(parent), names, parent.local, fail);
}

function named(
  found: XmlElement[],
  names: readonly string[],
  where: string,
  fail: Fail,
): XmlElement[] {
  const fits =
    found.length === names.length &&
    found.every(({ uri, local }, place) => uri === dsigUri && local === names[place]);
  if (!fits) fail(`${where} should hold ${names.join(', ')}`);
  return found;
}

/** DigestValue of the one reference, when all beside it is what the profile says. */
function digestIn(signedInfo: XmlElement, what: string, fail: Fail): Bytes {
  const [canonicalization, method, reference] = childrenOf(
    signedInfo,
    ['CanonicalizationMethod', 'SignatureMethod', 'Reference'],
    fail,
  ) as [XmlElement, XmlElement, XmlElement];
  algorithm(canonicalization, algorithms.canonical, fail);
  algorithm(method, algorithms.signature, fail);
  attribute(reference, 'URI', '', fail);
  const bare = { ...reference, attributes: [] };
  const [transforms, digestMethod, digestValue] = childrenOf(
    bare,
    ['Transforms', 'DigestMethod', 'DigestValue'],
    fail,
  ) as [XmlElement, XmlElement, XmlElement];
  const [enveloped, canonical] = childrenOf(transforms, ['Transform', 'Transform'], fail) as [
    XmlElement,
    XmlElement,
  ];
  algorithm(enveloped, algorithms.enveloped, fail);
  algorithm(canonical, algorithms.canonical, fail);
  algorithm(digestMethod, algorithms.digest, fail);
  return base64In(digestValue, what, fail);
}

/** An empty element whose one attribute is the algorithm: parameters would change what it does. */
function algorithm(element: XmlElement, wanted: string, fail: Fail): void {
  attribute(element, 'Algorithm', wanted, fail);
  if (element.children.some((child) => typeof child !== 'string' || !blank(child)))
    fail(`${element.local} should be empty`);
}

function attribute(
  { local, attributes }: XmlElement,
  name: string,
  wanted: string,
  fail: Fail,
): void {
  const [first, ...others] = attributes;
  if (first?.uri !== '' || first.local !== name || others.length > 0)
    fail(`${local} should have ${name} and no other attribute`);
  if (first?.value !== wanted)
    fail(`${name} of ${local} should be ${quote(wanted)}, got ${quote(first?.value ?? '')}`);
}

function base64In(element: XmlElement, what: string, fail: Fail): Bytes {
  if (element.attributes.length > 0 || elementsOf(element).length > 0)
    fail(`${element.local} should hold base64 alone`);
  const text = element.children.join('').replace(/[ \t\n]/g, '');
  return fromBase64(text, `${what}, ${element.local}`);
}

function certificatesIn(keyInfo: XmlElement, what: string, fail: Fail): Bytes[] {
  const [data] = childrenOf(keyInfo, ['X509Data'], fail) as [XmlElement];
  const count = elementsOf(data).length;
  if (count === 0 || count > maxCertificates)
    fail(`there should be 1 to ${maxCertificates} certificates, got ${count}`);
  const names = new Array<string>(count).fill('X509Certificate');
  return childrenOf(data, names, fail).map((element) => base64In(element, what, fail));
}
