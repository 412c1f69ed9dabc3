/** What a quote of TDX or SGX needs: TCB info and QE identity with who signed them, the lists of its PCK's CA and of the root. */
import type { CollateralKind } from '../abi/bundle.ts';
import { readPemChain } from '../abi/pem.ts';
import { parseQeIdentity } from '../abi/qe-identity.ts';
import { certificationTypes, parseQuote, pckChainType } from '../abi/quote.ts';
import { parseTcbInfo } from '../abi/tcb-info.ts';
import { type Bytes, equalBytes } from '../bytes.ts';
import { asPck, asTcbSigning } from '../chain/intel.ts';
import { commonNameOf, parseCertificate, parseRevocationList } from '../chain/x509.ts';
import type { AtHand, Needs, NeedsOptions } from './at-hand.ts';
import { qeIdentityIds } from './pcs.ts';
import type { VendorObject } from './vendor-object.ts';

const caNames = {
  platform: 'Intel SGX PCK Platform CA',
  processor: 'Intel SGX PCK Processor CA',
} as const;

/**
 * @param claimed what a bundle says that the quote is of; null: nothing
 * @throws AttestationError when the quote or its PCK certificate cannot be read
 */
export function quoteNeeds(
  bytes: Bytes,
  claimed: 'tdx' | null,
  atHand: AtHand,
  { update }: NeedsOptions,
): Needs {
  const { body, certification } = parseQuote(bytes);
  const tee = body.kind;
  if (claimed !== null && claimed !== tee) return { needs: [], lacks: [] };
  if (certification.type !== pckChainType) {
    const name = certificationTypes[certification.type] ?? `type ${certification.type}`;
    const lack = `the PCK certificate chain: the quote holds certification data of another kind (${name}), which names no platform to ask about; have the quoting service of its host provide the chain (type ${pckChainType})`;
    return { needs: [], lacks: [lack] };
  }
  const [der] = readPemChain(certification.data, 'PCK chain');
  if (der === undefined) return { needs: [], lacks: [] };
  const { fmspc, pceId, ca } = asPck(parseCertificate(der, 'PCK certificate'));

  const { now } = atHand;
  const isCurrent = ({ end }: { end: number }) => now <= end;
  const hasInfo = atHand
    .all('tcb-info', (document) => parseTcbInfo(document).info)
    .some(
      (info) =>
        info.id.toLowerCase() === tee &&
        equalBytes(info.fmspc, fmspc) &&
        equalBytes(info.pceId, pceId) &&
        isCurrent({ end: info.nextUpdate }),
    );
  const hasIdentity = atHand
    .all('qe-identity', (document) => parseQeIdentity(document).identity)
    .some(({ id, nextUpdate }) => id === qeIdentityIds[tee] && isCurrent({ end: nextUpdate }));
  const hasSigner = (kind: CollateralKind) => signers(atHand, kind).some(isCurrent);
  const hasList = (kind: CollateralKind, of: string) =>
    lists(atHand, kind).some((list) => list.issuer === of && isCurrent(list));

  const needs: VendorObject[] = [];
  if (!hasInfo || !hasSigner('tcb-signing')) needs.push({ kind: 'tcb-info', tee, fmspc, update });
  if (!hasIdentity || !hasSigner('qe-identity-signing')) {
    needs.push({ kind: 'qe-identity', tee, update });
  }
  if (!hasList('pck-crl', caNames[ca])) needs.push({ kind: 'pck-crl', ca });
  if (!hasList('intel-root-crl', 'Intel SGX Root CA')) needs.push({ kind: 'intel-root-crl' });
  return { needs, lacks: [] };
}

function signers({ all }: AtHand, kind: CollateralKind): readonly { end: number }[] {
  return all(kind, (der) => {
    const certificate = parseCertificate(der, 'TCB signer');
    asTcbSigning(certificate);
    return { end: certificate.notAfter };
  });
}

function lists({ all }: AtHand, kind: CollateralKind): readonly { issuer: string; end: number }[] {
  return all(kind, (der) => {
    const { issuer, nextUpdate } = parseRevocationList(der, 'list');
    return { issuer: commonNameOf(issuer, 'issuer of the list'), end: nextUpdate };
  });
}
