/**
 * Intel's TCB info, version 3: which security versions a platform (an FMSPC) has had, and what Intel thinks of each
 * (Intel SGX and TDX Provisioning Certification Service, API version 4, "Get TCB Info"). What a machine's status is,
 * tcb-status.ts computes.
 */
import type { Bytes } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  arrayOf,
  type Decoded,
  type Decoder,
  integer,
  object,
  oneOf,
  optional,
  text,
  version,
} from '../json.ts';
import { formatTime, type UnixTime } from '../time.ts';
import {
  advisoryIds,
  type IsvLevel,
  intelHex,
  intelTime,
  isvLevelJson,
  isvLevels,
  openSignedJson,
  statusJson,
  type TcbStatus,
  tcbStatuses,
  toIntelHex,
  twice,
  u16,
  u32,
} from './intel-json.ts';

export type { IsvLevel, IsvStatus, TcbStatus } from './intel-json.ts';

/** SGX components of a platform, and as many TDX ones. */
export const componentCount = 16;

/** What a SEAM module (TDX module) must be signed by and hold in SEAMATTRIBUTES. */
export type TdxModule = {
  /** 48 bytes, zero for Intel's own. */
  mrSigner: Bytes;
  /** 8 bytes each. */
  attributes: Bytes;
  attributesMask: Bytes;
};

/** The same for one major version of the module, `TDX_nn` with nn in hex, and its levels in the order of the file. */
export type TdxModuleIdentity = TdxModule & { id: string; tcbLevels: readonly IsvLevel[] };

/** What Intel calls a component, where it does; for people only. */
export type ComponentLabel = { category?: string; type?: string };

export type TcbLevel = {
  /** 16 numbers of 0 to 255. */
  sgx: readonly number[];
  pceSvn: number;
  /** 16 numbers of 0 to 255; null in TCB info for SGX. */
  tdx: readonly number[] | null;
  date: UnixTime;
  status: TcbStatus;
  advisories: readonly string[];
  /** 16 of each, beside the numbers. */
  labels?: { sgx: readonly ComponentLabel[]; tdx: readonly ComponentLabel[] | null };
};

export type TcbInfo = {
  id: 'SGX' | 'TDX';
  version: 3;
  issueDate: UnixTime;
  nextUpdate: UnixTime;
  /** 6 bytes */
  fmspc: Bytes;
  /** 2 bytes */
  pceId: Bytes;
  /** How the levels' components compare; Intel has defined type 0 alone. */
  tcbType: 0;
  tcbEvaluationDataNumber: number;
  /** Of module versions that have no identity of their own (0, that is TDX 1.0); null for SGX. */
  tdxModule: TdxModule | null;
  /** Empty for SGX and in Intel's oldest documents for TDX. */
  tdxModuleIdentities: readonly TdxModuleIdentity[];
  /** In the order of the file, which decides nothing. */
  tcbLevels: readonly TcbLevel[];
};

export type SignedTcbInfo = {
  info: TcbInfo;
  /** The bytes that Intel signed. */
  signed: Bytes;
  /** 64 bytes, r‖s; not verified here. */
  signature: Bytes;
};

const label = text(/^[ -~]{1,64}$/, '1 to 64 printable ASCII characters');
const component = object({
  svn: integer(0, 0xff),
  category: optional(label),
  type: optional(label),
});
type Component = Decoded<typeof component>;
const components = arrayOf(component, { min: componentCount, max: componentCount });

const moduleMembers = {
  mrsigner: intelHex(48),
  attributes: intelHex(8),
  attributesMask: intelHex(8),
};

const levelShape = object({
  tcb: object({
    sgxtcbcomponents: components,
    pcesvn: u16,
    tdxtcbcomponents: optional(components),
  }),
  tcbDate: intelTime,
  tcbStatus: oneOf(...tcbStatuses),
  advisoryIDs: optional(advisoryIds),
});

const infoShape = object({
  id: oneOf('SGX', 'TDX'),
  version: version(3),
  issueDate: intelTime,
  nextUpdate: intelTime,
  fmspc: intelHex(6),
  pceId: intelHex(2),
  tcbType: oneOf(0),
  tcbEvaluationDataNumber: u32,
  tdxModule: optional(object(moduleMembers)),
  tdxModuleIdentities: optional(
    arrayOf(
      object({
        id: text(/^TDX_[0-9a-fA-F]{2}$/, 'TDX_ and two hex digits'),
        ...moduleMembers,
        tcbLevels: isvLevels,
      }),
      { min: 1, max: 256 },
    ),
  ),
  tcbLevels: arrayOf(levelShape, { min: 1, max: 256 }),
});

/**
 * The signed document as Intel serves it. Who signed it and whether it is current is for the caller.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `hex-malformed`,
 * `version-unknown`, `value-out-of-range`
 */
export function parseTcbInfo(bytes: Bytes): SignedTcbInfo {
  const { value, signed, signature } = openSignedJson(bytes, 'tcbInfo', 'TCB info');
  return { info: tcbInfo(value, 'tcbInfo'), signed, signature };
}

const tcbInfo: Decoder<TcbInfo> = (value, path) => {
  const { tdxModule, tdxModuleIdentities, tcbLevels, ...head } = infoShape(value, path);
  const isTdx = head.id === 'TDX';
  onlyForTdx(isTdx, tdxModule, `${path}.tdxModule`);
  if (!isTdx && tdxModuleIdentities !== undefined) {
    throw new AttestationError('json-shape', `${path}.tdxModuleIdentities: only for TDX`);
  }
  const identities = tdxModuleIdentities?.map(({ id, tcbLevels, ...members }) => ({
    id,
    ...asModule(members),
    tcbLevels,
  }));
  const levels = tcbLevels.map((level, index) => {
    const at = `${path}.tcbLevels[${index}]`;
    onlyForTdx(isTdx, level.tcb.tdxtcbcomponents, `${at}.tcb.tdxtcbcomponents`);
    return asLevel(level);
  });
  noneTwice(identities ?? [], ({ id }) => id.toUpperCase(), `${path}.tdxModuleIdentities`);
  noneTwice(levels, levelKey, `${path}.tcbLevels`);
  return {
    ...head,
    tdxModule: tdxModule === undefined ? null : asModule(tdxModule),
    tdxModuleIdentities: identities ?? [],
    tcbLevels: levels,
  };
};

function onlyForTdx(isTdx: boolean, member: unknown, path: string): void {
  if ((member !== undefined) === isTdx) return;
  throw new AttestationError('json-shape', `${path}: ${isTdx ? 'missing' : 'only for TDX'}`);
}

/** What tells two levels apart: with the same versions, only one of them could ever count. */
function levelKey({ sgx, pceSvn, tdx }: TcbLevel): string {
  const shown = `SGX ${sgx.join('.')}, PCESVN ${pceSvn}`;
  return tdx === null ? shown : `${shown}, TDX ${tdx.join('.')}`;
}

function noneTwice<T>(items: readonly T[], keyOf: (item: T) => string, path: string): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    if (seen.has(key)) throw twice(`${path}[${index}]`, key);
    seen.add(key);
  }
}

function asModule(members: { [K in keyof typeof moduleMembers]: Bytes }): TdxModule {
  const { mrsigner, attributes, attributesMask } = members;
  return { mrSigner: mrsigner, attributes, attributesMask };
}

function asLevel({ tcb, ...level }: Decoded<typeof levelShape>): TcbLevel {
  const { sgxtcbcomponents: sgx, tdxtcbcomponents: tdx } = tcb;
  return {
    sgx: sgx.map(({ svn }) => svn),
    pceSvn: tcb.pcesvn,
    tdx: tdx?.map(({ svn }) => svn) ?? null,
    date: level.tcbDate,
    status: level.tcbStatus,
    advisories: level.advisoryIDs ?? [],
    labels: { sgx: sgx.map(labelOf), tdx: tdx?.map(labelOf) ?? null },
  };
}

function labelOf({ svn: _, ...rest }: Component): ComponentLabel {
  return rest;
}

/**
 * The inner object, members in Intel's order: of a document that keeps this order and writes hex in upper case, the
 * very bytes.
 */
export function encodeTcbInfo(info: TcbInfo): string {
  return JSON.stringify({
    id: info.id,
    version: info.version,
    issueDate: formatTime(info.issueDate),
    nextUpdate: formatTime(info.nextUpdate),
    fmspc: toIntelHex(info.fmspc),
    pceId: toIntelHex(info.pceId),
    tcbType: info.tcbType,
    tcbEvaluationDataNumber: info.tcbEvaluationDataNumber,
    ...(info.tdxModule !== null && { tdxModule: moduleJson(info.tdxModule) }),
    ...(info.tdxModuleIdentities.length > 0 && {
      tdxModuleIdentities: info.tdxModuleIdentities.map((identity) => ({
        id: identity.id,
        ...moduleJson(identity),
        tcbLevels: identity.tcbLevels.map(isvLevelJson),
      })),
    }),
    tcbLevels: info.tcbLevels.map((level) => ({
      tcb: {
        sgxtcbcomponents: componentsJson(level.sgx, level.labels?.sgx),
        pcesvn: level.pceSvn,
        ...(level.tdx !== null && {
          tdxtcbcomponents: componentsJson(level.tdx, level.labels?.tdx),
        }),
      },
      ...statusJson(level),
    })),
  });
}

function moduleJson({ mrSigner, attributes, attributesMask }: TdxModule): object {
  return {
    mrsigner: toIntelHex(mrSigner),
    attributes: toIntelHex(attributes),
    attributesMask: toIntelHex(attributesMask),
  };
}

function componentsJson(
  svns: readonly number[],
  labels: readonly ComponentLabel[] | null | undefined,
): object[] {
  return svns.map((svn, index) => ({ svn, ...labels?.[index] }));
}
