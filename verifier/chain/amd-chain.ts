/** ARK → ASK or ASVK → VCEK or VLEK, walked as the fixed three links it is. No certificate is optional. */
import type { SnpProduct } from '../abi/snp-tcb.ts';
import { type Bytes, equalBytes, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import type { TrustedRoot } from '../roots.ts';
import { formatTime, type UnixTime } from '../time.ts';
import { type Ark, type Ask, asArk, asAsk, asVek, type Vek } from './amd.ts';
import { type Certificate, parseCertificate, sameName, spkiFingerprint } from './x509.ts';

/** DER objects by role; of each role the first whose name fits is used. */
export type AmdCertificates = {
  vek: readonly Bytes[];
  ask: readonly Bytes[];
  ark: readonly Bytes[];
};

/** What could be read, null where it could not or was missing. Whether it may be believed is in the checks. */
export type AmdChain = {
  vek: (Vek & { certificate: Certificate }) | null;
  ask: (Ask & { certificate: Certificate }) | null;
  ark: (Ark & { certificate: Certificate }) | null;
  root: TrustedRoot | null;
};

const lacking = {
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

  const root = checkPin(list, ark, roots);
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

type Held<T> = T & { certificate: Certificate };

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
      const make = (der: Bytes): Held<T> => {
        const certificate = parseCertificate(der, 'certificate');
        return { ...as(certificate), certificate };
      };
      const all = given.map((der) => crypto.remember?.(id, der, make) ?? make(der));
      const fitting = all.find(
        ({ certificate }) => child !== undefined && sameName(certificate.subject, child.issuer),
      );
      return fitting ?? (all[0] as Held<T>);
    },
    ({ role, product }) => ({ actual: `${role.toUpperCase()} of ${product}` }),
  );
}

function checkPin(
  list: Checklist,
  ark: Held<Ark> | null,
  roots: readonly TrustedRoot[],
): TrustedRoot | null {
  const id = 'chain.root-pinned';
  if (ark === null) {
    list.skip(id, lacking.ark);
    return null;
  }
  const fingerprint = spkiFingerprint(ark.certificate);
  const root = roots.find(
    ({ product, spkiSha256 }) => product === ark.product && equalBytes(spkiSha256, fingerprint),
  );
  const expected = roots
    .filter(({ product }) => product === ark.product)
    .map(({ spkiSha256 }) => toHex(spkiSha256));
  const whose = roots.some(({ insecure }) => insecure)
    ? 'the root that was handed over'
    : `AMD's ARK-${ark.product}`;
  list.decide(id, root !== undefined, {
    expected: expected.length === 0 ? `no root for ${ark.product}` : expected.join(' or '),
    actual: toHex(fingerprint),
    reason: `the chain ends in a root that calls itself ARK-${ark.product} but does not have the key of ${whose}: simulated hardware or a forged chain`,
  });
  return root ?? null;
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

function checkValidity(
  list: Checklist,
  id: CheckId,
  held: { certificate: Certificate } | null,
  lacks: string,
  now: UnixTime,
): void {
  if (held === null) return list.skip(id, lacks);
  const { notBefore, notAfter } = held.certificate;
  list.decide(id, notBefore <= now && now <= notAfter, {
    expected: `${formatTime(notBefore)} to ${formatTime(notAfter)}`,
    actual: formatTime(now),
    reason: now < notBefore ? 'the certificate is not valid yet' : 'the certificate has expired',
  });
}

async function checkSignature(
  list: Checklist,
  id: CheckId,
  child: { certificate: Certificate } | null,
  issuer: { certificate: Certificate } | null,
  lacks: string,
  crypto: CryptoPort,
): Promise<void> {
  if (child === null || issuer === null) return list.skip(id, lacks);
  const { tbs, signature, commonName } = child.certificate;
  const valid = await crypto.verifyRsaPssSha384(issuer.certificate.spki, tbs, signature);
  const reason = `the signature on ${commonName} is not by the key of ${issuer.certificate.commonName} that was given`;
  list.decide(id, valid, { reason });
}
