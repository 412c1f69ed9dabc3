/** A bundle with what was given beside it, in one file that verifies alone: as `affidavit verify --save` writes it. */
import { type CollateralItem, encodeBundle, parseBundle } from '#verifier/abi/bundle.ts';
import { type Bytes, equalBytes, utf8 } from '#verifier/bytes.ts';
import type { Collateral } from '#verifier/evidence.ts';
import type { UnixTime } from '#verifier/time.ts';

/**
 * @param beside all collateral that the verdict was made with; it is used before the bundle's own
 * @throws AttestationError for a bundle that cannot be read, or with no room for the collateral
 */
export function bundleWith(bytes: Bytes, beside: readonly Collateral[], now: UnixTime): Bytes {
  const bundle = parseBundle(bytes);
  const isCarried = ({ kind, data }: Collateral) =>
    bundle.collateral.some((item) => item.kind === kind && equalBytes(item.data, data));
  const added = beside
    .filter((item) => !isCarried(item))
    .map(
      ({ kind, data }): CollateralItem => ({ kind, data, source: 'given beside', fetched: now }),
    );
  const text = `${encodeBundle({ ...bundle, collateral: [...added, ...bundle.collateral] })}\n`;
  const whole = utf8(text);
  // What was written must be what a verifier reads: too many items, or too long, is found here.
  parseBundle(whole);
  return whole;
}
