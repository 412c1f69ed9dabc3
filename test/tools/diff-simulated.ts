/**
 * What genuine evidence cannot show, because no one but Intel can sign it: quotes and collateral of a simulated Intel, each
 * wrong or unusual in one way and rightly signed. Both sides are handed its root.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { fakeNow } from '#test/fake/amd.ts';
import { basicConstraints, keyUsage } from '#test/fake/extensions.ts';
import { createIntel, type IntelOptions, type Revocable } from '#test/fake/intel.ts';
import { qeIdentityStatus, type TcbInfoPlan, tcbInfoStatus } from '#test/fake/intel-collateral.ts';
import { intelName } from '#test/fake/intel-profile.ts';
import { enclaveReport, makeQuote, type QuoteOptions } from '#test/fake/intel-qe.ts';
import { generateIntelKeys, rawPoint } from '#test/fake/keys.ts';
import { createTdxDevice, type TdxFields, type TdxQuoteOptions } from '#test/fake/tdx-device.ts';
import { put } from '#test/verifier/chain/profile.ts';
import { isvStatuses, tcbStatuses } from '#verifier/abi/intel-json.ts';
import type { EnclaveReport } from '#verifier/abi/sgx-report.ts';
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';
import type { Sample } from './diff-parties.ts';
import type { Mutant } from './diff-quote-mutants.ts';

const keys = generateIntelKeys('diff');
const { root } = createIntel({ keys });

type Td = { intel?: IntelOptions; fields?: Partial<TdxFields>; quote?: TdxQuoteOptions };
type Enclave = { intel?: IntelOptions; fields?: Partial<EnclaveReport>; quote?: QuoteOptions };

const reportData = new Uint8Array(64).fill(0x52);

function td({ intel: options = {}, fields, quote }: Td): Sample {
  const intel = createIntel({ keys, ...options });
  return sampleOf(intel, createTdxDevice(intel, fields).quote(reportData, quote));
}

function enclave({ intel: options = {}, fields, quote }: Enclave): Sample {
  const intel = createIntel({ keys, tee: 'sgx', ...options });
  const report = enclaveReport({ reportData, ...fields });
  return sampleOf(intel, makeQuote(intel, { kind: 'sgx', report }, quote));
}

function sampleOf(intel: ReturnType<typeof createIntel>, quote: Bytes): Sample {
  return {
    quote,
    tcbInfo: intel.tcbInfo.bytes,
    qeIdentity: intel.qeIdentity.bytes,
    tcbSigningChain: utf8(intel.tcbSigning.pem + intel.root.pem),
    qeIdentitySigningChain: utf8(intel.qeIdentitySigning.pem + intel.root.pem),
    pckCrl: intel.pckCrl.der,
    rootCaCrl: intel.rootCrl.der,
    at: fakeNow,
    root: root.der,
  };
}

const tdx10 = { teeTcbSvn2: null, mrServiceTd: null } as const;
const svn = (hex: string) => fromHex(hex.padEnd(32, '0'), 'TEE_TCB_SVN');

export function simulatedMutants(): Mutant[] {
  const scenes: Record<string, Sample> = {
    ...asTheyAre(),
    ...statuses(),
    ...levels(),
    ...modules(),
    ...guests(),
    ...enclaves(),
    ...certificates(),
    ...documents(),
    ...lists(),
  };
  return Object.entries(scenes).map(([name, sample]) => ({ name, sample }));
}

function asTheyAre(): Record<string, Sample> {
  return {
    'TDX 1.5 in version 5': td({}),
    'TDX 1.0 in version 5': td({ fields: tdx10 }),
    'TDX 1.0 in version 4': td({ fields: { version: 4 } }),
    'SGX in version 3': enclave({}),
    'SGX in version 4': enclave({ quote: { version: 4 } }),
    'SGX in version 5': enclave({ quote: { version: 5 } }),
    'PCK of the processor CA': td({ intel: { machine: { ca: 'processor' } } }),
  };
}

/** Each status of the platform with each of the quoting enclave, and of the TDX module. */
function statuses(): Record<string, Sample> {
  const all: Record<string, Sample> = {};
  for (const platform of tcbStatuses) {
    for (const part of isvStatuses) {
      const tcbInfo = tcbInfoStatus({ platform, advisories: ['INTEL-SA-00001'] });
      const qeIdentity = qeIdentityStatus(part, ['INTEL-SA-00002']);
      const module = tcbInfoStatus({ platform, module: part, advisories: ['INTEL-SA-00001'] });
      const overrides = { tcbInfo, qeIdentity };
      all[`SGX: platform ${platform}, QE ${part}`] = enclave({ intel: { overrides } });
      all[`TDX: platform ${platform}, QE ${part}`] = td({ intel: { overrides } });
      all[`TDX: platform ${platform}, module ${part}`] = td({
        intel: { overrides: { tcbInfo: module } },
      });
    }
  }
  return all;
}

function levels(): Record<string, Sample> {
  const reversed = ({ tcbLevels }: TcbInfoPlan) => ({ tcbLevels: tcbLevels.toReversed() });
  return {
    'TCB levels, lowest first': td({ intel: { overrides: { tcbInfo: reversed } } }),
    'QE levels, lowest first': td({
      intel: {
        overrides: { qeIdentity: ({ tcbLevels }) => ({ tcbLevels: tcbLevels.toReversed() }) },
      },
    }),
    'TDX module levels, lowest first': td({
      intel: {
        overrides: {
          tcbInfo: ({ tdxModuleIdentities }) => ({
            tdxModuleIdentities: tdxModuleIdentities.map((identity) => ({
              ...identity,
              tcbLevels: identity.tcbLevels.toReversed(),
            })),
          }),
        },
      },
    }),
    'platform below every level': enclave({ intel: { machine: { pceSvn: 1 } } }),
    'platform at an older level': td({
      intel: { machine: { components: [2, 2, 2, 2, 3, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0] } },
    }),
    'QE below every level': td({ quote: { qe: { isvSvn: 0 } } }),
  };
}

function modules(): Record<string, Sample> {
  const outOfDate = svn('040104');
  const relaunch = { teeTcbSvn: outOfDate, teeTcbSvn2: svn('0d0104') };
  return {
    'TDX module without its identity': td({
      intel: {
        overrides: {
          tcbInfo: ({ tdxModuleIdentities }) => ({
            tdxModuleIdentities: tdxModuleIdentities.filter(({ id }) => id !== 'TDX_01'),
          }),
        },
      },
    }),
    'TDX module of an unknown version': td({ fields: { teeTcbSvn: svn('0d0704') } }),
    'TDX module below its levels': td({ fields: { teeTcbSvn: svn('010104') } }),
    'TDX module out of date': td({ fields: { teeTcbSvn: outOfDate, teeTcbSvn2: outOfDate } }),
    'TDX module out of date, TD to be started again': td({ fields: relaunch }),
    'TDX module of version 0': td({
      fields: { teeTcbSvn: svn('050004'), teeTcbSvn2: svn('050004') },
    }),
    'TDX module of version 0, below the level': td({ fields: { teeTcbSvn: svn('030004') } }),
    'TDX module of another signer': td({ fields: { mrSignerSeam: new Uint8Array(48).fill(1) } }),
    'TDX module with attributes': td({ fields: { seamAttributes: new Uint8Array(8).fill(1) } }),
  };
}

function guests(): Record<string, Sample> {
  const attributes = (hex: string) =>
    td({ fields: { tdAttributes: fromHex(hex, 'TDATTRIBUTES') } });
  return {
    'TD under debug': attributes('0100001000000000'),
    'TD without SEPT_VE_DISABLE': attributes('0000000000000000'),
    'TD with LASS': attributes('0000001800000000'),
    'TD that can migrate': attributes('0000003000000000'),
    'TD with PKS, KL and PERFMON': attributes('000000d000000080'),
    'TD with TPA': attributes('0000001000000040'),
    'TD with an unknown attribute': attributes('0000101000000000'),
    'TD with a service TD': td({ fields: { mrServiceTd: new Uint8Array(48).fill(7) } }),
    'enclave under debug': enclave({
      fields: { attributes: fromHex('0700000000000000e700000000000000', 'ATTRIBUTES') },
    }),
  };
}

function enclaves(): Record<string, Sample> {
  const longer = Uint8Array.from({ length: 40 }, (_, index) => index);
  const bound = new Uint8Array(64).fill(1);
  bound.set(sha256(concat(rawPoint(keys.attestation.publicKey), longer.subarray(0, 32))));
  return {
    'QE of another signer': td({ quote: { qe: { mrSigner: new Uint8Array(32).fill(3) } } }),
    'QE of another product': td({ quote: { qe: { isvProdId: 9 } } }),
    'QE under debug': td({
      quote: { qe: { attributes: fromHex('1700000000000000e700000000000000', 'ATTRIBUTES') } },
    }),
    'QE with another MISCSELECT': td({ quote: { qe: { miscSelect: 1 } } }),
    'QE that names another key': td({ quote: { qe: { reportData: new Uint8Array(64) } } }),
    'QE with more in its report data': td({ quote: { qe: { reportData: bound } } }),
    'QE with 40 bytes of authentication data': td({ quote: { qeAuthData: longer } }),
    'QE with 8 bytes of authentication data': td({ quote: { qeAuthData: longer.subarray(0, 8) } }),
    'QE of another vendor': td({ quote: { header: { qeVendorId: new Uint8Array(16).fill(5) } } }),
    'SGX quote with a reserved byte': enclave({
      quote: {
        // The last of the 12 reserved bytes after MISCSELECT.
        beforeSigning: (bytes) => bytes.fill(1, 48 + 31, 48 + 32),
      },
    }),
  };
}

function certificates(): Record<string, Sample> {
  // QVL asks of a PCK CA's name only that "CA" is in it.
  const other = intelName('Intel SGX Something');
  const past = { notBefore: 1, notAfter: 2 };
  const of = (overrides: IntelOptions['overrides']) =>
    td({ intel: { overrides: overrides ?? {} } });
  const revoked = (...roles: Revocable[]) => td({ intel: { revoked: roles } });
  return {
    'PCK revoked': revoked('pck'),
    'PCK CA revoked': revoked('platformCa'),
    'TCB signer revoked': revoked('tcbSigning'),
    'another PCK CA revoked': revoked('processorCa'),
    'PCK expired': of({ pck: past }),
    'PCK CA expired': of({ platformCa: past }),
    'root expired': of({ root: past }),
    'TCB signer expired': of({ tcbSigning: past }),
    'PCK of another issuer name': of({ pck: { issuer: other } }),
    'PCK of another name': of({ pck: { subject: intelName('Intel SGX Attestation Key') } }),
    'PCK CA of another name': of({ platformCa: { subject: other } }),
    'TCB signer of another issuer name': of({ tcbSigning: { issuer: other } }),
    'TCB signer of another name': of({ tcbSigning: { subject: other } }),
    'PCK CA that is no CA': of({ platformCa: put(basicConstraints(false, null)) }),
    'PCK CA that may not sign certificates': of({ platformCa: put(keyUsage(['cRLSign'])) }),
    'PCK CA with a long path': of({ platformCa: put(basicConstraints(true, 3)) }),
    'PCK that is a CA': of({ pck: put(basicConstraints(true, 0)) }),
    'TCB signer that is a CA': of({ tcbSigning: put(basicConstraints(true, 0)) }),
    'TCB signer that may not sign data': of({ tcbSigning: put(keyUsage(['cRLSign'])) }),
    'PCK signed by the root': of({ pck: { signer: keys.root.privateKey } }),
    'PCK CA signed by another key': of({ platformCa: { signer: keys.processorCa.privateKey } }),
  };
}

function documents(): Record<string, Sample> {
  const text = (edit: (inner: string) => string) => ({ editText: edit });
  const info = (editText: (inner: string) => string) =>
    td({ intel: { overrides: { tcbInfo: text(editText) } } });
  const identity = (editText: (inner: string) => string) =>
    td({ intel: { overrides: { qeIdentity: text(editText) } } });
  return {
    'TCB info of another FMSPC': td({
      intel: { overrides: { tcbInfo: { fmspc: new Uint8Array(6).fill(1) } } },
    }),
    'TCB info of another PCEID': td({
      intel: { overrides: { tcbInfo: { pceId: Uint8Array.of(1, 0) } } },
    }),
    'TCB info signed by the PCK CA': td({
      intel: { overrides: { tcbInfo: { signer: keys.platformCa.privateKey } } },
    }),
    'TCB info of version 2': info((inner) => inner.replace('"version":3', '"version":2')),
    'TCB info of version 4': info((inner) => inner.replace('"version":3', '"version":4')),
    'TCB info of type 1': info((inner) => inner.replace('"tcbType":0', '"tcbType":1')),
    'TCB info with a member more': info((inner) => inner.replace('{', '{"extra":1,')),
    'TCB info with a member twice': info((inner) =>
      inner.replace('"tcbType":0', '"tcbType":0,"tcbType":0'),
    ),
    'TCB info with spaces': info((inner) => inner.replaceAll(',', ', ')),
    'TCB info without the PCEID': info((inner) => inner.replace(/"pceId":"[0-9A-Fa-f]+",/, '')),
    'TCB info with an unknown status': info((inner) =>
      inner.replace(/"OutOfDate"(?!.*"OutOfDate")/, '"LittleOutOfDate"'),
    ),
    'TCB info with a level twice': td({
      intel: {
        overrides: {
          tcbInfo: ({ tcbLevels }) => ({ tcbLevels: [...tcbLevels, ...tcbLevels.slice(0, 1)] }),
        },
      },
    }),
    'QE identity of version 3': identity((inner) => inner.replace('"version":2', '"version":3')),
    'QE identity of the QVE': td({ intel: { overrides: { qeIdentity: { id: 'QVE' } } } }),
    'QE identity with a member more': identity((inner) => inner.replace('{', '{"extra":1,')),
    'QE identity beyond its own mask': td({
      intel: {
        overrides: {
          qeIdentity: ({ attributesMask }) => ({ attributesMask: attributesMask.with(0, 0xfa) }),
        },
      },
    }),
  };
}

function lists(): Record<string, Sample> {
  const of = (overrides: IntelOptions['overrides']) =>
    td({ intel: { overrides: overrides ?? {} } });
  const stranger = { signer: keys.processorCa.privateKey };
  const past = { thisUpdate: fakeNow - 200_000, nextUpdate: fakeNow - 100_000 };
  const later = { thisUpdate: fakeNow + 100_000, nextUpdate: fakeNow + 200_000 };
  return {
    'PCK CRL signed by another key': of({ platformCrl: stranger }),
    'root CRL signed by another key': of({ rootCrl: stranger }),
    'PCK CRL out of date': of({ platformCrl: past }),
    'PCK CRL from later': of({ platformCrl: later }),
    'root CRL out of date': of({ rootCrl: past }),
    'root CRL from later': of({ rootCrl: later }),
  };
}
