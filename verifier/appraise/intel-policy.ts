/** What the members `tdx` and `sgx` of a policy share: Intel's view of the platform, and which platforms. */
import {
  anyOr,
  type Decoded,
  type Decoder,
  described,
  integer,
  object,
  oneOf,
  schemaOf,
  shapeError,
  text,
  unixTime,
} from '../json.ts';
import { feature, hexText, listOf, setOf } from './sets.ts';

/** What a policy can accept. `Revoked` is never acceptable. */
export const acceptableStatuses = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const;

const u16 = integer(0, 0xffff);
/** Ten years. */
const seconds = integer(0, 315_360_000);
const advisory = text(/^[A-Z][A-Z0-9-]{1,63}$/, 'an advisory such as INTEL-SA-00837');

const tcbShape = object({
  acceptedStatuses: setOf(oneOf(...acceptableStatuses)),
  minimumDate: anyOr(unixTime),
  minimumEvaluationNumber: anyOr(integer(0, 0xffffffff)),
  refusedAdvisories: listOf(advisory),
  /** How long after its nextUpdate a document or list is still good, in seconds. */
  collateralGracePeriod: seconds,
  /** How long after the date of its TCB level an OutOfDate platform is still accepted, in seconds. */
  platformGracePeriod: seconds,
  qeVendors: setOf(hexText(16)),
  minimumQeSvn: anyOr(u16),
  minimumPceSvn: anyOr(u16),
});

export type TcbPolicy = Decoded<typeof tcbShape>;

/** As in Intel's own appraisal: one way to allow for lateness, not two that work against each other. */
const oneGrace: Decoder<TcbPolicy> = (value, path) => {
  const policy = tcbShape(value, path);
  const { minimumEvaluationNumber, collateralGracePeriod, platformGracePeriod } = policy;
  const graces = collateralGracePeriod + platformGracePeriod;
  if (minimumEvaluationNumber !== 'any' && graces > 0) {
    throw shapeError(path, 'a minimumEvaluationNumber or a grace period, not both', 'both');
  }
  if (collateralGracePeriod > 0 && platformGracePeriod > 0) {
    throw shapeError(path, 'one grace period, not both', 'both');
  }
  return policy;
};

/** Of the three that work against each other, all but one are off. */
export const tcbPolicy = described(oneGrace, () => {
  const off = {
    minimumEvaluationNumber: { const: 'any' },
    collateralGracePeriod: { const: 0 },
    platformGracePeriod: { const: 0 },
  };
  const allBut = Object.keys(off).map((kept) => ({
    properties: Object.fromEntries(Object.entries(off).filter(([member]) => member !== kept)),
  }));
  return { ...schemaOf(tcbShape), anyOf: allBut };
});

export const platformPolicy = object({
  fmspc: anyOr(setOf(hexText(6))),
  ppid: anyOr(setOf(hexText(16))),
  instanceId: anyOr(setOf(hexText(16))),
  dynamicPlatform: feature,
  cachedKeys: feature,
  smt: feature,
  sgxType: setOf(oneOf('standard', 'scalable', 'scalable with integrity')),
});

export type PlatformPolicy = Decoded<typeof platformPolicy>;

export const debugSwitch = oneOf('refused', 'dangerously-allowed');
