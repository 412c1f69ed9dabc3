/** ARK → ASK or ASVK → VCEK or VLEK, walked as the fixed three links it is. No certificate is optional. */
import type { SnpProduct } from '../abi/snp-tcb.ts';
import type { Bytes } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import type { TrustedRoot } from '../roots.ts';
import type { UnixTime } from '../time.ts';
import { type Ark, type Ask, asArk, asAsk, asVek, type Vek } from './amd.ts';
import { checkPin, checkSignature, checkValidity, type Held, hold } from './links.ts';
import { type Certificate, sameName } from './x509.ts';

/** DER objects by role; of each role the first whose name fits is used. */
export type AmdCertificates = {
  vek: readonly Bytes[];
  ask: readonly Bytes[];
  ark: readonly Bytes[];
};

/** What could be read, null where it could not or was missing. Whether it may be believed is in the checks. */
export type AmdChain = {
  vek: Held<Vek> | null;
  ask: Held<Ask> | null;
  ark: Held<Ark> | null;
  root: TrustedRoot | null;
};

/** What a check lacks when a certificate was not given. */
export const lacking = {
  vek: 'the VCEK or VLEK certificate of this chip and TCB (--vek)',
  ask: 'the issuer certificate, ASK or ASVK (--chain)',
  ark: 'the root certificate, ARK (--chain)',
};

/** Makes every check of stage chain. */
export async function verifyAmdChain(
  list: Checklist,
  given: AmdCertificates,
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<AmdChain> {
  const vek = read(list, 'chain.vek-certificate', given.vek, lacking.vek, asVek, crypto);
  const ask = read(
    list,
    'chain.issuer-certificate',
    given.ask,
    lacking.ask,
    asAsk,
    crypto,
    vek?.certificate,
  );
  const ark = read(
    list,
    'chain.root-certificate',
    given.ark,
    lacking.ark,
    asArk,
    crypto,
    ask?.certificate,
  );

  const root = checkPin(list, ark, {
    roots: roots.filter((known) => known.vendor === 'amd' && known.product === ark?.product),
    name: `ARK-${ark?.product}`,
    lacks: lacking.ark,
  });
  checkNames(list, vek, ask, ark);
  checkValidity(list, 'chain.root-validity', ark, lacking.ark, now);
  checkValidity(list, 'chain.issuer-validity', ask, lacking.ask, now);
  checkValidity(list, 'chain.vek-validity', vek, lacking.vek, now);
  await Promise.all([
    checkSignature(list, 'chain.root-signature', ark, ark, lacking.ark, crypto),
    checkSignature(
      list,
      'chain.issuer-signature',
      ask,
      ark,
      ask === null ? lacking.ask : lacking.ark,
      crypto,
    ),
    checkSignature(
      list,
      'chain.vek-signature',
      vek,
      ask,
      vek === null ? lacking.vek : lacking.ask,
      crypto,
    ),
  ]);
  return { vek, ask, ark, root };
}

const profiles: Partial<Record<CheckId, string>> = {
  'chain.vek-certificate': 'a VCEK or VLEK certificate',
  'chain.issuer-certificate': 'an ASK or ASVK certificate',
  'chain.root-certificate': 'an ARK certificate',
};

/** Reads all certificates of one role: one that cannot be read fails the check, also beside one that can. */
function read<T extends { product: SnpProduct; role: string }>(
  list: Checklist,
  id: CheckId,
  given: readonly Bytes[],
  lacks: string,
  as: (certificate: Certificate) => T,
  crypto: CryptoPort,
  child?: Certificate,
): Held<T> | null {
  if (given.length === 0) {
    list.skip(id, lacks);
    return null;
  }
  return list.attempt(
    id,
    () => {
      const all = given.map((der) => hold(id, der, as, crypto));
      const fitting = all.find(
        ({ certificate }) => child !== undefined && sameName(certificate.subject, child.issuer),
      );
      return fitting ?? (all[0] as Held<T>);
    },
    ({ role, product }) => ({ actual: `${role.toUpperCase()} of ${product}` }),
    profiles[id],
  );
}

function checkNames(
  list: Checklist,
  vek: Held<Vek> | null,
  ask: Held<Ask> | null,
  ark: Held<Ark> | null,
): void {
  if (vek === null || ask === null || ark === null) {
    list.skip('chain.names', vek === null ? lacking.vek : ask === null ? lacking.ask : lacking.ark);
    return;
  }
  const linked =
    sameName(vek.certificate.issuer, ask.certificate.subject) &&
    sameName(ask.certificate.issuer, ark.certificate.subject) &&
    vek.product === ask.product &&
    ask.role === (vek.role === 'vcek' ? 'ask' : 'asvk');
  const issuer = `${vek.role === 'vcek' ? 'SEV' : 'SEV-VLEK'}-${vek.product}`;
  list.decide('chain.names', linked, {
    expected: `${vek.certificate.commonName} ← ${issuer} ← ARK-${vek.product}`,
    actual: [vek, ask, ark].map(({ certificate }) => certificate.commonName).join(' ← '),
    reason: 'the certificates do not belong together',
  });
}
