/** `--format ear` of a verdict: the token, and what is to be said of its key. */
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { makeEar } from '#verifier/tokens/ear.ts';
import { signJwt } from '#verifier/tokens/jwt.ts';
import { type Jwks, jwksOf } from '#verifier/tokens/keys.ts';
import { freshSigner, signerOfFile } from './node-signer.ts';

export type EarOutput = {
  jwt: string;
  /** What the token verifies with. */
  jwks: Jwks;
  /** For standard error; null when the key came from a file. */
  note: string | null;
};

/** @param keyPath PKCS#8 PEM of a P-256 key; null to make one for this token. @throws CliError wrong usage */
export async function earOutputOf(verdict: Verdict, keyPath: string | null): Promise<EarOutput> {
  const signer = keyPath === null ? freshSigner() : await signerOfFile(keyPath);
  const jwks = jwksOf([signer]);
  const note =
    keyPath === null
      ? `signed with a key made for this token (${signer.kid}), which proves nothing to others; --ear-key signs with yours. Its JWKS: ${JSON.stringify(jwks)}`
      : null;
  return { jwt: await signJwt(makeEar(verdict), signer), jwks, note };
}

/** The token alone. @throws CliError wrong usage */
export async function earJwtOf(verdict: Verdict, keyPath: string | null): Promise<string> {
  return (await earOutputOf(verdict, keyPath)).jwt;
}
