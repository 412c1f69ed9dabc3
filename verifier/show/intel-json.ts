/** Intel's TCB info and QE identity for `affidavit show`: what they are for, their dates, and each level. */
import { parseQeIdentity } from '#verifier/abi/qe-identity.ts';
import { type IsvLevel, parseTcbInfo, type TcbLevel } from '#verifier/abi/tcb-info.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import type { ShowField, ShowSection } from './document.ts';

/** Which of the two documents the bytes begin as; null for neither. */
export function intelDocumentOf(bytes: Bytes): 'tcb-info' | 'qe-identity' | null {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64)).replace(/\s/g, '');
  if (start.startsWith('{"tcbInfo"')) return 'tcb-info';
  return start.startsWith('{"enclaveIdentity"') ? 'qe-identity' : null;
}

/** @throws AttestationError what parsing the document throws */
export function intelDocumentSection(
  kind: 'tcb-info' | 'qe-identity',
  bytes: Bytes,
  title: string,
): ShowSection {
  const fields = kind === 'tcb-info' ? tcbInfoFields(bytes) : qeIdentityFields(bytes);
  return { title, offsetsFrom: null, fields };
}

const field = (name: string, value: string): ShowField => ({ name, value });

function tcbInfoFields(bytes: Bytes): ShowField[] {
  const { info, signature } = parseTcbInfo(bytes);
  return [
    field('id', info.id),
    field('version', String(info.version)),
    field('issueDate', formatTime(info.issueDate)),
    field('nextUpdate', formatTime(info.nextUpdate)),
    field('fmspc', toHex(info.fmspc)),
    field('pceId', toHex(info.pceId)),
    field('tcbEvaluationDataNumber', String(info.tcbEvaluationDataNumber)),
    ...info.tdxModuleIdentities.flatMap(({ id, mrSigner, tcbLevels }) => [
      field(`${id} MRSIGNER`, toHex(mrSigner)),
      ...tcbLevels.map((level) => field(`${id} ISVSVN ≥ ${level.isvSvn}`, judged(level))),
    ]),
    ...info.tcbLevels.map((level, i) => field(`tcbLevels[${i}]`, levelText(level))),
    field('signature', toHex(signature)),
  ];
}

function qeIdentityFields(bytes: Bytes): ShowField[] {
  const { identity, signature } = parseQeIdentity(bytes);
  return [
    field('id', identity.id),
    field('version', String(identity.version)),
    field('issueDate', formatTime(identity.issueDate)),
    field('nextUpdate', formatTime(identity.nextUpdate)),
    field('tcbEvaluationDataNumber', String(identity.tcbEvaluationDataNumber)),
    field('mrSigner', toHex(identity.mrSigner)),
    field('isvProdId', String(identity.isvProdId)),
    field('attributes', `${toHex(identity.attributes)} under ${toHex(identity.attributesMask)}`),
    ...identity.tcbLevels.map((level) => field(`ISVSVN ≥ ${level.isvSvn}`, judged(level))),
    field('signature', toHex(signature)),
  ];
}

type Judged = Pick<IsvLevel | TcbLevel, 'status' | 'date' | 'advisories'>;

function judged({ status, date, advisories }: Judged): string {
  const known = advisories.length === 0 ? '' : `; ${advisories.join(', ')}`;
  return `${status} as of ${formatTime(date)}${known}`;
}

function levelText(level: TcbLevel): string {
  const tdx = level.tdx === null ? '' : ` TDX ${level.tdx.join('.')}`;
  return `SGX ${level.sgx.join('.')} PCESVN ${level.pceSvn}${tdx}: ${judged(level)}`;
}
