/** Tokens: a verdict signed for somebody who was not there (docs/tokens.md). */
export { type Expected, maxTokenLength } from './accept.ts';
export { type Aspect, aspects, aspectsOf } from './aspects.ts';
export { signCwt, verifyCwt } from './cwt.ts';
export { type EarAppraisal, type EarClaims, type EarOptions, earProfile, makeEar } from './ear.ts';
export { signJwt, verifyJwt } from './jwt.ts';
export {
  ephemeralPrefix,
  type Jwk,
  type Jwks,
  jwksOf,
  parseJwks,
  publicJwkOf,
  type TokenSigner,
  thumbprintOf,
} from './keys.ts';
export { type Tier, type TrustVector, tierOf } from './vector.ts';
