/** Asks agents for evidence again and again, each time with a new nonce, and has the service decide it. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Decision } from '../appraise/verdict.ts';
import { type Bytes, toHex } from '../bytes.ts';
import type { CpuEvidence } from '../evidence.ts';
import type { UnixTime } from '../time.ts';
import { maxEndings, type WatchedAgent } from './answers.ts';
import type { Logger } from './ports.ts';
import type { Decided } from './service.ts';

/** One agent to watch. */
export type Watched = {
  /** As it is asked. */
  address: string;
  /** As it is shown: without what may be secret in it. */
  url: string;
  policyName: string;
};

export type WatchPorts = {
  /** Evidence for this nonce. */
  ask(address: string, nonce: Bytes, signal: AbortSignal): Promise<CpuEvidence>;
  decide(policyName: string, evidence: CpuEvidence): Promise<Decided>;
  /** Why there is no decision, in words for a reader. */
  explain(error: unknown): string;
  random(length: number): Bytes;
  now(): UnixTime;
  /** Seconds of a clock that only goes forward. */
  elapsed(): number;
  /** Resolves early when the signal says so. */
  sleep(seconds: number, signal: AbortSignal): Promise<void>;
  logger: Logger;
};

type State = Pick<WatchedAgent, 'asked' | 'last' | 'trouble' | 'changed' | 'forecast'>;

const unasked: State = { asked: null, last: null, trouble: null, changed: null, forecast: [] };

export class Watcher {
  readonly #ports: WatchPorts;
  readonly #interval: number;
  readonly #states: Map<Watched, State>;

  /** @param interval seconds from one question to the next */
  constructor(agents: readonly Watched[], interval: number, ports: WatchPorts) {
    this.#ports = ports;
    this.#interval = interval;
    this.#states = new Map(agents.map((agent) => [agent, unasked]));
  }

  agents(): WatchedAgent[] {
    return [...this.#states].map(([{ url, policyName }, state]) => ({
      url,
      policy: policyName,
      interval: this.#interval,
      ...state,
    }));
  }

  /** Until the signal says stop. Never throws: what fails is the agent's trouble. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#states.keys()].map((agent) => this.#follow(agent, signal)));
  }

  async #follow(agent: Watched, signal: AbortSignal): Promise<void> {
    const { elapsed, sleep } = this.#ports;
    while (!signal.aborted) {
      const start = elapsed();
      await this.#round(agent, signal);
      await sleep(Math.max(0, this.#interval - (elapsed() - start)), signal);
    }
  }

  async #round(agent: Watched, signal: AbortSignal): Promise<void> {
    const { ask, decide, explain, random, now } = this.#ports;
    const before = this.#states.get(agent) ?? unasked;
    const asked = now();
    this.#states.set(agent, { ...before, asked });
    try {
      const evidence = await ask(agent.address, random(32), signal);
      const decided = await decide(agent.policyName, evidence);
      this.#states.set(agent, this.#answered(agent, before, asked, decided, evidence.bytes));
    } catch (error) {
      // Whoever ends the watch is not told that the agent was too slow.
      if (signal.aborted) return;
      this.#states.set(agent, this.#failed(agent, before, asked, explain(error)));
    }
  }

  #answered(
    { url }: Watched,
    before: State,
    asked: UnixTime,
    { verdict }: Decided,
    evidence: Bytes,
  ): State {
    const { logger } = this.#ports;
    const { decision, at, checks, forecast } = verdict;
    const ids = (wanted: 'fail' | 'skip') =>
      checks.filter(({ status }) => status === wanted).map(({ id }) => id);
    if (before.trouble !== null)
      logger.info(`watched ${url} answers again, after ${rounds(before.trouble.count)} without`);
    const from: Decision | undefined = before.last?.decision;
    const isNew = from !== undefined && from !== decision;
    if (isNew) logger.warn(`watched ${url}: ${decision}, was ${from}`);
    return {
      asked,
      last: {
        at,
        decision,
        evidence: toHex(sha256(evidence)),
        failed: ids('fail'),
        skipped: ids('skip'),
      },
      trouble: null,
      changed: isNew ? { at, from } : before.changed,
      forecast: forecast
        .slice(0, maxEndings)
        .map(({ what, at: end }) => ({ what: what.slice(0, 500), at: end })),
    };
  }

  /** Says each trouble when it comes, and not again. */
  #failed({ url }: Watched, before: State, asked: UnixTime, problem: string): State {
    if (before.trouble?.problem !== problem) this.#ports.logger.warn(`watched ${url}: ${problem}`);
    const { count = 0, since = asked } = before.trouble ?? {};
    const words = problem.slice(0, 2000);
    return { ...before, asked, trouble: { count: count + 1, since, problem: words } };
  }
}

function rounds(count: number): string {
  return count === 1 ? 'one round' : `${count} rounds`;
}
