/** What a JSON document is, by its outermost members: found without parsing it, so that a damaged one is still known for what it is. */
import type { FileKind } from './file-kinds.ts';

/** Those of no honest document; a hostile one must not cost memory. */
const maxMembers = 64;

/**
 * Names of the outermost object's members, or of the first element's where it is a list. Nothing is judged: text after a
 * mistake may be misread, and whoever reads the document refuses it.
 */
export function outerMembers(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  const wanted = text.trimStart().startsWith('[') ? 2 : 1;
  let depth = 0;
  let at = 0;
  while (at < text.length && names.size < maxMembers) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (depth === wanted && /^\s*:/.test(text.slice(end, end + 64)))
        names.add(text.slice(at + 1, end - 1));
      at = end;
      continue;
    }
    if (character === '{' || character === '[') depth += 1;
    // The end of the first element, or of all.
    if ((character === '}' || character === ']') && --depth < wanted) break;
    at += 1;
  }
  return names;
}

/** The place behind the closing quote; the text's end where there is none. */
function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
  } while (isEscaped(text, end));
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

type Rule = { kind: FileKind; all: readonly string[]; none?: readonly string[] };

/** The first that fits. Each names members that no document after it has together. */
const objects: readonly Rule[] = [
  { kind: 'tcb-info', all: ['tcbInfo'] },
  { kind: 'qe-identity', all: ['enclaveIdentity'] },
  { kind: 'azure-evidence', all: ['tpm_quote'] },
  { kind: 'azure-evidence', all: ['quote', 'report'], none: ['version'] },
  { kind: 'tpm-evidence', all: ['quotes'] },
  { kind: 'nvidia', all: ['evidence_list'] },
  { kind: 'nvidia', all: ['evidence', 'certificates'], none: ['platform', 'bound'] },
  { kind: 'tree-proof', all: ['present', 'proof'] },
  { kind: 'proof-file', all: ['commitments', 'machine'] },
  { kind: 'proof-file', all: ['circuit', 'artifact', 'proof'] },
  { kind: 'response', all: ['service', 'nonce', 'time', 'signature'] },
  { kind: 'demands', all: ['accepted', 'levels', 'revoked'] },
  { kind: 'verdict', all: ['decision', 'checks'] },
  { kind: 'bundle', all: ['platform', 'evidence', 'nonce'] },
  { kind: 'bundle', all: ['evidence', 'bound'] },
  { kind: 'policy', all: ['version', 'closureDigest'] },
  { kind: 'policy', all: ['version', 'waivers'] },
  { kind: 'policy', all: ['name', 'freshness'] },
  { kind: 'hcl-claims', all: ['keys', 'vm-configuration'] },
  { kind: 'bundle', all: ['evidence'] },
];

const banks: ReadonlySet<string> = new Set(['sha1', 'sha256', 'sha384', 'sha512']);

/** `json` for what is none of ours. */
export function jsonKindOf(text: string): FileKind {
  const members = outerMembers(text);
  if (text.trimStart().startsWith('[')) return listKindOf(text, members);
  // Trustee's wrapper holds all else one level below.
  if (/"platform"\s*:\s*"az-/.test(text.slice(0, 65_536))) return 'azure-evidence';
  const found = objects.find(
    ({ all, none = [] }) =>
      all.every((name) => members.has(name)) && !none.some((name) => members.has(name)),
  );
  if (found !== undefined) return found.kind;
  return members.size > 0 && [...members].every((name) => banks.has(name)) ? 'pcrs' : 'json';
}

function listKindOf(text: string, members: ReadonlySet<string>): FileKind {
  if (members.has('certificate')) return 'nvidia';
  if (members.has('imr')) return 'event-log';
  return /^\s*\[\s*"[0-9a-f]{64}"/.test(text) ? 'pcrs' : 'json';
}
