/** What `--watch` takes, and what it does not. */
import { describe, expect, test } from 'vitest';
import { watchedAgents } from '#verifier/cli/serve-watch.ts';

const policies = ['genuine', 'production'];

test('names each agent as it is asked and as it is shown', () => {
  const given = {
    watch: ['http://one:8080', 'https://two/attestation?room=7'],
    watchPolicy: 'production',
    watchInterval: '5m',
  };
  expect(watchedAgents(given, policies)).toEqual({
    interval: 300,
    agents: [
      {
        address: 'http://one:8080/attestation',
        url: 'http://one:8080/attestation',
        policyName: 'production',
      },
      {
        address: 'https://two/attestation?room=7',
        url: 'https://two/attestation',
        policyName: 'production',
      },
    ],
  });
});

test('needs no policy where there is one, and no agent at all', () => {
  const given = { watch: 'http://one', watchInterval: '60s' };
  expect(watchedAgents(given, ['genuine']).agents[0]?.policyName).toBe('genuine');
  expect(watchedAgents({ watchInterval: '60s' }, policies).agents).toEqual([]);
});

describe('refuses', () => {
  const one = { watch: 'http://one', watchPolicy: 'genuine', watchInterval: '60s' };
  test.each([
    ['no interval', { ...one, watchInterval: '60' }, /--watch-interval 60 is no interval/],
    ['no URL', { ...one, watch: 'one:8080' }, /--watch needs the URL of an agent/],
    ['a password', { ...one, watch: 'http://me:secret@one' }, /takes no user name or password/],
    ['an unknown policy', { ...one, watchPolicy: 'none' }, /--watch-policy none: no such policy/],
    ['no policy of two', { ...one, watchPolicy: undefined }, /more than one policy/],
    ['a policy for nobody', { ...one, watch: undefined }, /--watch-policy without --watch/],
    ['too many', { ...one, watch: Array(101).fill('http://one') }, /given 101 times/],
  ])('%s', (_, given, message) => {
    const refused = () => watchedAgents(given, policies);
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.objectContaining({ exitCode: 2 }));
    expect(refused).not.toThrow(/secret/);
  });
});
