/**
 * The road of trust as data: from a vendor's root to the reader's policy, station by station, each with its checks and the
 * worst of their statuses. Pure: what is drawn follows from a verification alone.
 */
import type { CheckResult, CheckStatus } from '#verifier/checklist.ts';
import type { Verified } from '#verifier/verified.ts';
import { type StationId, stationIds, stationOf } from './station-map.ts';

export type Station = {
  id: StationId;
  status: CheckStatus;
  /** In the verdict's order; never empty. */
  checks: readonly CheckResult[];
  /** The road ends here: a check of the evidence, not one of the policy, failed or could not be made. */
  broken: boolean;
};

export type Placed = Station & {
  /** Everything that this station rests on holds. */
  vouched: boolean;
};

/** A place on a road: one station, or several side by side that rest on the one before. */
export type Step = {
  stations: readonly Placed[];
  /** What the vendor publishes about the step's first station. */
  feeds: readonly Placed[];
  /** The line that leads here carries nothing. */
  cut: boolean;
};

/** `all`: the policy, where more roads than one lead to it. */
export type LaneId = 'machine' | 'tpm' | 'nitro' | 'gpu' | 'all';
/** One road, from its own root. */
export type Lane = { id: LaneId; steps: readonly Step[] };

/** Of a verification, what the shape of the road depends on. */
export type Ground = {
  subject: Pick<Verified['subject'], 'form' | 'tee'>;
  eventLog: { kind: 'pcr' | 'rtmr' } | null;
};

type Plan = { main: readonly StationId[]; feeds?: readonly StationId[] };

const machinePlan: readonly Plan[] = [
  { main: ['root'] },
  { main: ['issuer'], feeds: ['amd-crl'] },
  { main: ['vek'] },
  { main: ['pck'], feeds: ['intel-crls'] },
  { main: ['qe'], feeds: ['qe-identity'] },
  { main: ['report'] },
  { main: ['quote'] },
  { main: ['tcb'], feeds: ['tcb-info'] },
  { main: ['hcl'] },
];
const tpmPlan: readonly Plan[] = [
  { main: ['ak-root'] },
  { main: ['ak-chain'] },
  { main: ['ak'] },
  { main: ['tpm-quote'] },
];
const nitroPlan: readonly Plan[] = [
  { main: ['nitro-root'] },
  { main: ['nitro-chain'] },
  { main: ['nitro-document'] },
];
const gpuPlan: readonly Plan[] = [
  { main: ['gpu-root'] },
  { main: ['gpu-chain'], feeds: ['gpu-revocation'] },
  { main: ['gpu-report'] },
  { main: ['gpu-software'], feeds: ['gpu-manifests'] },
];
const logPlan: readonly Plan[] = [{ main: ['event-log'] }];
const boundPlan: readonly Plan[] = [
  { main: ['binding'] },
  { main: ['closure', 'tree', 'log', 'devices', 'moment'] },
  { main: ['proof'] },
];
const policyPlan: readonly Plan[] = [{ main: ['policy'] }];

/** How a station, and a list of checks that shows its worst first, is ordered. */
export const worstFirst: readonly CheckStatus[] = ['fail', 'skip', 'waived', 'pass'];

/** The stations that have a check, in the road's order. Every check is in exactly one. */
export function stationsOf(checks: readonly CheckResult[], { form }: Ground['subject']): Station[] {
  const bound = form === 'bundle';
  return stationIds.flatMap((id) => {
    const own = checks.filter((check) => stationOf(check.id, bound) === id);
    return own.length === 0 ? [] : [stationWith(id, own)];
  });
}

function stationWith(id: StationId, checks: readonly CheckResult[]): Station {
  const has = (wanted: CheckStatus) => checks.some(({ status }) => status === wanted);
  const broken = checks.some(
    ({ stage, status }) => stage !== 'policy' && (status === 'fail' || status === 'skip'),
  );
  return { id, checks, status: worstFirst.find(has) ?? 'pass', broken };
}

/** The same stations as roads: one for each root there is, the policy at the end. */
export function lanesOf(stations: readonly Station[], ground: Ground): Lane[] {
  const found = new Map(stations.map((station) => [station.id, station]));
  const has = (plans: readonly Plan[]) =>
    plans.some(({ main }) => main.some((id) => found.has(id)));
  const plans = plansOf(ground, found).filter(({ steps }) => has(steps));
  const [first = { id: 'machine' as const, steps: [] }, ...others] = plans;
  const alone = others.length === 0;
  const lanes = [
    { id: first.id, steps: [...first.steps, ...boundPlan, ...(alone ? policyPlan : [])] },
    ...others,
  ].map(({ id, steps }): Lane => ({ id, steps: placed(steps, found, true) }));
  if (alone) return lanes;
  const open = lanes.every(({ steps }) => steps.every(({ stations }) => stations.every(carries)));
  return [...lanes, { id: 'all', steps: placed(policyPlan, found, open) }];
}

function plansOf(
  { subject, eventLog }: Ground,
  found: ReadonlyMap<StationId, Station>,
): { id: LaneId; steps: readonly Plan[] }[] {
  const tpm = found.has('tpm-quote') || found.has('ak');
  const ofTpm = tpm && !(subject.tee === 'tdx' && eventLog?.kind !== 'pcr');
  // Azure: the hardware vouches for the paravisor, and that for the key of its TPM.
  const one = subject.form === 'hcl';
  return [
    {
      id: 'machine',
      steps: [...machinePlan, ...(one ? tpmPlan : []), ...(one || !ofTpm ? logPlan : [])],
    },
    { id: 'tpm', steps: one ? [] : [...tpmPlan, ...(ofTpm ? logPlan : [])] },
    { id: 'nitro', steps: nitroPlan },
    { id: 'gpu', steps: gpuPlan },
  ];
}

function placed(
  plans: readonly Plan[],
  found: ReadonlyMap<StationId, Station>,
  open: boolean,
): Step[] {
  const of = (ids: readonly StationId[]) => ids.flatMap((id) => found.get(id) ?? []);
  const steps: Step[] = [];
  let reached = open;
  for (const { main, feeds: ids = [] } of plans) {
    const stations = of(main);
    if (stations.length === 0) continue;
    const feeds = of(ids).map((station) => ({ ...station, vouched: true }));
    const vouched = reached && feeds.every(carries);
    const step = {
      stations: stations.map((station) => ({ ...station, vouched })),
      feeds,
      cut: !reached,
    };
    steps.push(step);
    reached = step.stations.every(carries);
  }
  return steps;
}

/** What stands behind it may rest on it. */
export function carries({ broken, vouched }: Placed): boolean {
  return vouched && !broken;
}

/** Where the road fans out a new row begins, so that what is bound has room side by side. */
export function rowsOf(steps: readonly Step[]): (readonly Step[])[] {
  const fan = steps.findIndex(({ stations }) => stations.length > 1);
  return fan <= 0 ? [steps] : [steps.slice(0, fan), steps.slice(fan)];
}
