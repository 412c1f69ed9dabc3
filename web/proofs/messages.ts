/** What the page and its worker say to each other: data alone, as a structured clone takes it. */
import type { CircuitName, OpenCircuitName } from '#prover/circuit-names.ts';
import type { Show } from '#prover/linked/alice-show.ts';
import type { SetKind } from '#prover/linked/set-entries.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { AnyCheckId } from '#verifier/checks.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Given } from '../model/session.ts';

/** For whom a proof is: the checker's name and his 32 bytes. */
export type AskedBy = { readonly audience: string; readonly nonce: Bytes };

/** Where the worker finds what belongs to the page. */
export type Places = {
  /** The page's own address, without its fragment. */
  readonly page: string;
  /** bn254_g1.dat, as the reader gave it; null: it may lie beside the page. */
  readonly points: Blob | null;
};

export type CheckOpen = AskedBy & {
  readonly kind: 'check-open';
  /** The bundle and what belongs beside it, as the evidence view judges them. */
  readonly given: Given;
  readonly proof: Bytes;
  readonly response: Bytes;
};

export type CheckLinked = AskedBy & {
  readonly kind: 'check-linked';
  readonly proof: Bytes;
  /** Null where the proof shows parts of a response. */
  readonly response: Bytes | null;
  /** JSON. */
  readonly demands: Bytes;
  /** DER or PEM. */
  readonly lists: readonly Bytes[];
  /** Certificates in place of the vendors' roots; null: the vendors'. */
  readonly insecureRoot: Bytes | null;
  /** Null: now. */
  readonly at: UnixTime | null;
};

export type ProveOpen = AskedBy & {
  readonly kind: 'prove-open';
  readonly bundle: Bytes;
  readonly response: Bytes;
  readonly treeProof: Bytes;
  readonly circuit: OpenCircuitName;
};

export type ProveLinked = AskedBy & {
  readonly kind: 'prove-linked';
  readonly secret: Bytes;
  readonly response: Bytes;
  readonly treeProof: Bytes;
  /** Null: the whole response goes to the checker. */
  readonly show: Show | null;
};

export type ReadSet = { readonly kind: 'read-set'; readonly bytes: Bytes };

export type Check = CheckOpen | CheckLinked;
export type Prove = ProveOpen | ProveLinked;
export type Job = Check | Prove | ReadSet;
export type Asked = { readonly job: Job; readonly places: Places };

/** What goes on. `points` is finding them and holding them against the ceremony's. */
export type StageName =
  | 'starting'
  | 'evidence'
  | 'key'
  | 'checking'
  | 'points'
  | 'executing'
  | 'backend'
  | 'proving'
  | 'set';

export type Stage = {
  readonly name: StageName;
  readonly circuit: CircuitName | null;
  /** Seconds; null where that is not known. */
  readonly expected: number | null;
};

export type Checked = {
  readonly kind: 'checked';
  readonly verdict: Verdict<AnyCheckId>;
  /** Name of the policy, or of the demands. */
  readonly policy: string;
};

export type Proved = {
  readonly kind: 'proved';
  /** JSON of the proof file. */
  readonly file: string;
  /** What to hand over beside it: the response without its signature; null where the checker needs none, or the whole one. */
  readonly response: string | null;
  readonly circuit: CircuitName;
  readonly seconds: number;
};

export type SetHead = {
  readonly kind: 'set';
  readonly of: SetKind;
  /** hex */
  readonly root: string;
  readonly made: UnixTime;
  readonly source: string;
  readonly entries: number;
};

export type AnswerTo<J extends Job> = J extends Check
  ? Checked
  : J extends Prove
    ? Proved
    : SetHead;
export type Answer = Checked | Proved | SetHead;

export type Problem = {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
};

export type Told =
  | { readonly kind: 'began'; readonly stage: Stage }
  /** The one that began last. */
  | { readonly kind: 'ended'; readonly milliseconds: number }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'problem'; readonly problem: Problem };
