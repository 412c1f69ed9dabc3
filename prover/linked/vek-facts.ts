/** A VCEK or VLEK as the linked proofs know it. Nothing is verified here. */
import { decodeTcb } from '#verifier/abi/snp-tcb.ts';
import type { Vek } from '#verifier/chain/amd.ts';
import type { Certificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { chipSnp, noChip, type SnpVek, snpProducts, tcbSnp } from './formulas-snp.ts';

/**
 * @param vek what `asVek` read of the same certificate
 * @throws AttestationError `certificate-profile` for a key that is not on P-384
 */
export function snpVekOf({ publicKey }: Certificate, vek: Vek): SnpVek {
  const { role, product, tcb, hardwareId } = vek;
  if (publicKey.kind !== 'p384') {
    throw new AttestationError('certificate-profile', 'VEK: its key should be on P-384');
  }
  return {
    product: snpProducts[product],
    kind: role === 'vcek' ? 0 : 1,
    publicKey: publicKey.point,
    chip: hardwareId === null ? noChip : chipSnp(hardwareId),
    tcb: tcbSnp(decodeTcb(product, tcb, 'VEK, security patch levels')),
  };
}
