/** RTMRs named by what was measured into them, which only an event log tells. */
import { expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { EventLogClaims, Verified } from '#verifier/verified.ts';
import { codeOf } from '../code-of.ts';
import { strictIntelPolicy } from '../intel-scene.ts';
import { checkOf, idsWith } from '../scene.ts';
import { hex, tdWithLog } from './beside-scene.ts';

const eventOf = (register: number, byte: number) => ({
  register,
  type: 'EV_EVENT_TAG',
  digest: hex(byte, 48),
  what: '',
});

const logOf = (...events: EventLogClaims['events'][number][]): EventLogClaims => ({
  kind: 'rtmr',
  algorithm: 'sha384',
  events,
  secureBoot: null,
});

function policyWith(rtmr1: unknown, change: object = {}): Policy {
  const { tdx, ...rest } = strictIntelPolicy();
  const any = { freshness: 'any', channel: 'any' };
  return toPolicy({ ...rest, ...any, ...change, tdx: { ...tdx, rtmr1 } });
}
const named = (...bytes: number[]) => ({ events: bytes.map((byte) => hex(byte, 48)) });

function outcome(verified: Verified, policy: Policy) {
  const verdict = appraise(verified, policy);
  const failed = idsWith('fail', verdict);
  return [verdict.decision, ...(failed.length > 0 ? failed : idsWith('skip', verdict))];
}

test('the member: a set of values, or of events', () => {
  const code = (rtmr1: unknown) => codeOf(() => policyWith(rtmr1));
  for (const good of ['any', [hex(1, 48)], named(1), named(1, 2)]) expect(code(good)).toBe(null);
  for (const wrong of ['ANY', [], named(), named(1, 1), {}, { events: 'any' }, null, 1])
    expect(code(wrong), JSON.stringify(wrong)).toBe('json-shape');
  expect(code({ events: [hex(1, 32)] })).toBe('hex-malformed');
  expect(code({ events: [hex(1, 48)], values: [] })).toBe('json-shape');
});

test('every event of that register is named', async () => {
  const log = logOf(eventOf(1, 1), eventOf(0, 9), eventOf(1, 2), eventOf(2, 9));
  expect(outcome(await tdWithLog(log), policyWith(named(1, 2)))).toEqual(['accepted']);
  expect(outcome(await tdWithLog(log), policyWith(named(1)))).toEqual(['rejected', 'policy.rtmr1']);
  const verdict = appraise(await tdWithLog(log), policyWith(named(2)));
  expect(checkOf('policy.rtmr1', verdict)).toMatchObject({
    expected: 'made of the event named',
    reason: expect.stringContaining(`event 1 of it is not one`),
  });
  const empty = logOf(eventOf(0, 1), eventOf(2, 1));
  expect(outcome(await tdWithLog(empty), policyWith(named(1)))).toEqual([
    'rejected',
    'policy.rtmr1',
  ]);
});

test('without a log of the RTMRs nobody can tell', async () => {
  const policy = policyWith(named(1));
  const withoutLog = outcome(await tdWithLog(null), policy);
  expect(withoutLog[0]).toBe('undecided');
  expect(withoutLog).toContain('policy.rtmr1');
  const ofPcrs = { ...logOf(eventOf(1, 1)), kind: 'pcr' } as const;
  expect(outcome(await tdWithLog(ofPcrs), policy)).toContain('policy.rtmr1');
  expect(outcome(await tdWithLog(logOf(eventOf(1, 1))), policy)).toEqual(['accepted']);
});

test('a waiver of the register does not name its software: closure and tree stay open', async () => {
  const waivers = [{ check: 'policy.rtmr1', reason: 'x', expires: null }];
  const policy = policyWith(named(1), { waivers });
  expect(policy.closureDigest).not.toBe('any');
  const verdict = appraise(await tdWithLog(null), policy);
  expect(checkOf('policy.rtmr1', verdict).status).toBe('waived');
  expect(checkOf('policy.closure-digest', verdict).status).toBe('skip');
  expect(verdict.decision).toBe('undecided');
  expect(verdict.warnings.join()).toContain('does not name all of the software');
});
