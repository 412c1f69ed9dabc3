/** `affidavit set`: makes and shows the sets that a linked proof is demanded for. */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { blaming, CliError } from '#verifier/cli/cli-error.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import type { SetCommand } from '#verifier/cli/set-options.ts';
import { settingsOf, type VerdictSettings } from '#verifier/cli/verify-command.ts';
import { writeAtomically } from './cache.ts';
import type { SetEntries, SetKind } from './linked/set-entries.ts';
import { joinSources, rootText, setJson, setText } from './linked/set-files.ts';
import { encodeSet, makeSet, maxSetLength, parseSet } from './linked/sets.ts';
import { type Found, type Material, one, several, text } from './set-inputs-command.ts';
import {
  acceptedMaterial,
  levelMaterial,
  revokedMaterial,
  vekMaterial,
} from './set-make-command.ts';

/** @returns what is printed @throws CliError wrong usage, or input that does not verify or is missing */
export async function runSet(name: SetCommand, found: Found): Promise<string> {
  switch (name) {
    case 'show':
      return show(found);
    case 'accepted':
      return make('accepted', found, acceptedMaterial);
    case 'levels':
      return make('levels', found, levelMaterial);
    case 'revoked':
      return make('revoked', found, revokedMaterial);
    case 'veks':
      return make('veks', found, vekMaterial);
  }
}

async function show(found: Found): Promise<string> {
  const path = one(found, 'file');
  const bytes = await readFileLimited(path, maxSetLength, 'set', 'invalid');
  const set = blaming('invalid', path, () => parseSet(bytes));
  return found['format'] === 'json' ? setJson(set) : setText(set);
}

async function make<K extends SetKind>(
  kind: K,
  found: Found,
  gather: (found: Found, settings: VerdictSettings) => Promise<Material<SetEntries[K]>>,
): Promise<string> {
  const out = one(found, 'out');
  await refuseToOverwrite(out, found['force'] === true);
  const settings = await readSettings(found);
  const { entries, sources } = await gather(found, settings);
  const insecure = settings.roots.some((root) => root.insecure);
  const warning = insecure ? ['INSECURE: trusts a root in place of that of the vendor'] : [];
  const origin = { made: settings.now, source: joinSources([...warning, ...sources]) };
  const set = blaming('invalid', `set of ${kind}`, () => makeSet(kind, entries, origin));
  await write(out, encodeSet(set));
  const { length } = set.entries;
  return `${out} written: ${kind}, ${length} ${length === 1 ? 'entry' : 'entries'}\nroot ${rootText(set)}\n`;
}

async function refuseToOverwrite(path: string, force: boolean): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists || force) return;
  const remedy = 'Choose another name, or give --force.';
  throw new CliError('usage', 'file-exists', `${path} exists`, remedy);
}

async function write(path: string, content: string): Promise<void> {
  try {
    await writeAtomically(dirname(path), basename(path), content);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'usage',
      'file-unwritable',
      `${path} cannot be written: ${message}`,
      'Check the path and its permissions.',
    );
  }
}

function readSettings(found: Found): Promise<VerdictSettings> {
  const signers = several(found, 'tcbSigningChain');
  const identitySigners = several(found, 'qeIdentitySigningChain');
  return settingsOf({
    at: text(found, 'at'),
    crl: several(found, 'crl'),
    insecureRoot: text(found, 'insecureRoot'),
    qeIdentity: several(found, 'qeIdentity'),
    tcbSigningChain: signers,
    // Intel signs both documents with one certificate.
    qeIdentitySigningChain: identitySigners.length > 0 ? identitySigners : signers,
    pckCrl: several(found, 'pckCrl'),
    rootCaCrl: several(found, 'rootCaCrl'),
  });
}
