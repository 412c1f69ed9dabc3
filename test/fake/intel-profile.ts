/**
 * What Intel writes into the certificates of its SGX and TDX machines, read off genuine ones: the
 * names, the addresses and the SGX extension of a PCK certificate (Intel SGX PCK Certificate and
 * CRL Profile Specification, section 1.3.5).
 */
import type { Bytes } from '#verifier/bytes.ts';
import type { Extension, Name } from './certificates.ts';
import * as der from './der.ts';
import { extension } from './extensions.ts';

export const sgxExtensionOid = '1.2.840.113741.1.13.1';

/** Intel's attributes in Intel's order; the country alone is a PrintableString. */
export function intelName(commonName: string): Name {
  return [
    { type: 'CN', value: commonName, string: 'utf8' },
    { type: 'O', value: 'Intel Corporation', string: 'utf8' },
    { type: 'L', value: 'Santa Clara', string: 'utf8' },
    { type: 'ST', value: 'CA', string: 'utf8' },
    { type: 'C', value: 'US', string: 'printable' },
  ];
}

export const intelNames = {
  root: intelName('Intel SGX Root CA'),
  platform: intelName('Intel SGX PCK Platform CA'),
  processor: intelName('Intel SGX PCK Processor CA'),
  tcbSigning: intelName('Intel SGX TCB Signing'),
  pck: intelName('Intel SGX PCK Certificate'),
} as const;

export type PckCa = 'platform' | 'processor';

/** Where certificates under the root say that its CRL is. */
export const rootCrlUrl = 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der';

export function pckCrlUrl(ca: PckCa): string {
  const service = 'https://api.trustedservices.intel.com/sgx/certification/v4';
  return `${service}/pckcrl?ca=${ca}&encoding=der`;
}

/** What a PCK certificate says of its machine. */
export type PckValues = {
  /** Who issued it: `platform` for servers, `processor` for single-socket client machines. */
  ca: PckCa;
  /** 16 bytes */
  ppid: Bytes;
  /** The 16 component SVNs, 0 to 255. */
  components: readonly number[];
  pceSvn: number;
  /** 16 bytes, little-endian in memory; null: the components as bytes, as Intel writes it. */
  cpuSvn: Bytes | null;
  /** 2 bytes */
  pceId: Bytes;
  /** 6 bytes */
  fmspc: Bytes;
  /** 0 standard, 1 scalable, 2 scalable with integrity. */
  sgxType: number;
  /** 16 bytes; the processor CA's certificates have none. */
  platformInstanceId: Bytes | null;
  /** The processor CA's certificates have none. */
  configuration: { dynamicPlatform: boolean; cachedKeys: boolean; smtEnabled: boolean } | null;
};

/**
 * A server whose microcode and SEAM loader are current in the simulated TCB info; under the
 * processor CA a client machine with the same versions. Lengths are not checked: a wrong value
 * makes a wrong certificate.
 */
export function pckValues(changes: Partial<PckValues> = {}): PckValues {
  const ofServer = changes.ca !== 'processor';
  return {
    ca: 'platform',
    ppid: new Uint8Array(16).fill(0xbb),
    components: [4, 4, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
    pceSvn: 13,
    cpuSvn: null,
    pceId: new Uint8Array(2),
    fmspc: Uint8Array.of(0x90, 0xc0, 0x6f, 0, 0, 0),
    sgxType: ofServer ? 1 : 0,
    platformInstanceId: ofServer ? new Uint8Array(16).fill(0x1d) : null,
    configuration: ofServer ? { dynamicPlatform: true, cachedKeys: true, smtEnabled: true } : null,
    ...changes,
  };
}

/** The SGX extension's members in Intel's order; a test leaves one out, doubles or changes it. */
export function sgxExtensionMembers(values: PckValues): Bytes[] {
  const { configuration, platformInstanceId } = values;
  return [
    member([1], der.octetString(values.ppid)),
    member([2], der.sequence(...tcbMembers(values))),
    member([3], der.octetString(values.pceId)),
    member([4], der.octetString(values.fmspc)),
    member([5], der.enumerated(values.sgxType)),
    ...(platformInstanceId === null ? [] : [member([6], der.octetString(platformInstanceId))]),
    ...(configuration === null
      ? []
      : [
          member(
            [7],
            der.sequence(
              member([7, 1], der.derBoolean(configuration.dynamicPlatform)),
              member([7, 2], der.derBoolean(configuration.cachedKeys)),
              member([7, 3], der.derBoolean(configuration.smtEnabled)),
            ),
          ),
        ]),
  ];
}

export function sgxExtension(members: readonly Bytes[]): Extension {
  return extension(sgxExtensionOid, false, der.sequence(...members));
}

function tcbMembers({ components, pceSvn, cpuSvn }: PckValues): Bytes[] {
  return [
    ...components.map((svn, index) => member([2, index + 1], der.integer(svn))),
    member([2, 17], der.integer(pceSvn)),
    member([2, 18], der.octetString(cpuSvn ?? Uint8Array.from(components))),
  ];
}

/** One member: its OID below the extension's, then its value. */
export function member(arcs: readonly number[], value: Bytes): Bytes {
  return der.sequence(der.objectIdentifier([sgxExtensionOid, ...arcs].join('.')), value);
}
