/** `affidavit serve --watch`: the agents to ask, and the network and timers to ask them by. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AttestationError } from '#verifier/errors.ts';
import { maxAgents } from '#verifier/serve/answers.ts';
import { ServeError, toProblem } from '#verifier/serve/errors.ts';
import type { Service } from '#verifier/serve/service.ts';
import { type Watched, Watcher, type WatchPorts } from '#verifier/serve/watcher.ts';
import { CliError, usageError } from './cli-error.ts';
import { attestationUrl, fetchLive } from './fetch-bundle.ts';
import { parseInterval } from './watch.ts';

export type WatchOptions = {
  watch?: string | readonly string[] | undefined;
  watchPolicy?: string | undefined;
  watchInterval: string;
};

export type WatchedAgents = { agents: readonly Watched[]; interval: number };

/** @param policies names of those that are served @throws CliError wrong usage */
export function watchedAgents(
  { watch, watchPolicy, watchInterval }: WatchOptions,
  policies: readonly string[],
): WatchedAgents {
  const targets = [watch ?? []].flat();
  const interval = parseInterval(watchInterval, 'watch-interval');
  if (targets.length === 0) {
    if (watchPolicy === undefined) return { agents: [], interval };
    throw usageError('--watch-policy without --watch', 'Name an agent with --watch URL.');
  }
  if (targets.length > maxAgents)
    throw usageError(
      `--watch was given ${targets.length} times`,
      `Watch ${maxAgents} agents at most.`,
    );
  const [only] = policies;
  const policyName = watchPolicy ?? (policies.length === 1 ? only : undefined);
  if (policyName === undefined || !policies.includes(policyName)) {
    throw usageError(
      watchPolicy === undefined
        ? '--watch without --watch-policy, and there is more than one policy'
        : `--watch-policy ${watchPolicy}: no such policy is in the folder`,
      `Name one of ${policies.join(', ')}.`,
    );
  }
  return { agents: targets.map((target) => watchedAt(target, policyName)), interval };
}

function watchedAt(target: string, policyName: string): Watched {
  if (!/^https?:\/\//i.test(target))
    throw usageError(
      '--watch needs the URL of an agent',
      'Write http://host:port or https://host.',
    );
  const url = attestationUrl(target);
  if (url.username !== '' || url.password !== '') {
    throw usageError(
      '--watch takes no user name or password: the live page shows whom it watches',
      'Leave them out of the URL.',
    );
  }
  return { address: url.href, url: `${url.origin}${url.pathname}`, policyName };
}

/** What is watched comes to the service by this machine's own network and clock. */
export function watcherOf({ agents, interval }: WatchedAgents, service: Service): Watcher {
  const { now, elapsed, random, logger } = service.dependencies;
  const ports: WatchPorts = {
    ask: async (address, nonce, signal) => {
      const { bytes, channel } = await fetchLive(new URL(address), nonce, signal);
      return { form: 'bundle', bytes, nonce, connection: { channel } };
    },
    decide: (policyName, evidence) => service.decide(policyName, evidence),
    explain: (error) => {
      if (error instanceof CliError) return error.message;
      const { detail, code } = toProblem(error);
      if (!(error instanceof ServeError || error instanceof AttestationError))
        logger.error('an agent could not be asked', error);
      return detail ?? code;
    },
    random,
    now,
    elapsed,
    sleep: (seconds, signal) => sleep(1000 * seconds, undefined, { signal }).catch(() => {}),
    logger,
  };
  return new Watcher(agents, interval, ports);
}
