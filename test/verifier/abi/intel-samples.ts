/** Documents to bend: small ones made here, real ones from the corpus. */
import { readdirSync } from 'node:fs';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import type { IsvLevel, SignedMember } from '#verifier/abi/intel-json.ts';
import type { QeIdentity } from '#verifier/abi/qe-identity.ts';
import type { TcbInfo, TcbLevel, TdxModuleIdentity } from '#verifier/abi/tcb-info.ts';
import type { TcbInput } from '#verifier/abi/tcb-status.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';

const directory = 'corpus/collateral/intel';

/** Real documents by the start of their names; none where the corpus is absent. */
export function realDocuments(prefix: RegExp): { name: string; bytes: Bytes }[] {
  if (!hasShared) return [];
  return readdirSync(sharedPath(directory))
    .filter((name) => prefix.test(name) && name.endsWith('.json'))
    .map((name) => ({ name, bytes: sharedFile(`${directory}/${name}`) }));
}

/** The envelope around an inner object, as Intel writes it; the signature is none. */
export function seal(member: SignedMember, inner: string, signature = 'ab'.repeat(64)): Bytes {
  return utf8(`{"${member}":${inner},"signature":"${signature}"}`);
}

const may2025 = 1747180800;

export function isvLevel(isvSvn: number, more: Partial<IsvLevel> = {}): IsvLevel {
  return { isvSvn, date: may2025, status: 'UpToDate', advisories: [], ...more };
}

/** Components 1 and 2 of each kind as given, the others zero. */
export function svns(...first: readonly number[]): number[] {
  return Array.from({ length: 16 }, (_, index) => first[index] ?? 0);
}

export function tcbLevel(more: Partial<TcbLevel> = {}): TcbLevel {
  return {
    sgx: svns(5, 5),
    pceSvn: 11,
    tdx: svns(0, 0, 5),
    date: may2025,
    status: 'UpToDate',
    advisories: [],
    ...more,
  };
}

const intelModule = {
  mrSigner: new Uint8Array(48),
  attributes: new Uint8Array(8),
  attributesMask: new Uint8Array(8).fill(0xff),
};

export function moduleIdentity(id: string, ...levels: readonly IsvLevel[]): TdxModuleIdentity {
  return { id, ...intelModule, tcbLevels: levels };
}

/** For TDX: one platform level and one module version, all up to date. */
export function tdxInfo(more: Partial<TcbInfo> = {}): TcbInfo {
  return {
    id: 'TDX',
    version: 3,
    issueDate: may2025,
    nextUpdate: may2025 + 30 * 86400,
    fmspc: Uint8Array.of(0x90, 0xc0, 0x6f, 0, 0, 0),
    pceId: new Uint8Array(2),
    tcbType: 0,
    tcbEvaluationDataNumber: 17,
    tdxModule: intelModule,
    tdxModuleIdentities: [moduleIdentity('TDX_01', isvLevel(4))],
    tcbLevels: [tcbLevel()],
    ...more,
  };
}

export function sgxInfo(more: Partial<TcbInfo> = {}): TcbInfo {
  const tcbLevels = [tcbLevel({ tdx: null })];
  return {
    ...tdxInfo({ id: 'SGX', tdxModule: null, tdxModuleIdentities: [], tcbLevels }),
    ...more,
  };
}

export function qeIdentity(more: Partial<QeIdentity> = {}): QeIdentity {
  return {
    id: 'TD_QE',
    version: 2,
    issueDate: may2025,
    nextUpdate: may2025 + 30 * 86400,
    tcbEvaluationDataNumber: 17,
    miscSelect: 0,
    miscSelectMask: 0xffffffff,
    attributes: Uint8Array.of(0x11, ...new Uint8Array(15)),
    attributesMask: Uint8Array.of(0xfb, ...new Uint8Array(7).fill(0xff), ...new Uint8Array(8)),
    mrSigner: new Uint8Array(32).fill(0xdc),
    isvProdId: 2,
    tcbLevels: [isvLevel(4)],
    ...more,
  };
}

/** TEE_TCB_SVN: minor and major version of the module, microcode, nothing else. */
export function tee(...first: readonly number[]): Bytes {
  return Uint8Array.from(svns(...first));
}

/** A TD that is up to date in everything. */
export function tdxInput(info: Partial<TcbInfo> = {}, more: Partial<TcbInput> = {}): TcbInput {
  return {
    info: tdxInfo(info),
    identity: qeIdentity(),
    pck: { components: svns(5, 5), pceSvn: 11 },
    tee: { teeTcbSvn: tee(4, 1, 5), teeTcbSvn2: null },
    qeIsvSvn: 4,
    ...more,
  };
}

/** The same of an SGX enclave. */
export function sgxInput(info: Partial<TcbInfo> = {}, more: Partial<TcbInput> = {}): TcbInput {
  return tdxInput(
    {},
    { info: sgxInfo(info), identity: qeIdentity({ id: 'QE' }), tee: null, ...more },
  );
}
