/** The member `tdx` of a policy. docs/policy.md explains each member; byte strings are written as the quote holds them. */
import { anyOr, type Decoded, object } from '../json.ts';
import { debugSwitch, platformPolicy, tcbPolicy } from './intel-policy.ts';
import { registerRule } from './register-policy.ts';
import { feature, hexText, protection, setOf } from './sets.ts';

const measurement = anyOr(setOf(hexText(48)));
const rtmr = registerRule(48);

export const tdxPolicy = object({
  tcb: tcbPolicy,
  platform: platformPolicy,
  attributes: object({
    debug: debugSwitch,
    septVeDisable: protection,
    lass: protection,
    icssd: protection,
    migratable: feature,
    pks: feature,
    keyLocker: feature,
    tpa: feature,
    perfmon: feature,
    servTdExt: feature,
    unknownBits: feature,
  }),
  xfam: anyOr(setOf(hexText(8))),
  /** 16 SVNs, each of which the quote's must reach. */
  minimumTeeTcbSvn: anyOr(hexText(16)),
  mrTd: measurement,
  mrSeam: measurement,
  mrSignerSeam: measurement,
  seamAttributes: anyOr(setOf(hexText(8))),
  mrConfigId: measurement,
  mrOwner: measurement,
  mrOwnerConfig: measurement,
  rtmr0: rtmr,
  rtmr1: rtmr,
  rtmr2: rtmr,
  rtmr3: rtmr,
  mrServiceTd: measurement,
  reportData: anyOr(setOf(hexText(64))),
});

export type TdxPolicy = Decoded<typeof tdxPolicy>;

/** What must be named for a TD's software to be named: the firmware, what it was given, the kernel, its first programs. */
export const tdxSoftware = [
  'mrTd',
  'rtmr0',
  'rtmr1',
  'rtmr2',
] as const satisfies readonly (keyof TdxPolicy)[];
