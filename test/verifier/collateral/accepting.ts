/** How simulated answers fare at the gate, in a context that is good as it is. */
import { fakeNow } from '#test/fake/amd.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { type AcceptContext, acceptObject } from '#verifier/collateral/accept.ts';
import type { CollateralErrorCode } from '#verifier/collateral/collateral-error.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';
import { amdChainSample, pckCrlSample, refusalCode, refusalOf, type Sample } from './samples.ts';

const plainIntel = intelOf('tdx');

/** Roots pinned from the hierarchies as they should be; the issuers as a cache would hold them. */
export async function contextOf(object: VendorObject): Promise<AcceptContext> {
  const amd = 'product' in object ? await hierarchyOf(object.product) : null;
  const root = parseCertificate((amd?.ark ?? plainIntel.root).der, 'root');
  const key = object.kind === 'amd-crl' ? object.key : 'vcek';
  const issuer = amd === null ? pckCrlSample(plainIntel) : amdChainSample(amd, key);
  return {
    roots: [insecureRoot(root)],
    now: fakeNow,
    crypto: nodeCrypto,
    previous: null,
    issuers: [issuer.stored],
    date: fakeNow,
  };
}

/** What becomes of `answer` where `asked` was asked for. */
export async function codeFor(
  asked: VendorObject,
  answer: Sample,
  change: Partial<AcceptContext> = {},
) {
  const context = { ...(await contextOf(asked)), ...change };
  return refusalCode(() => acceptObject(asked, answer.stored, context));
}

/** The same where it is what was asked for. */
export const code = (
  answer: Sample,
  change?: Partial<AcceptContext>,
): Promise<CollateralErrorCode | null> => codeFor(answer.object, answer, change);

export async function messageOf(answer: Sample, change: Partial<AcceptContext>): Promise<string> {
  const context = { ...(await contextOf(answer.object)), ...change };
  return (
    (await refusalOf(() => acceptObject(answer.object, answer.stored, context)))?.message ?? ''
  );
}
