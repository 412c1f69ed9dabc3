/** Stage binding: one thing edited in a bundle, and exactly the checks that must notice. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeBundle } from '#agent/evidence.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { type Bundle, encodeBundle } from '#verifier/abi/bundle.ts';
import { encodeLogEntry, maxLogEntries } from '#verifier/abi/log.ts';
import {
  type BoundChannel,
  type Channel,
  deviceDigest,
  tlsExporterChannel,
} from '#verifier/abi/report-data.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { Connection } from '#verifier/evidence.ts';
import {
  type BundleOptions,
  bundleScene,
  checkOf,
  failuresOf,
  hierarchyOf,
  idsWith,
  reportScene,
  sampleChannel,
  sampleDevices,
  sampleNonce,
  sampleTreeRoot,
  treeEntry,
  verdictOf,
  verifyScene,
} from './scene.ts';

const devices: CheckId = 'binding.devices';
const log: CheckId = 'binding.log';
const reportData: CheckId = 'binding.report-data';
const freshness: CheckId = 'binding.freshness';
const nonce: CheckId = 'binding.nonce';
const channel: CheckId = 'binding.channel';

const other32 = new Uint8Array(32).fill(0x99);
const entries = [treeEntry(1n), treeEntry(sampleTreeRoot, 'new keys')];
/** Two devices and two entries, so that there is an order to break. */
const rich: BundleOptions = {
  devices: [...sampleDevices, { kind: 'fake', evidence: utf8('y') }],
  log: entries,
};
const bound = (edit: Partial<Bundle['bound']>) => (bundle: Bundle) => ({
  bound: { ...bundle.bound, ...edit },
});

describe('an edited bundle', () => {
  type Case = [name: string, edit: (bundle: Bundle) => Partial<Bundle>, failing: CheckId[]];
  const cases: Case[] = [
    ['nothing', () => ({}), []],
    ['the closure digest', bound({ closureDigest: other32 }), [reportData]],
    ['the tree root', bound({ treeRoot: 1n }), [log, reportData]],
    ['the device digest', bound({ deviceDigest: other32 }), [devices, reportData]],
    ['the log digest', bound({ logDigest: other32 }), [log, reportData]],
    ['the nonce', () => ({ nonce: other32 }), [freshness, nonce]],
    ['the epoch', ({ epoch }) => ({ epoch: epoch + 1 }), [freshness]],
    [
      'the channel’s hash',
      () => ({ channel: { kind: 'tls-key', hash: other32 } }),
      [freshness, channel],
    ],
    ['no channel in place of one', () => ({ channel: null }), [freshness, channel]],
    // The kind is in no hash, for the hash is made with the kind's own tag: the connection tells.
    [
      'the channel’s kind',
      ({ channel: found }) => ({
        channel: { kind: 'noise', hash: (found as NonNullable<Channel>).hash },
      }),
      [channel],
    ],
    [
      'a device’s evidence',
      ({ devices: found }) => ({ devices: found.with(0, { kind: 'fake', evidence: utf8('z') }) }),
      [devices],
    ],
    [
      'a device’s kind',
      ({ devices: found }) => ({ devices: found.with(0, { kind: 'fakf', evidence: utf8('x') }) }),
      [devices],
    ],
    [
      'devices in another order',
      ({ devices: found }) => ({ devices: found.toReversed() }),
      [devices],
    ],
    ['one device less', ({ devices: found }) => ({ devices: found.slice(1) }), [devices]],
    ['no device', () => ({ devices: [] }), [devices]],
    [
      'an entry’s reason',
      () => ({ log: [treeEntry(1n), treeEntry(sampleTreeRoot, 'new keyz')] }),
      [log],
    ],
    ['one entry less', () => ({ log: entries.slice(1) }), [log]],
    ['entries in another order', () => ({ log: entries.toReversed() }), [log]],
    ['an entry more', () => ({ log: [...entries, treeEntry(sampleTreeRoot)] }), [log]],
    ['an empty log', () => ({ log: [] }), [log]],
    ['an entry that cannot be read', () => ({ log: [...entries, utf8('rubbish')] }), [log]],
    ['the label of freshness, which decides nothing', () => ({ freshness: 'agent' }), []],
    [
      'where collateral came from, which decides nothing',
      ({ collateral }) => ({
        collateral: collateral.map((item) => ({ ...item, source: 'elsewhere', fetched: 0 })),
      }),
      [],
    ],
  ];
  test.for(cases)('%s', async ([, edit, failing]) => {
    const verdict = await verdictOf(await bundleScene({ ...rich, edit }));
    expect(idsWith('fail', verdict)).toEqual(failing);
    expect(verdict.decision).toBe(failing.length === 0 ? 'accepted' : 'invalid');
  });
});

describe('what the machine itself binds', () => {
  test('no devices: 32 zero bytes', async () => {
    expect(await failuresOf(await bundleScene())).toEqual([]);
    expect(deviceDigest([])).toEqual(new Uint8Array(32));
    const wrong = { bound: { deviceDigest: other32 } };
    expect(await failuresOf(await bundleScene(wrong))).toEqual([devices]);
  });

  test('a log whose last tree is another', async () => {
    const verified = await verifyScene(await bundleScene({ log: [treeEntry(1n)] }));
    expect(idsWith('fail', verified)).toEqual([log]);
    expect(checkOf(log, verified).reason).toMatch(/last tree of the log is not the tree/);
  });

  test('an event after the last tree does not hide it', async () => {
    const event = encodeLogEntry({ kind: 'event', time: fakeNow, name: 'e', digest: other32 });
    const withEvent = { log: [treeEntry(sampleTreeRoot), event] };
    expect(await failuresOf(await bundleScene(withEvent))).toEqual([]);
    const eventFirst = { log: [event, treeEntry(sampleTreeRoot)] };
    expect(await failuresOf(await bundleScene(eventFirst))).toEqual([log]);
  });

  test('an empty log, and one over the limit', async () => {
    expect(await failuresOf(await bundleScene({ log: [] }))).toEqual([log]);
    const full = Array.from({ length: maxLogEntries }, () => treeEntry(sampleTreeRoot, ''));
    expect(await failuresOf(await bundleScene({ log: full }))).toEqual([]);
    const over = await verifyScene(
      await bundleScene({ log: [...full, treeEntry(sampleTreeRoot)] }),
    );
    expect(idsWith('fail', over)).toEqual(['parse.bundle']);
  });

  test('REPORT_DATA of something else altogether', async () => {
    const report = { with: { reportData: new Uint8Array(64).fill(1) } };
    expect(await failuresOf(await bundleScene({ report }))).toEqual([reportData, freshness]);
  });

  test('each half of REPORT_DATA alone', async () => {
    const half = (from: number) => ({
      report: { beforeSigning: (bytes: Uint8Array) => void bytes.fill(1, from, from + 32) },
    });
    expect(await failuresOf(await bundleScene(half(0x50)))).toEqual([reportData]);
    expect(await failuresOf(await bundleScene(half(0x70)))).toEqual([freshness]);
  });

  test('without a readable report the rest is checked all the same', async () => {
    const edit = () => ({ evidence: utf8('no report') });
    const verified = await verifyScene(await bundleScene({ edit }));
    expect(idsWith('fail', verified)).toEqual(['parse.report']);
    const skipped = idsWith('skip', verified).filter((id) => id.startsWith('binding.'));
    expect(skipped).toEqual([reportData, freshness]);
    expect(checkOf(devices, verified).status).toBe('pass');
  });
});

describe('the nonce', () => {
  test('another than the verifier drew', async () => {
    const verdict = await verdictOf(await bundleScene({ nonce: other32 }));
    expect(idsWith('fail', verdict)).toEqual([nonce]);
    expect(checkOf(nonce, verdict).reason).toMatch(/a replay/);
    expect(verdict.decision).toBe('invalid');
  });

  test('none drawn: not a check, and the verdict warns', async () => {
    const verdict = await verdictOf(await bundleScene({ nonce: null }));
    expect(verdict.checks.map(({ id }) => id)).not.toContain(nonce);
    expect(verdict.decision).toBe('accepted');
    expect(verdict.warnings.join()).toMatch(/No nonce of yours/);
    const drawn = await verdictOf(await bundleScene({ nonce: sampleNonce }));
    expect(checkOf(nonce, drawn).status).toBe('pass');
    expect(drawn.warnings.join()).not.toMatch(/No nonce of yours/);
  });

  test('a prefix of it is not it', async () => {
    expect(await failuresOf(await bundleScene({ nonce: sampleNonce.slice(0, 31) }))).toEqual([
      nonce,
    ]);
  });
});

describe('the channel', () => {
  const ownKey = sampleChannel as NonNullable<Channel>;
  const exporter: BoundChannel = { kind: 'tls-exporter', hash: new Uint8Array(32).fill(0x65) };
  const noise: Channel = { kind: 'noise', hash: (sampleChannel as NonNullable<Channel>).hash };
  const elsewhere: Channel = { kind: 'tls-key', hash: other32 };
  type Status = 'pass' | 'fail' | 'skip' | 'not made';
  const cases: [string, claimed: Channel, own: Connection, Status][] = [
    ['a file, no channel', null, null, 'not made'],
    ['a file, a channel', sampleChannel, null, 'not made'],
    ['no channel on either side', null, { channel: null }, 'pass'],
    ['claimed, not there', sampleChannel, { channel: null }, 'fail'],
    ['there, not claimed', null, { channel: sampleChannel }, 'fail'],
    ['the same', sampleChannel, { channel: sampleChannel }, 'pass'],
    ['another hash', sampleChannel, { channel: elsewhere }, 'fail'],
    ['another kind', sampleChannel, { channel: noise }, 'fail'],
    ['one of our ends', sampleChannel, { channel: [exporter, ownKey] }, 'pass'],
    ['our other end', exporter, { channel: [exporter, ownKey] }, 'pass'],
    ['another key than at our end', elsewhere, { channel: [exporter, ownKey] }, 'fail'],
    ['another session', { ...exporter, hash: other32 }, { channel: [exporter, ownKey] }, 'fail'],
    ['the exporter where we have none', exporter, { channel: [ownKey] }, 'fail'],
    ['a kind that this connection is not', noise, { channel: [exporter, ownKey] }, 'fail'],
    ['none claimed, ends here: a proxy', null, { channel: [exporter, ownKey] }, 'pass'],
    ['unknown here, none claimed', null, { channel: 'unknown' }, 'pass'],
    ['unknown here, one claimed', sampleChannel, { channel: 'unknown' }, 'skip'],
  ];
  const decisions = {
    pass: 'accepted',
    'not made': 'accepted',
    fail: 'invalid',
    skip: 'undecided',
  };

  test.for(cases)('%s', async ([, claimed, connection, status]) => {
    const verdict = await verdictOf(await bundleScene({ channel: claimed, connection }));
    const made = verdict.checks.find(({ id }) => id === channel);
    expect(made?.status ?? 'not made').toBe(status);
    expect(verdict.decision).toBe(decisions[status]);
    const relayed = claimed === null;
    expect(/bound to no channel/.test(verdict.warnings.join())).toBe(relayed);
  });
});

test('the exporter’s channel is the protocol’s formula, and takes 32 bytes', () => {
  const spki = utf8('a key');
  const exporter = new Uint8Array(32).fill(7);
  const inner = createHash('sha256').update(spki).digest();
  const outer = createHash('sha256')
    .update('affidavit/channel-tls-exporter/v1\0')
    .update(inner)
    .update(exporter);
  const { kind, hash } = tlsExporterChannel(spki, exporter);
  expect([kind, toHex(hash)]).toEqual(['tls-exporter', outer.digest('hex')]);
  expect(() => tlsExporterChannel(spki, exporter.slice(1))).toThrow(RangeError);
});

describe('the trees that a report vouches for', () => {
  const event = encodeLogEntry({ kind: 'event', time: fakeNow + 1, name: 'e', digest: other32 });
  const history = [treeEntry(1n), event, treeEntry(sampleTreeRoot, 'service a restarted')];

  test('are all of its log, in order, and the events apart', async () => {
    const { bundle } = await verifyScene(await bundleScene({ log: history }));
    expect(bundle?.trees).toEqual([
      { time: fakeNow, treeRoot: '1'.padStart(64, '0'), reason: 'boot' },
      {
        time: fakeNow,
        treeRoot: sampleTreeRoot.toString(16).padStart(64, '0'),
        reason: 'service a restarted',
      },
    ]);
    expect(bundle?.events).toEqual([{ time: fakeNow + 1, name: 'e', digest: '99'.repeat(32) }]);
    expect(Object.isFrozen(bundle?.trees[0])).toBe(true);
  });

  test.each([
    ['cut off at the front', history.slice(1)],
    ['with another reason', history.with(2, treeEntry(sampleTreeRoot, 'service b restarted'))],
    ['without its event', history.filter((entry) => entry !== event)],
    ['unreadable', [utf8('rubbish')]],
  ])('are none when the log is %s', async (_, edited) => {
    const scene = await bundleScene({ log: history, edit: () => ({ log: edited }) });
    const verified = await verifyScene(scene);
    expect(idsWith('fail', verified)).toEqual([log]);
    expect(verified.bundle).toMatchObject({ trees: [], events: [] });
  });

  test('do not make an old root the one that a policy names', async () => {
    const scene = await bundleScene({ log: history });
    const decide = async (root: bigint) => {
      const policy = { ...genuinePolicy, treeRoot: [root.toString(16).padStart(64, '0')] };
      return idsWith('fail', await verdictOf(scene, policy));
    };
    expect(await decide(1n)).toEqual(['policy.tree-root']);
    expect(await decide(sampleTreeRoot)).toEqual([]);
  });
});

test('a raw report has no checks of stage binding', async () => {
  const { checks } = await verifyScene(await reportScene());
  expect(checks.filter(({ stage }) => stage === 'binding')).toEqual([]);
});

test('what the agent makes is what the verifier accepts', async () => {
  const hierarchy = await hierarchyOf('Milan');
  const logger = { info() {}, warn() {}, error() {} };
  const { state, source } = await createInsecureAgent({ hierarchy, now: () => fakeNow, logger });
  const scene = await bundleScene();
  for (const claimed of [null, sampleChannel]) {
    const bundle = await makeBundle({
      state,
      source,
      nonce: sampleNonce,
      channel: claimed,
      now: () => fakeNow,
      random: (length) => new Uint8Array(length),
    });
    const bytes = utf8(encodeBundle(bundle));
    const connection = { channel: claimed };
    const evidence = { form: 'bundle', bytes, nonce: sampleNonce, connection } as const;
    const verdict = await verdictOf({ ...scene, evidence });
    expect(idsWith('fail', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  }
});
