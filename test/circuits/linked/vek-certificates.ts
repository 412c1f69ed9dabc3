/** Certificates of VCEKs and VLEKs, real and simulated, as the circuits take them. */
import { existsSync, readdirSync } from 'node:fs';
import type { InputMap } from '@noir-lang/noir_js';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { keyCommitment } from '#prover/linked/formulas.ts';
import { issuerSnp, snpProducts, vekSnp } from '#prover/linked/formulas-snp.ts';
import {
  type SnpCertified,
  toSnpVekInputs,
  vekCertificateRoom,
} from '#prover/linked/snp-vek-inputs.ts';
import { snpVekOf } from '#prover/linked/vek-facts.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import {
  type CertificatePlan,
  type Change,
  changePlan,
  issueCertificate,
} from '#test/fake/certificates.ts';
import { sharedFile, sharedPath } from '#test/shared.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { decodeTcb, type SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, concat, fromBigEndian, toHex } from '#verifier/bytes.ts';
import { asVek, type Vek } from '#verifier/chain/amd.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { limbs } from '#verifier/field.ts';
import { digitsOf, saltOf } from './scene.ts';

export type Role = Vek['role'];

export type RealVek = { readonly from: string; readonly der: Bytes };

/** Each certificate of the corpus once. */
export function realVeks(): RealVek[] {
  const found = new Map<string, RealVek>();
  for (const tee of ['sev-snp', 'azure-snp-vtpm']) {
    for (const id of readdirSync(sharedPath(`corpus/${tee}`))) {
      for (const name of ['vcek.der', 'vlek.der']) {
        const from = `corpus/${tee}/${id}/${name}`;
        if (!existsSync(sharedPath(from))) continue;
        const der = sharedFile(from);
        found.set(toHex(der), { from, der });
      }
    }
  }
  return [...found.values()];
}

/** AMD's own ASK or ASVK: DER. */
export function realIssuer({ product, role }: Vek): Bytes {
  const file = `corpus/collateral/amd/${product.toLowerCase()}-${role}-chain.pem`;
  const [issuer] = readPemChain(sharedFile(file), file);
  return issuer as Bytes;
}

/** The hierarchy's VCEK or VLEK, changed in one way and signed anew: DER. */
export function reissued(
  hierarchy: AmdHierarchy,
  role: Role,
  change: Change<CertificatePlan> = {},
): Bytes {
  return issueCertificate(changePlan(hierarchy[role].plan, change)).der;
}

export type Sort = { readonly product: SnpProduct; readonly role: Role };

/** Of circuits/test/vek_vectors. @param tbs what is more than the circuit takes is cut off */
export function readingOf(tbs: Bytes, { product, role }: Sort): InputMap {
  const certificate = new Uint8Array(vekCertificateRoom);
  certificate.set(tbs.subarray(0, vekCertificateRoom));
  return {
    certificate: [...certificate],
    product: fieldInput(BigInt(snpProducts[product])),
    kind: fieldInput(role === 'vcek' ? 0n : 1n),
  };
}

/** The signed part, whatever else is in the certificate. */
export function tbsOf(der: Bytes): Bytes {
  return der.subarray(4, 8 + Number(fromBigEndian(der.subarray(6, 8))));
}

export type Fields = Readonly<Record<string, bigint | readonly bigint[]>>;

/** What the plain verifier reads, in the circuit's names. @throws AttestationError as it */
export function fieldsOf(der: Bytes): Fields {
  const certificate = parseCertificate(der, 'VEK certificate');
  const vek = asVek(certificate);
  const { publicKey } = snpVekOf(certificate, vek);
  const { fmc, bootLoader, tee, snp, microcode } = decodeTcb(vek.product, vek.tcb, 'tcb');
  const id = vek.hardwareId ?? new Uint8Array(64);
  return {
    not_before: digitsOf(certificate.notBefore),
    not_after: digitsOf(certificate.notAfter),
    x: limbs(publicKey.subarray(0, 48)),
    y: limbs(publicKey.subarray(48)),
    chip_id: limbs(concat(id, new Uint8Array(64 - id.length))),
    fmc: BigInt(fmc),
    boot_loader: BigInt(bootLoader),
    tee: BigInt(tee),
    snp: BigInt(snp),
    microcode: BigInt(microcode),
  };
}

/** What the circuit returned, likewise. */
export function fieldsFrom(returned: Readonly<Record<string, string | readonly string[]>>): Fields {
  return Object.fromEntries(
    Object.entries(returned).map(([name, value]) => [
      name,
      typeof value === 'string' ? BigInt(value) : value.map(BigInt),
    ]),
  );
}

export function certifiedBy(der: Bytes, issuerDer: Bytes): SnpCertified {
  const certificate = parseCertificate(der, 'VEK certificate');
  const vek = snpVekOf(certificate, asVek(certificate));
  const { publicKey } = parseCertificate(issuerDer, 'ASK or ASVK certificate');
  if (publicKey.kind !== 'rsa') throw new TypeError('the issuer has no RSA key');
  const issuerModulus = publicKey.modulus;
  const issuer = issuerSnp(vek.product, vek.kind, issuerModulus);
  return { certificate, vek, issuer, issuerModulus };
}

/** Of snp-vek, at a time in the middle of the validity. */
export function vekInputsOf(facts: SnpCertified, seed = 'vek'): InputMap {
  const salt = saltOf(seed);
  const { notBefore, notAfter } = facts.certificate;
  return toSnpVekInputs({
    facts,
    at: digitsOf(Math.floor((notBefore + notAfter) / 2)),
    commitment: keyCommitment(vekSnp(facts.vek), salt),
    salt,
  });
}
