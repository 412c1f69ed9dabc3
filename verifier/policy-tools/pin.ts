/** The policy that accepts what one piece of evidence holds, and says what of it was simply believed. */
import { appraise } from '../appraise/appraise.ts';
import { type Policy, toPolicy } from '../appraise/policy.ts';
import type { Verdict } from '../appraise/verdict.ts';
import { toHex } from '../bytes.ts';
import { fieldToBytes } from '../field.ts';
import { formatTime } from '../time.ts';
import type { Verified } from '../verified.ts';
import { pinDevices } from './pin-devices.ts';
import { pinSgx, pinTdx } from './pin-intel.ts';
import { pinNitro } from './pin-nitro.ts';
import { any, type PinnedPart } from './pin-parts.ts';
import { pinSnp } from './pin-snp.ts';
import { pinTpm } from './pin-tpm.ts';

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
  const pinChip = options.pinChip ?? false;
  const machine = machineOf(verified, pinChip);
  const beside = besideOf(verified, pinChip);
  const name = options.name ?? machine.title;
  const believed = [...machine.believed, ...beside.believed];
  const open = [...machine.open, ...beside.open];

  const closure = bundle === null ? null : toHex(bundle.bound.closureDigest);
  const tree = bundle === null ? null : toHex(fieldToBytes(bundle.bound.treeRoot));
  const channel = bundle?.channel ?? null;
  if (closure !== null)
    believed.push({ path: 'closureDigest', value: closure, about: 'compare with your build' });
  if (tree !== null) {
    if (options.pinServices)
      believed.push({ path: 'treeRoot', value: tree, about: 'keys are new at every boot' });
    else open.push(any('treeRoot', 'services have new keys at every boot (--pin-services)'));
  }
  const answers = answersNonce(verified);
  if (!answers) {
    open.push(any('freshness', 'a raw report or quote holds no nonce that is known as one'));
  }
  if (channel === null) open.push(any('channel', 'the evidence is bound to none'));

  const policy = toPolicy({
    version: 1,
    name: `${name} (trust on first use, ${formatTime(at).slice(0, 10)})`,
    ...machine.members,
    ...beside.members,
    closureDigest: closure === null ? 'any' : [closure],
    treeRoot: tree !== null && options.pinServices ? [tree] : 'any',
    freshness: answers ? 'verifier-nonce' : 'any',
    channel: channel === null ? 'any' : [channel.kind],
    waivers: [],
  });
  return { policy, believed, open };
}

/** Whether the next evidence of this kind can be asked for a nonce. */
function answersNonce({ claims, subject }: Verified): boolean {
  switch (subject.form) {
    case 'bundle':
    case 'tpm-quote':
    case 'gpu':
      return true;
    case 'hcl':
      return subject.ak !== null;
    case 'nitro':
      return claims?.platform === 'nitro' && claims.document.nonce !== null;
    case 'report':
    case 'quote':
      return false;
  }
}

type Machine = { title: string; members: Partial<Policy> } & Remarks;

function machineOf({ claims }: Verified, pinChip: boolean): Machine {
  const titled = (what: string, measurement: Uint8Array) =>
    `${what} ${toHex(measurement).slice(0, 12)}`;
  switch (claims?.platform) {
    case undefined:
      return { title: 'nothing', members: {}, believed: [], open: [] };
    case 'sev-snp': {
      const { rules, ...remarks } = pinSnp(claims, pinChip);
      const title = titled('SEV-SNP guest', claims.report.measurement);
      return { title, members: { sevSnp: rules }, ...remarks };
    }
    case 'tdx':
    case 'sgx': {
      const { body } = claims.quote;
      if (body.kind === 'tdx') {
        const { rules, ...remarks } = pinTdx(claims, body.report, pinChip);
        return { title: titled('TD', body.report.mrTd), members: { tdx: rules }, ...remarks };
      }
      const { rules, ...remarks } = pinSgx(claims, body.report, pinChip);
      const title = titled('enclave', body.report.mrEnclave);
      return { title, members: { sgx: rules }, ...remarks };
    }
    case 'nitro': {
      const { document } = claims;
      const { rules, ...remarks } = pinNitro(document, pinChip);
      const what = document.kind === 'enclave' ? 'Nitro enclave' : 'AWS instance';
      const first = document.pcrs.get(document.kind === 'enclave' ? 0 : 4) ?? new Uint8Array();
      return { title: titled(what, first), members: { nitro: rules }, ...remarks };
    }
    case 'tpm':
      return { title: 'TPM', members: {}, believed: [], open: [] };
    case 'nvidia':
      return { title: 'NVIDIA devices', members: {}, believed: [], open: [] };
  }
}

/** TPM, AWS NitroTPM and devices: beside the machine, or all that there is. */
function besideOf(verified: Verified, pinChip: boolean): Omit<Machine, 'title'> {
  const devices = pinDevices(verified);
  const tpm = verified.tpm === null ? null : pinTpm(verified.tpm, verified);
  const nitro = verified.nitroTpm === null ? null : pinNitro(verified.nitroTpm, pinChip);
  const parts = [tpm, nitro, devices].filter((part) => part !== null);
  return {
    members: {
      ...(tpm !== null && { tpm: tpm.rules }),
      ...(nitro !== null && { nitro: nitro.rules }),
      devices: devices.rules,
    },
    believed: parts.flatMap(({ believed }) => believed),
    open: parts.flatMap(({ open }) => open),
  };
}
