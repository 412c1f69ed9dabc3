/** The log of a boot: new trees, runtime events, and proofs against each of them. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeBundle } from '#agent/evidence.ts';
import { createHistory, isEventName } from '#agent/history.ts';
import { bootState, maxKeptTrees } from '#agent/state.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { demoClosure, demoServices } from '#test/fake/insecure-agent.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { encodeBundle, parseBundle } from '#verifier/abi/bundle.ts';
import { logDigest, maxLogEntries, parseLog } from '#verifier/abi/log.ts';
import { serviceTree } from '#verifier/abi/service.ts';
import { parseTreeProof, verifyTreeProof } from '#verifier/abi/tree-proof.ts';
import { type Bytes, fromBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import { codeOf, countingSource, problemOf, recorder, startAgent } from './helpers.ts';

const newKey = () => secp256k1.getPublicKey(secp256k1.keygen().secretKey, false).slice(1);
const digest = new Uint8Array(32).fill(0xd1);
const hexOf = (root: Field) => toHex(fieldToBytes(root));

function start(clock = { time: fakeNow }) {
  const closure = demoClosure();
  const boot = bootState(closure, demoServices(closure).services, fakeNow);
  const logger = recorder();
  const history = createHistory(boot, { now: () => clock.time, logger });
  const keys = () => history.state().services.map(({ publicKey }) => publicKey);
  const restart = (i: number) => history.setKeys(keys().with(i, newKey()));
  const parsed = () => parseLog(history.state().log);
  return { history, boot, logger, clock, keys, restart, parsed };
}

describe('a new key', () => {
  test('is a new tree, an entry, and a snapshot of its own', () => {
    const { history, boot, clock, restart, parsed } = start();
    clock.time += 5;
    restart(1);
    const state = history.state();
    expect(parsed().entries).toEqual([
      { kind: 'tree', time: fakeNow, treeRoot: boot.tree.root, reason: 'boot' },
      {
        kind: 'tree',
        time: fakeNow + 5,
        treeRoot: state.tree.root,
        reason: 'service echo-cpp restarted',
      },
    ]);
    expect(state.tree.root).toBe(serviceTree(state.services).root);
    expect(state.tree.root).not.toBe(boot.tree.root);
    expect(toHex(state.logDigest)).toBe(toHex(logDigest(state.log)));
    expect([boot.log.length, boot.trees.length]).toEqual([1, 1]);
  });

  test('of several services is one entry that names them, where they fit', () => {
    const { history, keys, parsed } = start();
    history.setKeys(keys().map(newKey));
    expect(parsed().entries.at(-1)).toMatchObject({
      reason: 'services echo-node, echo-cpp, echo-rust restarted',
    });
    const names = Array.from({ length: 9 }, (_, i) => `${i}`.repeat(60));
    const services = names.map((name) => ({
      name,
      storePath: demoClosure()[0]?.path ?? '',
      narHash: digest,
      publicKey: newKey(),
    }));
    const many = createHistory(bootState(demoClosure(), services, fakeNow), {
      now: () => fakeNow,
      logger: recorder(),
    });
    many.setKeys(names.map(newKey));
    expect(parseLog(many.state().log).entries.at(-1)).toMatchObject({
      reason: '9 services restarted',
    });
  });

  test('that is the old one is no entry', () => {
    const { history, boot, keys } = start();
    history.setKeys(keys());
    expect(history.state()).toBe(boot);
  });

  test('off the curve leaves all as it was', async () => {
    const { history, boot, keys } = start();
    const wrong = keys().with(0, new Uint8Array(64).fill(1));
    expect(await codeOf(() => history.setKeys(wrong))).toBe('signature-malformed');
    expect(history.state()).toBe(boot);
  });
});

test('times never decrease, whatever the clock does', () => {
  const { history, clock, restart, parsed } = start();
  for (const time of [fakeNow + 10, fakeNow - 1000, fakeNow + 9, fakeNow + 11]) {
    clock.time = time;
    restart(0);
    history.addEvent('clock', digest);
  }
  const times = parsed().entries.map(({ time }) => time - fakeNow);
  expect(times).toEqual([0, 10, 10, 10, 10, 10, 10, 11, 11]);
});

describe('an event', () => {
  test('is an entry after which the tree is still the last one', () => {
    const { history, boot, parsed } = start();
    const answered = history.addEvent('disk unlocked', digest);
    expect(parsed()).toEqual({
      entries: [
        { kind: 'tree', time: fakeNow, treeRoot: boot.tree.root, reason: 'boot' },
        { kind: 'event', time: fakeNow, name: 'disk unlocked', digest },
      ],
      treeRoot: boot.tree.root,
    });
    expect(toHex(answered)).toBe(toHex(logDigest(history.state().log)));
  });

  test.each([
    ['x', true],
    ['ü'.repeat(127), true],
    ['x'.repeat(255), true],
    ['', false],
    ['x'.repeat(256), false],
    ['ü'.repeat(128), false],
    ['a\nb', false],
    ['a\u0000', false],
    ['\u0085', false],
    ['\ud800', false],
  ])('may be called %j: %s', (name, may) => {
    expect(isEventName(name)).toBe(may);
    const { history, boot } = start();
    if (may) history.addEvent(name, digest);
    else expect(() => history.addEvent(name, digest)).toThrow(RangeError);
    expect(history.state().log.length).toBe(boot.log.length + (may ? 1 : 0));
  });
});

describe('a full log', () => {
  function full() {
    const started = start();
    const name = 'x'.repeat(255);
    while (started.history.state().log.length < maxLogEntries) {
      started.history.addEvent(name, digest);
    }
    return started;
  }

  test('of the longest entries still fits in a bundle; one more ends all evidence', async () => {
    const { history, restart, logger } = full();
    const source = countingSource(await testHierarchy({ product: 'Milan' }));
    const bundleNow = () =>
      makeBundle({
        state: history.state(),
        source,
        nonce: null,
        channel: null,
        now: () => fakeNow,
        random: (length) => new Uint8Array(length),
      });
    const bundle = parseBundle(utf8(encodeBundle(await bundleNow())));
    expect(parseLog(bundle.log).entries).toHaveLength(maxLogEntries);
    const { tree } = history.state();
    expect(await codeOf(() => restart(0))).toBe('log-full');
    expect(history.state()).toMatchObject({ tree, logFull: true });
    expect(history.state().log).toHaveLength(maxLogEntries);
    expect(await codeOf(bundleNow)).toBe('log-full');
    expect(source.asked).toHaveLength(1);
    expect(logger.lines.at(-1)).toMatch(/^error not ready: .*4096 entries.*echo-node.*Restart/);
  });

  test('refuses an event too, and from then on evidence', async () => {
    const { history } = full();
    expect(history.state().logFull).toBe(false);
    expect(await codeOf(() => history.addEvent('y', digest))).toBe('log-full');
    expect(history.state().logFull).toBe(true);
  });
});

describe('over HTTP', () => {
  let hierarchy: AmdHierarchy;
  beforeAll(async () => {
    hierarchy = await testHierarchy({ product: 'Milan' });
  });

  async function serving() {
    const agent = await startAgent({ hierarchy });
    const { history } = agent;
    const restart = () => {
      const keys = history.state().services.map(({ publicKey }) => publicKey);
      history.setKeys(keys.with(0, newKey()));
      return history.state();
    };
    return { ...agent, restart };
  }

  test('/history is what evidence binds', async () => {
    const { url, history, restart } = await serving();
    restart();
    history.addEvent('e', digest);
    const response = await fetch(`${url}/history`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const text = await response.text();
    const { version, entries, logDigest: said, ...more } = JSON.parse(text);
    expect([version, more]).toEqual([1, {}]);
    const log: Bytes[] = entries.map((entry: string) => fromBase64(entry, 'entry'));
    expect(log).toEqual(history.state().log);
    expect(said).toBe(toHex(logDigest(log)));
    const evidence = await fetch(`${url}/attestation`);
    const bundle = parseBundle(new Uint8Array(await evidence.arrayBuffer()));
    expect(bundle.log).toEqual(log);
    expect(toHex(bundle.bound.logDigest)).toBe(said);
    expect(bundle.bound.treeRoot).toBe(history.state().tree.root);
    expect(await (await fetch(`${url}/history`)).text()).toBe(text);
    history.addEvent('f', digest);
    expect(JSON.parse(await (await fetch(`${url}/history`)).text()).entries).toHaveLength(4);
  });

  test('/proofs/:name proves presence and absence against any tree of this boot', async () => {
    const { url, state: boot, restart } = await serving();
    const states = [boot, restart(), restart()];
    for (const { tree, services } of states) {
      const { root } = tree;
      const get = async (name: string) =>
        parseTreeProof(await (await fetch(`${url}/proofs/${name}?root=${hexOf(root)}`)).text());
      const found = verifyTreeProof(await get('echo-node'), {
        root,
        name: 'echo-node',
        claim: 'present',
      });
      expect(found.publicKey).toEqual(services[0]?.publicKey);
      const question = { root, name: 'nothing', claim: 'absent' } as const;
      expect(verifyTreeProof(await get('nothing'), question)).toBeNull();
    }
    const present = await (await fetch(`${url}/proofs/echo-node`)).text();
    expect(parseTreeProof(present).root).toBe(states[2]?.tree.root);
  });

  test('the 64 newest trees are kept; older ones are gone, others were never there', async () => {
    const { url, state: boot, restart } = await serving();
    let second = restart();
    const ask = (root: string) => problemOf(`${url}/proofs/echo-node?root=${root}`);
    for (let i = 2; i < maxKeptTrees; i++) restart();
    expect((await fetch(`${url}/proofs/x?root=${hexOf(boot.tree.root)}`)).status).toBe(200);
    restart();
    expect(await ask(hexOf(boot.tree.root))).toMatchObject({ status: 410, code: 'tree-gone' });
    expect((await fetch(`${url}/proofs/x?root=${hexOf(second.tree.root)}`)).status).toBe(200);
    second = restart();
    expect(second.trees).toHaveLength(maxKeptTrees);
    for (const root of ['0'.repeat(64), 'f'.repeat(64)]) {
      expect(await ask(root)).toMatchObject({ status: 404, code: 'tree-unknown' });
    }
  });

  test.each(['', '0', 'F'.repeat(64), 'f'.repeat(65), `0x${'0'.repeat(62)}`])(
    'a root %j is refused',
    async (root) => {
      const { url } = await serving();
      expect(await problemOf(`${url}/proofs/echo-node?root=${root}`)).toMatchObject({
        status: 400,
        code: 'root-malformed',
      });
    },
  );

  test('a full log is not ready, and the history is still there to be read', async () => {
    const { url, history } = await serving();
    await fetch(`${url}/attestation`);
    while (history.state().log.length < maxLogEntries) history.addEvent('e', digest);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await codeOf(() => history.addEvent('e', digest))).toBe('log-full');
    for (const path of ['/readyz', '/attestation']) {
      const problem = await problemOf(url + path);
      expect(problem).toMatchObject({ status: 503, code: 'log-full' });
      expect(problem.headers.get('retry-after')).toBe('30');
    }
    for (const path of ['/history', '/metrics', '/services']) {
      expect((await fetch(url + path)).status).toBe(200);
    }
  });
});
