/** Certificates, revocation lists and roots as a reader drops them: told apart by what is in them. */
import type { IntelRootKey } from '#prover/linked/bob-issuer.ts';
import { intelRootKey } from '#prover/linked/bob-issuer.ts';
import type { VendorTrust } from '#prover/linked/bob-vouched.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { commonNameOf, parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { vendorRoots } from '#verifier/roots.ts';

export type ListKind = 'intel-root' | 'pck' | 'amd';

/** Who issued a revocation list, DER. @throws AttestationError for what is none */
export function listKindOf(der: Bytes): ListKind {
  const issuer = commonNameOf(parseRevocationList(der, 'revocation list').issuer, 'issuer');
  if (issuer === 'Intel SGX Root CA') return 'intel-root';
  return issuer.startsWith('Intel SGX PCK') ? 'pck' : 'amd';
}

/** DER of each list in a file, PEM or DER. @throws AttestationError */
export function listsIn(bytes: Bytes): Bytes[] {
  return readDerObjects(bytes, 'X509 CRL', 'revocation list');
}

/**
 * The vendors' roots, or in their place what was handed over, and nothing else; and the lists, each where it belongs.
 * @throws AttestationError for a root or a list that cannot be read
 */
export function trustOf(lists: readonly Bytes[], root: Bytes | null): VendorTrust {
  const all = lists.flatMap(listsIn).map((der) => ({ der, kind: listKindOf(der) }));
  const of = (kind: ListKind) => all.filter((one) => one.kind === kind).map(({ der }) => der);
  const { intel, amd } = rootsOf(root);
  return {
    intel: { root: intel, rootCrls: of('intel-root'), pckCrls: of('pck') },
    amd: { roots: amd, crls: of('amd') },
  };
}

type Roots = { readonly intel: IntelRootKey | null; readonly amd: VendorTrust['amd']['roots'] };

function rootsOf(bytes: Bytes | null): Roots {
  if (bytes === null) {
    return { intel: intelRootKey(), amd: vendorRoots.filter(({ vendor }) => vendor === 'amd') };
  }
  const given = readDerObjects(bytes, 'CERTIFICATE', 'root').map((der) => {
    const certificate = parseCertificate(der, 'root');
    return { root: insecureRoot(certificate), spki: certificate.spki };
  });
  const [intel, second] = given.filter(({ root }) => root.vendor === 'intel');
  if (second !== undefined) {
    throw new AttestationError('value-out-of-range', "the root's file holds two of Intel's roots");
  }
  return {
    intel: intel === undefined ? null : { spki: intel.spki, insecure: true },
    amd: given.map(({ root }) => root).filter(({ vendor }) => vendor === 'amd'),
  };
}
