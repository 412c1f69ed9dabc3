/** What `affidavit set make` makes of AMD's machines: floors, chips and keys. */
import type { Bytes } from '#verifier/bytes.ts';
import { readCertificates } from '#verifier/cli/certificate-files.ts';
import { blaming, CliError, usageError } from '#verifier/cli/cli-error.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { settingsOf, type VerdictSettings } from '#verifier/cli/verify-command.ts';
import { policySource } from './linked/set-accepted.ts';
import { type GivenAmd, gatherAmdVek } from './linked/set-amd.ts';
import { chipId, type LevelSnp, levelsSnp, type VekSnp } from './linked/set-entries-snp.ts';
import { fileName } from './linked/set-files.ts';
import { idleFloor, levelsByPolicy } from './linked/set-floors.ts';
import {
  type Found,
  fileLimit,
  type Material,
  readAll,
  several,
  verifying,
} from './set-inputs-command.ts';

const tcbExample = 'Write for example --tcb fmc=0,bootLoader=4,tee=0,snp=24,microcode=219.';

/** Of --product with --tcb, and of each --policy. */
export async function snpLevelMaterial(found: Found): Promise<Material<LevelSnp>> {
  const levels = levelsGiven(several(found, 'product'), several(found, 'tcb'));
  const sources = levels.length === 0 ? [] : ['SEV-SNP floor as given'];
  for (const path of several(found, 'policy')) {
    const { policy } = await settingsOf({ policy: path });
    levels.push(...blaming('usage', `policy ${path}`, () => levelsByPolicy(policy)));
    sources.push(`SEV-SNP floor of ${policySource(policy)}`);
  }
  const idle = idleFloor(levels);
  if (idle !== null) {
    throw new CliError(
      'usage',
      'no-floor',
      idle,
      'Give of these two floors the one that is meant.',
    );
  }
  return { entries: levels, sources };
}

function levelsGiven(products: readonly string[], tcbs: readonly string[]): LevelSnp[] {
  if (products.length !== tcbs.length) {
    throw usageError(
      `${products.length} of --product and ${tcbs.length} of --tcb were given`,
      'Give one --tcb for each --product, in the same order.',
    );
  }
  return products.map((product, place) => levelGiven(product, tcbs[place] as string));
}

/** Every part by name, once; the FMC, which is new with Turin, may be left out before it. */
function levelGiven(product: string, tcb: string): LevelSnp {
  const parts = tcb.split(',').map((part) => /^([A-Za-z]+)=(0|[1-9][0-9]{0,2})$/.exec(part));
  const named = parts.flatMap((part) =>
    part === null ? [] : [[part[1], Number(part[2])] as const],
  );
  const members = new Map(named);
  if (named.length !== parts.length || members.size !== parts.length)
    throw usageError(
      `--tcb ${tcb} is no list of different parts, each with its number`,
      tcbExample,
    );
  const fmc = product === 'Turin' ? {} : { fmc: 0 };
  const level = { product, ...fmc, ...Object.fromEntries(members) };
  try {
    return blaming('usage', `--tcb ${tcb}`, () => levelsSnp.decode(level, `TCB of ${product}`));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError('usage', error.code, error.message, tcbExample);
  }
}

/** 8 bytes with the zeros that a report of Turin has after them. */
const turinInReport = /^([0-9a-f]{16})0{112}$/;

/** As people paste it. @throws AttestationError what the decoder of entries throws */
export function parseChipId(digits: string): Bytes {
  const lower = digits.toLowerCase();
  return chipId(turinInReport.exec(lower)?.[1] ?? lower, 'chip id');
}

export async function snpVekMaterial(
  found: Found,
  settings: VerdictSettings,
): Promise<Material<VekSnp>> {
  const trust = { ...settings, crypto: nodeCrypto };
  const files = await certificateFiles(found, 'vek');
  const above = [...files, ...(await certificateFiles(found, 'chain'))];
  const given: GivenAmd = {
    certificates: above.flatMap(({ issuers }) => issuers),
    crls: settings.collateral.filter(({ kind }) => kind === 'ark-crl').map(({ data }) => data),
  };
  const entries: VekSnp[] = [];
  const sources: string[] = [];
  for (const { path, veks } of files) {
    if (veks.length === 0) throw usageError(`${path} holds no VCEK or VLEK certificate`);
    for (const vek of veks) {
      const { value } = await verifying(path, () => gatherAmdVek(vek, given, trust));
      entries.push(value.entry);
      sources.push(fileName(`${value.entry.keyKind.toUpperCase()} certificate`, vek), value.list);
    }
  }
  return { entries, sources };
}

async function certificateFiles(
  found: Found,
  option: 'vek' | 'chain',
): Promise<{ path: string; veks: Bytes[]; issuers: Bytes[] }[]> {
  const files = await readAll(found, option, fileLimit);
  return files.map(({ path, bytes }) => {
    const fallback = option === 'vek' ? 'vek' : 'ask';
    const read = blaming('invalid', path, () => readCertificates(bytes, 'certificates', fallback));
    const of = (isVek: boolean) =>
      read.filter(({ kind }) => (kind === 'vek') === isVek).map(({ data }) => data);
    return { path, veks: of(true), issuers: of(false) };
  });
}
