/** What `affidavit check` takes for linked proofs, as yargs reads it. Nothing is loaded here but types. */
import { usageError } from './cli-error.ts';
import { file } from './option-parts.ts';

/** Beside those of open proofs: their presence says which of the two is meant. */
export const linkedCheckOptions = {
  demands: file('what you demand of linked proofs, in place of --bundle and --policy'),
} as const;

/** What means nothing for the other kind would be thought to have been looked at. */
const ofOpen = [
  'bundle',
  'bundleNonce',
  'policy',
  'closure',
  'treeRoot',
  'measurement',
  'reportData',
  'vek',
  'chain',
  'tcbInfo',
  'tcbSigningChain',
  'qeIdentity',
  'qeIdentitySigningChain',
  'earKey',
] as const;

type OpenOptions = { readonly [Name in (typeof ofOpen)[number]]?: unknown };

/** What a check of linked proofs is told. */
export type LinkedCheckArguments = {
  proof: string;
  demands: string;
  response?: string | undefined;
  audience: string;
  nonce: string;
  crl?: string | readonly string[] | undefined;
  pckCrl?: string | readonly string[] | undefined;
  rootCaCrl?: string | readonly string[] | undefined;
  insecureRoot?: string | undefined;
  at?: string | undefined;
};

type Found = OpenOptions & {
  demands?: string | undefined;
  bundle?: string | undefined;
  response?: string | undefined;
  format?: string | undefined;
};

type Check<F> =
  | { kind: 'linked'; found: F & { demands: string } }
  | { kind: 'open'; found: F & { bundle: string; response: string } };

/** Which kind of proof is to be checked. @throws CliError wrong usage, when the options are of both kinds or of none */
export function checkOf<F extends Found>(found: F): Check<F> {
  const { demands, bundle, response } = found;
  if (demands !== undefined) {
    refuseStray(found);
    return { kind: 'linked', found: { ...found, demands } };
  }
  if (bundle === undefined || response === undefined) {
    throw usageError(
      'check needs --bundle and --response for an open proof, or --demands for linked ones',
      'The prover’s command says which it is: prove, or prove response.',
    );
  }
  return { kind: 'open', found: { ...found, bundle, response } };
}

function refuseStray(found: Found): void {
  const stray = ofOpen.find((name) => found[name] !== undefined);
  if (stray !== undefined) {
    throw usageError(
      `--${dashed(stray)} means nothing beside --demands`,
      'Linked proofs come without evidence: leave it out, or leave out --demands.',
    );
  }
  if (found.format === 'ear') {
    throw usageError(
      '--format ear is about evidence, which nobody sees here',
      'Use --format json.',
    );
  }
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
