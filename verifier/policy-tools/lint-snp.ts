/** Lint of the member `sevSnp`. */
import { snpProducts } from '../abi/snp-tcb.ts';
import type { SnpFloors, SnpPolicy } from '../appraise/snp-policy.ts';
import type { Report } from './finding.ts';

export function lintSnp(policy: SnpPolicy, report: Report): void {
  lintKeys(policy, report);
  lintGuest(policy, report);
  lintFloors(policy, report);
  lintPlatform(policy, report);
  lintIdBlock(policy, report);
}

function lintKeys({ signingKey, provider, chipId }: SnpPolicy, report: Report): void {
  if (provider !== 'any' && !signingKey.includes('vlek')) {
    report('provider-without-vlek', 'sevSnp.provider');
  }
  if (chipId !== 'any' && chipId.some((id) => /^0+$/.test(id))) {
    report('masked-chip', 'sevSnp.chipId');
  }
}

function lintGuest(policy: SnpPolicy, report: Report): void {
  const { guestPolicy, vmpl, idBlock, measurement, mitigations } = policy;
  if (guestPolicy.debug === 'dangerously-allowed') {
    report('debug-allowed', 'sevSnp.guestPolicy.debug');
  }
  if (guestPolicy.migrateMa === 'allowed') {
    report('migration-allowed', 'sevSnp.guestPolicy.migrateMa');
  }
  if (vmpl.length === 4) report('host-may-ask', 'sevSnp.vmpl');
  if (measurement === 'any') {
    if (idBlock === 'any') report('software-unnamed', 'sevSnp.measurement');
    else report('software-by-signer', 'sevSnp.measurement');
  }
  for (const which of ['launch', 'current'] as const) {
    if (mitigations[which] === '00'.repeat(8)) {
      const detail = 'but refuses every report before version 5, which has no such vector';
      report('empty-mask', `sevSnp.mitigations.${which}`, detail);
    }
  }
}

function lintFloors({ product: accepted, minimumTcb }: SnpPolicy, report: Report): void {
  for (const [which, floors] of Object.entries(minimumTcb)) {
    if (floors !== 'any') lintFloorSet(accepted, floors, `sevSnp.minimumTcb.${which}`, report);
  }
  if (Object.values(minimumTcb).every((floors) => floors === 'any')) {
    report('no-tcb-floor', 'sevSnp.minimumTcb');
  }
}

function lintFloorSet(
  accepted: SnpPolicy['product'],
  floors: Exclude<SnpFloors, 'any'>,
  path: string,
  report: Report,
): void {
  const without = accepted.filter((product) => floors[product] === undefined);
  if (without.length === accepted.length) report('no-product-left', path);
  else for (const product of without) report('product-without-floor', path, product);
  for (const product of snpProducts) {
    const floor = floors[product];
    if (floor === undefined) continue;
    if (!accepted.includes(product)) report('floor-for-refused-product', `${path}.${product}`);
    else if (product !== 'Turin' && floor.fmc > 0) report('fmc-floor', `${path}.${product}.fmc`);
  }
}

function lintPlatform({ provisionalFirmware, platformInfo }: SnpPolicy, report: Report): void {
  if (provisionalFirmware === 'allowed') {
    report('provisional-firmware', 'sevSnp.provisionalFirmware');
  }
  if (platformInfo === 'any') {
    report('unknown-bits-allowed', 'sevSnp.platformInfo', 'as all others');
    report('alias-check', 'sevSnp.platformInfo');
    return;
  }
  if (platformInfo.unknownBits === 'allowed') {
    report('unknown-bits-allowed', 'sevSnp.platformInfo.unknownBits');
  }
  if (platformInfo.aliasCheckComplete === 'any') {
    report('alias-check', 'sevSnp.platformInfo.aliasCheckComplete');
  }
}

function lintIdBlock({ idBlock }: SnpPolicy, report: Report): void {
  if (idBlock === 'any' || idBlock.authorKey === 'any') return;
  if (idBlock.trustedAuthorKeys.length === 0) {
    report('no-author-key', 'sevSnp.idBlock.trustedAuthorKeys');
  }
  if (idBlock.trustedIdKeys.length > 0) report('id-keys-unused', 'sevSnp.idBlock.trustedIdKeys');
}
