/** What a proof of each kind proves, what it shows and what it keeps hidden: docs/privacy.md in a reader's words. */
import type { LinkedProofFile } from '#prover/linked/proof-file.ts';
import type { ProofFile } from '#prover/proof-file.ts';
import { proofStrings } from '../strings/proofs.ts';

/** Which of the ways of docs/privacy.md a proof goes. */
export type Way =
  | { readonly linkage: 'open'; readonly showsKey: boolean }
  | {
      readonly linkage: 'linked';
      readonly vendor: 'amd' | 'intel';
      readonly key: LinkedProofFile['key']['kind'];
      /** Null: the checker has the whole response. */
      readonly shown: 'text' | null;
    };

export type Told = {
  readonly proved: readonly string[];
  /** What the checker sees beside it. */
  readonly seen: readonly string[];
  readonly hidden: readonly string[];
  /** What no proof of this kind says, and what it can be mistaken for. */
  readonly limits: readonly string[];
};

export function wayOfOpen({ circuit }: Pick<ProofFile, 'circuit'>): Way {
  return { linkage: 'open', showsKey: circuit === 'response-open-key' };
}

export function wayOfLinked({ key, machine, response }: LinkedProofFile): Way {
  return {
    linkage: 'linked',
    vendor: machine.circuit === 'tdx-quote' ? 'intel' : 'amd',
    key: key.kind,
    shown: response.kind === 'text' ? 'text' : null,
  };
}

const words = proofStrings.told;

export function toldOf(way: Way): Told {
  return way.linkage === 'open' ? ofOpen(way.showsKey) : ofLinked(way);
}

function ofOpen(showsKey: boolean): Told {
  const { open } = words;
  return {
    proved: showsKey ? [open.inTree, open.signedBesides] : [open.inTreeAndSigned],
    seen: [open.bundleSeen, words.responseSeen, ...(showsKey ? [open.keySeen] : [])],
    hidden: showsKey ? [open.build, open.others] : [open.key, open.build, open.others],
    limits: [words.noIdentity, words.once, open.linkable],
  };
}

function ofLinked({ vendor, key, shown }: Way & { linkage: 'linked' }): Told {
  const { linked } = words;
  return {
    proved: [
      linked.key[key](vendor),
      linked.machine(vendor),
      shown === null ? linked.response : linked.text,
    ],
    seen: [
      linked.vendor(vendor),
      linked.keySeen[key](vendor),
      linked.demanded,
      shown === null ? words.responseSeen : linked.textSeen,
    ],
    hidden: [
      ...(key === 'shown' ? [] : [linked.chip[key === 'member' ? 'member' : 'certified']]),
      linked.software,
      // A certificate that is shown states its level.
      ...(key === 'shown' ? [] : [linked.level]),
      linked.service,
      ...(shown === null ? [] : [linked.textHidden]),
    ],
    limits: [words.noIdentity, linked.elsewhere, words.once, linked.linkable(key === 'shown')],
  };
}

/** `Proved: … Hidden: …`, together or apart. */
const spoken = /^Proved: (?<proved>.*?)(?: Hidden: (?<hidden>.*))?$|^Hidden: (?<alone>.*)$/s;

/** The words of an acceptance, each where it belongs: the checker's own come first. */
export function sortWords(warnings: readonly string[]) {
  const proved: string[] = [];
  const hidden: string[] = [];
  const rest: string[] = [];
  for (const warning of warnings) {
    const found = spoken.exec(warning)?.groups;
    if (found === undefined) rest.push(warning);
    if (found?.['proved'] !== undefined) proved.push(found['proved']);
    const kept = found?.['hidden'] ?? found?.['alone'];
    if (kept !== undefined) hidden.push(kept);
  }
  return { proved, hidden, rest };
}
