/** The member `tpm` that one TPM's quote fits. */
import { pcrCount, type TpmHash, tpmHashNames } from '../abi/tpm/hash.ts';
import { secureBootWords } from '../appraise/tpm.ts';
import type { BankPolicy, TpmPolicy } from '../appraise/tpm-policy.ts';
import { type Bytes, toHex } from '../bytes.ts';
import type { TpmClaims, Verified } from '../verified.ts';
import { any, type PinnedPart, protection, type Remark } from './pin-parts.ts';

export function pinTpm(
  tpm: TpmClaims,
  verified: Pick<Verified, 'eventLog' | 'hcl'>,
): PinnedPart<TpmPolicy> {
  const banks = tpmHashNames.flatMap((hash) => {
    const values = tpm.pcrs.get(hash);
    return values === undefined || values.size === 0 ? [] : [[hash, values] as const];
  });
  const words = secureBootWords(verified, tpm);
  const rules: TpmPolicy = {
    key: [tpm.key],
    provider: tpm.provider === null ? 'any' : [tpm.provider],
    firmware: [tpm.firmwareVersion],
    pcrs:
      banks.length === 0
        ? 'any'
        : Object.fromEntries(banks.map(([hash, values]) => [hash, pinBank(values)])),
    eventLog: protection(verified.eventLog?.kind === 'pcr'),
    secureBoot: protection(words.length > 0 && words.every(([, on]) => on)),
  };
  return {
    rules,
    believed: [
      ...banks.flatMap(([hash, values]) => believedBank(hash, values)),
      { path: 'tpm.firmware', value: tpm.firmwareVersion, about: 'what your provider runs' },
    ],
    open: openOf(rules),
  };
}

function pinBank(values: ReadonlyMap<number, Bytes>): BankPolicy {
  const pinned = Object.fromEntries([...values].map(([index, value]) => [index, [toHex(value)]]));
  return values.size === pcrCount ? pinned : { ...pinned, others: 'any' };
}

/** PCRs that nothing was measured into are pinned, but nobody need compare them. */
function believedBank(hash: TpmHash, values: ReadonlyMap<number, Bytes>): Remark[] {
  return [...values].flatMap(([index, value]) =>
    value.every((byte) => byte === value[0])
      ? []
      : [
          {
            path: `tpm.pcrs.${hash}.${index}`,
            value: toHex(value),
            about: 'replay the event log: what was measured into it',
          },
        ],
  );
}

function openOf({ pcrs, provider, eventLog, secureBoot }: TpmPolicy): Remark[] {
  const open: Remark[] = [];
  if (pcrs === 'any') open.push(any('tpm.pcrs', 'no PCR was quoted'));
  else {
    for (const [hash, bank] of Object.entries(pcrs))
      if (bank.others === 'any') open.push(any(`tpm.pcrs.${hash}.others`, 'not quoted'));
  }
  if (provider === 'any') open.push(any('tpm.provider', 'nobody certified the key'));
  if (eventLog === 'any') open.push(any('tpm.eventLog', 'no event log of the PCRs was given'));
  if (secureBoot === 'any') open.push(any('tpm.secureBoot', 'not known to be on'));
  return open;
}
