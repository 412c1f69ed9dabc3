/** A machine's key whose certificate is shown: no proof is about it, for the checker sees and checks it, and with it the chip. */
import type { Bytes } from '#verifier/bytes.ts';
import { asPck, type Pck, type PckCa } from '#verifier/chain/intel.ts';
import type { Held } from '#verifier/chain/links.ts';
import { type Certificate, parseCertificate, sameName } from '#verifier/chain/x509.ts';
import type { Field } from '#verifier/field.ts';
import type { Ending } from '#verifier/verified.ts';
import { type Clock, checkSigned, checkUnrevoked } from './bob-signed.ts';
import { chipTdx, keyCommitment, serial, vekTdx } from './formulas.ts';
import { attempt, type Finding, fail, pass, skip } from './linked-checks.ts';
import { hexOfField } from './proof-file-parts.ts';

export type ShownPck = {
  readonly certificate: Finding;
  readonly crl: Finding;
  /** Null when it cannot be read. */
  readonly pck: Held<Pck> | null;
  readonly ends: readonly Ending[];
};

const lacksCa = 'a readable certificate of the PCK CA';
const lacksPck = 'a readable PCK certificate';

/** The PCK certificate and its CA's list, as a verification of a quote checks them. */
export async function checkShownPck(
  der: Bytes,
  ca: Held<PckCa> | null,
  pckCrls: readonly Bytes[],
  clock: Clock,
): Promise<ShownPck> {
  const read = attempt(() => holdPck(der), 'a PCK certificate');
  if ('failure' in read) {
    return { certificate: read.failure, crl: skip(lacksPck), pck: null, ends: [] };
  }
  const pck = read.value;
  const { certificate } = pck;
  const ends = [{ what: 'the PCK certificate', at: certificate.notAfter }];
  if (ca === null) return { certificate: skip(lacksCa), crl: skip(lacksCa), pck, ends };
  const signer = { spki: ca.certificate.spki, name: 'the PCK CA' };
  const given = {
    lists: pckCrls,
    of: ca.certificate.commonName,
    lacks: "the revocation list of the PCK's CA (--pck-crl)",
    ending: "the PCK CA's revocation list",
  };
  const list = await checkUnrevoked(certificate, signer, given, clock);
  const belongs = sameName(certificate.issuer, ca.certificate.subject) && pck.ca === ca.ca;
  const expected = `a PCK certificate of the ${ca.ca} CA`;
  return {
    certificate: belongs
      ? await checkSigned(certificate, signer, expected, clock)
      : fail({
          expected,
          actual: `one of the ${pck.ca} CA`,
          reason: 'the certificates do not belong together',
        }),
    crl: list.finding,
    pck,
    ends: [...ends, ...list.ends],
  };
}

/** @throws AttestationError as `parseCertificate` and `asPck` */
function holdPck(der: Bytes): Held<Pck> {
  const certificate: Certificate = parseCertificate(der, 'PCK certificate');
  return { ...asPck(certificate), certificate };
}

/** vek of a PCK, whose issuer is that of its CA; `asPck` has seen that the key is on P-256. */
export function vekOfPck(
  { certificate, ppid, tcb, fmspc }: Held<Pck>,
  issuer: Field,
): Field | null {
  const { publicKey, serial: number } = certificate;
  if (publicKey.kind !== 'p256') return null;
  return vekTdx({
    publicKey: publicKey.point,
    chip: chipTdx(ppid),
    serial: serial(issuer, number),
    fmspc,
    cpuSvn: Uint8Array.from(tcb.components),
    pceSvn: tcb.pceSvn,
  });
}

/** C_key = P2(vek-commitment; vek, salt), of what is shown. @param vek null when the certificate cannot be read */
export function checkOpening(vek: Field | null, salt: Field, commitment: Field): Finding {
  if (vek === null) return skip('a readable certificate of the machine');
  const found = keyCommitment(vek, salt);
  if (found === commitment) return pass({ actual: 'the certificate is shown, and opens C_key' });
  return fail({
    expected: hexOfField(commitment),
    actual: hexOfField(found),
    reason:
      'the certificate and salt that are shown do not open C_key: the machine’s key is another',
  });
}
