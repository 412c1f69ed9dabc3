/** What a file is, from its bytes alone: its name says nothing. Nothing is verified, and little is read. */
import { isCryptoAgile, looksLikeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { looksLikeHcl } from '#verifier/abi/hcl.ts';
import { looksLikeNitro } from '#verifier/abi/nitro.ts';
import { looksLikeRim } from '#verifier/abi/nvidia/rim.ts';
import { looksLikeSpdm } from '#verifier/abi/nvidia/spdm.ts';
import { looksLikeQuote } from '#verifier/abi/quote.ts';
import { reportLength } from '#verifier/abi/snp.ts';
import { readSnpTable } from '#verifier/abi/snp-forms.ts';
import { looksLikeSnpProtobuf } from '#verifier/abi/snp-protobuf.ts';
import { isTdReportStructure } from '#verifier/abi/td-report.ts';
import { bytesOfText } from '#verifier/abi/text-form.ts';
import { looksLikeAttest } from '#verifier/abi/tpm/attest.ts';
import { looksLikeGoTpm } from '#verifier/abi/tpm/go-tpm.ts';
import { readPcrs } from '#verifier/abi/tpm/pcrs.ts';
import { readAkPublic } from '#verifier/abi/tpm/public.ts';
import { parseTpmSignature } from '#verifier/abi/tpm/signature.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { derKindOf } from './der-objects.ts';
import { jsonKindOf } from './json-kinds.ts';
import { orNull } from './refused-file.ts';

/** `json`, `text` and `binary` are what none of the others is. */
export type FileKind =
  | 'bundle'
  | 'quote'
  | 'td-report'
  | 'snp-report'
  | 'snp-table'
  | 'hcl'
  | 'azure-evidence'
  | 'tpm-evidence'
  | 'go-tpm'
  | 'tpm-message'
  | 'tpm-signature'
  | 'pcrs'
  | 'public-key'
  | 'nitro'
  | 'nvidia'
  | 'nvidia-report'
  | 'certificates'
  | 'revocation-lists'
  | 'ocsp'
  | 'rim'
  | 'tcb-info'
  | 'qe-identity'
  | 'event-log'
  | 'manifest'
  | 'tree-proof'
  | 'policy'
  | 'proof-file'
  | 'response'
  | 'demands'
  | 'verdict'
  | 'hcl-claims'
  | 'private-key'
  | 'token'
  | 'json'
  | 'text'
  | 'binary'
  | 'empty';

export type KnownFile = {
  kind: FileKind;
  /** As they are to be read: what hex or base64 stands for, all else as it came. */
  bytes: Bytes;
};

const known = new WeakMap<Bytes, KnownFile>();

/** Never throws. Bytes are looked at once, however often they are asked about. */
export function fileKindOf(bytes: Bytes): KnownFile {
  let found = known.get(bytes);
  if (found === undefined) {
    found = lookAt(bytes);
    known.set(bytes, found);
  }
  return found;
}

function lookAt(bytes: Bytes): KnownFile {
  if (bytes.length === 0) return { kind: 'empty', bytes };
  const text = textOf(bytes);
  if (text === null) return { kind: binaryKindOf(bytes), bytes };
  const kind = textKindOf(text, bytes);
  if (kind !== 'text') return { kind, bytes };
  const decoded = orNull(() => bytesOfText(bytes, 'evidence'));
  if (decoded === null || decoded.length === 0) return { kind, bytes };
  const inner = textOf(decoded);
  const found = inner === null ? binaryKindOf(decoded) : textKindOf(inner, decoded);
  return { kind: found, bytes: decoded };
}

/** UTF-8 text without control characters, its first part in question; null for binary. */
function textOf(bytes: Bytes): string | null {
  const start = bytes.subarray(0, 4096);
  // PEM may end with zeros, as the C string that it was.
  const end = start.indexOf(0);
  const head = end === -1 ? start : start.subarray(0, end);
  const isText = head.every(
    (byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d,
  );
  if (!isText || (end !== -1 && !latin1(head).includes('-----BEGIN '))) return null;
  if (end === -1 && bytes.length > start.length && head.some((byte) => byte >= 0x80)) {
    return orNullText(bytes);
  }
  return head.some((byte) => byte >= 0x80) ? orNullText(bytes) : latin1(bytes);
}

function orNullText(bytes: Bytes): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function latin1(bytes: Bytes): string {
  return new TextDecoder('latin1').decode(bytes);
}

/** Each label that says what a PEM file is. */
const pemKinds: readonly [RegExp, FileKind][] = [
  [/PRIVATE KEY-----/, 'private-key'],
  [/-----BEGIN X509 CRL-----/, 'revocation-lists'],
  [/-----BEGIN PUBLIC KEY-----/, 'public-key'],
  [/-----BEGIN /, 'certificates'],
];

function textKindOf(text: string, bytes: Bytes): FileKind {
  const start = text.slice(0, 65_536).trimStart();
  if (start.startsWith('{') || start.startsWith('[')) return jsonKindOf(text);
  if (looksLikeRim(bytes)) return 'rim';
  const pem = pemKinds.find(([label]) => label.test(text));
  if (pem !== undefined) return pem[1];
  if (/^[0-9a-f]{64} \/nix\/store\//.test(text)) return 'manifest';
  if (/^(?:selected-pcrs:|sha[0-9]+ ?:)/.test(start)) return 'pcrs';
  if (/^[\w-]+\.[\w-]+\.[\w-]+\s*$/.test(start)) return 'token';
  // A policy in YAML, which has these members at its left edge.
  if (
    /^version\s*:/m.test(start) &&
    /^(?:closureDigest|treeRoot|waivers|freshness)\s*:/m.test(start)
  )
    return 'policy';
  return 'text';
}

function binaryKindOf(bytes: Bytes): FileKind {
  if (looksLikeHcl(bytes)) return 'hcl';
  if (looksLikeAttest(bytes)) return 'tpm-message';
  if (looksLikeNitro(bytes)) return 'nitro';
  if (isTdReportStructure(bytes)) return 'td-report';
  if (looksLikeQuote(bytes)) return 'quote';
  if (beginsAsReport(bytes) && bytes.length === reportLength) return 'snp-report';
  if (isEventLog(bytes)) return 'event-log';
  if (looksLikeGoTpm(bytes)) return 'go-tpm';
  if (looksLikeSpdm(bytes)) return 'nvidia-report';
  const der = derKindOf(bytes);
  if (der !== null) return der;
  if (beginsAsReport(bytes)) return 'snp-report';
  if (orNull(() => readSnpTable(bytes)) !== null) return 'snp-table';
  if (orNull(() => readPcrs(bytes)) !== null) return 'pcrs';
  if (orNull(() => readAkPublic(bytes)) !== null) return 'public-key';
  if (orNull(() => parseTpmSignature(bytes)) !== null) return 'tpm-signature';
  if (looksLikeSnpProtobuf(bytes)) return 'snp-report';
  return bytes.length === reportLength ? 'snp-report' : 'binary';
}

/** VERSION: a small number, and not zero, in four bytes. */
function beginsAsReport(bytes: Bytes): boolean {
  const [version = 0, ...rest] = bytes.subarray(0, 4);
  return rest.length === 3 && version > 0 && rest.every((byte) => byte === 0);
}

/** The older format has no signature of its own, and other bytes may begin alike: of it only what is whole is a log. */
function isEventLog(bytes: Bytes): boolean {
  if (!looksLikeEventLog(bytes)) return false;
  return isCryptoAgile(bytes) || orNull(() => parseEventLog(bytes)) !== null;
}
