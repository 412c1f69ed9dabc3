/** What a file is, in words for the reader. */
import { teeOf } from '#verifier/abi/quote.ts';
import { reportLength } from '#verifier/abi/snp.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { inputStrings } from '../strings/input.ts';
import { certificatesOf, type GivenCertificate, listsOf } from './der-objects.ts';
import type { FileKind } from './file-kinds.ts';

const roleWords = inputStrings.roles;

export function roleOf({ kind, bytes }: { kind: FileKind; bytes: Bytes }): string {
  switch (kind) {
    case 'quote':
      return roleWords.quote(teeOf(bytes));
    case 'snp-report':
      return bytes.length > reportLength ? roleWords.reportWithTable : roleWords.kinds[kind];
    case 'certificates':
      return certificatesRole(bytes);
    case 'revocation-lists':
      return roleWords.lists((listsOf(bytes) ?? []).map(({ issuer }) => issuer));
    default:
      return roleWords.kinds[kind];
  }
}

function certificatesRole(bytes: Bytes): string {
  const found = certificatesOf(bytes);
  if (found === null) return roleWords.damagedCertificate;
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return oneRole(only);
  return roleWords.chain(found.map(({ certificate }) => certificate?.commonName ?? null));
}

function oneRole({ certificate, isSelfIssued }: GivenCertificate): string {
  if (certificate === null) return roleWords.damagedCertificate;
  const { commonName } = certificate;
  return isSelfIssued ? roleWords.root(commonName) : roleWords.certificate(commonName);
}
