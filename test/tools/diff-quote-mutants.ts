/** What can be changed in a genuine quote without its signing keys, one thing at a time. */
import { bitString, integer, sequence } from '#test/fake/der.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { encodeQuote, parseQuote, type Quote, quoteHeaderLength } from '#verifier/abi/quote.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, toBase64, utf8 } from '#verifier/bytes.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { Sample } from './diff-parties.ts';

export type Mutant = { name: string; sample: Sample };

type Field = readonly [name: string, length: number];

const headerFields: readonly Field[] = [
  ['version', 2],
  ['attestationKeyType', 2],
  ['teeType', 4],
  ['qeSvn', 2],
  ['pceSvn', 2],
  ['qeVendorId', 16],
  ['userData', 20],
];
const descriptorFields: readonly Field[] = [
  ['bodyType', 2],
  ['bodySize', 4],
];
const enclaveFields: readonly Field[] = [
  ['cpuSvn', 16],
  ['miscSelect', 4],
  ['reserved1', 12],
  ['isvExtProdId', 16],
  ['attributes', 16],
  ['mrEnclave', 32],
  ['reserved2', 32],
  ['mrSigner', 32],
  ['reserved3', 32],
  ['configId', 64],
  ['isvProdId', 2],
  ['isvSvn', 2],
  ['configSvn', 2],
  ['reserved4', 42],
  ['isvFamilyId', 16],
  ['reportData', 64],
];
const tdFields: readonly Field[] = [
  ['teeTcbSvn', 16],
  ['mrSeam', 48],
  ['mrSignerSeam', 48],
  ['seamAttributes', 8],
  ['tdAttributes', 8],
  ['xfam', 8],
  ['mrTd', 48],
  ['mrConfigId', 48],
  ['mrOwner', 48],
  ['mrOwnerConfig', 48],
  ['rtmr0', 48],
  ['rtmr1', 48],
  ['rtmr2', 48],
  ['rtmr3', 48],
  ['reportData', 64],
];
const td15Fields: readonly Field[] = [
  ['teeTcbSvn2', 16],
  ['mrServiceTd', 48],
];
const keyFields: readonly Field[] = [
  ['signature.r', 32],
  ['signature.s', 32],
  ['attestationKey.x', 32],
  ['attestationKey.y', 32],
];
const wrapperFields: readonly Field[] = [
  ['certificationType', 2],
  ['certificationSize', 4],
];

const named = (prefix: string, fields: readonly Field[]): Field[] =>
  fields.map(([name, length]) => [`${prefix}.${name}`, length]);

/** Every field of a quote in order, so that each stands where those before it end. */
function layoutOf({ header, body, qeAuthData, certification }: Quote): Field[] {
  const is15 = body.kind === 'tdx' && body.report.teeTcbSvn2 !== null;
  const bodyFields =
    body.kind === 'sgx' ? enclaveFields : [...tdFields, ...(is15 ? td15Fields : [])];
  return [
    ...named('header', headerFields),
    ...(header.version === 5 ? descriptorFields : []),
    ...named('body', bodyFields),
    ['signatureLength', 4],
    ...keyFields,
    ...(header.version === 3 ? [] : wrapperFields),
    ...named('qeReport', enclaveFields),
    ['qeReportSignature.r', 32],
    ['qeReportSignature.s', 32],
    ['qeAuthLength', 2],
    ['qeAuthData', qeAuthData.length],
    ['qeCertificationType', 2],
    ['qeCertificationSize', 4],
    ['qeCertificationData', certification.data.length],
  ];
}

/** @param sample a genuine one */
export function quoteMutants(sample: Sample): Mutant[] {
  const quote = parseQuote(sample.quote);
  const mutants: [string, Bytes][] = [
    ...fieldMutants(sample.quote, quote),
    ...lengthMutants(sample.quote, quote),
    ...signatureMutants(quote),
    ...certificationMutants(quote),
    ...chainMutants(quote),
  ];
  return mutants.map(([name, bytes]) => ({ name, sample: { ...sample, quote: bytes } }));
}

/** The lowest bit of each field's first byte. */
function* fieldMutants(bytes: Bytes, quote: Quote): Generator<[string, Bytes]> {
  let at = 0;
  for (const [name, length] of layoutOf(quote)) {
    yield [`${name}: one bit`, bytes.with(at, (bytes[at] as number) ^ 1)];
    at += length;
  }
}

function* lengthMutants(bytes: Bytes, quote: Quote): Generator<[string, Bytes]> {
  const whole = encodeQuote(quote);
  const extra = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const { version } = quote.header;
  const lengthAt = quote.signedLength;
  yield ['length: without its last byte', whole.subarray(0, -1)];
  yield ['length: half of it', whole.subarray(0, whole.length >> 1)];
  yield ['length: nothing', new Uint8Array()];
  yield ['length: only the header', whole.subarray(0, quoteHeaderLength)];
  yield ['length: no bytes after its end', whole];
  yield ['length: zeros after its end', concat(whole, new Uint8Array(64))];
  yield ['length: other bytes after its end', concat(whole, extra)];
  yield ['length: itself after its end', concat(whole, bytes)];
  yield ['length: bytes before it', concat(extra, whole)];
  const counted = addTo(concat(whole, extra), lengthAt, extra.length);
  yield ['length: 8 counted bytes after the certification data', counted];
  if (version !== 3) {
    const wrapperSizeAt = lengthAt + 4 + 128 + 2;
    yield [
      'length: 8 counted bytes after the nested certification data',
      addTo(counted, wrapperSizeAt, extra.length),
    ];
  }
}

/** A 32-bit number, little-endian. */
function addTo(bytes: Bytes, at: number, value: number): Bytes {
  const changed = new Uint8Array(bytes);
  const view = new DataView(changed.buffer);
  view.setUint32(at, view.getUint32(at, true) + value, true);
  return changed;
}

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other signature that the same key makes valid for the same message: r, n − s. */
export function twinOf(signature: Bytes): Bytes {
  return concat(
    signature.subarray(0, 32),
    bigEndian(order - fromBigEndian(signature.subarray(32)), 32),
  );
}

function* signatureMutants(quote: Quote): Generator<[string, Bytes]> {
  const { signature, qeReportSignature, attestationKey } = quote;
  const zeros = new Uint8Array(64);
  const n = bigEndian(order, 32);
  const half = (bytes: Bytes, index: 0 | 1) => bytes.subarray(32 * index, 32 * index + 32);
  const withSignature = (changed: Bytes) => encodeQuote({ ...quote, signature: changed });
  const withQeSignature = (changed: Bytes) => encodeQuote({ ...quote, qeReportSignature: changed });
  yield ['signature: its twin', withSignature(twinOf(signature))];
  yield ['signature: zero', withSignature(zeros)];
  yield ['signature: r = n', withSignature(concat(n, half(signature, 1)))];
  yield ['signature: s = n', withSignature(concat(half(signature, 0), n))];
  yield [
    'signature: r and s swapped',
    withSignature(concat(half(signature, 1), half(signature, 0))),
  ];
  yield [
    'signature: little-endian',
    withSignature(concat(half(signature, 0).toReversed(), half(signature, 1).toReversed())),
  ];
  yield ['signature: that of the QE report', withSignature(qeReportSignature)];
  yield ['QE report signature: its twin', withQeSignature(twinOf(qeReportSignature))];
  yield ['QE report signature: zero', withQeSignature(zeros)];
  yield ['QE report signature: that of the quote', withQeSignature(signature)];
  yield ['attestation key: zero', encodeQuote({ ...quote, attestationKey: zeros })];
  yield ['attestation key: −y', encodeQuote({ ...quote, attestationKey: negated(attestationKey) })];
}

const prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;

function negated(point: Bytes): Bytes {
  return concat(point.subarray(0, 32), bigEndian(prime - fromBigEndian(point.subarray(32)), 32));
}

function* certificationMutants(quote: Quote): Generator<[string, Bytes]> {
  const { qeAuthData, certification } = quote;
  for (const type of [1, 2, 3, 4, 6, 7]) {
    const typed = encodeQuote({ ...quote, certification: { ...certification, type } });
    yield [`certification: type ${type}`, typed];
  }
  yield ['QE auth data: empty', encodeQuote({ ...quote, qeAuthData: new Uint8Array() })];
  const longer = concat(qeAuthData, Uint8Array.of(0));
  yield ['QE auth data: one byte more', encodeQuote({ ...quote, qeAuthData: longer })];
}

export function pem(der: Bytes, newline = '\n'): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join(newline);
}

function* chainMutants(quote: Quote): Generator<[string, Bytes]> {
  const ders = readPemChain(quote.certification.data, 'PCK chain');
  const [pck, ca, root] = ders as [Bytes, Bytes, Bytes];
  const withData = (data: Bytes) =>
    encodeQuote({ ...quote, certification: { ...quote.certification, data } });
  const withText = (text: string) => withData(utf8(text));
  const withChain = (chain: readonly Bytes[]) => withText(chain.map((der) => pem(der)).join(''));
  const all = ders.map((der) => pem(der)).join('');

  yield ['PCK chain: no byte after it', withText(all)];
  yield ['PCK chain: more zero bytes after it', withText(`${all}\0\0\0\0`)];
  yield ['PCK chain: CR LF', withText(ders.map((der) => pem(der, '\r\n')).join(''))];
  yield ['PCK chain: text before it', withText(`subject=CN=x\n${all}`)];
  yield ['PCK chain: text after it', withText(`${all}end\n`)];
  yield ['PCK chain: text after a zero byte', withText(`${all}\0end`)];
  yield ['PCK chain: spaces inside a certificate', withText(all.replace('\nMII', '\n MII'))];
  yield [
    'PCK chain: another PEM label',
    withText(all.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')),
  ];
  yield ['PCK chain: empty', withText('')];
  yield ['PCK chain: DER', withData(concat(pck, ca, root))];
  yield ['PCK chain: PCK only', withChain([pck])];
  yield ['PCK chain: without the root', withChain([pck, ca])];
  yield ['PCK chain: without the CA', withChain([pck, root])];
  yield ['PCK chain: without the PCK', withChain([ca, root])];
  yield ['PCK chain: root, CA, PCK', withChain([root, ca, pck])];
  yield ['PCK chain: PCK, root, CA', withChain([pck, root, ca])];
  yield ['PCK chain: CA, PCK, root', withChain([ca, pck, root])];
  yield ['PCK chain: root twice', withChain([pck, ca, root, root])];
  yield ['PCK chain: PCK twice', withChain([pck, pck, ca, root])];
  yield ['PCK chain: CA in place of the root', withChain([pck, ca, ca])];
  yield ['PCK chain: PCK with its signature’s twin', withChain([withTwin(pck), ca, root])];
  yield ['PCK chain: CA with its signature’s twin', withChain([pck, withTwin(ca), root])];
  yield ['PCK chain: root with its signature’s twin', withChain([pck, ca, withTwin(root)])];
  for (const [name, index] of [
    ['PCK', 0],
    ['CA', 1],
    ['root', 2],
  ] as const) {
    yield [
      `PCK chain: a bit of the ${name}’s serial`,
      withChain(ders.with(index, inSerial(ders[index] as Bytes))),
    ];
    yield [
      `PCK chain: the ${name}’s last bit`,
      withChain(ders.with(index, flipLast(ders[index] as Bytes))),
    ];
    yield [
      `PCK chain: a byte after the ${name}`,
      withChain(ders.with(index, concat(ders[index] as Bytes, Uint8Array.of(0)))),
    ];
  }
}

export function flipLast(bytes: Bytes): Bytes {
  return bytes.with(-1, (bytes.at(-1) as number) ^ 1);
}

/** A certificate’s serial number begins some 15 bytes in: two headers, the version, a tag and a length. */
function inSerial(der: Bytes): Bytes {
  return der.with(16, (der[16] as number) ^ 1);
}

/** The same certificate with the other signature that is valid over it. */
function withTwin(der: Bytes): Bytes {
  const { tbs, signature } = parseCertificate(der, 'certificate');
  const twin = twinOf(signature);
  const [r, s] = [twin.subarray(0, 32), twin.subarray(32)].map((part) =>
    integer(fromBigEndian(part)),
  );
  // The outer header has four bytes, and the algorithm (ecdsa-with-SHA256) twelve.
  const algorithm = der.subarray(4 + tbs.length, 4 + tbs.length + 12);
  return sequence(tbs, algorithm, bitString(sequence(r as Bytes, s as Bytes)));
}
