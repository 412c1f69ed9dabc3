/** The policy view without its page: the form, the text and the policy say the same, and what is chosen counts. */
import { describe, expect, test } from 'vitest';
import {
  azureMachine,
  bareGpus,
  bareNitro,
  bareTpm,
  gpu,
} from '#test/verifier/appraise/beside-scene.ts';
import { enclaveScene, quoteScene, tdxBundleScene } from '#test/verifier/intel-scene.ts';
import { describedPolicy, randomOf } from '#test/verifier/policy-tools/random-policy.ts';
import {
  bundleScene,
  reportScene,
  type Scene,
  verifyScene,
  without,
} from '#test/verifier/scene.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, parsePolicy, toPolicy } from '#verifier/appraise/policy.ts';
import { utf8 } from '#verifier/bytes.ts';
import { lintPolicy } from '#verifier/policy-tools/lint.ts';
import { pinPolicy } from '#verifier/policy-tools/pin.ts';
import type { Verified } from '#verifier/verified.ts';
import {
  byTopic,
  checkOf,
  findingsAt,
  fitOf,
  isFloor,
  pressed,
  widened,
} from '#web/policy/members.ts';
import {
  asks,
  choose,
  type Draft,
  digestOf,
  draftOf,
  layOut,
  pinnedStart,
  reset,
  textOf,
  typed,
  undo,
} from '#web/policy/policy-draft.ts';
import { kindsOf, seenIn, seenMembers } from '#web/policy/seen.ts';
import { isOfShape, policyRows, type Row, valueAt } from '#web/policy/shape.ts';
import { memberWords } from '#web/strings/policy-members.ts';

const kinds: [string, () => Promise<Verified> | Verified][] = [
  ['an SNP report', () => verified(reportScene())],
  ['an SNP report under a VLEK', () => verified(reportScene({ role: 'vlek' }))],
  ['an SNP bundle', () => verified(bundleScene())],
  ['a TDX quote', () => verified(quoteScene())],
  ['a TDX 1.0 quote', () => verified(quoteScene({ fields: { version: 4 } }))],
  ['a TDX bundle', () => verified(tdxBundleScene())],
  ['an SGX quote', () => verified(enclaveScene())],
  ['a TPM', () => bareTpm()],
  ['a Nitro enclave', () => bareNitro('enclave')],
  ['a GPU', () => bareGpus([gpu()])],
];

/** Verified once: each costs a few signatures. */
const made = new Map<string, Promise<Verified>>();

async function verified(scene: Scene | Promise<Scene>): Promise<Verified> {
  return verifyScene(await scene);
}

function row(name: string): Row {
  const found = policyRows().find((one) => one.name === name);
  if (found === undefined) throw new Error(`no member ${name}`);
  return found;
}

function chosen(draft: Draft, name: string, value: unknown): Draft {
  const outcome = choose(draft, row(name).path, value);
  if ('problem' in outcome) throw new Error(outcome.problem);
  return outcome.draft;
}

const { sevSnp: _, tdx: __, sgx: ___, ...others } = genuinePolicy;
const withoutMachines = toPolicy(others);

function ofMachines(evidence: Verified): boolean {
  return kindsOf(evidence).some((kind) => ['sevSnp', 'tdx', 'sgx'].includes(kind));
}

describe('the form', () => {
  test('has a row with words for every member that a policy can have', () => {
    const names = policyRows().map(({ name }) => name);
    expect(names.filter((name) => memberWords[name] === undefined)).toEqual([]);
    expect(Object.keys(memberWords).filter((name) => !names.includes(name))).toEqual([]);
    expect(names).toContain('sevSnp.guestPolicy.debug');
    expect(byTopic(policyRows()).flatMap(({ rows }) => rows)).toHaveLength(names.length);
  });

  test('drops no member: what is not shown is kept', () => {
    for (const only of [['sevSnp'], ['tdx'], ['tpm', 'sevSnp'], []]) {
      const { shown, kept, missing } = layOut(genuinePolicy, only);
      expect(missing).toEqual([]);
      const all = [...shown, ...kept].map(({ name }) => name).sort();
      const written = policyRows().filter(({ path }) => valueAt(genuinePolicy, path) !== undefined);
      expect(all).toEqual(written.map(({ name }) => name).sort());
    }
    expect(layOut(genuinePolicy, null).kept).toEqual([]);
    expect(layOut(withoutMachines, ['sgx']).missing).toEqual(['sgx']);
  });

  test('knows the shape of every value of any policy', () => {
    const random = randomOf(7);
    let read = 0;
    for (let i = 0; i < 60; i++) {
      const document = describedPolicy(random);
      let policy: Policy;
      try {
        policy = toPolicy(document);
      } catch {
        continue;
      }
      read += 1;
      for (const { name, path, shape } of policyRows()) {
        const value = valueAt(policy, path);
        if (value !== undefined) expect([name, isOfShape(shape, value)]).toEqual([name, true]);
      }
    }
    expect(read).toBeGreaterThan(10);
  });
});

describe.each(kinds)('%s', (title, makeOne) => {
  const make = () => {
    const found = made.get(title) ?? Promise.resolve(makeOne());
    made.set(title, found);
    return found;
  };

  test('each member takes what the evidence has, and the text says it', async () => {
    const evidence = await make();
    const seen = seenIn(evidence);
    const { shown, missing } = layOut(genuinePolicy, kindsOf(evidence));
    expect(missing).toEqual([]);
    let named = 0;
    for (const one of shown) {
      const value = seen.get(one.name)?.value;
      if (value === undefined) continue;
      named += 1;
      const rule = pressed(one, valueAt(genuinePolicy, one.path), value);
      const { text } = chosen(draftOf(genuinePolicy), one.name, rule);
      expect([one.name, valueAt(parsePolicy(utf8(text)), one.path)]).toEqual([one.name, rule]);
    }
    expect(named).toBeGreaterThan(0);
  });

  test('what is taken member by member accepts the evidence, as pinning does', async () => {
    const evidence = await make();
    const seen = seenIn(evidence);
    const start = pinnedStart(evidence);
    expect(start.refusal).toBeNull();
    // What stands alone is refused by a policy about machines that asks anything.
    let draft = draftOf(ofMachines(evidence) ? genuinePolicy : withoutMachines);
    for (const one of layOut(genuinePolicy, kindsOf(evidence)).shown) {
      const value = seen.get(one.name)?.value;
      if (value === undefined || ['freshness', 'channel'].includes(one.name)) continue;
      draft = chosen(draft, one.name, value);
    }
    const verdict = appraise(evidence, draft.policy);
    expect([verdict.decision, verdict.checks.filter(({ status }) => status === 'fail')]).toEqual([
      'accepted',
      [],
    ]);
    const shown = layOut(draft.policy, kindsOf(evidence)).shown;
    for (const one of shown) {
      const fit = fitOf(one, valueAt(draft.policy, one.path), seen.get(one.name), verdict);
      expect([one.name, fit]).not.toEqual([one.name, 'fails']);
    }
  });

  test('a kind that a policy lacks is added as the evidence has it', async () => {
    const evidence = await make();
    for (const kind of kindsOf(evidence)) {
      const { [kind as 'tdx']: ____, ...rest } = genuinePolicy;
      const value = valueAt(seenMembers(evidence), [kind]);
      const outcome = choose(draftOf(toPolicy(rest)), [kind], value);
      expect('draft' in outcome).toBe(true);
    }
  });
});

test('evidence that its own policy does not accept: a draft all the same, and why', async () => {
  const report = without(await reportScene(), 'ark-crl');
  expect(pinnedStart(await verified(report)).refusal?.decision).toBe('undecided');
  const { policy, refusal } = pinnedStart(await verified({ ...(await bundleScene()), roots: [] }));
  expect(refusal?.decision).toBe('invalid');
  expect([policy.freshness, policy.channel]).toEqual(['verifier-nonce', ['tls-key']]);
});

test('from evidence: the very policy that the command line writes', async () => {
  const evidence = await verified(reportScene());
  const outcome = pinPolicy(evidence);
  if (!('pinned' in outcome)) throw new Error('refused');
  const { policy } = pinnedStart(evidence);
  expect(textOf(policy)).toBe(`${JSON.stringify(outcome.pinned.policy, null, 2)}\n`);
});

describe('tightening and loosening', () => {
  test('change the verdict as said', async () => {
    const evidence = await verified(reportScene());
    const measured = seenIn(evidence).get('sevSnp.measurement')?.value;
    const decision = (draft: Draft) => appraise(evidence, draft.policy).decision;
    const start = draftOf(genuinePolicy);
    const other = chosen(start, 'sevSnp.measurement', ['ee'.repeat(48)]);
    expect([decision(start), decision(other)]).toEqual(['accepted', 'rejected']);
    const both = widened(valueAt(other.policy, row('sevSnp.measurement').path), measured);
    expect(decision(chosen(other, 'sevSnp.measurement', both))).toBe('accepted');
    expect(decision(chosen(other, 'sevSnp.measurement', 'any'))).toBe('accepted');
    const said = (draft: Draft) =>
      fitOf(
        row('sevSnp.measurement'),
        draft.policy.sevSnp?.measurement,
        seenIn(evidence).get('sevSnp.measurement'),
        appraise(evidence, draft.policy),
      );
    expect([said(start), said(other)]).toEqual(['fits', 'fails']);
  });

  test('a floor above what the evidence has refuses it, and floors of other products stay', async () => {
    const evidence = await verified(reportScene());
    const name = 'sevSnp.minimumTcb.reported';
    const high = { fmc: 0, bootLoader: 255, tee: 255, snp: 255, microcode: 255 };
    const draft = chosen(draftOf(genuinePolicy), name, { Milan: high, Genoa: high });
    expect(appraise(evidence, draft.policy).decision).toBe('rejected');
    const rule = pressed(
      row(name),
      draft.policy.sevSnp?.minimumTcb.reported,
      seenIn(evidence).get(name)?.value,
    );
    expect(rule).toMatchObject({ Genoa: high });
    expect(appraise(evidence, chosen(draft, name, rule).policy).decision).toBe('accepted');
    expect([isFloor(name), isFloor('tdx.tcb.minimumDate'), isFloor('tdx.mrTd')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('of several switches that one check asks, the one that fails is named', async () => {
    const evidence = await verified(reportScene());
    const seen = seenIn(evidence);
    let draft = draftOf(genuinePolicy);
    const switches = policyRows().filter(
      ({ name }) =>
        checkOf(name) === 'policy.guest-policy' && name !== 'sevSnp.guestPolicy.minimumAbi',
    );
    for (const { name, shape } of switches) {
      if (shape.kind === 'words') draft = chosen(draft, name, shape.words[0]);
    }
    const verdict = appraise(evidence, draft.policy);
    const reason = verdict.checks.find(({ id }) => id === 'policy.guest-policy')?.reason ?? '';
    const fails = switches.filter(
      (one) => fitOf(one, valueAt(draft.policy, one.path), seen.get(one.name), verdict) === 'fails',
    );
    expect(fails.map(({ path }) => path.at(-1)).sort()).toEqual(
      reason
        .split(', ')
        .map((part) => part.split(' ')[0])
        .sort(),
    );
    expect(fails.length).toBeGreaterThan(0);
  });

  test('a value beside those that there are; statuses stay in their order', () => {
    expect(widened(['ab'], ['cd'])).toEqual(['ab', 'cd']);
    expect(widened(['ab'], ['ab'])).toBeUndefined();
    expect(widened('any', ['ab'])).toBeUndefined();
    expect(widened(['OutOfDate'], ['UpToDate'])).toEqual(['UpToDate', 'OutOfDate']);
  });

  test('what says nothing counts as asking nothing', () => {
    expect([asks('any'), asks('allowed'), asks([]), asks(0), asks({ a: 'any' })]).toEqual(
      Array(5).fill(false),
    );
    expect([asks('required'), asks(['x']), asks(3), asks({ a: 'refused' })]).toEqual(
      Array(4).fill(true),
    );
  });
});

describe('the text', () => {
  const start = draftOf(genuinePolicy);

  test('that can be read is the policy', () => {
    const text = textOf(genuinePolicy).replace('"genuine"', '"mine"');
    const next = typed(start, text);
    expect([next.policy.name, next.problem, next.text]).toEqual(['mine', null, text]);
  });

  test('that cannot be read stays as typed, says why and where, and leaves the policy alone', () => {
    const text = textOf(genuinePolicy).replace('"any"', 'any');
    const next = typed(start, text);
    expect(next.text).toBe(text);
    expect(next.policy).toBe(start.policy);
    expect(next.problem).toMatch(/expected a JSON value at character \d+: line \d+, column \d+$/);
    const [, line, column] = /line (\d+), column (\d+)$/.exec(next.problem ?? '') ?? [];
    expect(text.split('\n')[Number(line) - 1]?.slice(Number(column) - 1)).toMatch(/^any/);
    expect(undo(next)).toMatchObject({ problem: null, text: textOf(genuinePolicy) });
  });

  test.each([
    [
      'a member left out',
      (text: string) => text.replace(/ {2}"freshness": "any",\n/, ''),
      /member "freshness" is missing/,
    ],
    [
      'an unknown member',
      (text: string) => text.replace('"version"', '"extra": 1, "version"'),
      /unknown member "extra"/,
    ],
    [
      'a member twice',
      (text: string) => text.replace('"version": 1', '"version": 1, "version": 1'),
      /occurs twice/,
    ],
    [
      'a wrong word',
      (text: string) => text.replace('"refused"', '"denied"'),
      /expected "refused" or "dangerously-allowed"/,
    ],
    [
      'a prototype key',
      (text: string) => text.replace('"version"', '"__proto__": {}, "version"'),
      /__proto__/,
    ],
  ])('%s is named', (_, edit, words) => {
    expect(typed(start, edit(textOf(genuinePolicy))).problem).toMatch(words);
  });
});

describe('changes', () => {
  test('that no policy can say are refused with the reader’s words', () => {
    const start = draftOf(genuinePolicy);
    expect(choose(start, row('sevSnp.product').path, [])).toMatchObject({
      problem: expect.stringMatching(/1 to/),
    });
    expect(choose(start, row('tdx.mrTd').path, ['xyz'])).toMatchObject({
      problem: expect.stringMatching(/mrTd/),
    });
    expect(choose(start, ['name'], '')).toHaveProperty('problem');
  });

  test('are undone one by one, and Reset goes back to the start', () => {
    const start = draftOf(genuinePolicy);
    const one = chosen(start, 'freshness', 'verifier-nonce');
    const two = chosen(one, 'devices', 'none');
    expect(digestOf(undo(two).policy)).toBe(digestOf(one.policy));
    expect(digestOf(undo(undo(two)).policy)).toBe(digestOf(start.policy));
    expect(reset(two)).toMatchObject({ policy: genuinePolicy, text: textOf(genuinePolicy) });
    expect(chosen(start, 'freshness', 'any').past).toEqual([]);
  });
});

test('advice stands at its member', async () => {
  const { policy } = pinnedStart(await azureMachine());
  const rows = policyRows();
  for (const one of [policy, genuinePolicy]) {
    const findings = lintPolicy(one, 0);
    const placed = [...findingsAt(findings, rows).values()].flat();
    const whole = findings.filter(
      ({ path }) =>
        !path.includes('.') && ['policy', 'sevSnp', 'tdx', 'sgx', 'tpm', 'nitro'].includes(path),
    );
    expect(placed.length + whole.length).toBe(findings.length);
  }
});

test('the genuine policy has rows whose checks are of the evidence', async () => {
  const evidence = await verified(tdxBundleScene());
  const due = appraise(evidence, genuinePolicy).checks.filter(({ stage }) => stage === 'policy');
  const { shown } = layOut(genuinePolicy, kindsOf(evidence));
  const asked = new Set(shown.map(({ name }) => checkOf(name)));
  const unplaced = due
    .map(({ id }) => id)
    .filter((id) => !asked.has(id) && !id.startsWith('policy.reference-'));
  expect(unplaced).toEqual([]);
});
