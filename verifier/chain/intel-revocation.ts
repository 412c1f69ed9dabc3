/** Both of Intel's CRLs: the root's names CAs and TCB signers, each PCK CA's names its own PCKs. */
import { type Bytes, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import type { UnixTime } from '../time.ts';
import { isRevoked, verifyList } from './crl.ts';
import type { IntelChain } from './intel-chain.ts';
import type { Certificate, RevocationList } from './x509.ts';

export type IntelLists = { root: RevocationList | null; pck: RevocationList | null };

const rootChecks = {
  signature: 'collateral.root-crl-signature',
  validity: 'collateral.root-crl-validity',
} as const;
const pckChecks = {
  signature: 'collateral.pck-crl-signature',
  validity: 'collateral.pck-crl-validity',
} as const;

export const lacksRootList = "the root's revocation list (--root-ca-crl)";

/** Makes every check of the two lists, and of the PCK and its CA by them. */
export async function verifyIntelRevocation(
  list: Checklist,
  given: { root: readonly Bytes[]; pck: readonly Bytes[] },
  { pck, ca, root }: IntelChain,
  now: UnixTime,
  crypto: CryptoPort,
): Promise<IntelLists> {
  const lacksRoot = { list: lacksRootList, issuer: 'a readable root in the quote' };
  const lacksPck = {
    list: "the revocation list of the PCK's CA (--pck-crl)",
    issuer: 'a readable PCK CA in the quote',
  };
  const lists = {
    root: await verifyList(list, rootChecks, given.root, root, lacksRoot, now, crypto),
    pck: await verifyList(list, pckChecks, given.pck, ca, lacksPck, now, crypto),
  };
  checkNotRevoked(list, 'collateral.issuer-revocation', lists.root, [ca], lacksRoot.list);
  checkNotRevoked(list, 'collateral.pck-revocation', lists.pck, [pck], lacksPck.list);
  return lists;
}

/** @param held the certificates asked about; none of them may be missing */
export function checkNotRevoked(
  list: Checklist,
  id: CheckId,
  crl: RevocationList | null,
  held: readonly ({ certificate: Certificate } | null)[],
  lacks: string,
): void {
  if (crl === null) return list.skip(id, lacks);
  const certificates = held.flatMap((one) => (one === null ? [] : [one.certificate]));
  if (certificates.length === 0) return list.skip(id, 'the certificate that it asks about');
  const revoked = certificates.filter((certificate) => isRevoked(crl, certificate));
  list.decide(id, revoked.length === 0, {
    expected: `serial not among ${crl.revoked.length} revoked`,
    actual: certificates.map(({ serial }) => toHex(serial)).join(', '),
    reason: `Intel has revoked ${revoked[0]?.commonName} with serial number ${toHex(revoked[0]?.serial ?? new Uint8Array())}`,
  });
}
