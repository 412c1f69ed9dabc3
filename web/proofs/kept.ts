/** The files of the proofs view, one of each kind but of those that may come in numbers; and what of them a job takes. */
import { harmless } from '#verifier/words/lines.ts';
import type { Given } from '../model/session.ts';
import type { GivenFile } from '../model/sort-files.ts';
import type { SetHead } from './messages.ts';
import type { Recognised, Role } from './recognise.ts';

export type Kept = GivenFile &
  Recognised & {
    readonly id: number;
    /** Of a set, once its entries have been hashed. */
    readonly set: SetHead | null;
  };

/** Of these a later file does not replace the one before it. */
const many: ReadonlySet<Role> = new Set(['lists', 'certificates', 'set', 'other']);
/** A reader checks one proof at a time, of whichever linkage. */
const proofs: readonly Role[] = ['open-proof', 'linked-proof'];

/** With one file more, in the place of those that it replaces. */
export function withFile(files: readonly Kept[], file: Kept): Kept[] {
  if (many.has(file.role)) return [...files, file];
  const replaced = proofs.includes(file.role) ? proofs : [file.role];
  return [...files.filter(({ role }) => !replaced.includes(role)), file];
}

/** One that can be used. */
export function fileOf(files: readonly Kept[], role: Role): Kept | null {
  return files.find((file) => file.role === role && file.fault === null) ?? null;
}

/** As the evidence view would be given a bundle and what lies beside it here. */
export function givenOf(
  files: readonly Kept[],
  evidence: Given | null,
  settings: Pick<Given, 'insecureRoot' | 'at'>,
): Given | null {
  const bundle = fileOf(files, 'bundle');
  const beside = files.filter(({ role }) => ['lists', 'certificates', 'other'].includes(role));
  const plain = (kept: Kept): GivenFile => ({ name: kept.name, bytes: kept.bytes });
  const policy = fileOf(files, 'policy');
  const insecureRoot = settings.insecureRoot ?? evidence?.insecureRoot ?? null;
  const at = settings.at ?? evidence?.at ?? null;
  const chosen = {
    policy: policy === null ? (evidence?.policy ?? null) : plain(policy),
    insecureRoot,
    at,
  };
  if (bundle !== null) {
    return { ...chosen, files: [bundle, ...beside].map(plain), source: { kind: 'files' } };
  }
  if (evidence === null) return null;
  return { ...evidence, ...chosen, files: [...evidence.files, ...beside.map(plain)] };
}

/** `name.json (what it says)`, harmless to show. */
export function label({ name, about }: Pick<Kept, 'name' | 'about'>): string {
  return harmless(about === '' ? name : `${name}: ${about}`);
}
