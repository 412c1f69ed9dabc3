/** Keys that AMD certified; each is verified before it is used. */
import { decodeTcb } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { lacking } from '#verifier/chain/amd-chain.ts';
import {
  type Certificate,
  parseCertificate,
  parseRevocationList,
  sameName,
} from '#verifier/chain/x509.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { type BelievedAmdVek, believeAmdVek } from './believe-amd.ts';
import type { Believed, Trust } from './set-believe.ts';
import type { VekSnp } from './set-entries-snp.ts';
import { listSource } from './set-intel.ts';
import { snpVekOf } from './vek-facts.ts';

/** DER each, in any order, of one product or several: ASKs, ASVKs and ARKs, and the ARKs' lists. */
export type GivenAmd = {
  readonly certificates: readonly Bytes[];
  readonly crls: readonly Bytes[];
};

/** `list` says in words by which list the issuer is not revoked, and until when that counts. */
export type GatheredAmdVek = { readonly entry: VekSnp; readonly list: string };

/** The key of one VCEK or VLEK certificate. @throws AttestationError what parsing throws */
export async function gatherAmdVek(
  vek: Bytes,
  { certificates, crls }: GivenAmd,
  trust: Trust,
): Promise<Believed<GatheredAmdVek>> {
  const { issuer, root } = issuersOf(vek, certificates);
  if (issuer === undefined) return lacks('chain.issuer-certificate', lacking.ask);
  if (root === undefined) return lacks('chain.root-certificate', lacking.ark);
  const lists = crls.filter((der) =>
    sameName(parseRevocationList(der, 'revocation list').issuer, root.subject),
  );
  const given = { vek, issuer: issuer.der, root: root.der, crls: lists };
  const found = await believeAmdVek(given, trust);
  if (found.kind === 'refused') return found;
  const list = listSource(found.value.list, root.commonName);
  return { kind: 'believed', value: { entry: toEntry(found.value), list } };
}

function toEntry({ certificate, vek }: BelievedAmdVek): VekSnp {
  const { publicKey, chip } = snpVekOf(certificate, vek);
  const { product, role, tcb } = vek;
  return { product, keyKind: role, publicKey, chip, tcb: decodeTcb(product, tcb, 'VEK') };
}

/** By name: the CA that the key names, and the root that the CA names. */
function issuersOf(
  vek: Bytes,
  certificates: readonly Bytes[],
): { issuer: Certificate | undefined; root: Certificate | undefined } {
  const read = certificates.map((der) => parseCertificate(der, 'certificate'));
  const isRoot = ({ subject, issuer }: Certificate) => sameName(subject, issuer);
  const above = (child: Certificate, wanted: boolean) =>
    read.find((one) => isRoot(one) === wanted && sameName(one.subject, child.issuer));
  const issuer = above(parseCertificate(vek, 'VCEK or VLEK certificate'), false);
  return { issuer, root: issuer && above(issuer, true) };
}

/** As the chain's own check says it, which is not reached without one. */
function lacks(id: CheckId, what: string): Believed<never> {
  const list = new Checklist([id]);
  list.skip(id, what);
  const [check] = list.finish();
  return { kind: 'refused', check: check as CheckResult };
}
