/** When each piece of collateral that a verification used runs out, by the name that people know it by. */
import { type Bytes, equalBytes } from './bytes.ts';
import type { AmdChain } from './chain/amd-chain.ts';
import type { IntelChain } from './chain/intel-chain.ts';
import type { UnixTime } from './time.ts';
import type { Ending } from './verified.ts';
import type { IntelCollateral } from './verify-intel-collateral.ts';

export function amdEnds(
  { vek, ask, ark }: AmdChain,
  crl: { nextUpdate: UnixTime } | null,
): Ending[] {
  return [
    ...endOf(vek?.role.toUpperCase(), vek?.certificate),
    ...endOf(ask?.role.toUpperCase(), ask?.certificate),
    ...endOf('ARK', ark?.certificate),
    ...endOf("the ARK's revocation list", crl),
  ];
}

export function intelEnds(
  { pck, ca, root }: IntelChain,
  { tcbInfo, qeIdentity, lists, signers }: IntelCollateral,
): Ending[] {
  return [
    ...endOf('PCK', pck?.certificate),
    ...endOf("the PCK's CA", ca?.certificate),
    ...endOf("Intel's root", root?.certificate),
    ...distinct(signers.map(({ certificate }) => certificate)).flatMap((signer) =>
      endOf("Intel's TCB signer", signer),
    ),
    ...endOf("the root's revocation list", lists.root),
    ...endOf("the PCK CA's revocation list", lists.pck),
    ...endOf('TCB info', tcbInfo),
    ...endOf('QE identity', qeIdentity),
  ];
}

type Dated = { notAfter: UnixTime } | { nextUpdate: UnixTime };

/** None for what could not be read or was not given. */
function endOf(what: string | undefined, dated: Dated | null | undefined): Ending[] {
  if (what === undefined || dated === null || dated === undefined) return [];
  return [{ what, at: 'notAfter' in dated ? dated.notAfter : dated.nextUpdate }];
}

/** TCB info and QE identity are signed by one and the same today. */
function distinct<T extends { der: Bytes }>(certificates: readonly T[]): T[] {
  return certificates.filter(
    ({ der }, place) => certificates.findIndex((one) => equalBytes(one.der, der)) === place,
  );
}
