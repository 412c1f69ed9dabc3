/** Which of the sets that the demands name the checker lets count, and demands made here of sets and a few choices. */
import type { Demands, KeyDemand, SetDemand } from '#prover/linked/demands.ts';
import type { SetKind } from '#prover/linked/set-entries.ts';
import type { UnixTime } from '#verifier/time.ts';

/** A set that may count: where it is named, and until when. */
export type SetChoice = SetDemand & { readonly kind: SetKind };

/** In the order of the demands: accepted, levels, revoked, and the sets of keys. */
export function setsIn(demands: Demands): SetChoice[] {
  const of = (kind: SetKind, sets: readonly SetDemand[]) =>
    sets.map((set): SetChoice => ({ ...set, kind }));
  const veks = demands.key.flatMap((one) => (one.kind === 'veks' ? one.roots : []));
  return [
    ...of('accepted', demands.accepted),
    ...of('levels', demands.levels),
    ...of('revoked', demands.revoked),
    ...of('veks', veks),
  ];
}

export function choiceName({ kind, root }: Pick<SetChoice, 'kind' | 'root'>): string {
  return `${kind} ${root}`;
}

/**
 * The demands with the sets that are left out taken away; a way of vouching for a key goes with its last set.
 * @param leftOut `choiceName` of each
 * @returns null when something would be demanded of no set at all: no machine could meet it
 */
export function without(demands: Demands, leftOut: ReadonlySet<string>): Demands | null {
  if (leftOut.size === 0) return demands;
  const left = (kind: SetKind, sets: readonly SetDemand[]) =>
    sets.filter(({ root }) => !leftOut.has(choiceName({ kind, root })));
  const accepted = left('accepted', demands.accepted);
  const levels = left('levels', demands.levels);
  const revoked = left('revoked', demands.revoked);
  const key = demands.key.flatMap((one): KeyDemand[] => {
    if (one.kind !== 'veks') return [one];
    const roots = left('veks', one.roots);
    return roots.length === 0 ? [] : [{ ...one, roots }];
  });
  const all = [accepted, levels, revoked, key];
  return all.some((list) => list.length === 0)
    ? null
    : { ...demands, accepted, levels, revoked, key };
}

/** What is chosen in the form that makes demands. */
export type DemandForm = {
  readonly name: string;
  readonly sets: readonly Pick<SetChoice, 'kind' | 'root'>[];
  /** Of every set. */
  readonly until: UnixTime;
  readonly pckCa: boolean;
  readonly amd: boolean;
  /** Keys of clouds too, of which no chip is known. */
  readonly vlek: boolean;
  readonly shown: boolean;
  /** Seconds. */
  readonly maxAge: number;
  /** 32 bytes, hex; null: the guest's clock is believed. */
  readonly attestationNonce: string | null;
  /** Empty: any. */
  readonly services: readonly string[];
};

export type MissingSet = Exclude<SetKind, 'veks'> | 'key';

/** Which kinds of sets, or whether any way of vouching for the key, is still to be chosen. */
export function missingIn({ sets, pckCa, amd, shown }: DemandForm): MissingSet[] {
  const has = (kind: SetKind) => sets.some((one) => one.kind === kind);
  const kinds = (['accepted', 'levels', 'revoked'] as const).filter((kind) => !has(kind));
  return [...kinds, ...(pckCa || amd || shown || has('veks') ? [] : (['key'] as const))];
}

const future = 60;

/** As a demands file has them; nothing is checked here that its parser checks. */
export function demandsOf(form: DemandForm): Demands {
  const of = (kind: SetKind) =>
    form.sets.filter((one) => one.kind === kind).map(({ root }) => ({ root, until: form.until }));
  const { maxAge } = form;
  return {
    version: 1,
    name: form.name,
    accepted: of('accepted'),
    levels: of('levels'),
    revoked: of('revoked'),
    key: keysOf(form, of('veks')),
    epoch: { maxAge, maxFuture: future },
    attestationNonce: form.attestationNonce ?? 'guest-clock',
    services: form.services.length === 0 ? 'any' : [...form.services],
    mustShow: [],
    responseTime: 'any',
    challenge: 'caller',
  };
}

function keysOf({ pckCa, amd, vlek, shown, maxAge }: DemandForm, roots: SetDemand[]): KeyDemand[] {
  return [
    ...(pckCa ? [{ kind: 'pck-ca', maxAge } as const] : []),
    ...(amd ? [amdKeys(vlek, maxAge)] : []),
    ...(roots.length === 0 ? [] : [{ kind: 'veks', roots } as const]),
    ...(shown ? [anyShown] : []),
  ];
}

function amdKeys(vlek: boolean, maxAge: number): KeyDemand {
  const kinds: ('vcek' | 'vlek')[] = vlek ? ['vcek', 'vlek'] : ['vcek'];
  return { kind: 'amd', maxAge, products: ['Milan', 'Genoa', 'Turin'], kinds };
}

const anyShown: KeyDemand = { kind: 'shown', vendors: ['amd', 'intel'] };
