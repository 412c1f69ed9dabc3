/** The policy on TPMs: what it takes, check by check, each refusal beside what is accepted. */
import { describe, expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { Verified } from '#verifier/verified.ts';
import { codeOf } from '../code-of.ts';
import { checkOf, idsWith } from '../scene.ts';
import {
  azureMachine,
  bareTpm,
  bundleWith,
  eventOf,
  hclClaims,
  hex,
  pcrLog,
  run,
  samplePcrs,
  tpmPolicyWith,
  tpmRules,
} from './beside-scene.ts';

function outcome(verified: Verified, policy: Policy) {
  const verdict = appraise(verified, policy);
  const failed = idsWith('fail', verdict);
  return [verdict.decision, ...(failed.length > 0 ? failed : idsWith('skip', verdict))];
}

describe('the member', () => {
  const code = (change: object) => codeOf(() => tpmPolicyWith(change));
  const bank = Object.fromEntries(Array.from({ length: 24 }, (_, i) => [i, 'any']));
  const { 23: _, ...without23 } = bank;

  test.each<[string, object, string | null]>([
    ['every kind of key', { key: ['certificate', 'trusted', 'hcl'] }, null],
    ['no key', { key: [] }, 'json-shape'],
    ['an unknown key', { key: ['ek'] }, 'json-shape'],
    ['"any" key, which is no word here', { key: 'any' }, 'json-shape'],
    ['any provider', { provider: 'any' }, null],
    ['an unknown provider', { provider: ['aws'] }, 'json-shape'],
    ['firmware of 7 bytes', { firmware: ['00'.repeat(7)] }, 'hex-malformed'],
    ['any PCRs', { pcrs: 'any' }, null],
    ['no bank', { pcrs: {} }, 'json-shape'],
    ['an unknown bank', { pcrs: { md5: bank } }, 'json-shape'],
    ['all 24', { pcrs: { sha384: bank } }, null],
    ['23 of them', { pcrs: { sha384: without23 } }, 'json-shape'],
    ['23 of them, and the others', { pcrs: { sha384: { ...without23, others: 'any' } } }, null],
    ['one incomplete bank beside a whole one', { pcrs: { sha1: {}, sha256: bank } }, 'json-shape'],
    ['PCR 24', { pcrs: { sha256: { 24: 'any', others: 'any' } } }, 'json-shape'],
    ['PCR 04', { pcrs: { sha256: { '04': 'any', others: 'any' } } }, 'json-shape'],
    ['others refused', { pcrs: { sha256: { others: 'refused' } } }, 'json-shape'],
    ['a SHA-1 value', { pcrs: { sha1: { 0: [hex(1, 20)], others: 'any' } } }, null],
    [
      'a value of another bank',
      { pcrs: { sha1: { 0: [hex(1, 32)], others: 'any' } } },
      'hex-malformed',
    ],
    ['an empty set', { pcrs: { sha256: { 0: [], others: 'any' } } }, 'json-shape'],
    ['events', { pcrs: { sha256: { 0: { events: [hex(1, 32)] }, others: 'any' } } }, null],
    ['no events', { pcrs: { sha256: { 0: { events: [] }, others: 'any' } } }, 'json-shape'],
    ['any events', { pcrs: { sha256: { 0: { events: 'any' }, others: 'any' } } }, 'json-shape'],
    ['a bare value', { pcrs: { sha256: { 0: hex(1, 32), others: 'any' } } }, 'json-shape'],
    ['a switch that is no word', { eventLog: 'refused' }, 'json-shape'],
    ['an unknown member', { clock: 'any' }, 'json-shape'],
  ])('%s', (_name, change, expected) => {
    expect(code(change)).toBe(expected);
  });

  test.each(Object.keys(tpmRules))('without %s', (member) => {
    const { [member as keyof typeof tpmRules]: _left, ...rest } = tpmRules;
    const { tpm: _tpm, ...policy } = tpmPolicyWith();
    expect(codeOf(() => toPolicy({ ...policy, tpm: rest }))).toBe('json-shape');
  });
});

describe('a quote by itself', () => {
  test('that fits is accepted, by the built-in policy with a warning', () => {
    expect(outcome(bareTpm(), tpmPolicyWith())).toEqual(['accepted']);
    const verdict = appraise(bareTpm(), genuinePolicy);
    expect(verdict.decision).toBe('accepted');
    expect(verdict.warnings.join()).toContain('names no PCR');
    expect(appraise(bareTpm(), tpmPolicyWith()).warnings.join()).not.toContain('names no PCR');
  });

  test('a policy without the member refuses it', () => {
    const { tpm: _, ...rest } = genuinePolicy;
    const verdict = appraise(bareTpm(), toPolicy(rest));
    expect(verdict.decision).toBe('rejected');
    expect(checkOf('policy.pcrs', verdict).reason).toContain('no member tpm');
  });

  test.each([
    ['policy.tpm-key', { key: 'trusted', provider: null }, { provider: 'any' }],
    ['policy.tpm-key', { provider: 'azure' }, {}],
    ['policy.tpm-key', { provider: null }, {}],
    ['policy.tpm-firmware', { firmwareVersion: '2020031200120004' }, {}],
    ['policy.pcrs', { pcrs: new Map() }, {}],
    ['policy.pcrs', { pcrs: new Map([['sha256', new Map([[4, run(0xa4, 32)]])]]) }, {}],
    [
      'policy.pcrs',
      {
        pcrs: new Map([
          [
            'sha256',
            new Map([
              [4, run(0xa5, 32)],
              [7, run(0xa7, 32)],
            ]),
          ],
        ]),
      },
      {},
    ],
  ] as const)('%s: %j', (id, claims, rules) => {
    expect(outcome(bareTpm(claims as object), tpmPolicyWith(rules))).toEqual(['rejected', id]);
    expect(outcome(bareTpm(), tpmPolicyWith(rules))).toEqual(['accepted']);
  });

  test('every bank that is named must have been quoted', () => {
    const both = {
      pcrs: { ...tpmRules.pcrs, sha384: { 0: [hex(1, 48)], others: 'any' } },
    };
    expect(outcome(bareTpm(), tpmPolicyWith(both))).toEqual(['rejected', 'policy.pcrs']);
    const pcrs = new Map([...samplePcrs, ['sha384', new Map([[0, run(1, 48)]])] as const]);
    expect(outcome(bareTpm({ pcrs }), tpmPolicyWith(both))).toEqual(['accepted']);
  });

  test('the reason names the PCR, what was asked and what was found', () => {
    const policy = tpmPolicyWith({ pcrs: { sha256: { 9: [hex(1, 32)], others: 'any' } } });
    expect(checkOf('policy.pcrs', appraise(bareTpm(), policy))).toMatchObject({
      expected: `sha256 PCR 9 ${hex(1, 32)}`,
      actual: `sha256 PCR 9 ${hex(0xa9, 32)}`,
      reason: expect.stringContaining('sha256 PCR 9: something else was measured'),
    });
  });
});

describe('by event', () => {
  const named = (...bytes: number[]) =>
    tpmPolicyWith({
      pcrs: { sha256: { 4: { events: bytes.map((byte) => hex(byte, 32)) }, others: 'any' } },
    });
  const log = (...events: ReturnType<typeof eventOf>[]) =>
    bareTpm({}, { eventLog: pcrLog({ events }) });

  test('every event of the register is named, in any order and more than once', () => {
    expect(outcome(log(eventOf(4, 1), eventOf(4, 2)), named(2, 1))).toEqual(['accepted']);
    expect(outcome(log(eventOf(4, 1), eventOf(4, 1)), named(2, 1))).toEqual(['accepted']);
    // Of other registers nothing is asked.
    expect(outcome(log(eventOf(4, 1), eventOf(5, 9)), named(1))).toEqual(['accepted']);
  });

  test('one that is not named is refused, and told', () => {
    const verdict = appraise(log(eventOf(4, 1), eventOf(4, 9)), named(1, 2));
    expect(verdict.decision).toBe('rejected');
    expect(checkOf('policy.pcrs', verdict).reason).toMatch(
      /sha256 PCR 4: event 2 of it .* EV_EFI_BOOT_SERVICES_APPLICATION 0909.*\(a boot loader\)/,
    );
  });

  test('a register that nothing was measured into fits no events', () => {
    expect(outcome(log(eventOf(5, 1)), named(1))).toEqual(['rejected', 'policy.pcrs']);
  });

  test('without a log of that very bank nobody can tell', () => {
    const policy = named(1, 2);
    expect(outcome(bareTpm(), policy)).toEqual(['undecided', 'policy.pcrs']);
    const others = [{ algorithm: 'sha1' }, { kind: 'rtmr' }] as const;
    for (const change of others) {
      const verified = bareTpm({}, { eventLog: pcrLog(change) });
      expect(outcome(verified, policy)).toEqual(['undecided', 'policy.pcrs']);
    }
    expect(outcome(bareTpm({}, { eventLog: pcrLog() }), policy)).toEqual(['accepted']);
  });

  test('a register that was not quoted is refused, whatever the log says', () => {
    const pcrs = new Map([['sha256', new Map([[5, run(1, 32)]])]] as const);
    const verified = bareTpm({ pcrs }, { eventLog: pcrLog() });
    expect(outcome(verified, named(1, 2))).toEqual(['rejected', 'policy.pcrs']);
  });
});

describe('event log and Secure Boot', () => {
  const wantsLog = tpmPolicyWith({ eventLog: 'required' });
  const wantsSecureBoot = tpmPolicyWith({ secureBoot: 'required' });
  const withLog = (change: object) => bareTpm({}, { eventLog: pcrLog(change) });

  test('an event log of the PCRs', () => {
    expect(outcome(bareTpm(), wantsLog)).toEqual(['undecided', 'policy.event-log']);
    const rtmrs = withLog({ kind: 'rtmr' });
    expect(outcome(rtmrs, wantsLog)).toEqual(['undecided', 'policy.event-log']);
    expect(outcome(withLog({}), wantsLog)).toEqual(['accepted']);
  });

  test('the word of the log', () => {
    expect(outcome(bareTpm(), wantsSecureBoot)).toEqual(['undecided', 'policy.secure-boot']);
    expect(outcome(withLog({ secureBoot: null }), wantsSecureBoot)[0]).toBe('undecided');
    const off = withLog({ secureBoot: false });
    expect(outcome(off, wantsSecureBoot)).toEqual(['rejected', 'policy.secure-boot']);
    expect(outcome(off, tpmPolicyWith())).toEqual(['accepted']);
    expect(outcome(withLog({}), wantsSecureBoot)).toEqual(['accepted']);
  });

  test('counts only where PCR 7 was quoted in the log’s bank', () => {
    const open = tpmPolicyWith({ pcrs: 'any', secureBoot: 'required' });
    const pcrs = (index: number) => new Map([['sha256', new Map([[index, run(1, 32)]])]] as const);
    const quoting = (index: number) => bareTpm({ pcrs: pcrs(index) }, { eventLog: pcrLog() });
    expect(outcome(quoting(6), open)).toEqual(['undecided', 'policy.secure-boot']);
    expect(outcome(quoting(7), open)).toEqual(['accepted']);
  });
});

describe('beside a machine', () => {
  const azure = toPolicy({
    ...genuinePolicy,
    tpm: { ...tpmRules, key: ['hcl'], provider: 'any', secureBoot: 'required' },
  });
  const hcl = (secureBoot: boolean) => ({ hcl: hclClaims(secureBoot) });

  test('Azure: the paravisor’s word on Secure Boot, and a warning on MEASUREMENT', async () => {
    const good = appraise(await azureMachine({}, hcl(true)), azure);
    expect(good.decision).toBe('accepted');
    expect(good.warnings.join()).toContain('measures the paravisor');
    expect(outcome(await azureMachine({}, hcl(false)), azure)).toEqual([
      'rejected',
      'policy.secure-boot',
    ]);
    expect(outcome(await azureMachine({}, { hcl: null }), azure)[0]).toBe('undecided');
    // Neither may say that it is off.
    const both = await azureMachine({}, { ...hcl(true), eventLog: pcrLog({ secureBoot: false }) });
    expect(outcome(both, azure)).toEqual(['rejected', 'policy.secure-boot']);
  });

  test('Azure: a policy without the member tpm refuses the TPM, not the machine', async () => {
    const { tpm: _, ...rest } = genuinePolicy;
    expect(outcome(await azureMachine(), toPolicy(rest))).toEqual([
      'rejected',
      'policy.tpm-key',
      'policy.tpm-firmware',
      'policy.pcrs',
      'policy.event-log',
      'policy.secure-boot',
    ]);
    expect(outcome(await azureMachine(), genuinePolicy)).toEqual(['accepted']);
  });

  test('Azure’s vTPM is the TPM that devices may require; a bare report has none', async () => {
    const devices = { nvidia: 'refused', tpm: 'required', nitroTpm: 'refused' };
    const policy = toPolicy({ ...genuinePolicy, devices });
    expect(outcome(await azureMachine(), policy)).toEqual(['accepted']);
    expect(outcome(await bundleWith(['tpm']), policy)).toEqual(['accepted']);
    expect(outcome(await bundleWith([]), policy)).toEqual(['rejected', 'policy.devices']);
  });

  test('in a bundle: its own member, or nothing where nothing is asked of devices', async () => {
    const verified = await bundleWith(['tpm']);
    const { tpm: _, ...rest } = genuinePolicy;
    expect(outcome(verified, toPolicy(rest))).toEqual(['accepted']);
    const strict = toPolicy({ ...genuinePolicy, tpm: { ...tpmRules, firmware: [hex(0, 8)] } });
    expect(outcome(verified, strict)).toEqual(['rejected', 'policy.tpm-firmware']);
    const list = { nvidia: 'refused', tpm: 'allowed', nitroTpm: 'refused' };
    expect(outcome(verified, toPolicy({ ...rest, devices: list }))[0]).toBe('rejected');
    expect(outcome(verified, toPolicy({ ...genuinePolicy, devices: list }))).toEqual(['accepted']);
  });
});
