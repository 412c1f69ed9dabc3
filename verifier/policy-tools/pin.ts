/** The policy that accepts what one piece of evidence holds, and says what of it was simply believed. */
import { appraise } from '../appraise/appraise.ts';
import { type Policy, toPolicy } from '../appraise/policy.ts';
import type { Verdict } from '../appraise/verdict.ts';
import { toHex } from '../bytes.ts';
import { fieldToBytes } from '../field.ts';
import { formatTime } from '../time.ts';
import type { Verified } from '../verified.ts';
import { pinSgx, pinTdx } from './pin-intel.ts';
import { any, type PinnedPart } from './pin-parts.ts';
import { pinSnp } from './pin-snp.ts';

export type { Remark } from './pin-parts.ts';

export type PinOptions = {
  /** What the policy is called, before the mark of trust on first use; printable ASCII, 1 to 67 characters. */
  name?: string | undefined;
  /** Name this very machine too. */
  pinChip?: boolean | undefined;
  /** Name this very set of services and keys too; keys are new at every boot. */
  pinServices?: boolean | undefined;
};

export type Pinned = { policy: Policy } & Remarks;
type Remarks = Omit<PinnedPart<unknown>, 'rules'>;

/**
 * As strict as the evidence allows: sets of the one value seen, floors at what was seen, and whatever was off is refused. The
 * evidence is appraised under it, freshness and channel left aside, which only the next evidence can show.
 * @returns the policy if the evidence is accepted, else the verdict that says why not
 * @throws AttestationError `json-shape` for a name that no policy can have, `value-out-of-range` for a chip that should be named
 *   and is masked
 */
export function pinPolicy(
  verified: Verified,
  options: PinOptions = {},
): { pinned: Pinned } | { refusal: { verdict: Verdict; policy: Policy } } {
  const draft = draftOf(verified, options);
  const judged = toPolicy({ ...draft.policy, freshness: 'any', channel: 'any' });
  const verdict = appraise(verified, judged);
  if (verdict.decision !== 'accepted') return { refusal: { verdict, policy: judged } };
  return { pinned: draft };
}

function draftOf(verified: Verified, options: PinOptions): Pinned {
  const { bundle, at } = verified;
  const machine = machineOf(verified, options.pinChip ?? false);
  const name = options.name ?? machine.title;
  const believed = [...machine.believed];
  const open = [...machine.open];

  const closure = bundle === null ? null : toHex(bundle.bound.closureDigest);
  const tree = bundle === null ? null : toHex(fieldToBytes(bundle.bound.treeRoot));
  const channel = bundle?.channel ?? null;
  const devices = bundle !== null && bundle.deviceCount > 0;
  if (closure !== null)
    believed.push({ path: 'closureDigest', value: closure, about: 'compare with your build' });
  if (tree !== null) {
    if (options.pinServices)
      believed.push({ path: 'treeRoot', value: tree, about: 'keys are new at every boot' });
    else open.push(any('treeRoot', 'services have new keys at every boot (--pin-services)'));
  }
  if (devices) open.push(any('devices', 'the evidence has devices, and none is verified'));
  if (bundle === null) {
    open.push(any('freshness', 'a raw report or quote holds no nonce that is known as one'));
  }
  if (channel === null) open.push(any('channel', 'the evidence is bound to none'));

  const policy = toPolicy({
    version: 1,
    name: `${name} (trust on first use, ${formatTime(at).slice(0, 10)})`,
    ...machine.members,
    closureDigest: closure === null ? 'any' : [closure],
    treeRoot: tree !== null && options.pinServices ? [tree] : 'any',
    devices: devices ? 'any' : 'none',
    freshness: bundle === null ? 'any' : 'verifier-nonce',
    channel: channel === null ? 'any' : [channel.kind],
    waivers: [],
  });
  return { policy, believed, open };
}

type Machine = { title: string; members: Partial<Policy> } & Remarks;

function machineOf({ claims }: Verified, pinChip: boolean): Machine {
  if (claims === null) return { title: 'nothing', members: {}, believed: [], open: [] };
  const titled = (what: string, measurement: Uint8Array) =>
    `${what} ${toHex(measurement).slice(0, 12)}`;
  if (claims.platform === 'sev-snp') {
    const { rules, believed, open } = pinSnp(claims, pinChip);
    const title = titled('SEV-SNP guest', claims.report.measurement);
    return { title, members: { sevSnp: rules }, believed, open };
  }
  const { body } = claims.quote;
  if (body.kind === 'tdx') {
    const { rules, believed, open } = pinTdx(claims, body.report, pinChip);
    const title = titled('TD', body.report.mrTd);
    return { title, members: { tdx: rules }, believed, open };
  }
  const { rules, believed, open } = pinSgx(claims, body.report, pinChip);
  const title = titled('enclave', body.report.mrEnclave);
  return { title, members: { sgx: rules }, believed, open };
}
