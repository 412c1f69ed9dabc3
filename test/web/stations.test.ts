/** The road of trust: every check has its one station, and a break dims what stands behind it. */
import { describe, expect, test } from 'vitest';
import { quoteScene, tdxBundleScene } from '#test/verifier/intel-scene.ts';
import {
  type BundleOptions,
  bundleScene,
  reportScene,
  type Scene,
  strictPolicy,
  verifyScene,
  without,
} from '#test/verifier/scene.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { applicableChecks, type CheckId, checkIds, entryOf } from '#verifier/checks.ts';
import type { Verified } from '#verifier/verified.ts';
import { countOf, filterChecks } from '#web/road/check-filter.ts';
import { errorOf, foundOf, namesOptions } from '#web/road/check-words.ts';
import { differenceOf } from '#web/road/differ.ts';
import { type StationId, stationIds, stationOf } from '#web/road/station-map.ts';
import { sayingOf, titleOf, withoutOptions, withRanges } from '#web/road/station-words.ts';
import { type Lane, lanesOf, rowsOf, stationsOf } from '#web/road/stations.ts';
import { machineWords, plainWords, reasonsOf } from '#web/road/verdict-words.ts';
import { roadStrings, verdictStrings } from '#web/strings/road.ts';

const bundle: Verified['subject'] = {
  form: 'bundle',
  tee: 'sev-snp',
  ak: null,
  gpu: false,
  nitroTpm: false,
  eventLog: false,
  challenged: false,
  connected: false,
  proof: null,
};

function resultOf(id: CheckId, change: Partial<CheckResult> = {}): CheckResult {
  const { stage, spec } = entryOf(id);
  return { id, stage, spec, status: 'pass', expected: null, actual: null, reason: null, ...change };
}

async function judged(scene: Scene, policy: Policy = genuinePolicy) {
  const verified = await verifyScene(scene);
  const verdict = appraise(verified, policy);
  const stations = stationsOf(verdict.checks, verified.subject);
  return { verified, verdict, policy, stations, lanes: lanesOf(stations, verified) };
}

const idsOf = (lanes: readonly Lane[], lane: Lane['id'] = 'machine') =>
  lanes
    .filter(({ id }) => id === lane)
    .flatMap(({ steps }) => steps.map(({ stations }) => stations.map(({ id }) => id).join(' ')));

const dimmed = (lanes: readonly Lane[]): StationId[] =>
  lanes.flatMap(({ steps }) =>
    steps.flatMap(({ stations }) => stations.filter(({ vouched }) => !vouched).map(({ id }) => id)),
  );

describe('every check of the catalogue', () => {
  const every = checkIds.map((id) => resultOf(id));

  test.each(['bundle', 'report'] as const)('is at exactly one station of a %s', (form) => {
    const found = stationsOf(every, { form, tee: 'tdx' }).flatMap(({ checks }) =>
      checks.map(({ id }) => id),
    );
    expect(found.toSorted()).toEqual(checkIds.toSorted());
  });

  test('has a station that is drawn on some road', () => {
    const stations = stationsOf(every, bundle);
    const lanes = lanesOf(stations, { subject: bundle, eventLog: null });
    const drawn = lanes.flatMap(({ steps }) =>
      steps.flatMap((step) => [...step.stations, ...step.feeds].map(({ id }) => id)),
    );
    expect(drawn.toSorted()).toEqual(stationIds.toSorted());
  });

  test('of the policy ends the road, but for what it asks of a thing that is bound', () => {
    const policy = checkIds.filter((id) => entryOf(id).stage === 'policy');
    const elsewhere = (bound: boolean) => policy.filter((id) => stationOf(id, bound) !== 'policy');
    expect(elsewhere(false)).toEqual([]);
    expect(elsewhere(true).toSorted()).toEqual([
      'policy.channel',
      'policy.closure-digest',
      'policy.devices',
      'policy.freshness',
      'policy.tree-root',
    ]);
  });
});

describe('the roads', () => {
  test('of a report', async () => {
    const { lanes, stations } = await judged(await reportScene());
    expect(idsOf(lanes)).toEqual(['root', 'issuer', 'vek', 'report', 'policy']);
    expect(stations.map(({ status }) => status)).not.toContain('fail');
    expect(dimmed(lanes)).toEqual([]);
  });

  test('of a quote, what Intel publishes beside what it speaks of', async () => {
    const { lanes } = await judged(quoteScene());
    expect(idsOf(lanes)).toEqual(['root', 'issuer', 'pck', 'qe', 'quote', 'tcb', 'policy']);
    const feeds = lanes.flatMap(({ steps }) =>
      steps.flatMap((step) => step.feeds.map(({ id }) => `${step.stations[0]?.id} ${id}`)),
    );
    expect(feeds).toEqual(['pck intel-crls', 'qe qe-identity', 'tcb tcb-info']);
  });

  test('of a bundle fan out behind the binding, in a row of their own', async () => {
    const { lanes } = await judged(tdxBundleScene());
    expect(idsOf(lanes).slice(-3)).toEqual([
      'binding',
      'closure tree log devices moment',
      'policy',
    ]);
    const rows = rowsOf(lanes[0]?.steps ?? []);
    expect(rows.map((row) => row.length)).toEqual([7, 2]);
  });

  test('of devices each begin at their own root, and all lead to the policy', () => {
    const subject = {
      ...bundle,
      ...({ ak: 'certificate', gpu: true, nitroTpm: true, eventLog: true } as const),
    };
    const due = [...applicableChecks(subject, 'verify'), ...applicableChecks(subject, 'policy')];
    const stations = stationsOf(
      due.map((id) => resultOf(id)),
      subject,
    );
    const lanes = lanesOf(stations, { subject, eventLog: { kind: 'pcr' } });
    expect(lanes.map(({ id }) => id)).toEqual(['machine', 'tpm', 'nitro', 'gpu', 'all']);
    expect(idsOf(lanes, 'tpm')).toEqual(['ak-root', 'ak-chain', 'ak', 'tpm-quote', 'event-log']);
    expect(idsOf(lanes, 'gpu')).toEqual(['gpu-root', 'gpu-chain', 'gpu-report', 'gpu-software']);
    expect(idsOf(lanes, 'all')).toEqual(['policy']);
  });

  test('of Azure lead from the processor over the paravisor to its TPM', () => {
    const ids: CheckId[] = ['chain.root-pinned', 'parse.hcl', 'evidence.ak-key', 'parse.tpm-quote'];
    const subject = { form: 'hcl', tee: 'sev-snp' } as const;
    const checks = ids.map((id) => resultOf(id));
    const lanes = lanesOf(stationsOf(checks, subject), { subject, eventLog: null });
    expect(idsOf(lanes)).toEqual(['root', 'hcl', 'ak', 'tpm-quote']);
  });

  test('of a bundle that cannot be read have what there is', async () => {
    const scene = await bundleScene();
    const evidence = { ...scene.evidence, bytes: new Uint8Array([0x7b]) };
    const { lanes } = await judged({ ...scene, evidence });
    expect(idsOf(lanes)[0]).toBe('binding');
    expect(dimmed(lanes)).toContain('policy');
  });
});

describe('a break', () => {
  const bad = (edit: BundleOptions['edit']) => bundleScene(edit === undefined ? {} : { edit });

  test('in the binding leaves what was bound without a word for it', async () => {
    const { lanes, stations } = await judged(
      await bad(({ bound }) => ({ bound: { ...bound, closureDigest: new Uint8Array(32) } })),
    );
    expect(stations.find(({ id }) => id === 'binding')?.status).toBe('fail');
    expect(dimmed(lanes)).toEqual(['closure', 'tree', 'log', 'devices', 'moment', 'policy']);
    expect(lanes[0]?.steps.map(({ cut }) => cut)).toEqual([
      ...[false, false, false, false, false],
      ...[true, true],
    ]);
  });

  test('beside the road dims what it speaks of, and all behind', async () => {
    const { lanes } = await judged(without(quoteScene(), 'qe-identity'));
    expect(dimmed(lanes)).toEqual(['qe', 'quote', 'tcb', 'policy']);
    const steps = lanes[0]?.steps ?? [];
    expect(steps.filter(({ cut }) => cut).map(({ stations }) => stations[0]?.id)).toEqual([
      'quote',
      'tcb',
      'policy',
    ]);
  });

  test('is none where the policy waives the check', async () => {
    const { lanes, stations } = await judged(without(await reportScene(), 'ark-crl'));
    expect(stations.find(({ id }) => id === 'amd-crl')?.status).toBe('waived');
    expect(dimmed(lanes)).toEqual([]);
  });

  test('is no refusal of the policy: what it does not accept is vouched for all the same', async () => {
    const policy = { ...(await strictPolicy()), closureDigest: ['00'.repeat(32)] };
    const { lanes, stations } = await judged(await bundleScene(), policy);
    expect(stations.find(({ id }) => id === 'closure')).toMatchObject({
      status: 'fail',
      broken: false,
    });
    expect(dimmed(lanes)).toEqual([]);
  });

  test('on one road says nothing against another, but the policy rests on all', () => {
    const checks = [
      resultOf('chain.root-pinned'),
      resultOf('chain.gpu-root-pinned', { status: 'fail', reason: 'no' }),
      resultOf('parse.gpu'),
      resultOf('policy.debug'),
    ];
    const lanes = lanesOf(stationsOf(checks, bundle), { subject: bundle, eventLog: null });
    expect(dimmed(lanes)).toEqual(['gpu-report', 'policy']);
  });

  test.each([
    [['pass', 'waived', 'skip', 'fail'], 'fail'],
    [['pass', 'waived', 'skip'], 'skip'],
    [['pass', 'waived'], 'waived'],
    [['pass'], 'pass'],
  ] as const)('%j is %s: the worst counts', (statuses, worst) => {
    const ids: CheckId[] = [
      'chain.root-certificate',
      'chain.root-pinned',
      'chain.root-signature',
      'chain.root-validity',
    ];
    const checks = statuses.map((status, place) =>
      resultOf(ids[place] ?? 'chain.root-pinned', { status }),
    );
    expect(stationsOf(checks, bundle).map(({ status }) => status)).toEqual([worst]);
  });
});

describe('a station says', () => {
  const sayings = ({ stations, ...source }: Awaited<ReturnType<typeof judged>>) =>
    Object.fromEntries(stations.map((one) => [one.id, sayingOf(one, source)]));

  test('what was found there', async () => {
    const found = sayings(await judged(await bundleScene()));
    expect(found['vek']).toBe('VCEK of Milan');
    expect(found['report']).toBe('measurement 4d4d4d4d…4d4d4d4d');
    expect(found['closure']).toBe('c1c1c1c1…c1c1c1c1');
    expect(found['log']).toBe('1 tree, 0 events');
    expect(found['moment']).toBe('answers your nonce; channel tls-key');
  });

  test('that its root was handed over', async () => {
    const found = sayings(await judged(await bundleScene()));
    expect(found['root']).toBe(roadStrings.says.handedOver);
  });

  test('what Intel says of the platform', async () => {
    const found = sayings(await judged(quoteScene()));
    expect(found['tcb']).toMatch(/^UpToDate, level of \d{4}-\d\d-\d\d$/);
    expect(found['tcb-info']).toMatch(/^evaluation \d+$/);
  });

  test('what is missing, without an option of the command line', async () => {
    const found = sayings(await judged(without(quoteScene(), 'tcb-info')));
    expect(found['tcb-info']).toBe('lacks the TCB info');
  });

  test('no character that could hide another', () => {
    const hostile = resultOf('chain.root-certificate', { actual: 'A\u202eB<b>' });
    const [station] = stationsOf([hostile], bundle);
    const verified = {
      ...{ subject: bundle, claims: null, bundle: null, eventLog: null },
      ...{ insecureRoot: false, devices: [], tpm: null },
    };
    if (station === undefined) throw new Error('no station');
    expect(sayingOf(station, { verified, policy: { name: 'x' } })).toBe('A\\u{202e}B<b>');
  });

  test('its name, which depends on who signed', async () => {
    const vcek = await judged(await reportScene());
    const vlek = await judged(await reportScene({ role: 'vlek' }));
    const tdx = await judged(quoteScene());
    expect(titleOf('issuer', vcek.verified)).toBe('AMD issuer (ASK)');
    expect(titleOf('issuer', vlek.verified)).toBe('AMD issuer (ASVK)');
    expect(titleOf('vek', vlek.verified)).toBe('Provider’s key (VLEK)');
    expect(titleOf('root', tdx.verified)).toBe('Intel root');
  });

  test.each([
    ['sha256: 0, 1, 2, 3, 7, 8, 9', 'sha256: 0 to 3, 7 to 9'],
    ['sha1: 4, 7', 'sha1: 4, 7'],
    ['2 of 3, version 12', '2 of 3, version 12'],
  ])('%s as %s', (text, short) => {
    expect(withRanges(text)).toBe(short);
  });

  test('no option', () => {
    expect(withoutOptions('lacks the QE identity (--qe-identity), which')).toBe(
      'lacks the QE identity, which',
    );
  });
});

describe('the banner', () => {
  test('never says of a root that was handed over that hardware is genuine', async () => {
    const accepted = await judged(await bundleScene());
    expect(accepted.verdict.decision).toBe('accepted');
    expect(plainWords(accepted)).toBe(verdictStrings.rehearsal.accepted);
    const other = { ...(await strictPolicy()), closureDigest: ['00'.repeat(32)] };
    const rejected = await judged(await bundleScene(), other);
    expect(rejected.verdict.decision).toBe('rejected');
    expect(plainWords(rejected)).toBe(verdictStrings.rehearsal.rejected);
  });

  test('leaves software open where the policy names none', async () => {
    const { verified, verdict, policy } = await judged(await bundleScene());
    const genuine = { ...verified, insecureRoot: false };
    expect(plainWords({ verified: genuine, verdict, policy })).toContain(verdictStrings.noSoftware);
    const named = await strictPolicy();
    expect(plainWords({ verified: genuine, verdict, policy: named })).toContain(
      verdictStrings.allHolds,
    );
  });

  test('names the machine', async () => {
    expect(machineWords((await judged(await reportScene())).verified)).toBe(
      'AMD SEV-SNP, Milan (EPYC 7003)',
    );
    expect(machineWords((await judged(quoteScene())).verified)).toMatch(
      /^Intel TDX, TDX 1\.[05], processor family [0-9a-f]{12} \(FMSPC\)$/,
    );
  });

  test('gives each missing piece once, with a check to look at', async () => {
    const { verdict } = await judged(without(quoteScene(), 'tcb-info'));
    const { reasons, more } = reasonsOf(verdict);
    expect(more).toBe(0);
    expect(reasons[0]).toMatchObject({ text: 'lacks the TCB info' });
    expect(new Set(reasons.map(({ text }) => text)).size).toBe(reasons.length);
    const skipped = verdict.checks.filter(({ status }) => status === 'skip').length;
    const told = reasons.reduce((sum, { others }) => sum + 1 + others, 0);
    expect(told).toBe(skipped);
  });

  test('blames a forgery on what is forged, not on what is missing', () => {
    const checks = [
      resultOf('collateral.revocation', { status: 'skip', reason: 'lacks a list' }),
      resultOf('evidence.signature', { status: 'fail', reason: 'changed' }),
      resultOf('policy.debug', { status: 'fail', reason: 'debug' }),
    ];
    expect(reasonsOf({ decision: 'invalid', checks }).reasons).toEqual([
      { id: 'evidence.signature', text: 'changed', others: 0 },
    ]);
  });
});

describe('the list', () => {
  const checks = [
    resultOf('chain.root-pinned', { actual: 'a0af' }),
    resultOf('evidence.signature', { status: 'fail', reason: 'changed after it was signed' }),
    resultOf('policy.measurement', { expected: 'any' }),
  ];

  test.each([
    ['all', '', ['chain.root-pinned', 'evidence.signature', 'policy.measurement']],
    ['fail', '', ['evidence.signature']],
    ['all', 'A0AF', ['chain.root-pinned']],
    ['all', 'signed changed', ['evidence.signature']],
    ['pass', 'changed', []],
  ] as const)('of %s with “%s”', (status, text, ids) => {
    expect(filterChecks(checks, status, text).map(({ id }) => id)).toEqual(ids);
  });

  test('counts', () => {
    expect([countOf(checks, 'all'), countOf(checks, 'fail'), countOf(checks, 'skip')]).toEqual([
      3, 1, 0,
    ]);
  });

  test('shows what was found, or why not', () => {
    expect(checks.map(foundOf)).toEqual(['a0af', 'changed after it was signed', 'any is accepted']);
  });

  test('explains an error code', () => {
    expect(errorOf({ actual: 'unreadable (der-malformed)' })).toMatchObject({
      code: 'der-malformed',
      means: 'The bytes are not strict DER.',
    });
    expect(errorOf({ actual: 'unreadable (constructor)' })).toBeNull();
    expect(errorOf({ actual: null })).toBeNull();
  });

  test('tells of options only where one is named', () => {
    expect(namesOptions(resultOf('chain.vek-certificate'))).toBe(true);
    expect(namesOptions(resultOf('evidence.tcb-order'))).toBe(false);
  });
});

describe('two values', () => {
  const shown = (expected: string, actual: string) => {
    const marked = differenceOf(expected, actual);
    return marked?.actual.map(({ text, differs }) => (differs ? `[${text}]` : text)).join('');
  };

  test.each([
    ['00112233445566', '00112233ff5566', '00112233[ff]5566'],
    ['0011223344', '00112200ff', '001122[00ff]'],
    [
      'TDX, FMSPC b0c06f000000, PCEID 0000',
      'TDX, FMSPC 00806f050000, PCEID 0000',
      'TDX, FMSPC [0080]6f[05]0000, PCEID 0000',
    ],
    ['debug off', 'debug on', 'debug [on]'],
    ['snp 23, microcode 84', 'snp 23, microcode 72', 'snp 23, microcode [72]'],
    ['aaaaaaaa', 'bbbbbbbb', '[bbbbbbbb]'],
  ])('%s and %s: %s', (expected, actual, marks) => {
    expect(shown(expected, actual)).toBe(marks);
  });

  test.each([
    ['the same', 'UpToDate', 'UpToDate'],
    ['of other shapes', 'Milan or Genoa', 'Turin'],
    ['of nothing in common', 'UpToDate', 'OutOfDate'],
  ])('%s are not marked', (_, expected, actual) => {
    expect(differenceOf(expected, actual)).toBeNull();
  });

  test('are told in full', () => {
    const [expected, actual] = ['x 00112233, y', 'x 00112244, z'];
    const marked = differenceOf(expected, actual);
    expect(marked?.expected.map(({ text }) => text).join('')).toBe(expected);
    expect(marked?.actual.map(({ text }) => text).join('')).toBe(actual);
  });
});
