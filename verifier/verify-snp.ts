/** Stage evidence for SEV-SNP: the report against the key, chip, product and TCB of its certificate. */
import { type FirmwareVersion, type SnpReport, signedLength } from './abi/snp.ts';
import {
  decodeTcb,
  describeTcb,
  hardwareIdLength,
  productOfCpuid,
  type SnpProduct,
  type TcbParts,
} from './abi/snp-tcb.ts';
import { type Bytes, concat, equalBytes, isZero, toHex } from './bytes.ts';
import type { AmdChain } from './chain/amd-chain.ts';
import { type Checklist, signatureComparison } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';

const evidenceChecks = [
  'evidence.signature',
  'evidence.signing-key',
  'evidence.product',
  'evidence.chip-id',
  'evidence.tcb',
  'evidence.tcb-order',
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
  checkTcbOrder(list, report, vek.product);
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
    list.fail('evidence.signature', {
      expected: 'r and s of 384 bits',
      actual: `r ${toHex(r)}, s ${toHex(s)}`,
      reason: 'r or s is longer than 384 bits',
    });
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
    ...signatureComparison(`the key of this ${vek.role.toUpperCase()}`, valid),
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
  if (isZero(chipId)) {
    // MASK_CHIP_ID: the host hides the id from guests. The key that signed the report is of this chip all the same.
    return list.pass(id, { actual: 'masked by the host; the signing key itself is of one chip' });
  }
  const length = hardwareIdLength[vek.product];
  const same =
    equalBytes(chipId.subarray(0, length), vek.hardwareId) && isZero(chipId.subarray(length));
  list.decide(id, same, {
    expected: toHex(vek.hardwareId),
    actual: toHex(isZero(chipId.subarray(length)) ? chipId.subarray(0, length) : chipId),
    reason: 'the certificate is for another chip',
  });
}

function checkTcb(list: Checklist, { reportedTcb }: SnpReport, vek: Vek): void {
  list.decide('evidence.tcb', equalBytes(reportedTcb, vek.tcb), {
    expected: tcbText(vek.product, vek.tcb),
    actual: tcbText(vek.product, reportedTcb),
    reason: 'the certificate is for another TCB',
  });
}

const tcbNames = ['CURRENT_TCB', 'REPORTED_TCB', 'COMMITTED_TCB'];

/**
 * reported ≤ current and committed ≤ current, part by part, and the committed version ≤ the current one. Nothing more:
 * launch ≤ committed does not hold for a guest that was migrated, and the reported TCB may be below the committed one
 * where a provider reports one TCB for its whole fleet.
 */
function checkTcbOrder(list: Checklist, report: SnpReport, product: SnpProduct): void {
  const id = 'evidence.tcb-order';
  const values = [report.currentTcb, report.reportedTcb, report.committedTcb].map((tcb) =>
    readTcb(product, tcb),
  );
  const [current, reported, committed] = values;
  if (!current || !reported || !committed) {
    return list.fail(id, {
      expected: `a TCB of ${product}, its reserved bytes zero`,
      actual: [report.currentTcb, report.reportedTcb, report.committedTcb]
        .map((tcb, place) => `${tcbNames[place]} 0x${toHex(tcb)}`)
        .join(', '),
      reason: 'a TCB of the report has reserved bytes that are not zero',
    });
  }
  const faults = Object.entries({ REPORTED_TCB: reported, COMMITTED_TCB: committed })
    .filter(([, parts]) => !atMost(parts, current))
    .map(([name, parts]) => `${name} is above CURRENT_TCB: ${aheadOf(parts, current)}`);
  const ordinal = ({ major, minor, build }: FirmwareVersion) =>
    major * 0x10000 + minor * 0x100 + build;
  if (ordinal(report.committed) > ordinal(report.current))
    faults.push('the committed version is above the current one');
  list.decide(id, faults.length === 0, {
    expected: `at most ${describeTcb(current)}`,
    actual: `REPORTED_TCB ${describeTcb(reported)}; COMMITTED_TCB ${describeTcb(committed)}`,
    reason: faults.join(', '),
  });
}

/** By how much, part by part. */
function aheadOf(parts: TcbParts, limit: TcbParts): string {
  return (Object.keys(limit) as (keyof TcbParts)[])
    .filter((part) => parts[part] > limit[part])
    .map((part) => `${part} by ${parts[part] - limit[part]}`)
    .join(', ');
}

function atMost(parts: TcbParts, limit: TcbParts): boolean {
  return (Object.keys(limit) as (keyof TcbParts)[]).every((part) => parts[part] <= limit[part]);
}

/** A hostile report may set reserved bytes: then its hex says more than parts would. */
function tcbText(product: SnpProduct, tcb: Bytes): string {
  const parts = readTcb(product, tcb);
  return parts === null ? `0x${toHex(tcb)}` : describeTcb(parts);
}

function readTcb(product: SnpProduct, tcb: Bytes): TcbParts | null {
  try {
    return decodeTcb(product, tcb, 'TCB');
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}
