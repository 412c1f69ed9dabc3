/** What the circuits take of a TDX quote. Nothing is verified here: the circuits, and the plain verifier before them, do that. */
import { readPemChain } from '#verifier/abi/pem.ts';
import { parseQuote, pckChainType } from '#verifier/abi/quote.ts';
import type { TdReport } from '#verifier/abi/td-report.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { readPckExtension, sgxExtension } from '#verifier/chain/pck-extension.ts';
import { type Certificate, parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Field } from '#verifier/field.ts';
import { chipTdx, issuerTdx, type Pck, serial } from './formulas.ts';

export type QuoteFacts = {
  /** Header, descriptor and body: what the attestation key signed. */
  readonly signed: Bytes;
  /** r ‖ s. */
  readonly signature: Bytes;
  /** x ‖ y. */
  readonly attestationKey: Bytes;
  readonly authenticationData: Bytes;
  readonly qeReport: Bytes;
  readonly qeSignature: Bytes;
  readonly qeIsvSvn: number;
  readonly report: TdReport;
  readonly pck: Pck;
  readonly certificate: Certificate;
  /** x ‖ y of the PCK CA, by the certificate behind the PCK's; nobody has verified that it is Intel's. */
  readonly issuerKey: Bytes;
  readonly issuer: Field;
};

/**
 * @throws AttestationError as `parseQuote` and `parseCertificate`; `certificate-profile` for a quote of another TEE, or one
 *   whose PCK does not come with it
 */
export function readQuoteFacts(bytes: Bytes): QuoteFacts {
  const quote = parseQuote(bytes);
  const { body, certification } = quote;
  if (body.kind !== 'tdx') throw refused('expected a quote of a TD, got one of an SGX enclave');
  if (certification.type !== pckChainType) {
    throw refused(`certification data of type ${certification.type} brings no PCK certificate`);
  }
  const [pckDer, caDer] = readPemChain(certification.data, 'certification data');
  if (pckDer === undefined || caDer === undefined) throw refused('the PCK comes without its CA');
  const certificate = parseCertificate(pckDer, 'PCK certificate');
  const issuerKey = pointOf(parseCertificate(caDer, 'PCK CA certificate'));
  const issuer = issuerTdx(issuerKey);
  return {
    signed: bytes.subarray(0, quote.signedLength),
    signature: quote.signature,
    attestationKey: quote.attestationKey,
    authenticationData: quote.qeAuthData,
    qeReport: quote.qeReportBytes,
    qeSignature: quote.qeReportSignature,
    qeIsvSvn: quote.qeReport.isvSvn,
    report: body.report,
    pck: readPck(certificate, issuer),
    certificate,
    issuerKey,
    issuer,
  };
}

function readPck(certificate: Certificate, issuer: Field): Pck {
  const extension = certificate.extensions.find(({ oid }) => oid === sgxExtension);
  if (extension === undefined) throw refused('the PCK certificate has no SGX extension');
  const { ppid, tcb, fmspc } = readPckExtension(extension.value, 'PCK certificate');
  return {
    publicKey: pointOf(certificate),
    chip: chipTdx(ppid),
    serial: serial(issuer, certificate.serial),
    fmspc,
    cpuSvn: Uint8Array.from(tcb.components),
    pceSvn: tcb.pceSvn,
  };
}

function pointOf({ publicKey }: Certificate): Bytes {
  if (publicKey.kind !== 'p256') throw refused('a certificate of the PCK chain has no P-256 key');
  return publicKey.point;
}

function refused(problem: string): AttestationError {
  return new AttestationError('certificate-profile', `quote: ${problem}`);
}
