/** Verdicts, keys and readers of tokens, good as they are. */
import { fakeNow } from '#test/fake/amd.ts';
import { type CborValue, encodeCbor } from '#verifier/abi/cbor.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { freshSigner } from '#verifier/cli/node-signer.ts';
import { canonicalJson } from '#verifier/json.ts';
import { vendorRoots } from '#verifier/roots.ts';
import type { Expected } from '#verifier/tokens/accept.ts';
import { toBase64Url } from '#verifier/tokens/base64url.ts';
import { verifyCwt } from '#verifier/tokens/cwt.ts';
import { type EarClaims, makeEar } from '#verifier/tokens/ear.ts';
import { verifyJwt } from '#verifier/tokens/jwt.ts';
import { jwksOf } from '#verifier/tokens/keys.ts';
import { codeOf } from '../code-of.ts';
import { bundleScene, strictPolicy, verdictOf } from '../scene.ts';

export const signer = freshSigner();
export const jwks = jwksOf([signer]);
export const reader: Expected = { now: fakeNow, nonce: 'any', crypto: nodeCrypto };

/** The verdict with some checks otherwise, and whatever decision it had. */
export function withChecks(
  verdict: Verdict,
  edits: Partial<Record<CheckId, Partial<CheckResult>>>,
): Verdict {
  return {
    ...verdict,
    checks: verdict.checks.map((check) => ({ ...check, ...edits[check.id] })),
  };
}

const vendors = toHex((vendorRoots[0] as (typeof vendorRoots)[number]).spkiSha256);

/** As if the simulated chain ended in a vendor's root: else no token affirms anything. */
export function asVendors(verdict: Verdict): Verdict {
  return withChecks(verdict, { 'chain.root-pinned': { actual: vendors } });
}

/** A machine of which the policy names everything. */
export async function strictVerdict(edit: (policy: Policy) => Policy = (same) => same) {
  return asVendors(await verdictOf(await bundleScene(), edit(await strictPolicy())));
}

export async function sampleClaims(): Promise<EarClaims> {
  return makeEar(await strictVerdict(), { nonce: new Uint8Array(32).fill(7) });
}

/** The appraisal of the one submodule, with its label. */
export function appraisalOf({ submods }: EarClaims) {
  const [entry, ...more] = Object.entries(submods);
  if (entry === undefined || more.length > 0) throw new RangeError('not one submodule');
  const [label, appraisal] = entry;
  return {
    label,
    status: appraisal['ear.status'],
    vector: appraisal['ear.trustworthiness-vector'],
    policy: appraisal['ear.appraisal-policy-id'],
  };
}

/** The error code that a promise is refused with. @throws what is no AttestationError */
export async function codeOfAsync(promise: Promise<unknown>): Promise<string | null> {
  const outcome = await promise.then(
    () => () => {},
    (error: unknown) => () => {
      throw error;
    },
  );
  return codeOf(outcome);
}

export const b64 = (part: unknown) => toBase64Url(utf8(canonicalJson(part)));

/** A JWT of any header and payload, rightly signed. */
export async function signedJwt(header: object, payload: unknown): Promise<string> {
  const message = `${b64(header)}.${typeof payload === 'string' ? payload : b64(payload)}`;
  return `${message}.${toBase64Url(await signer.sign(utf8(message)))}`;
}

/** A CWT of any parts, rightly signed. */
export async function signedCwt(header: CborValue, payload: Bytes, open: CborValue = new Map()) {
  const first = encodeCbor(header);
  const message = encodeCbor(['Signature1', first, new Uint8Array(), payload]);
  return encodeCbor({ tag: 18, value: [first, open, payload, await signer.sign(message)] });
}

export const header = () => ({ alg: 'ES256', kid: signer.kid, typ: 'eat+jwt' });
export const coseHeader = () =>
  new Map<number, CborValue>([
    [1, -7],
    [4, utf8(signer.kid)],
  ]);

export const refusal = (token: string | Bytes, expected = reader, keys = jwks) =>
  codeOfAsync(
    typeof token === 'string' ? verifyJwt(token, keys, expected) : verifyCwt(token, keys, expected),
  );
