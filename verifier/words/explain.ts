/** One check, explained: what it protects from, what to do, and what it found in some evidence. */
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { type AnyCheckId, checkIds, entryOf, linkedCheckIds } from '#verifier/checks.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { defaultColumns, harmless, wrap } from './lines.ts';

const jsonCodes = [
  'too-large',
  'utf8-malformed',
  'json-malformed',
  'json-shape',
  'version-unknown',
  'hex-malformed',
] as const satisfies ErrorCode[];
const certificateCodes = [
  'der-malformed',
  'certificate-profile',
  'utf8-malformed',
] as const satisfies ErrorCode[];
const binaryCodes = [
  'too-large',
  'length-wrong',
  'version-unknown',
  'reserved-not-zero',
  'value-out-of-range',
] as const satisfies ErrorCode[];
const listCodes = ['der-malformed', 'certificate-profile'] as const satisfies ErrorCode[];

const isBinary = (code: ErrorCode): boolean => binaryCodes.some((one) => one === code);

/** Checks that read something: the codes with which reading fails, as `actual` then says. */
export const codesOfCheck: Partial<Record<AnyCheckId, readonly ErrorCode[]>> = {
  'parse.bundle': [...jsonCodes, 'base64-malformed', 'field-not-canonical'],
  'parse.report': ['length-wrong', 'version-unknown', 'reserved-not-zero', 'value-out-of-range'],
  'parse.quote': [
    'too-large',
    'form-unknown',
    'length-wrong',
    'version-unknown',
    'reserved-not-zero',
    'value-out-of-range',
  ],
  'parse.hcl': [...binaryCodes, ...jsonCodes.filter((code) => !isBinary(code)), 'form-unknown'],
  'parse.tpm-quote': [
    ...binaryCodes,
    ...jsonCodes.filter((code) => !isBinary(code)),
    'base64-malformed',
    'form-unknown',
    'protobuf-malformed',
  ],
  'parse.event-log': ['too-large', 'log-malformed', 'json-malformed', 'json-shape'],
  'parse.nitro': ['too-large', 'cbor-malformed', 'length-wrong', 'value-out-of-range'],
  'parse.gpu': [
    ...binaryCodes,
    ...jsonCodes.filter((code) => !isBinary(code)),
    'base64-malformed',
    'form-unknown',
  ],
  'chain.ak-certificates': certificateCodes,
  'chain.nitro-certificates': certificateCodes,
  'chain.gpu-certificates': certificateCodes,
  'collateral.gpu-revocation': ['too-large', 'form-unknown', ...listCodes],
  'collateral.rim-signature': [
    'too-large',
    'form-unknown',
    'utf8-malformed',
    'base64-malformed',
    'value-out-of-range',
    ...listCodes,
  ],
  'chain.root-certificate': certificateCodes,
  'chain.issuer-certificate': certificateCodes,
  'chain.vek-certificate': [...certificateCodes, 'reserved-not-zero'],
  'chain.pck-certificate': [...certificateCodes, 'pem-malformed', 'base64-malformed'],
  'collateral.crl-signature': listCodes,
  'collateral.root-crl-signature': listCodes,
  'collateral.pck-crl-signature': listCodes,
  'collateral.tcb-info-signer': certificateCodes,
  'collateral.tcb-info-signature': [...jsonCodes, 'value-out-of-range'],
  'collateral.qe-identity-signer': certificateCodes,
  'collateral.qe-identity-signature': [...jsonCodes, 'value-out-of-range'],
  'binding.log': ['log-malformed', 'length-wrong', 'utf8-malformed', 'field-not-canonical'],
  'policy.reported-tcb': ['reserved-not-zero'],
  'policy.current-tcb': ['reserved-not-zero'],
  'policy.committed-tcb': ['reserved-not-zero'],
  'policy.launch-tcb': ['reserved-not-zero'],
  'link.file': [...jsonCodes, 'base64-malformed', 'length-wrong', 'field-not-canonical'],
  'link.message': [...jsonCodes, 'base64-malformed'],
  'link.issuer': certificateCodes,
  'link.issuer-crl': listCodes,
  'link.certificate': [...certificateCodes, 'reserved-not-zero'],
  'link.certificate-crl': listCodes,
};

const everyId: readonly AnyCheckId[] = [...checkIds, ...linkedCheckIds];

export function isCheckId(text: string): text is AnyCheckId {
  return (everyId as readonly string[]).includes(text);
}

/** The ids that a mistyped one may have meant: of the same last part, or that hold it. */
export function similarIds(text: string): AnyCheckId[] {
  const last = text.toLowerCase().split('.').at(-1) ?? '';
  if (last === '') return [];
  const ids = everyId.filter((id) => id.split('.').at(-1) === last);
  return ids.length > 0 ? ids : everyId.filter((id) => id.includes(last)).slice(0, 5);
}

/** @param verdict of the evidence that was given; null when none was @returns the page, with its last line feed */
export function explainCheck(
  id: AnyCheckId,
  verdict: Verdict<AnyCheckId> | null,
  columns: number = defaultColumns,
): string {
  const { stage, title, protects, remedy, spec } = entryOf(id);
  const codes = codesOfCheck[id] ?? [];
  const lines = [
    id,
    '',
    ...fact('passes', `when ${title}`, columns),
    ...fact('stage', stage, columns),
    ...fact('protects', protects, columns),
    ...fact('do', remedy, columns),
    ...fact('spec', spec, columns),
    ...(codes.length === 0 ? [] : fact('errors', codes.join(', '), columns)),
    ...(verdict === null ? [] : ['', ...foundLines(id, verdict, columns)]),
  ];
  return `${lines.join('\n')}\n`;
}

function foundLines(id: AnyCheckId, { checks }: Verdict<AnyCheckId>, columns: number): string[] {
  const result = checks.find((check) => check.id === id);
  if (result === undefined) return fact('found', 'does not apply to this evidence', columns);
  const words = { pass: 'pass', fail: 'FAIL', skip: 'skip', waived: 'waived' };
  const part = (label: string, text: string | null) =>
    text === null ? [] : fact(label, text, columns);
  return [
    ...fact('found', words[result.status], columns),
    ...part('why', result.reason),
    ...part('expected', result.expected),
    ...part('actual', result.actual),
  ];
}

function fact(label: string, text: string, columns: number): string[] {
  return wrap(harmless(text), label.padEnd(10), ' '.repeat(10), columns);
}
