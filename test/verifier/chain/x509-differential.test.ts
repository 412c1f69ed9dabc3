/** Our X.509 reader beside @peculiar/x509, over AMD's own certificates and over damaged ones. */
import 'reflect-metadata';
import { X509Certificate, X509Crl } from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { asArk, asAsk, asVek } from '#verifier/chain/amd.ts';
import { parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';

const amd = 'corpus/collateral/amd';
const lists = [`${amd}/milan-ark-crl.der`, `${amd}/genoa-ark-crl.der`];
const chains = ['milan', 'genoa', 'turin'].flatMap((product) =>
  ['vcek', 'vlek'].map((vek) => `${amd}/${product}-${vek}-chain.pem`),
);
const vcekFile = 'corpus/sev-snp/milan-v5-vcek-teekit-sev-gcp/vcek.der';
const chainFile = `${amd}/milan-vcek-chain.pem`;

/** The VEKs of all cases, derived ones too. */
function vekFiles(): string[] {
  const index: { tee: string; dir: string; files: Record<string, string> }[] = JSON.parse(
    fromUtf8(sharedFile('corpus/index.json'), 'index'),
  );
  return index
    .filter(({ tee }) => tee === 'sev-snp')
    .flatMap(({ dir }) => {
      const { files } = JSON.parse(fromUtf8(sharedFile(`corpus/${dir}/case.json`), 'case'));
      const vek = files.vcek ?? files.vlek;
      return vek === undefined ? [] : [`corpus/${dir}/${vek}`];
    });
}

const derOf = (path: string) => readDerObjects(sharedFile(path), 'CERTIFICATE', path);
const hex = (buffer: ArrayBuffer) => toHex(new Uint8Array(buffer));
const seconds = (date: Date | undefined) => date && date.getTime() / 1000;

function ours(der: Bytes) {
  const read = parseCertificate(der, 'certificate');
  return {
    commonName: [read.commonName],
    subject: toHex(read.subject),
    issuer: toHex(read.issuer),
    serial: toHex(read.serial),
    notBefore: read.notBefore,
    notAfter: read.notAfter,
    spki: toHex(read.spki),
    extensions: read.extensions.map(({ oid, critical, value }) => [oid, critical, toHex(value)]),
    signature: toHex(read.signature),
  };
}

/** DER's sign octet is a matter of encoding: serial numbers are compared as numbers. */
function withoutSign(serial: string): string {
  return serial.length > 2 && serial.startsWith('00') ? serial.slice(2) : serial;
}

function theirs(der: Bytes): ReturnType<typeof ours> {
  const read = new X509Certificate(new Uint8Array(der));
  return {
    commonName: read.subjectName.getField('CN'),
    subject: hex(read.subjectName.toArrayBuffer()),
    issuer: hex(read.issuerName.toArrayBuffer()),
    serial: withoutSign(read.serialNumber),
    notBefore: seconds(read.notBefore) as number,
    notAfter: seconds(read.notAfter) as number,
    spki: hex(read.publicKey.rawData),
    extensions: read.extensions.map(({ type, critical, value }) => [type, critical, hex(value)]),
    signature: hex(read.signature),
  };
}

function oursCrl(der: Bytes) {
  const read = parseRevocationList(der, 'list');
  return {
    issuer: toHex(read.issuer),
    thisUpdate: read.thisUpdate,
    nextUpdate: read.nextUpdate,
    revoked: read.revoked.map(toHex),
    signature: toHex(read.signature),
  };
}

function theirsCrl(der: Bytes): ReturnType<typeof oursCrl> {
  const read = new X509Crl(new Uint8Array(der));
  return {
    issuer: hex(read.issuerName.toArrayBuffer()),
    thisUpdate: seconds(read.thisUpdate) as number,
    nextUpdate: seconds(read.nextUpdate) as number,
    revoked: read.entries.map(({ serialNumber }) => withoutSign(serialNumber)),
    signature: hex(read.signature),
  };
}

describe("over AMD's own", () => {
  test('every certificate reads the same', ({ skip }) => {
    skip(!hasShared, sharedMissing);
    const all = [...chains, ...vekFiles()].flatMap(derOf);
    expect(all.length).toBeGreaterThan(30);
    for (const der of all) expect(ours(der)).toEqual(theirs(der));
  });

  test('every issuer is the subject of its root', ({ skip }) => {
    skip(!hasShared, sharedMissing);
    for (const path of chains) {
      const [issuer, root] = derOf(path).map(ours);
      expect(issuer?.issuer, path).toBe(root?.subject);
      expect(root?.issuer, path).toBe(root?.subject);
      expect(issuer?.subject, path).not.toBe(root?.subject);
    }
  });

  test('every list reads the same', ({ skip }) => {
    skip(!hasShared, sharedMissing);
    for (const path of lists) {
      const der = sharedFile(path);
      expect(oursCrl(der)).toEqual(theirsCrl(der));
    }
    expect(oursCrl(sharedFile(lists[1] as string)).revoked).toEqual(['020001']);
  });
});

/** One to three bytes changed, or one left out or put in. */
function mutants(der: Bytes): fc.Arbitrary<Bytes> {
  const where = fc.nat(der.length - 1);
  const octet = fc.integer({ min: 0, max: 255 });
  const changed = fc
    .array(fc.tuple(where, octet), { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce((bytes, [at, value]) => bytes.with(at, value), der));
  const cut = where.map((at) => Uint8Array.from([...der.subarray(0, at), ...der.subarray(at + 1)]));
  const grown = fc
    .tuple(where, octet)
    .map(([at, value]) => Uint8Array.from([...der.subarray(0, at), value, ...der.subarray(at)]));
  return fc.oneof({ weight: 8, arbitrary: changed }, cut, grown);
}

type Readers<T> = { ours: (der: Bytes) => T; theirs: (der: Bytes) => T };

/**
 * @param fits throws unless the mutant is still of AMD's profile. Names are exact then: peculiar
 *   does not keep a name's bytes but writes them anew, so damaged ones cannot be compared.
 * @returns how many of the mutants were accepted: agreement on none would say nothing
 */
function agree<T>(der: Bytes, fits: (der: Bytes) => void, { ours, theirs }: Readers<T>): number {
  let accepted = 0;
  fc.assert(
    fc.property(mutants(der), (mutant) => {
      // codeOf rethrows whatever is not an AttestationError.
      if (codeOf(() => ours(mutant)) !== null || codeOf(() => fits(mutant)) !== null) return;
      accepted += 1;
      expect(ours(mutant)).toEqual(theirs(mutant));
    }),
    { numRuns: 600 },
  );
  return accepted;
}

/** Subject and authority key identifier and distribution points: not critical, and nothing of ours. */
function unread(der: Bytes): string {
  const { extensions } = parseCertificate(der, 'certificate');
  const found = extensions.filter(({ oid }) => /^2\.5\.29\.(?:14|31|35)$/.test(oid));
  return found.map(({ oid, value }) => `${oid} ${toHex(value)}`).join();
}

function same(a: string, b: string, difference: string): void {
  if (a !== b) throw new AttestationError('certificate-profile', difference);
}

describe('over damaged ones: what we accept, peculiar reads alike', () => {
  const certificate = (path: string, index = 0) => derOf(path)[index] as Bytes;

  test.for([
    ['VCEK', vcekFile, 0, asVek],
    ['ASK', chainFile, 0, asAsk],
    ['ARK', chainFile, 1, asArk],
  ] as const)('%s', ([, path, index, as], { skip }) => {
    skip(!hasShared, sharedMissing);
    const der = certificate(path, index);
    const fits = (mutant: Bytes) => {
      as(parseCertificate(mutant, 'certificate'));
      same(unread(mutant), unread(der), 'an extension that only peculiar reads');
    };
    expect(agree(der, fits, { ours, theirs })).toBeGreaterThan(20);
  });

  test('CRL', ({ skip }) => {
    skip(!hasShared, sharedMissing);
    const der = sharedFile(lists[1] as string);
    const { issuer } = oursCrl(der);
    const fits = (mutant: Bytes) => same(oursCrl(mutant).issuer, issuer, 'another issuer');
    const readers = { ours: oursCrl, theirs: theirsCrl };
    expect(agree(der, fits, readers)).toBeGreaterThan(20);
  });
});
