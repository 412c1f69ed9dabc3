/**
 * The SGX extension of PCK certificates: which machine it is, and which TCB the certified key is for. "Intel SGX PCK
 * Certificate and Certificate Revocation List Profile Specification", SGX extensions. A SEQUENCE of SEQUENCEs { OID, value }, read in
 * the one order that Intel writes.
 */
import { type Bytes, fromBigEndian, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { DerReader, derTag } from './der.ts';

export const sgxExtension = '1.2.840.113741.1.13.1';

/** By their ENUMERATED values, 0 to 2. */
export const sgxTypes = ['standard', 'scalable', 'scalable with integrity'] as const;
export type SgxType = (typeof sgxTypes)[number];

/** Of a TCB: 16 components 0 to 255; `pceSvn` 0 to 65535; `cpuSvn` 16 bytes, the processor's own encoding. */
export type PckTcb = { components: readonly number[]; pceSvn: number; cpuSvn: Bytes };

export type PckConfiguration = {
  /** Packages can be added after registration. */
  dynamicPlatform: boolean;
  /** Intel's registration service holds the platform's root keys. */
  cachedKeys: boolean;
  smtEnabled: boolean;
};

export type PckExtension = {
  /** Names the processor package, 16 bytes. */
  ppid: Bytes;
  tcb: PckTcb;
  /** 2 bytes as written */
  pceId: Bytes;
  /** Family, model, stepping, platform type and custom SKU: what TCB info is issued for. 6 bytes. */
  fmspc: Bytes;
  sgxType: SgxType;
  /** 16 bytes; null, and the configuration with it, where a certificate ends before it (processor CA). */
  platformInstanceId: Bytes | null;
  configuration: PckConfiguration | null;
};

const componentCount = 16;

/**
 * @param value content of the extension's OCTET STRING
 * @throws AttestationError `certificate-profile`, `der-malformed`
 */
export function readPckExtension(value: Bytes, what: string): PckExtension {
  const file = new DerReader(value, `${what}, SGX extension`);
  const sequence = file.enter(derTag.sequence, 'the SGX extension');
  file.end('the SGX extension');
  const list = new MemberList(sequence, sgxExtension, what);
  const extension = {
    ppid: list.octets(1, 'PPID', 16),
    tcb: readTcb(list.list(2, 'TCB')),
    pceId: list.octets(3, 'PCE-ID', 2),
    fmspc: list.octets(4, 'FMSPC', 6),
    sgxType: list.sgxType(5),
  };
  if (list.done) return { ...extension, platformInstanceId: null, configuration: null };
  const platformInstanceId = list.octets(6, 'platform instance id', 16);
  const configuration = readConfiguration(list.list(7, 'configuration'));
  list.end();
  return { ...extension, platformInstanceId, configuration };
}

function readTcb(list: MemberList): PckTcb {
  const components: number[] = [];
  for (let i = 1; i <= componentCount; i++)
    components.push(list.svn(i, `SVN of component ${i}`, 0xff));
  const tcb = {
    components,
    pceSvn: list.svn(componentCount + 1, 'PCE SVN', 0xffff),
    cpuSvn: list.octets(componentCount + 2, 'CPU SVN', 16),
  };
  list.end();
  return tcb;
}

function readConfiguration(list: MemberList): PckConfiguration {
  const configuration = {
    dynamicPlatform: list.boolean(1, 'dynamic platform'),
    cachedKeys: list.boolean(2, 'cached keys'),
    smtEnabled: list.boolean(3, 'SMT enabled'),
  };
  list.end();
  return configuration;
}

/** SEQUENCEs of an OID below `arc` and a value, each asked for in its turn: what is out of turn, unknown or double is refused. */
class MemberList {
  readonly #reader: DerReader;
  readonly #arc: string;
  readonly #what: string;

  constructor(reader: DerReader, arc: string, what: string) {
    this.#reader = reader;
    this.#arc = arc;
    this.#what = what;
  }

  get done(): boolean {
    return this.#reader.done;
  }

  #member<T>(number: number, field: string, read: (item: DerReader) => T): T {
    const wanted = `${this.#arc}.${number}`;
    if (this.#reader.done) throw this.#profile(`${wanted} (${field}) is missing`);
    const item = this.#reader.enter(derTag.sequence, field);
    const oid = item.oid(`the OID of ${field}`);
    if (oid !== wanted) throw this.#profile(`expected ${wanted} (${field}), got ${oid}`);
    const value = read(item);
    item.end(field);
    return value;
  }

  #profile(problem: string): AttestationError {
    return new AttestationError('certificate-profile', `${this.#what}, SGX extension: ${problem}`);
  }

  octets(number: number, field: string, length: number): Bytes {
    return this.#member(number, field, (item) => item.octets(field, length));
  }

  svn(number: number, field: string, max: number): number {
    const octets = this.#member(number, field, (item) => item.unsigned(field));
    // Two bytes are as many as any of them has.
    const value = octets.length > 2 ? Number.NaN : Number(fromBigEndian(octets));
    if (!(value <= max))
      throw this.#profile(`${field} should be 0 to ${max}, got 0x${toHex(octets.subarray(0, 8))}`);
    return value;
  }

  boolean(number: number, field: string): boolean {
    return this.#member(number, field, (item) => item.boolean(field));
  }

  sgxType(number: number): SgxType {
    const field = 'SGX type';
    const { content } = this.#member(number, field, (item) =>
      item.expect(derTag.enumerated, field),
    );
    const type = content.length === 1 ? sgxTypes[content[0] as number] : undefined;
    if (type === undefined) throw this.#profile(`${field} should be 0 to ${sgxTypes.length - 1}`);
    return type;
  }

  /** The members of a member. */
  list(number: number, field: string): MemberList {
    const inside = this.#member(number, field, (item) => item.enter(derTag.sequence, field));
    return new MemberList(inside, `${this.#arc}.${number}`, this.#what);
  }

  end(): void {
    this.#reader.end(`the last known member of ${this.#arc}`);
  }
}
