import 'reflect-metadata';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { X509Certificate, X509Crl } from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import { parseQuote } from '#verifier/abi/quote.ts';
import { type Bytes, fromHex, fromUtf8, utf8 } from '#verifier/bytes.ts';
import { hasShared, sharedFile, sharedMissing } from '../shared.ts';
import { fakeNow } from './amd.ts';
import { type Change, type CrlPlan, removeExtension, replaceExtension } from './certificates.ts';
import { basicConstraints } from './extensions.ts';
import { createIntel, type Intel, type IntelOverrides } from './intel.ts';
import {
  intelName,
  member,
  type PckValues,
  sgxExtension,
  sgxExtensionMembers,
  sgxExtensionOid,
} from './intel-profile.ts';
import { generateEcKey, generateIntelKeys } from './keys.ts';
import { hasOpenssl, opensslCrl, opensslMissing, opensslVerify } from './openssl.ts';
import { outlineDer } from './outline.ts';

const keys = generateIntelKeys('intel.test');
const intelWith = (overrides: IntelOverrides): Intel => createIntel({ keys, overrides });

/**
 * Without the outermost length and the signature: the length of an ECDSA signature in DER is that
 * of its numbers.
 */
function outlineSigned(der: Bytes): string[] {
  const lines = outlineDer(der);
  expect(lines.at(-1)).toMatch(/^ 03 (?:69|7[0-3]) \*$/);
  return lines.slice(1, -1);
}

/** The certificates of a quote: PCK, PCK CA, root. */
function chainOf(quote: string): NodeCertificate[] {
  const pem = fromUtf8(parseQuote(sharedFile(quote)).certification.data, 'PEM');
  return pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((block) => block.startsWith('-----BEGIN'))
    .map((block) => new NodeCertificate(block));
}

const serialOf = (certificate: NodeCertificate) => BigInt(`0x${certificate.serialNumber}`);
const hex = (text: string) => fromHex(text, 'test');

describe('the certificates are written as Intel writes them', () => {
  const machines: [string, string, Partial<PckValues>][] = [
    [
      'platform',
      'corpus/tdx/tdx15-v5-go-tdx-guest-quote-v5-sample/quote.bin',
      {
        ppid: hex('2734b654f553596897eaadfb5667a954'),
        components: [4, 4, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
        pceSvn: 13,
        fmspc: hex('90c06f000000'),
        sgxType: 1,
        platformInstanceId: hex('056d0350250988808a9d09103f3e54d5'),
        configuration: { dynamicPlatform: true, cachedKeys: true, smtEnabled: true },
      },
    ],
    [
      'processor',
      'corpus/sgx/sgx-v3-dcap-qvl-sgx-quote/quote.bin',
      {
        ca: 'processor',
        ppid: hex('d04ec06d4e6d92dc90d0ad3cf5ee2ddf'),
        components: [11, 11, 2, 2, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        pceSvn: 13,
        fmspc: hex('00a067110000'),
      },
    ],
  ];

  test.for(machines)('PCK, PCK CA and root of the %s CA', ([, quote, machine], { skip }) => {
    skip(!hasShared, sharedMissing);
    const genuine = chainOf(quote);
    const [pck, ca, root] = genuine as [NodeCertificate, NodeCertificate, NodeCertificate];
    const intel = createIntel({
      keys,
      machine,
      overrides: {
        pck: { serial: serialOf(pck) },
        platformCa: { serial: serialOf(ca) },
        processorCa: { serial: serialOf(ca) },
        root: { serial: serialOf(root) },
      },
    });
    const ours = [intel.pck, intel.pckCa, intel.root].map(({ der }) => outlineSigned(der));
    expect(ours).toEqual(genuine.map(({ raw }) => outlineSigned(new Uint8Array(raw))));
    expect(intel.root.plan).toMatchObject({
      notBefore: Date.parse(root.validFrom) / 1000,
      notAfter: Date.parse(root.validTo) / 1000,
    });
  });

  test.for(['2018-05-21', '2025-05-06'])('TCB signing of %s', (date, { skip }) => {
    skip(!hasShared, sharedMissing);
    const pem = sharedFile(`corpus/collateral/intel/tcb-signing-${date}.pem`);
    const genuine = new NodeCertificate(pem);
    const { tcbSigning } = intelWith({ tcbSigning: { serial: serialOf(genuine) } });
    expect(outlineSigned(tcbSigning.der)).toEqual(outlineSigned(new Uint8Array(genuine.raw)));
  });

  test.for([
    ['rootCrl', 'root-ca-crl-2026-02-26'],
    ['platformCrl', 'pck-platform-crl-2026-06-30-cfc3f1'],
    ['processorCrl', 'pck-processor-crl-2026-01-12-6c7a9f'],
  ] as const)('%s as %s', ([kind, name], { skip }) => {
    skip(!hasShared, sharedMissing);
    const genuine = sharedFile(`corpus/collateral/intel/${name}.der`);
    const revoked = new X509Crl(genuine).entries.map(({ serialNumber, revocationDate, reason }) => {
      const at = revocationDate.getTime() / 1000;
      return { serial: BigInt(`0x${serialNumber}`), at, reason: Number(reason) };
    });
    expect(revoked.length > 0).toBe(kind === 'platformCrl');
    const change: Change<CrlPlan> = { revoked };
    expect(outlineSigned(intelWith({ [kind]: change })[kind].der)).toEqual(outlineSigned(genuine));
  });

  test('the chain of a quote ends with a NUL, as in most genuine ones', ({ skip }) => {
    const blocks = /^(?:-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n){3}\0$/;
    expect(createIntel({ keys }).pckChainPem()).toMatch(blocks);
    skip(!hasShared, sharedMissing);
    const genuine = parseQuote(
      sharedFile('corpus/tdx/tdx15-v5-go-tdx-guest-quote-v5-sample/quote.bin'),
    );
    expect(fromUtf8(genuine.certification.data, 'PEM')).toMatch(blocks);
  });
});

describe('openssl agrees', () => {
  const pckChain = (intel: Intel) => ({
    root: intel.rootsPem(),
    intermediate: intel.pckCa.pem,
    leaf: intel.pck.pem,
  });
  const signingChain = (intel: Intel) => ({
    root: intel.rootsPem(),
    intermediate: intel.root.pem,
    leaf: intel.tcbSigning.pem,
  });
  const accepted = { accepted: true };

  test.for(['platform', 'processor'] as const)('%s: chains and CRLs verify', (ca, { skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const intel = createIntel({ keys, machine: { ca } });
    expect(opensslVerify(pckChain(intel), fakeNow)).toMatchObject(accepted);
    expect(opensslVerify(signingChain(intel), fakeNow)).toMatchObject(accepted);
    expect(opensslCrl(intel.root.pem, intel.rootCrl.der)).toMatchObject(accepted);
    expect(opensslCrl(intel.pckCa.pem, intel.pckCrl.der)).toMatchObject(accepted);
    const other = ca === 'platform' ? intel.processorCrl : intel.platformCrl;
    expect(opensslCrl(intel.pckCa.pem, other.der).accepted).toBe(false);
  });

  type Case = [name: string, says: string, overrides: () => Promise<IntelOverrides>];
  const cases: Case[] = [
    [
      'PCK signature with one bit changed',
      'certificate signature failure',
      // The last byte is of s, not of the DER around it.
      async () => ({ pck: { editSignature: (s) => s.with(-1, (s.at(-1) as number) ^ 1) } }),
    ],
    [
      'PCK signed by a stranger',
      'certificate signature failure',
      async () => ({ pck: { signer: keys.stranger.privateKey } }),
    ],
    [
      'PCK that names the other CA',
      'unable to get local issuer certificate',
      async () => ({ pck: { issuer: intelName('Intel SGX PCK Processor CA') } }),
    ],
    [
      'PCK that has expired',
      'certificate has expired',
      async () => ({ pck: { notAfter: fakeNow - 1 } }),
    ],
    [
      'PCK CA that is not yet valid',
      'certificate is not yet valid',
      async () => ({ platformCa: { notBefore: fakeNow + 1 } }),
    ],
    [
      'PCK CA that is no CA',
      'invalid CA certificate',
      async () => ({
        platformCa: ({ extensions }) => ({
          extensions: replaceExtension(extensions, basicConstraints(false, null)),
        }),
      }),
    ],
    [
      'PCK CA with a key on another curve than the one that signs',
      'certificate signature failure',
      async () => ({ platformCa: { publicKey: (await generateEcKey('P-384')).publicKey } }),
    ],
  ];

  test.for(cases)('refused: %s', async ([, says, overrides], { skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const intel = intelWith(await overrides());
    const opinion = opensslVerify(pckChain(intel), fakeNow);
    expect(opinion.accepted).toBe(false);
    expect(opinion.said).toContain(says);
    // The change broke that chain alone.
    expect(opensslVerify(signingChain(intel), fakeNow)).toMatchObject(accepted);
  });

  test('a chain on another curve is whole, and no chain of Intel', async ({ skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const { publicKey, privateKey } = await generateEcKey('P-384');
    const intel = intelWith({ platformCa: { publicKey }, pck: { signer: privateKey } });
    expect(opensslVerify(pckChain(intel), fakeNow)).toMatchObject(accepted);
  });

  test.for(['platformCa', 'tcbSigning'] as const)('a revoked %s is refused', (role, { skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const opinionOn = (intel: Intel) =>
      opensslVerify(
        {
          root: intel.root.pem,
          intermediate: intel.root.pem,
          leaf: intel[role].pem,
          crl: intel.rootCrl.pem,
        },
        fakeNow,
      );
    expect(opinionOn(createIntel({ keys, revoked: ['pck', 'processorCa'] }))).toMatchObject(
      accepted,
    );
    const refused = opinionOn(createIntel({ keys, revoked: [role] }));
    expect(refused.accepted).toBe(false);
    expect(refused.said).toContain('certificate revoked');
  });

  test('a revoked PCK is refused', ({ skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const opinionOn = (intel: Intel) =>
      opensslVerify({ ...pckChain(intel), crl: intel.rootCrl.pem + intel.pckCrl.pem }, fakeNow);
    expect(opinionOn(createIntel({ keys, revoked: ['tcbSigning'] }))).toMatchObject(accepted);
    const refused = opinionOn(createIntel({ keys, revoked: ['pck'] }));
    expect(refused.said).toContain('certificate revoked');
  });
});

test('@peculiar/x509 reads and verifies everything', async () => {
  const intel = createIntel({ keys });
  const read = (pem: string) => new X509Certificate(pem);
  const verifies = (child: string, issuer: string) =>
    read(child).verify({ publicKey: read(issuer).publicKey, signatureOnly: true });
  expect(await verifies(intel.root.pem, intel.root.pem)).toBe(true);
  for (const { pem } of [intel.platformCa, intel.processorCa, intel.tcbSigning]) {
    expect(await verifies(pem, intel.root.pem)).toBe(true);
  }
  expect(await verifies(intel.pck.pem, intel.platformCa.pem)).toBe(true);
  expect(await verifies(intel.pck.pem, intel.processorCa.pem)).toBe(false);
});

describe('overrides', () => {
  const extensionOf = ({ pck }: Intel) =>
    pck.plan.extensions.find(({ oid }) => oid === sgxExtensionOid);

  test('the SGX extension loses, doubles and changes members', () => {
    const intel = createIntel({ keys });
    const members = sgxExtensionMembers(intel.machine);
    expect(extensionOf(intel)).toEqual(sgxExtension(members));
    expect(members).toHaveLength(7);
    expect(sgxExtensionMembers(createIntel({ machine: { ca: 'processor' } }).machine)).toHaveLength(
      5,
    );
    const doubled = sgxExtension([...members, member([3], Uint8Array.of(5, 0))]);
    const changed = intelWith({
      pck: ({ extensions }) => ({ extensions: replaceExtension(extensions, doubled) }),
    });
    expect(extensionOf(changed)).toEqual(doubled);
    const without = intelWith({
      pck: ({ extensions }) => ({ extensions: removeExtension(extensions, sgxExtensionOid) }),
    });
    expect(extensionOf(without)).toBeUndefined();
    expect(outlineDer(without.pck.der).join()).not.toContain('2a864886f84d010d01');
  });

  test('a seed makes the same keys, none makes others', () => {
    const sign = (set: typeof keys) => set.pck.publicKey.export({ type: 'spki', format: 'der' });
    expect(sign(generateIntelKeys('intel.test'))).toEqual(sign(keys));
    expect(sign(generateIntelKeys('other'))).not.toEqual(sign(keys));
    expect(sign(generateIntelKeys())).not.toEqual(sign(generateIntelKeys()));
    expect(keys.pck.publicKey.equals(keys.root.publicKey)).toBe(false);
    expect(utf8(createIntel().rootsPem())).not.toEqual(utf8(createIntel().rootsPem()));
  });
});
