/** From a request's evidence to a decision that is logged, counted and then given. */
import { sha256 } from '@noble/hashes/sha2.js';
import { appraise } from '../appraise/appraise.ts';
import { type Expectations, type Policy, tighten } from '../appraise/policy.ts';
import type { Verdict } from '../appraise/verdict.ts';
import { type Bytes, toHex } from '../bytes.ts';
import type { CheckStatus } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CpuEvidence } from '../evidence.ts';
import { verify } from '../verify.ts';
import { blamed } from './activity.ts';
import type { Activity, DecisionsAnswer } from './answers.ts';
import { type Challenge, type ChallengeLimits, Challenges } from './challenges.ts';
import type { DecisionQuery } from './decisions.ts';
import { ServeError } from './errors.ts';
import {
  bundleOf,
  type Given,
  readEvidence,
  refuseCrowd,
  refuseNoJson,
  withNonce,
} from './evidence.ts';
import { Gate } from './gate.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { Policies } from './policies.ts';
import type { DecisionEntry, Mode, ServiceDependencies } from './ports.ts';
import type { CheckRequest } from './routes.ts';
import type { Ui } from './ui.ts';

export type Decided = { verdict: Verdict; policyName: string; mode: Mode };

export type ServiceOptions = {
  policies: Policies;
  /** Names of the policies that are only observed. */
  observed: ReadonlySet<string>;
  challenges: ChallengeLimits;
  /** The live page; null: none. */
  ui?: Ui | null;
};

/** One proof fills the machine's memory for a second; a signature takes a millisecond. */
const widths = {
  verify: { width: 64, queue: 4096 },
  check: { width: 1, queue: 16 },
  /** Of the decision log, which may be long. */
  read: { width: 1, queue: 16 },
} as const;

export class Service {
  readonly dependencies: ServiceDependencies;
  readonly policies: Policies;
  readonly metrics: Metrics;
  readonly ui: Ui | null;
  readonly #observed: ReadonlySet<string>;
  readonly #challenges: Challenges;
  readonly #verifying = new Gate(widths.verify.width, widths.verify.queue);
  readonly #checking = new Gate(widths.check.width, widths.check.queue);
  readonly #reading = new Gate(widths.read.width, widths.read.queue);
  /** Set by the app, which alone knows. */
  readonly load = { requests: 0, bodyBytes: () => 0 };

  constructor(dependencies: ServiceDependencies, options: ServiceOptions) {
    this.dependencies = dependencies;
    this.policies = options.policies;
    this.ui = options.ui ?? null;
    this.#observed = options.observed;
    this.#challenges = new Challenges(options.challenges, dependencies.random);
    this.metrics = createMetrics({
      challengesOutstanding: () => this.#challenges.outstanding(dependencies.now()),
      policies: () => this.policies.size,
      requestsInFlight: () => this.load.requests,
      bodyBytesHeld: () => this.load.bodyBytes(),
    });
  }

  draw(): Challenge {
    const challenge = this.#challenges.draw(this.dependencies.now());
    this.metrics.challengesIssued.add();
    return challenge;
  }

  /** Takes the nonce away before anything is verified, so that none is ever used twice. */
  #take(id: string): Bytes {
    const nonce = this.#challenges.take(id, this.dependencies.now());
    this.metrics.challengesUsed.add();
    return nonce;
  }

  /** @throws ServeError, AttestationError for a request that gets no verdict */
  verify(
    mediaType: string,
    body: Bytes,
    asked: { policyName: string; challenge: string | undefined; expectations: Expectations },
  ): Promise<Decided> {
    const { policyName, challenge, expectations } = asked;
    const policy = tighten(this.policies.get(policyName), expectations);
    const { evidence, collateral } = readEvidence(mediaType, body);
    return this.#verifying.enter(async () => {
      const asked =
        challenge === undefined ? evidence : withNonce(evidence, () => this.#take(challenge));
      return this.#decide(policyName, policy, { evidence: asked, collateral }, null);
    });
  }

  /**
   * Evidence that this service asked for itself, with a nonce of its own.
   * @throws ServeError, AttestationError where there is no verdict
   */
  decide(policyName: string, evidence: CpuEvidence): Promise<Decided> {
    const policy = this.policies.get(policyName);
    refuseCrowd(evidence.bytes);
    return this.#verifying.enter(() =>
      this.#decide(policyName, policy, { evidence, collateral: [] }, null),
    );
  }

  /** @throws ServeError, AttestationError for a request that gets no verdict */
  check(request: CheckRequest): Promise<Decided> {
    const { checker } = this.dependencies;
    if (checker === null) throw new ServeError('checker-unavailable', 'no checker of proofs');
    const { policy: policyName, proof, response, audience, bundle, bundleChallenge } = request;
    const policy = tighten(this.policies.get(policyName), expectationsOf(request.expect));
    const unasked = bundleOf(bundle);
    refuseCrowd(response);
    return this.#checking.enter(async () => {
      const nonce = this.#take(request.challenge);
      const evidence =
        bundleChallenge === undefined
          ? unasked
          : withNonce(unasked, () => this.#take(bundleChallenge));
      const given = { proof, response, audience, nonce };
      return this.#decide(policyName, policy, { evidence, collateral: [] }, given);
    });
  }

  /** What the live page shows. @throws ServeError `not-found` where there is none */
  activity(): Activity {
    const { roots, now, decisionLog } = this.dependencies;
    const { counts, agents } = this.#page();
    return {
      ...counts.report(now(), this.metrics.verificationSeconds.by('policy')),
      insecure: roots.some(({ insecure }) => insecure),
      logged: decisionLog !== null,
      policies: [...this.policies.names],
      agents: [...agents()],
    };
  }

  /** @throws ServeError `not-found` where there is no live page, `busy` */
  decisions(query: DecisionQuery): Promise<DecisionsAnswer> {
    const { history } = this.#page();
    return this.#reading.enter(() => history.read(query));
  }

  #page(): Ui {
    if (this.ui === null) throw new ServeError('not-found', 'there is no live page');
    return this.ui;
  }

  async #decide(
    policyName: string,
    policy: Policy,
    { evidence, collateral }: Given,
    proof: { proof: Bytes; response: Bytes; audience: string; nonce: Bytes } | null,
  ): Promise<Decided> {
    const { roots, crypto, now, elapsed, checker } = this.dependencies;
    const start = elapsed();
    const verified = await verify(evidence, collateral, roots, now(), crypto);
    const unread = verified.checks.some(
      ({ id, status }) => id === 'parse.bundle' && status === 'fail',
    );
    if (unread) refuseNoJson(evidence);
    const proved = proof === null || checker === null ? verified : await checker(verified, proof);
    const verdict = appraise(proved, policy);
    const mode = this.#observed.has(policyName) ? 'observe' : 'enforce';
    this.metrics.verificationSeconds.observe({ policy: policyName }, elapsed() - start);
    await this.#record({ verdict, policyName, mode }, evidence.bytes);
    return { verdict, policyName, mode };
  }

  /** The same lines at the same level in both modes: what is only observed is not heard less. */
  async #record({ verdict, policyName, mode }: Decided, evidence: Bytes): Promise<void> {
    const { decisionLog, logger } = this.dependencies;
    const { decision, policy, expires, at } = verdict;
    const ids = (wanted: CheckStatus): CheckId[] =>
      verdict.checks.filter(({ status }) => status === wanted).map(({ id }) => id);
    const [failed, skipped, waived] = [ids('fail'), ids('skip'), ids('waived')];
    const digest = toHex(sha256(evidence));
    const entry: DecisionEntry = {
      at,
      evidence: digest,
      policy,
      policyName,
      mode,
      decision,
      failed,
      skipped,
      waived,
      expires,
    };
    try {
      await decisionLog?.append(entry);
    } catch (cause) {
      throw new ServeError('log-failed', 'the decision log took no entry', { cause });
    }
    this.metrics.decisions.add({ policy: policyName, mode, decision });
    this.ui?.decided(entry, this.dependencies.now());
    const why = blamed(entry);
    const line = `${decision} policy=${policyName} mode=${mode} evidence=${digest}`;
    if (decision === 'accepted') logger.info(line);
    else logger.warn(`${line} checks=${why.join(',')}`);
  }
}

/** What is left out must not be there at all. */
export function expectationsOf(
  wanted: Partial<Record<keyof Expectations, string | undefined>> = {},
): Expectations {
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}
