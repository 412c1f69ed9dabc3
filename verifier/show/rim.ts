/** NVIDIA's reference integrity manifests and OCSP responses for `affidavit show`. */
import { looksLikeRim, parseRim, type RimMeasurement } from '#verifier/abi/nvidia/rim.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { type OcspAnswer, parseOcsp } from '#verifier/chain/ocsp.ts';
import { AttestationError } from '#verifier/errors.ts';
import { formatTime } from '#verifier/time.ts';
import { certificateSection } from './certificate.ts';
import type { ShowDocument, ShowField } from './document.ts';

export { looksLikeRim };

/** CRLReason (RFC 5280, 5.3.1), by number. */
const reasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  '',
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

/** @throws AttestationError what parseRim throws, and what its certificates do */
export function rimSections(bytes: Bytes): ShowDocument['sections'] {
  const rim = parseRim(bytes);
  const { kind, edition, product, version, tagId, measurements, signature } = rim;
  const active = measurements.filter((one) => one.active);
  const fields: ShowField[] = [
    { name: 'product', value: product },
    { name: 'edition', value: edition === 'gpu' ? 'GPU' : 'NVSwitch' },
    { name: 'of', value: kind },
    { name: 'version', value: version },
    { name: 'tag id', value: tagId },
    { name: 'measurements', value: `${measurements.length}, ${active.length} of them active` },
    { name: 'signature', value: toHex(signature.value) },
    {
      name: 'digest',
      value: signature.digestFits
        ? 'the signature speaks of this very document'
        : 'the signature speaks of another document',
    },
  ];
  return [
    { title: 'NVIDIA reference integrity manifest', offsetsFrom: null, fields },
    { title: 'Active measurements', offsetsFrom: null, fields: active.map(measurementField) },
    ...signature.certificates.map((der, i) => certificateSection(der, `Certificate ${i + 1}`)),
  ];
}

function measurementField({ index, alternatives, name }: RimMeasurement): ShowField {
  const [first, ...others] = alternatives.map(toHex);
  return {
    name: `${index} ${name}`,
    value: first ?? '',
    ...(others.length > 0 && { parts: others.map((value) => ({ name: 'or', value })) }),
  };
}

/** Whether it is an OCSP response, of whatever status. */
export function looksLikeOcsp(bytes: Bytes): boolean {
  try {
    parseOcsp(bytes, 'OCSP response');
    return true;
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}

/** @throws AttestationError what parseOcsp throws */
export function ocspSections(bytes: Bytes): ShowDocument['sections'] {
  const response = parseOcsp(bytes, 'OCSP response');
  const title = 'OCSP response';
  if (response === null) {
    const fields = [{ name: 'status', value: 'an error of the responder, which nobody signed' }];
    return [{ title, offsetsFrom: null, fields }];
  }
  const { responder, producedAt, signatureAlgorithm, certificates, answers } = response;
  const whose =
    responder.kind === 'key'
      ? `key with SHA-1 ${toHex(responder.sha1)}`
      : `name ${toHex(responder.name)}`;
  const fields = [
    { name: 'responder', value: whose },
    { name: 'produced at', value: formatTime(producedAt) },
    { name: 'signature algorithm', value: signatureAlgorithm },
  ];
  return [
    { title, offsetsFrom: null, fields },
    ...answers.map((answer, i) => ({
      title: `Answer ${i + 1}`,
      offsetsFrom: null,
      fields: answerFields(answer),
    })),
    ...certificates.map(({ der }, i) => certificateSection(der, `Certificate ${i + 1}`)),
  ];
}

function answerFields({ id, status, thisUpdate, nextUpdate }: OcspAnswer): ShowField[] {
  return [
    { name: 'serial number', value: toHex(id.serial) },
    { name: 'issuer’s name', value: `${id.hash} ${toHex(id.issuerName)}` },
    { name: 'issuer’s key', value: `${id.hash} ${toHex(id.issuerKey)}` },
    { name: 'status', value: statusText(status) },
    { name: 'this update', value: formatTime(thisUpdate) },
    { name: 'next update', value: nextUpdate === null ? 'not said' : formatTime(nextUpdate) },
  ];
}

function statusText(status: OcspAnswer['status']): string {
  if (status.kind !== 'revoked') return status.kind;
  const reason = status.reason === null ? '' : `, ${reasons[status.reason]}`;
  return `revoked at ${formatTime(status.at)}${reason}`;
}
