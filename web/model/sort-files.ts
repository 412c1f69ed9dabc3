/** Which of the files that were dropped is the evidence, and what the others are beside it: seen from their bytes. */
import type { CollateralKind } from '#verifier/abi/bundle.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import type { Collateral, Connection, Evidence } from '#verifier/evidence.ts';
import { inputStrings as words } from '../strings/input.ts';
import { type Chosen, chooseEvidence, type SortOptions } from './choose-evidence.ts';
import {
  type Beside,
  certificateItems,
  holdsVek,
  listItems,
  vendorOf,
} from './collateral-items.ts';
import { type FileKind, fileKindOf } from './file-kinds.ts';
import { roleOf } from './file-roles.ts';
import type { Source } from './session.ts';

export type GivenFile = { name: string; bytes: Bytes };

export type SortedFile = GivenFile & {
  kind: FileKind;
  /** In words, for the reader: `TDX quote`, `VCEK certificate`, `closure manifest`. */
  role: string;
  /** False for what has no part in the verdict; `note` says why. */
  used: boolean;
  note: string | null;
};

export type Sorted = {
  evidence: Evidence;
  collateral: readonly Collateral[];
  /** Every file, in the order given. */
  files: readonly SortedFile[];
  /** The closure manifest's bytes, where one was dropped. */
  manifest: Bytes | null;
  /** Of more than one, all but the first: to be compared with it. */
  otherManifests: readonly Bytes[];
  /** Answers of an agent's /proofs/:name. */
  treeProofs: readonly Bytes[];
};

export type { SortOptions } from './choose-evidence.ts';

/**
 * The evidence is what the command line would be given: what belongs together is put together, and of several pieces the first
 * counts. A file that cannot be used says so in its `note`, and stops nothing.
 * @throws RefusedFile `form-unknown` when none is evidence, and whatever the evidence's reader throws
 */
export function sortFiles(
  files: readonly GivenFile[],
  source: Source,
  options: SortOptions = {},
): Sorted {
  const nonce = source.kind === 'agent' ? source.nonce : (options.nonce ?? null);
  const known = files.map((file) => ({ ...file, ...fileKindOf(file.bytes), given: file.bytes }));
  const chosen = chooseEvidence(known, { ...options, nonce, connection: connectionOf(source) });
  const { form } = chosen.evidence;
  const about: Beside = {
    vendor: vendorOf(chosen.evidence),
    mixed: form === 'hcl' || form === 'bundle',
    hasVek: known.some(({ kind, bytes }) => kind === 'certificates' && holdsVek(bytes)),
  };
  const beside = known
    .filter((file) => !chosen.used.includes(file))
    .map((file) => ({ file, items: itemsOf(file, chosen, about) }));
  const ofKind = (kind: FileKind) =>
    known.filter((file) => file.kind === kind).map(({ bytes }) => bytes);
  const [manifest = null, ...otherManifests] = ofKind('manifest');
  return {
    evidence: chosen.evidence,
    // What stands beside comes before what came with the evidence, as on the command line.
    collateral: withoutRepeats([...beside.flatMap(({ items }) => items), ...chosen.collateral]),
    files: known.map((file) => {
      const items = beside.find((one) => one.file === file)?.items ?? [];
      const { name, given, kind } = file;
      const used = items.length > 0 || chosen.used.includes(file) || shownElsewhere.has(kind);
      const note = chosen.notes.get(file) ?? (used ? null : words.unused(kind));
      return { name, bytes: given, kind, role: roleOf(file), used, note };
    }),
    manifest,
    otherManifests,
    treeProofs: ofKind('tree-proof'),
  };
}

/** Not of the verdict, but of a view. */
const shownElsewhere: ReadonlySet<FileKind> = new Set(['manifest', 'tree-proof', 'policy']);

/** A page is told nothing of the TLS connection that its answers come over; plain HTTP has nothing to tell. */
function connectionOf(source: Source): Connection {
  if (source.kind === 'files') return null;
  return { channel: source.url.startsWith('https:') ? 'unknown' : null };
}

const documentKinds: Partial<Record<FileKind, CollateralKind>> = {
  'tcb-info': 'tcb-info',
  'qe-identity': 'qe-identity',
  rim: 'nvidia-rim',
  ocsp: 'nvidia-ocsp',
};

function itemsOf(
  { kind, bytes }: { kind: FileKind; bytes: Bytes },
  { evidence }: Chosen,
  about: Beside,
): Collateral[] {
  const document = documentKinds[kind];
  if (document !== undefined) return [{ kind: document, data: bytes }];
  // An attestation key's chain and a device's are of the evidence itself.
  if (evidence.form === 'tpm-quote' || evidence.form === 'gpu' || evidence.form === 'nitro')
    return [];
  if (kind === 'certificates') return certificateItems(bytes, about);
  return kind === 'revocation-lists' ? listItems(bytes, about.vendor) : [];
}

function withoutRepeats(items: readonly Collateral[]): Collateral[] {
  return items.filter(
    (item, i) =>
      items.findIndex(({ kind, data }) => kind === item.kind && equalBytes(data, item.data)) === i,
  );
}
