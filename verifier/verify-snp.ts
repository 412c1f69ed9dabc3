/** Stage evidence for SEV-SNP: the report against the key, chip, product and TCB of its certificate. */
import { type SnpReport, signedLength } from './abi/snp.ts';
import {
  decodeTcb,
  describeTcb,
  hardwareIdLength,
  productOfCpuid,
  type SnpProduct,
} from './abi/snp-tcb.ts';
import { type Bytes, concat, equalBytes, isZero, toHex } from './bytes.ts';
import type { AmdChain } from './chain/amd-chain.ts';
import type { Checklist } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';

const evidenceChecks = [
  'evidence.signature',
  'evidence.signing-key',
  'evidence.product',
  'evidence.chip-id',
  'evidence.tcb',
] as const;

type Vek = NonNullable<AmdChain['vek']>;

/** Makes every check of stage evidence. `given` is null when there is no report that could be read. */
export async function verifySnpEvidence(
  list: Checklist,
  given: { report: SnpReport; bytes: Bytes } | null,
  { vek }: AmdChain,
  crypto: CryptoPort,
): Promise<void> {
  if (given === null || vek === null) {
    const lacks =
      given === null
        ? 'a readable report'
        : 'the VCEK or VLEK certificate of this chip and TCB (--vek)';
    for (const id of evidenceChecks) list.skip(id, lacks);
    return;
  }
  const { report, bytes } = given;
  await checkSignature(list, report, bytes, vek, crypto);
  list.decide('evidence.signing-key', report.signingKey === vek.role, {
    expected: vek.role.toUpperCase(),
    actual: report.signingKey.toUpperCase(),
    reason: `the report says that ${report.signingKey === 'none' ? 'nothing' : `a ${report.signingKey.toUpperCase()}`} signed it, the certificate is a ${vek.role.toUpperCase()}`,
  });
  checkProduct(list, report, vek);
  checkChipId(list, report, vek);
  checkTcb(list, report, vek);
}

async function checkSignature(
  list: Checklist,
  report: SnpReport,
  bytes: Bytes,
  vek: Vek,
  crypto: CryptoPort,
): Promise<void> {
  const { r, s } = report.signature;
  if (!isZero(r.subarray(48)) || !isZero(s.subarray(48))) {
    list.fail('evidence.signature', { reason: 'r or s is longer than 384 bits' });
    return;
  }
  // AMD writes r and s little-endian; signatures are big-endian everywhere else.
  const signature = concat(r.subarray(0, 48).toReversed(), s.subarray(0, 48).toReversed());
  const valid = await crypto.verifyP384Sha384(
    vek.certificate.spki,
    bytes.subarray(0, signedLength),
    signature,
  );
  list.decide('evidence.signature', valid, {
    reason: `the report is not signed by the key of this ${vek.role.toUpperCase()}, or was changed after it was signed`,
  });
}

function checkProduct(list: Checklist, { version, cpuid }: SnpReport, vek: Vek): void {
  if (cpuid === null) {
    return list.pass('evidence.product', {
      expected: vek.product,
      actual: `taken from the issuer: report version ${version} names no processor`,
    });
  }
  const product = productOfCpuid(cpuid);
  const processor = `family 0x${cpuid.family.toString(16)} model 0x${cpuid.model.toString(16)}`;
  list.decide('evidence.product', product === vek.product, {
    expected: vek.product,
    actual: `${product ?? 'unknown product'} (${processor})`,
    reason:
      product === null
        ? 'this release does not know the processor'
        : 'the chain is for another product',
  });
}

function checkChipId(list: Checklist, { chipId }: SnpReport, vek: Vek): void {
  const id = 'evidence.chip-id';
  if (vek.hardwareId === null) {
    return list.pass(id, { actual: `a VLEK names no chip, but a provider: ${vek.cspId}` });
  }
  const length = hardwareIdLength[vek.product];
  const same =
    equalBytes(chipId.subarray(0, length), vek.hardwareId) && isZero(chipId.subarray(length));
  list.decide(id, same, {
    expected: toHex(vek.hardwareId),
    actual: isZero(chipId) ? 'masked (all zero)' : toHex(chipId.subarray(0, length)),
    reason: isZero(chipId)
      ? 'the chip id is masked, so the certificate cannot be compared with it'
      : 'the certificate is for another chip',
  });
}

function checkTcb(list: Checklist, { reportedTcb }: SnpReport, vek: Vek): void {
  list.decide('evidence.tcb', equalBytes(reportedTcb, vek.tcb), {
    expected: tcbText(vek.product, vek.tcb),
    actual: tcbText(vek.product, reportedTcb),
    reason: 'the certificate is for another TCB',
  });
}

/** A hostile report may set reserved bytes: then its hex says more than parts would. */
function tcbText(product: SnpProduct, tcb: Bytes): string {
  try {
    return describeTcb(decodeTcb(product, tcb, 'TCB'));
  } catch {
    return `0x${toHex(tcb)}`;
  }
}
