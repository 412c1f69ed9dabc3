/** The member `sgx` of a policy. docs/policy.md explains each member; byte strings are written as the quote holds them. */
import { anyOr, type Decoded, type Decoder, integer, object } from '../json.ts';
import { debugSwitch, platformPolicy, tcbPolicy } from './intel-policy.ts';
import { hexText, setOf } from './sets.ts';

const u16 = integer(0, 0xffff);

/** The bits of `mask` must be those of `value`. */
function masked(length: number): Decoder<'any' | { value: string; mask: string }> {
  return anyOr(object({ value: hexText(length), mask: hexText(length) }));
}

export const sgxPolicy = object({
  tcb: tcbPolicy,
  platform: platformPolicy,
  debug: debugSwitch,
  attributes: masked(16),
  miscSelect: masked(4),
  mrEnclave: anyOr(setOf(hexText(32))),
  mrSigner: anyOr(setOf(hexText(32))),
  isvProdId: anyOr(setOf(u16)),
  minimumIsvSvn: anyOr(u16),
  configId: anyOr(setOf(hexText(64))),
  minimumConfigSvn: anyOr(u16),
  isvExtProdId: anyOr(setOf(hexText(16))),
  isvFamilyId: anyOr(setOf(hexText(16))),
  reportData: anyOr(setOf(hexText(64))),
});

export type SgxPolicy = Decoded<typeof sgxPolicy>;
