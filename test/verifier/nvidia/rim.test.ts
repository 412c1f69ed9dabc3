/** Manifests as they are read: their fields, and every way to write one that is not NVIDIA's. */
import { expect, test } from 'vitest';
import {
  createRimSigner,
  driverRim,
  firmwareRim,
  issueRim,
  type RimPlan,
  rimNow,
  rimSubject,
} from '#test/fake/nvidia-rim.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { looksLikeRim, parseRim } from '#verifier/abi/nvidia/rim.ts';
import { type Bytes, fromUtf8, utf8 } from '#verifier/bytes.ts';
import { rimSections } from '#verifier/show/rim.ts';
import { runRims } from './rim-scene.ts';

const gpu = rimSubject();
const signer = await createRimSigner();
const good = issueRim(signer, driverRim(gpu));
const text = fromUtf8(good, 'manifest');

/** Each edit must change something. */
function edited(...[from, to]: [string | RegExp, string]): Bytes {
  const changed = text.replace(from, to);
  if (changed === text) throw new RangeError(`nothing to change: ${from}`);
  return utf8(changed);
}

/** Signed as it is, whatever it says. */
function issued(change: Partial<RimPlan>): Bytes {
  return issueRim(signer, { ...driverRim(gpu), ...change });
}

test('a driver’s and a firmware’s', () => {
  const driver = parseRim(good);
  expect(driver).toMatchObject({
    kind: 'driver',
    edition: 'gpu',
    product: 'GH100',
    version: '570.124.03',
  });
  expect(driver.measurements.map(({ index }) => index)).toEqual(
    Array.from({ length: 64 }, (_, i) => i),
  );
  const active = driver.measurements.filter((one) => one.active);
  expect(active.map(({ index }) => index)).toEqual([7, 21, 22]);
  expect(active[0]?.alternatives).toEqual([gpu.measurements.get(8)]);
  expect(driver.signature.digestFits).toBe(true);
  expect(driver.signature.certificates).toHaveLength(4);
  const firmware = parseRim(issueRim(signer, firmwareRim(gpu)));
  expect(firmware).toMatchObject({ kind: 'firmware', version: '96.00.9F.00.01' });
});

test('is recognised by its start', () => {
  expect(looksLikeRim(good)).toBe(true);
  expect(looksLikeRim(utf8(`\n<?xml version="1.0"?>\n${text}`))).toBe(true);
  expect([utf8('<html/>'), utf8('SoftwareIdentity'), new Uint8Array()].map(looksLikeRim)).toEqual([
    false,
    false,
    false,
  ]);
});

test('is shown', () => {
  const [about, active, ...certificates] = rimSections(good);
  expect(about?.fields.find(({ name }) => name === 'version')?.value).toBe('570.124.03');
  expect(active?.fields.map(({ name }) => name)).toEqual([
    '7 Measurement_7',
    '21 Measurement_21',
    '22 Measurement_22',
  ]);
  expect(certificates).toHaveLength(4);
});

test.for<[string, string | RegExp, string]>([
  ['a patch', 'patch="false"', 'patch="true"'],
  ['a supplemental tag', 'supplemental="false"', 'supplemental="true"'],
  ['a corpus tag', 'corpus="false"', 'corpus="true"'],
  ['no word of which', ' patch="false"', ''],
  ['no version', / colloquialVersion="[^"]*"/, ''],
  ['a version of neither', 'colloquialVersion="570.124.03"', 'colloquialVersion="570.124.03-rc1"'],
  ['an unknown edition', 'edition="GPU"', 'edition="CPU"'],
  ['an edition of the prototype', 'edition="GPU"', 'edition="constructor"'],
  ['no chip', 'product="GH100"', 'product="../x"'],
  ['an indirect payload', 'PayloadType="direct"', 'PayloadType="indirect"'],
  ['two payloads', '</ns0:Payload>', '</ns0:Payload><ns0:Payload/>'],
  ['no payload', /<ns0:Payload.*<\/ns0:Payload>/s, ''],
  ['an element more', '<ns0:Meta', '<ns0:Link/><ns0:Meta'],
  ['an element of another namespace', '<ns0:Meta', '<x xmlns="u:1"/><ns0:Meta'],
  ['text beside the elements', '<ns0:Meta', 'x<ns0:Meta'],
  ['elements in another order', /(<ns0:Entity[^>]*>)\s*(<ns0:Meta[^>]*>)/, '$2$1'],
  ['a resource of another type', 'type="Measurement" index="3"', 'type="MinSvn" index="3"'],
  [
    'a resource that holds something',
    / name="Measurement_3" size="48"\/>/,
    ' name="Measurement_3" size="48">x</ns0:Resource>',
  ],
  ['an attribute more', 'index="3" ', 'index="3" minSvn="2" '],
  ['an index twice', 'index="3"', 'index="4"'],
  ['an index that SPDM has no block for', 'index="3"', 'index="254"'],
  ['an index with a zero before it', 'index="3"', 'index="03"'],
  ['no index', ' index="3"', ''],
  ['another size', / name="Measurement_3" size="48"/, ' name="Measurement_3" size="32"'],
  ['neither active nor not', 'index="7" active="True"', 'index="7" active="true"'],
  ['no alternative', 'active="False" alternatives="1"', 'active="False" alternatives="0"'],
  [
    'an alternative that is not there',
    'active="False" alternatives="1"',
    'active="False" alternatives="2"',
  ],
  ['a hash that is not counted', / ns2:Hash0="0+"/, '$& ns2:Hash1="00"'],
  ['a hash of another namespace', 'ns2:Hash0', 'Hash0'],
  ['nothing active', /active="True"/g, 'active="False"'],
])('refuses %s', ([, from, to]) => {
  expect(codeOf(() => parseRim(edited(from, to)))).toBe('value-out-of-range');
});

test.for<[string, string | RegExp, string, string]>([
  ['another document', /SoftwareIdentity/g, 'Identity', 'form-unknown'],
  [
    'another namespace',
    /http:\/\/standards.iso.org\/iso\/19770\/-2\/2015\/schema.xsd/g,
    'u:1',
    'form-unknown',
  ],
  ['a comment', '<ns0:Meta', '<!-- --><ns0:Meta', 'form-unknown'],
  ['a short hash', / ns2:Hash0="0{2}/, ' ns2:Hash0="', 'hex-malformed'],
  ['a hash in upper case', / ns2:Hash0="0{2}/, ' ns2:Hash0="AA', 'hex-malformed'],
  ['no signature', /<ds:Signature.*<\/ds:Signature>/s, '', 'signature-malformed'],
  ['two signatures', /(<ds:Signature.*<\/ds:Signature>)/s, '$1$1', 'signature-malformed'],
  [
    'a signature further in',
    /( *<\/ns0:Payload>\n)(<ds:Signature.*<\/ds:Signature>)/s,
    '$2$1',
    'signature-malformed',
  ],
  [
    'a bare SignedInfo beside it',
    /(<ds:Signature )/,
    '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>$1',
    'signature-malformed',
  ],
  [
    'a signature of a part',
    '<ds:Reference URI="">',
    '<ds:Reference URI="#x">',
    'signature-malformed',
  ],
  ['a reference without a URI', '<ds:Reference URI="">', '<ds:Reference>', 'signature-malformed'],
  [
    'a reference with an id',
    '<ds:Reference URI="">',
    '<ds:Reference URI="" Id="x">',
    'signature-malformed',
  ],
  ['two references', /(<ds:Reference.*<\/ds:Reference>)/s, '$1$1', 'signature-malformed'],
  ['no reference', /<ds:Reference.*<\/ds:Reference>/s, '', 'signature-malformed'],
  [
    'another canonical form',
    'CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11',
    'CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#',
    'signature-malformed',
  ],
  ['a MAC', 'xmldsig-more#ecdsa-sha384', 'xmldsig-more#hmac-sha384', 'signature-malformed'],
  ['another digest', 'xmldsig-more#sha384', 'xmldsig-more#md5', 'signature-malformed'],
  [
    'a transform more',
    '<ds:Transforms>',
    '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>',
    'signature-malformed',
  ],
  [
    'a transform less',
    /<ds:Transform Algorithm="[^"]*enveloped-signature"\/>/,
    '',
    'signature-malformed',
  ],
  [
    'transforms in another order',
    /(<ds:Transform Algorithm[^>]*>)(<ds:Transform Algorithm[^>]*>)/,
    '$2$1',
    'signature-malformed',
  ],
  [
    'a parameter',
    /(<ds:SignatureMethod [^>]*)\/>/,
    '$1><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>',
    'signature-malformed',
  ],
  ['an object', '</ds:KeyInfo>', '</ds:KeyInfo><ds:Object/>', 'signature-malformed'],
  [
    'a key beside the certificates',
    '<ds:X509Data>',
    '<ds:KeyValue/><ds:X509Data>',
    'signature-malformed',
  ],
  ['text in the signature', '<ds:KeyInfo>', 'x<ds:KeyInfo>', 'signature-malformed'],
  ['no certificate', /<ds:X509Certificate>.*<\/ds:X509Certificate>/s, '', 'signature-malformed'],
  ['a signature in DER', /<ds:SignatureValue>....../, '<ds:SignatureValue>', 'base64-malformed'],
  ['a short signature', /<ds:SignatureValue>..../, '<ds:SignatureValue>', 'signature-malformed'],
])('refuses %s', ([, from, to, code]) => {
  expect(codeOf(() => parseRim(edited(from, to)))).toBe(code);
});

/** What someone would do who holds a signed manifest and wants another one believed. */
const forged = text.replace(/(index="7" .*?Hash0=")[0-9a-f]{96}/, `$1${'ab'.repeat(48)}`);
const signatureText = /<ds:Signature.*<\/ds:Signature>/s.exec(text)?.[0] as string;
const signedPart = /<ns0:Payload.*<\/ns0:Payload>/s.exec(text)?.[0] as string;

test.for<[string, string]>([
  ['another value under the old signature', forged],
  [
    'the signed payload in the signature',
    forged.replace('</ds:KeyInfo>', `</ds:KeyInfo><ds:Object>${signedPart}</ds:Object>`),
  ],
  ['the signed document in the forged one', forged.replace('<ns0:Meta', `${text}<ns0:Meta`)],
  ['the forged document around the signed one', forged.replace(signatureText, text)],
  [
    'the signed payload beside the forged one',
    forged.replace('</ns0:Payload>', `</ns0:Payload>${signedPart}`),
  ],
  [
    'the signed payload in the forged one',
    forged.replace('</ns0:Payload>', `${signedPart}</ns0:Payload>`),
  ],
  [
    'a declaration that makes the names others',
    text.replace('<ns0:Payload ', '<ns0:Payload xmlns:ns2="u:1" '),
  ],
  ['a second digest', forged.replace('</ds:SignedInfo>', '</ds:SignedInfo><ds:SignedInfo/>')],
])('a wrapped signature is not believed: %s', async ([, forgery]) => {
  const scene = { devices: [gpu], roots: [signer.trusted], now: rimNow };
  expect(forgery).not.toBe(text);
  expect((await runRims({ ...scene, rims: [good] })).statuses).toBe('pass pass pass skip');
  const result = await runRims({ ...scene, rims: [utf8(forgery)] });
  expect(result.statuses).toBe('fail skip skip skip');
});

test('white space between the signature’s elements, and in base64, is no change', async () => {
  const spaced = issued({
    editSignedInfo: (written) => written.replace('<ds:Reference', '\n\t<ds:Reference'),
  });
  const lines = edited(
    '</ds:X509Certificate><ds:X509Certificate>',
    '</ds:X509Certificate>\n<ds:X509Certificate>\n',
  );
  const scene = { devices: [gpu], roots: [signer.trusted], now: rimNow };
  for (const rims of [[spaced], [lines]])
    expect((await runRims({ ...scene, rims })).statuses).toBe('pass pass pass skip');
});
