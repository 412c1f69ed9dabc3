/** `affidavit policy` as a user runs it: what it prints, what it writes, how it ends. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { parsePolicy, policyDigest } from '#verifier/appraise/policy.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import { affidavit } from '../cli/run.ts';
import { enclaveScene, intelOf, quoteScene } from '../intel-scene.ts';
import { bundleScene, collateralOf, hierarchyOf, reportScene, sampleNonce } from '../scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-policy-'));
const path = (name: string) => join(folder, name);
const file = (name: string, content: string | Bytes) => {
  writeFileSync(path(name), content);
  return path(name);
};
const nonce = ['--nonce', toHex(sampleNonce)];
/** Time, roots and SNP collateral. */
let snp: string[];
let bundle: string;
let report: string;

beforeAll(async () => {
  const hierarchy = await hierarchyOf('Milan');
  const found = await bundleScene();
  const { vek, ask, ark, 'ark-crl': crl } = collateralOf(hierarchy);
  const roots = ['--insecure-root', file('ark.der', ark), '--at', formatTime(found.now)];
  const chain = ['--vek', file('vek.der', vek), '--chain', file('ask.der', ask)];
  snp = [...roots, ...chain, '--chain', path('ark.der'), '--crl', file('crl.der', crl)];
  bundle = file('bundle.json', found.evidence.bytes);
  report = file('report.bin', (await reportScene()).evidence.bytes);
  file('genuine.json', JSON.stringify(genuinePolicy));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('init', () => {
  test('writes a policy that then accepts the evidence, and refuses to overwrite it', async () => {
    const args = ['policy', 'init', '--from', bundle, '--out', path('tofu.json'), ...snp];
    const made = await affidavit(args);
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toContain('Simply believed');
    expect(made.stdout).toMatch(/sevSnp\.measurement: .*\n {4}(?:4d){48}\n/);
    const policy = parsePolicy(readFileSync(path('tofu.json')));
    expect(policy.name).toMatch(/\(trust on first use, \d{4}-\d\d-\d\d\)$/);
    const [again, forced, live, saved] = await Promise.all([
      affidavit(args),
      affidavit([...args, '--force']),
      affidavit(['policy', 'test', path('tofu.json'), bundle, '--as-if-live', ...snp]),
      affidavit(['policy', 'test', path('tofu.json'), bundle, ...nonce, ...snp]),
    ]);
    expect([again.code, forced.code]).toEqual([2, 0]);
    expect(again.stderr).toContain('exists');
    expect([live.code, live.stdout]).toEqual([0, `accepted   ${bundle}\n`]);
    // The channel of a saved bundle is nobody's.
    expect([saved.code, saved.stdout]).toEqual([30, `undecided  ${bundle}: policy.channel\n`]);
  });

  test('takes a raw report; the policy goes to standard output alone', async () => {
    const made = await affidavit(['policy', 'init', '--from', report, '--pin-chip', ...snp]);
    expect(made.code).toBe(0);
    const policy = JSON.parse(made.stdout);
    expect(policy.sevSnp.chipId).toHaveLength(1);
    expect(made.stderr).toContain('freshness: ');
  });

  test('takes TDX and SGX quotes', async () => {
    const intel = intelOf('tdx');
    for (const [tee, scene] of [
      ['tdx', quoteScene()],
      ['sgx', enclaveScene()],
    ] as const) {
      const data = (kind: string) =>
        scene.collateral.find((item) => item.kind === kind)?.data as Bytes;
      const made = await affidavit([
        ...['policy', 'init', '--from', file(`${tee}.bin`, scene.evidence.bytes)],
        ...['--insecure-root', file('intel-root.der', intel.root.der)],
        ...['--at', formatTime(scene.now)],
        ...['--tcb-info', file(`${tee}-info`, data('tcb-info'))],
        ...['--tcb-signing-chain', file(`${tee}-signing`, data('tcb-signing'))],
        ...['--qe-identity', file(`${tee}-qe`, data('qe-identity'))],
        ...['--qe-identity-signing-chain', file(`${tee}-qs`, data('qe-identity-signing'))],
        ...['--pck-crl', file(`${tee}-pck`, data('pck-crl'))],
        ...['--root-ca-crl', file(`${tee}-root`, data('intel-root-crl'))],
      ]);
      expect([tee, made.code]).toEqual([tee, 0]);
      expect(Object.keys(JSON.parse(made.stdout))).toContain(tee);
    }
  });

  test('writes nothing from evidence that does not verify, and ends as its verdict', async () => {
    const out = path('never.json');
    const [forged, lacking, none] = await Promise.all([
      affidavit(['policy', 'init', '--from', bundle, '--out', out]),
      affidavit(['policy', 'init', '--from', report, '--out', out, ...snp.slice(0, 4)]),
      affidavit(['policy', 'init', '--from', path('crl.der'), '--out', out]),
    ]);
    expect([forged.code, lacking.code, none.code]).toEqual([20, 30, 20]);
    expect(forged.stdout).toBe('');
    expect(forged.stderr).toContain('No policy was written.');
    expect(() => readFileSync(out)).toThrow();
  });
});

describe('lint', () => {
  test('text and JSON, 10 for warnings, 0 for notes alone, 2 for what cannot be read', async () => {
    const tofu = JSON.parse(
      (await affidavit(['policy', 'init', '--from', bundle, ...snp])).stdout,
    ) as Record<string, unknown>;
    const clean = file('clean.json', JSON.stringify({ ...tofu, channel: 'any' }));
    const [text, json, notes, bad, missing] = await Promise.all([
      affidavit(['policy', 'lint', path('genuine.json')]),
      affidavit(['policy', 'lint', path('genuine.json'), clean, '--format', 'json']),
      affidavit(['policy', 'lint', clean]),
      affidavit(['policy', 'lint', file('bad.json', '{"version":1}')]),
      affidavit(['policy', 'lint', path('missing.json')]),
    ]);
    expect([text.code, json.code, notes.code, bad.code, missing.code]).toEqual([10, 10, 0, 2, 2]);
    expect(text.stdout).toContain('warning software-unnamed at sevSnp.measurement');
    expect(Math.max(...text.stdout.split('\n').map((line) => line.length))).toBeLessThan(101);
    const { files } = JSON.parse(json.stdout);
    expect(files).toHaveLength(2);
    expect(files[0].findings[0]).toEqual({
      id: expect.any(String),
      severity: expect.stringMatching(/^(error|warning|note)$/),
      path: expect.any(String),
      text: expect.any(String),
      remedy: expect.any(String),
    });
  });

  test('judges expiry for the time that it is given', async () => {
    const [waiver, ...rest] = genuinePolicy.waivers;
    const waivers = [{ ...waiver, expires: 1_800_000_000 }, ...rest];
    const policy = file('waiver.json', JSON.stringify({ ...genuinePolicy, waivers }));
    const at = (time: number) => ['policy', 'lint', policy, '--at', formatTime(time)];
    const [before, after] = await Promise.all([
      affidavit(at(1_799_999_999)),
      affidavit(at(1_800_000_000)),
    ]);
    expect(before.stdout).not.toContain('waiver-expired');
    expect(after.stdout).toContain('waiver-expired at waivers[0]');
  });
});

describe('test', () => {
  test('one line each, and the code of the worst decision', async () => {
    const damaged = readFileSync(report);
    damaged[0x90] = (damaged[0x90] as number) ^ 1;
    const forged = file('forged.bin', damaged);
    const text = file('text.bin', 'no evidence');
    const args = ['policy', 'test', path('genuine.json')];
    const [good, worst, none, json] = await Promise.all([
      affidavit([...args, report, bundle, ...snp]),
      affidavit([...args, bundle, forged, ...snp]),
      affidavit([...args, text, ...snp]),
      affidavit([...args, bundle, '--format', 'json', ...snp]),
    ]);
    expect([good.code, good.stdout]).toEqual([0, `accepted   ${report}\naccepted   ${bundle}\n`]);
    expect(worst.code).toBe(20);
    expect(worst.stdout).toContain(`invalid    ${forged}: evidence.signature`);
    expect(none.code).toBe(20);
    expect(JSON.parse(json.stdout)).toMatchObject({
      policy: toHex(policyDigest(genuinePolicy)),
      decision: 'accepted',
      results: [{ evidence: bundle, decision: 'accepted', checks: [], problem: null }],
    });
  });

  test('--expect: 0 when every decision is as expected, whatever it is', async () => {
    const expects = (decision: string, evidence = bundle) =>
      file(`expect-${decision}`, `${JSON.stringify({ evidence, decision })}\n`);
    const args = ['policy', 'test', path('genuine.json'), bundle, '--expect'];
    const [as, not, other] = await Promise.all([
      // Without --insecure-root the chain ends in no root of a vendor's.
      affidavit([...args, expects('invalid')]),
      affidavit([...args, expects('accepted')]),
      affidavit([...args, expects('undecided', 'x')]),
    ]);
    expect([as.code, not.code, other.code]).toEqual([0, 10, 2]);
    expect(not.stdout).toContain('invalid, not accepted');
  });
});

describe('diff', () => {
  test('members, and whose decision changes by which checks', async () => {
    const { sevSnp } = genuinePolicy;
    const narrow = { ...sevSnp, measurement: ['ee'.repeat(48)] };
    const to = file('narrow.json', JSON.stringify({ ...genuinePolicy, sevSnp: narrow }));
    const from = path('genuine.json');
    mkdirSync(path('saved'));
    mkdirSync(path('empty'));
    file('saved/a.json', readFileSync(bundle));
    file('saved/r.bin', readFileSync(report));
    file('saved/vek.der', readFileSync(path('vek.der')));
    const saved = ['--evidence', path('saved'), ...snp];
    const [text, json, same, empty, members] = await Promise.all([
      affidavit(['policy', 'diff', from, to, ...saved]),
      affidavit(['policy', 'diff', from, to, ...saved, '--format', 'json']),
      affidavit(['policy', 'diff', from, from, ...saved]),
      affidavit(['policy', 'diff', from, to, '--evidence', path('empty')]),
      affidavit(['policy', 'diff', from, to]),
    ]);
    expect([text.code, json.code, same.code, empty.code, members.code]).toEqual([10, 10, 0, 2, 10]);
    expect(text.stdout).toContain('a.json: accepted -> rejected');
    expect(text.stdout).toContain('2 of 2 decisions change; no evidence: vek.der');
    expect(same.stdout).toContain('the same in every member');
    expect(members.stdout).toContain('no decision was compared');
    expect(JSON.parse(json.stdout)).toMatchObject({
      members: [{ path: 'sevSnp.measurement', from: 'any', to: ['ee'.repeat(48)] }],
      evidence: {
        judged: 2,
        changes: [
          {
            evidence: 'a.json',
            from: 'accepted',
            to: 'rejected',
            checks: [{ id: 'policy.measurement', from: 'pass', to: 'fail' }],
          },
          { evidence: 'r.bin' },
        ],
        ignored: ['vek.der'],
      },
    });
  });
});

test('hash: the digest that verdicts show; wrong usage ends with 2', async () => {
  const [hash, none, unknown, live] = await Promise.all([
    affidavit(['policy', 'hash', path('genuine.json')]),
    affidavit(['policy']),
    affidavit(['policy', 'hash']),
    affidavit(['policy', 'init', '--from', 'https://guest.example']),
  ]);
  expect([hash.code, hash.stdout]).toEqual([0, `${toHex(policyDigest(genuinePolicy))}\n`]);
  expect([none.code, unknown.code, live.code]).toEqual([2, 2, 2]);
  expect(live.stderr).toMatch(/--save bundle\.json/);
});
