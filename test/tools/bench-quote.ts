/** Figures of verifying a quote with all of its collateral, beside @phala/dcap-qvl and beside the bare signatures. */
import { verify as nodeVerify } from 'node:crypto';
import { verify as dcapVerify } from '@phala/dcap-qvl';
import { sharedPath } from '#test/shared.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { equalBytes } from '#verifier/bytes.ts';
import { nodeCrypto, nodeCryptoKeepingKeys } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { verify } from '#verifier/verify.ts';
import { inTurn, line, ms } from './bench-figures.ts';
import { genuineQuotes, loadSample } from './diff.ts';
import { dcapCollateral, lenientPolicy, ownCollateral, type Sample } from './diff-parties.ts';

const rounds = 60;

/** From the files' bytes: nothing is parsed, and no key read, before the clock starts. */
async function ownVerification(sample: Sample, crypto: CryptoPort): Promise<void> {
  const collateral = ownCollateral(sample);
  const evidence = { form: 'quote', bytes: sample.quote } as const;
  const verified = await verify(evidence, collateral, vendorRoots, sample.at, crypto);
  if (appraise(verified, lenientPolicy).decision !== 'accepted')
    throw new Error('the quote should be accepted');
}

type Signed = Parameters<CryptoPort['verifyP256Sha256']>;

/** Every signature that one verification checks. */
async function signaturesOf(sample: Sample): Promise<Signed[]> {
  const seen: Signed[] = [];
  await ownVerification(sample, {
    ...nodeCrypto,
    verifyP256Sha256: (...signed) => {
      seen.push(signed);
      return nodeCrypto.verifyP256Sha256(...signed);
    },
  });
  return seen;
}

function verifyBare(signatures: readonly Signed[]): void {
  for (const [spki, message, signature] of signatures) {
    const key = { key: Buffer.from(spki), format: 'der', type: 'spki' } as const;
    if (!nodeVerify('sha256', message, { ...key, dsaEncoding: 'ieee-p1363' }, signature))
      throw new Error('the signature should be valid');
  }
}

/** As a service meets quote after quote: everything may be remembered but that the quote itself is signed. */
function rememberingButTheQuote({ quote }: Sample): CryptoPort {
  const port = nodeCryptoKeepingKeys();
  const remembering = rememberingCrypto(port);
  const { signature } = parseQuote(quote);
  return {
    ...remembering,
    verifyP256Sha256: (spki, message, given) =>
      (equalBytes(given, signature) ? port : remembering).verifyP256Sha256(spki, message, given),
  };
}

export async function benchQuotes(): Promise<void> {
  console.log('\nTDX quote with full collateral (and SGX), everything verified, from files’ bytes');
  for (const version of ['v4', 'v5', 'v3'] as const) {
    const sample = loadSample(sharedPath(`corpus/${genuineQuotes[version]}`)) as Sample;
    const signatures = await signaturesOf(sample);
    // The package starts from texts that somebody has cut out for it; that is not counted.
    const collateral = dcapCollateral(sample);
    const warmCrypto = rememberingButTheQuote(sample);
    const [own = 0, theirs = 0, least = 0, warm = 0] = await inTurn(rounds, [
      () => ownVerification(sample, nodeCrypto),
      () => dcapVerify(sample.quote, collateral, sample.at),
      () => verifyBare(signatures),
      () => ownVerification(sample, warmCrypto),
    ]);
    const kind = version === 'v3' ? 'SGX' : 'TDX';
    line(`${kind} quote ${version}, bare node:crypto: ${signatures.length} signatures`, ms(least));
    line('  @phala/dcap-qvl', `${ms(theirs)}  ×${(theirs / least).toFixed(2)}`);
    line('  verify + appraise', `${ms(own)}  ×${(own / least).toFixed(2)}`);
    const over = (figure: number) => `×${(figure / theirs).toFixed(3)}`;
    line('  verify + appraise ÷ @phala/dcap-qvl', over(own), 'at most ×0.200');
    line('  the bare signatures ÷ @phala/dcap-qvl', over(least), 'for comparison');
    line('  the same, warm ÷ @phala/dcap-qvl', over(warm), 'at most ×0.200');
  }
  console.log();
}
