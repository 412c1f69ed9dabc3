/** Intel's own certificates and lists: in the quotes of real machines, and beside them. */
import { X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { readDerObject, readDerObjects } from '#verifier/abi/pem.ts';
import { type Bytes, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { asIntelRoot, asPck, asPckCa, asTcbSigning, type Pck } from '#verifier/chain/intel.ts';
import {
  type Certificate,
  parseCertificate,
  parseRevocationList,
  sameName,
  spkiFingerprint,
  verifySignedBy,
} from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';

const intel = 'corpus/collateral/intel';
const rootFingerprint = 'a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e';

type Case = {
  id: string;
  files: { quote: string };
  fmspc?: string;
  pck_ca?: string;
  expected: { reason: string };
};

function cases(tee: 'tdx' | 'sgx'): Case[] {
  const folder = `corpus/${tee}`;
  return readdirSync(sharedPath(folder)).map((id) =>
    JSON.parse(fromUtf8(sharedFile(`${folder}/${id}/case.json`), id)),
  );
}

/** The PEM blocks that a quote ends with; what comes after them, a NUL or padding, is not theirs. */
function chainIn(quote: Bytes): Bytes[] {
  const text = Buffer.from(quote).toString('latin1');
  const end = '-----END CERTIFICATE-----';
  const [start, last] = [text.indexOf('-----BEGIN CERTIFICATE-----'), text.lastIndexOf(end)];
  return readDerObjects(utf8(text.slice(start, last + end.length)), 'CERTIFICATE', 'PCK chain');
}

const read = (bytes: Bytes) => parseCertificate(bytes, 'certificate');
const rootOf = () =>
  read(readDerObject(sharedFile(`${intel}/intel-sgx-root-ca.pem`), 'CERTIFICATE', 'root'));

/** Node's reader, which is OpenSSL's, says the same of everything that it says at all. */
function expectAsNode(found: Certificate): void {
  const theirs = new X509Certificate(found.der);
  expect(toHex(found.serial)).toBe(theirs.serialNumber.toLowerCase());
  expect(new Date(found.notBefore * 1000)).toEqual(theirs.validFromDate);
  expect(new Date(found.notAfter * 1000)).toEqual(theirs.validToDate);
  expect(theirs.subject.split('\n')).toContain(`CN=${found.commonName}`);
  const spki = theirs.publicKey.export({ type: 'spki', format: 'der' });
  expect(toHex(found.spki)).toBe(spki.toString('hex'));
}

describe.skipIf(!hasShared)(hasShared ? 'the chains in quotes' : sharedMissing, () => {
  const all = hasShared
    ? (['tdx', 'sgx'] as const).flatMap((tee) => cases(tee).map((one) => [tee, one] as const))
    : [];
  const whole = all.filter(([, { expected }]) => expected.reason !== 'truncated');

  test('there are sixty quotes or more, some under each CA', () => {
    expect(whole.length).toBeGreaterThanOrEqual(60);
    const cas = new Set(whole.map(([, { pck_ca: ca }]) => ca));
    expect([...cas]).toEqual(expect.arrayContaining(['platform', 'processor']));
  });

  test.each(whole.map(([tee, one]) => [one.id, tee, one] as const))('%s', async (id, tee, one) => {
    const quote = sharedFile(`corpus/${tee}/${id}/${one.files.quote}`);
    const chain = chainIn(quote).map(read);
    expect(chain).toHaveLength(3);
    const [pck, ca, root] = chain as [Certificate, Certificate, Certificate];
    for (const certificate of chain) expectAsNode(certificate);

    expect(asIntelRoot(root)).toEqual({ role: 'root' });
    const { ca: issuer } = asPckCa(ca);
    const found = asPck(pck);
    expect(found.ca).toBe(issuer);
    expect(one.pck_ca ?? issuer).toBe(issuer);
    if (one.fmspc !== undefined) expect(toHex(found.fmspc)).toBe(one.fmspc.toLowerCase());
    expect(found.platformInstanceId === null).toBe(issuer === 'processor');

    expect(toHex(spkiFingerprint(root))).toBe(rootFingerprint);
    expect(sameName(pck.issuer, ca.subject) && sameName(ca.issuer, root.subject)).toBe(true);
    expect(await verifySignedBy(nodeCrypto, root, root)).toBe(true);
    expect(await verifySignedBy(nodeCrypto, root, ca)).toBe(true);
    expect(await verifySignedBy(nodeCrypto, ca, pck)).toBe(true);
    expect(await verifySignedBy(nodeCrypto, root, pck)).toBe(false);
  });

  const pckOf = (path: string): Pck => asPck(read(chainIn(sharedFile(path))[0] as Bytes));

  test('the values that openssl asn1parse shows, of a server', () => {
    const { configuration, tcb, ...others } = pckOf(
      'corpus/tdx/tdx15-v5-go-tdx-guest-quote-v5-sample/quote.bin',
    );
    const hex = Object.entries(others).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? toHex(value) : value,
    ]);
    expect(Object.fromEntries(hex)).toEqual({
      role: 'pck',
      ca: 'platform',
      ppid: '2734b654f553596897eaadfb5667a954',
      pceId: '0000',
      fmspc: '90c06f000000',
      sgxType: 'scalable',
      platformInstanceId: '056d0350250988808a9d09103f3e54d5',
    });
    expect(tcb.components).toEqual([4, 4, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(tcb.pceSvn).toBe(13);
    expect(toHex(tcb.cpuSvn)).toBe('04040202040100050000000000000000');
    expect(configuration).toEqual({ dynamicPlatform: true, cachedKeys: true, smtEnabled: true });
  });

  test('the values that openssl asn1parse shows, of a machine with one package', () => {
    const { ppid, tcb, fmspc, sgxType, platformInstanceId, configuration } = pckOf(
      'corpus/sgx/sgx-v3-teekit-sgx-tlsn-quotedev/quote.bin',
    );
    expect(toHex(ppid)).toBe('89ec0a74da089920559b93f2e6040fa6');
    expect(toHex(fmspc)).toBe('00906ed50000');
    // 0x80, whose INTEGER has a sign octet, among them.
    expect(tcb.components).toEqual([21, 21, 2, 4, 1, 128, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(tcb.pceSvn).toBe(13);
    expect(toHex(tcb.cpuSvn)).toBe('1515020401800e000000000000000000');
    expect([sgxType, platformInstanceId, configuration]).toEqual(['standard', null, null]);
  });
});

describe.skipIf(!hasShared)(hasShared ? 'collateral' : sharedMissing, () => {
  const files = hasShared ? readdirSync(sharedPath(intel)) : [];
  const signing = files.filter((name) => name.startsWith('tcb-signing'));
  const rootLists = files.filter((name) => name.startsWith('root-ca-crl'));
  const pckLists = files.filter((name) => /^pck-.*-crl/.test(name));

  test('there is some of each kind', () => {
    expect(signing.length).toBeGreaterThanOrEqual(2);
    expect(rootLists.length).toBeGreaterThanOrEqual(4);
    expect(pckLists.length).toBeGreaterThanOrEqual(24);
  });

  test('the root', async () => {
    const root = rootOf();
    expectAsNode(root);
    expect(asIntelRoot(root)).toEqual({ role: 'root' });
    expect(toHex(spkiFingerprint(root))).toBe(rootFingerprint);
    expect(await verifySignedBy(nodeCrypto, root, root)).toBe(true);
  });

  test.each(signing)('%s', async (name) => {
    const chain = readDerObjects(sharedFile(`${intel}/${name}`), 'CERTIFICATE', name).map(read);
    const [signer, root] = chain as [Certificate, Certificate];
    expect(chain).toHaveLength(2);
    expectAsNode(signer);
    expect(asTcbSigning(signer)).toEqual({ role: 'tcb-signing' });
    expect(toHex(root.der)).toBe(toHex(rootOf().der));
    expect(await verifySignedBy(nodeCrypto, root, signer)).toBe(true);
    expect(await verifySignedBy(nodeCrypto, signer, root)).toBe(false);
  });

  test.each(rootLists)('%s', async (name) => {
    const root = rootOf();
    const list = parseRevocationList(sharedFile(`${intel}/${name}`), name);
    expect(sameName(list.issuer, root.subject)).toBe(true);
    expect(list.crlNumber).toBe(1n);
    expect(list.revoked).toEqual([]);
    expect(list.nextUpdate).toBeGreaterThan(list.thisUpdate);
    expect(await verifySignedBy(nodeCrypto, root, list)).toBe(true);
  });

  /** One of each kind, cut out of a quote. */
  const issuers = () =>
    [
      'corpus/tdx/tdx15-v5-go-tdx-guest-quote-v5-sample/quote.bin',
      'corpus/sgx/sgx-v3-teekit-sgx-tlsn-quotedev/quote.bin',
    ].map((path) => read(chainIn(sharedFile(path))[1] as Bytes));

  test.each(pckLists)('%s', async (name) => {
    const list = parseRevocationList(sharedFile(`${intel}/${name}`), name);
    const [issuer, ...others] = issuers().filter(({ subject }) => sameName(subject, list.issuer));
    expect(others).toEqual([]);
    const { ca } = asPckCa(issuer as Certificate);
    expect(name).toContain(`pck-${ca}-crl`);
    expect(await verifySignedBy(nodeCrypto, issuer as Certificate, list)).toBe(true);
    expect(await verifySignedBy(nodeCrypto, rootOf(), list)).toBe(false);
    expect(list.crlNumber).toBe(1n);
    expect(list.revoked.length > 0).toBe(ca === 'platform');
    for (const serial of list.revoked) expect(serial.length).toBeLessThanOrEqual(20);
  });

  test('the entries that openssl crl shows', () => {
    const { revoked, thisUpdate, nextUpdate } = parseRevocationList(
      sharedFile(`${intel}/pck-platform-crl-2026-06-30-cfc3f1.der`),
      'CRL',
    );
    expect(revoked).toHaveLength(57);
    expect(toHex(revoked[0] as Bytes)).toBe('6fc34e5023e728923435d61aa4b83c618166ad35');
    expect(toHex(revoked[1] as Bytes)).toBe('efae6e9715fca13b87e333e8261ed6d990a926ad');
    expect(toHex(revoked.at(-1) as Bytes)).toBe('6c2b81d7ea2e436720ce29f1d0b1ccb7a218600f');
    expect([thisUpdate, nextUpdate].map((at) => new Date(at * 1000).toISOString())).toEqual([
      '2026-06-30T07:56:21.000Z',
      '2026-07-30T07:56:21.000Z',
    ]);
  });
});
