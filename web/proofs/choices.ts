/** What is chosen in the two forms, and what the files and choices come to. */
import { computed, signal } from '@preact/signals';
import type { Demands } from '#prover/linked/demands.ts';
import { proofStrings as words } from '../strings/proofs.ts';
import { type DemandForm, demandsOf, missingIn } from './demand-choice.ts';
import { checkOf, demandsFrom, nonceOf, proveOf, type ShowForm } from './requests.ts';
import { atText, audience, bundleThere, files, insecureRoot, leftOut, nonceText } from './state.ts';

export type MadeForm = Omit<
  DemandForm,
  'name' | 'sets' | 'until' | 'maxAge' | 'attestationNonce' | 'services'
> & {
  readonly days: number;
  readonly hours: number;
  /** As typed. */
  readonly attestationNonce: string;
  readonly services: string;
};

export const madeForm = signal<MadeForm>({
  days: 7,
  hours: 24,
  pckCa: true,
  amd: true,
  vlek: false,
  shown: false,
  attestationNonce: '',
  services: '',
});

/** The form with the sets that were dropped. */
export const demandForm = computed<DemandForm>(() => {
  const { days, hours, attestationNonce, services, ...kinds } = madeForm.value;
  return {
    ...kinds,
    name: words.sets.made,
    sets: files.value.flatMap(({ set }) =>
      set === null ? [] : [{ kind: set.of, root: set.root }],
    ),
    until: Math.floor(Date.now() / 1000) + days * 86_400,
    maxAge: hours * 3600,
    attestationNonce: nonceOf(attestationNonce) === null ? null : attestationNonce,
    services: services
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  };
});

/** Null while something is still to be chosen. */
const made = computed<Demands | null>(() => {
  const nonce = madeForm.value.attestationNonce;
  const isChosen = missingIn(demandForm.value).length === 0;
  return isChosen && (nonce === '' || nonceOf(nonce) !== null) ? demandsOf(demandForm.value) : null;
});

/** Of the file, or made here. */
export const demands = computed(() => demandsFrom({ files: files.value, made: made.value }));

export const checkAsking = computed(() =>
  checkOf({
    files: files.value,
    evidence: bundleThere.value,
    leftOut: leftOut.value,
    made: made.value,
    insecureRoot: insecureRoot.value,
    at: atText.value,
    audience: audience.check.value,
    nonce: nonceText.check.value,
  }),
);

export const showForm = signal<ShowForm>({
  parts: false,
  body: 'none',
  ranges: '',
  nonce: false,
  time: false,
  request: false,
});
export const showKey = signal(false);

export const proveAsking = computed(() => {
  const evidence = bundleThere.value;
  // A bundle begins with a brace; what lies beside it in the evidence view is not asked for here.
  const bundle = evidence?.files.find(({ bytes }) => bytes[0] === 0x7b) ?? null;
  return proveOf({
    files: files.value,
    bundleThere: bundle?.bytes ?? null,
    show: showForm.value,
    showKey: showKey.value,
    audience: audience.prove.value,
    nonce: nonceText.prove.value,
  });
});
