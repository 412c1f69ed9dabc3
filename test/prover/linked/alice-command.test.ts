/** Both commands on what they refuse before any circuit is executed: how they end, and that nothing is left behind. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSecretFile } from '#prover/linked/attestation-store.ts';
import { encodeSet, revokedSet, type SetKind } from '#prover/linked/sets.ts';
import { type ProveAttestationOptions, proveMachine } from '#prover/prove-attestation-command.ts';
import { type ProveResponseOptions, proveResponse } from '#prover/prove-response-command.ts';
import type { Change, CrlPlan } from '#test/fake/certificates.ts';
import { createInsecureTdxAgent } from '#test/fake/insecure-agent.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type Bundle, encodeBundle } from '#verifier/abi/bundle.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import { type AliceScene, aliceScene, fakeNow, origin, someRevoked } from './alice-scene.ts';
import { type AliceSnpScene, aliceSnpScene, snpVekSetOf } from './alice-snp-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-alice-command-'));
const path = (name: string) => join(folder, name);
const cacheBefore = process.env['XDG_CACHE_HOME'];
const nonceHex = 'b0'.repeat(32);
const proof = { artifact: 'ab'.repeat(32), proof: new Uint8Array(458 * 32) };
let scene: AliceScene;
let snp: AliceSnpScene;
let server: Server;
let agent: string;

function file(name: string, content: string | Bytes): string {
  writeFileSync(path(name), content);
  return path(name);
}

beforeAll(async () => {
  process.env['XDG_CACHE_HOME'] = path('cache');
  scene = await aliceScene();
  const { intel, state } = scene.story;
  const { accepted, levels, revoked } = scene.inputs;
  for (const set of [accepted, levels, revoked]) file(`${set.kind}.json`, encodeSet(set));
  for (const [name, content] of Object.entries(scene.files)) file(name, content);
  file('roots.pem', intel.rootsPem());
  snp = await aliceSnpScene();
  for (const kind of ['accepted', 'levels', 'revoked'] as const) {
    file(`snp-${kind}.json`, encodeSet<SetKind>(snp.inputs[kind]));
  }
  file('snp-bundle', snp.files.bundle);
  file('snp-roots.pem', snp.hierarchy.rootsPem());
  const whole = { ...scene.task(), proofs: { key: proof, machine: proof }, work: null };
  await createSecretFile(path('whole.json'), whole);
  const quiet = { info() {}, warn() {}, error() {} };
  const { app } = createInsecureTdxAgent({ intel, state, now: () => fakeNow, logger: quiet });
  server = createServer(app.callback());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  agent = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  vi.restoreAllMocks();
  if (cacheBefore === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheBefore;
  server.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

/** How it ends: the code of its error, and the exit code where it says one. */
async function ending(work: Promise<void>) {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  const { code, exitCode, message } = error as { code: string; exitCode?: number; message: string };
  return { code, exitCode, message };
}

async function attest(changes: Partial<ProveAttestationOptions> = {}) {
  const { epochMin, epochMax } = scene.inputs;
  const ended = await ending(
    proveMachine({
      bundle: path('bundle'),
      accepted: path('accepted.json'),
      levels: path('levels.json'),
      revoked: path('revoked.json'),
      epochMin: formatTime(epochMin),
      epochMax: formatTime(epochMax),
      at: formatTime(fakeNow),
      insecureRoot: path('roots.pem'),
      outSecret: path('mine.json'),
      // Holds no points: where all is well, this is where it ends.
      crs: folder,
      ...changes,
    }),
  );
  expect(existsSync(path('mine.json'))).toBe(false);
  return ended;
}

function bundleWith(bundle: Bundle): string {
  return file('changed', utf8(encodeBundle(bundle)));
}

/** The same of an SEV-SNP guest. */
function attestSnp(changes: Partial<ProveAttestationOptions> = {}) {
  return attest({
    bundle: path('snp-bundle'),
    accepted: path('snp-accepted.json'),
    levels: path('snp-levels.json'),
    revoked: path('snp-revoked.json'),
    insecureRoot: path('snp-roots.pem'),
    ...changes,
  });
}

async function answer(changes: Partial<ProveResponseOptions> = {}) {
  const ended = await ending(
    proveResponse({
      attestation: path('whole.json'),
      response: path('response'),
      service: path('treeProof'),
      audience: 'bob.example',
      nonce: nonceHex,
      out: path('proof.json'),
      crs: folder,
      ...changes,
    }),
  );
  expect(existsSync(path('proof.json'))).toBe(false);
  return ended;
}

describe('prove attestation', () => {
  test('what would verify needs points, and says which', async () => {
    const ended = await attest();
    expect(ended.code).toBe('points-missing');
    expect(ended.message).toMatch(/tdx-pck needs 131,073 points/);
  });

  test('asks an agent, with a nonce of its own or the checker’s', async () => {
    const asking = { bundle: undefined, agent };
    expect(await attest(asking)).toMatchObject({ code: 'points-missing' });
    expect(await attest({ ...asking, attestationNonce: nonceHex })).toMatchObject({
      code: 'points-missing',
    });
    const gone = { ...asking, agent: 'http://127.0.0.1:9' };
    expect(await attest(gone)).toMatchObject({ code: 'agent-unreachable', exitCode: 30 });
  });

  test.each([
    ['no evidence', { bundle: undefined }, /no evidence was given/],
    ['a bundle and an agent', { agent: 'http://localhost' }, /both --bundle and --agent/],
    ['an agent, offline', { bundle: undefined, agent: 'http://x', offline: true }, /contradict/],
    ['no accepted set', { accepted: undefined }, /--accepted is missing/],
    ['no levels', { levels: undefined }, /--levels is missing/],
    ['no revoked set', { revoked: undefined }, /--revoked is missing/],
    ['no window', { epochMax: undefined }, /--epoch-max is missing/],
    ['a window without a zone', { epochMin: '2026-01-15T00:00:00' }, /no time with its zone/],
    ['a window that ends before it begins', { epochMin: '2027-01-15T00:00:00Z' }, /is after/],
    ['a short nonce', { attestationNonce: 'b0' }, /--attestation-nonce/],
    ['a file that is not there', { levels: '/nowhere' }, /no such file/],
    ['a key of no set', { key: 'member' } as const, /--veks is missing/],
    ['a set for a certified key', { key: 'certified', veks: 'x' } as const, /contradict/],
    ['a set for a key that is shown', { key: 'shown', veks: 'x' } as const, /contradict/],
  ])('wrong usage: %s', async (_, changes, message) => {
    const ended = await attest(changes);
    expect(ended.exitCode).toBe(2);
    expect(ended.message).toMatch(message);
  });

  test('a set of another kind, or an edited one, is wrong usage', async () => {
    expect(await attest({ levels: path('accepted.json') })).toMatchObject({
      code: 'usage',
      exitCode: 2,
    });
    const edited = encodeSet(scene.inputs.levels).replace('"pceSvn":900', '"pceSvn":901');
    const levels = file('edited.json', edited);
    expect(await attest({ levels })).toMatchObject({ code: 'value-out-of-range', exitCode: 2 });
  });

  test('refuses what the plain verifier refuses', async () => {
    const refused = { code: 'evidence-false', exitCode: 20 };
    expect((await attest({ insecureRoot: undefined })).message).toMatch(
      /refused: chain.root-pinned/,
    );
    const { bundle } = scene.inputs;
    const evidence = bundle.evidence.slice();
    evidence[200] = (evidence[200] ?? 0) ^ 1;
    const forged = file('forged', utf8(encodeBundle({ ...bundle, evidence })));
    expect(await attest({ bundle: forged })).toMatchObject(refused);
    const channel = { kind: 'tls-key', hash: new Uint8Array(32).fill(1) } as const;
    const relayed = file('relayed', utf8(encodeBundle({ ...bundle, channel })));
    expect((await attest({ bundle: relayed })).message).toMatch(/binding.freshness/);
    expect((await attest({ attestationNonce: nonceHex })).message).toMatch(/binding.nonce/);
    expect(await attest({ bundle: file('html', '<html>') })).toMatchObject({
      code: 'json-malformed',
      exitCode: 20,
    });
  });

  test('leaves to the sets what Intel’s documents would say', async () => {
    const bare = encodeBundle({ ...scene.inputs.bundle, collateral: [] });
    expect(await attest({ bundle: file('bare', bare) })).toMatchObject({ code: 'points-missing' });
  });

  test('refuses what the checker would not believe', async () => {
    const chip = scene.story.intel.machine.ppid;
    const revoked = revokedSet([...someRevoked, { chip }], origin);
    expect(await attest({ revoked: file('ours.json', encodeSet(revoked)) })).toMatchObject({
      code: 'machine-revoked',
      exitCode: 20,
    });
    const epochMax = formatTime(scene.inputs.epochMin);
    expect(await attest({ epochMax })).toMatchObject({ code: 'epoch-outside', exitCode: 20 });
  });

  test.each([
    ['certified', undefined, /snp-vek needs \d/],
    ['certified', 'certified', /snp-vek needs \d/],
    ['shown', 'shown', /snp-report needs \d/],
  ] as const)('takes a machine of AMD, its key %s', async (_, key, message) => {
    const ended = await attestSnp({ key });
    expect(ended.code).toBe('points-missing');
    expect(ended.message).toMatch(message);
  });

  test('takes a key of AMD that is one of a set', async () => {
    const veks = file('veks.json', encodeSet(snpVekSetOf(snp)));
    for (const key of [undefined, 'member'] as const) {
      const ended = await attestSnp({ key, veks });
      expect(ended.message).toMatch(/vek-member needs|snp-report needs/);
    }
    const others = file('others.json', encodeSet(snpVekSetOf(snp, false)));
    expect(await attestSnp({ veks: others })).toMatchObject({ code: 'key-not-listed' });
  });

  test('refuses of AMD’s what the plain verifier refuses', async () => {
    expect((await attestSnp({ insecureRoot: undefined })).message).toMatch(/chain.root-pinned/);
    const forged = bundleWith(snp.rereport({}, { afterSigning: (bytes) => bytes.fill(1, 16, 17) }));
    expect((await attestSnp({ bundle: forged })).message).toMatch(/refused: evidence.signature/);
    const { bundle } = snp.inputs;
    const lacking = (kind: string) => bundle.collateral.filter((item) => item.kind !== kind);
    const bare = bundleWith({ ...bundle, collateral: lacking('ask') });
    expect(await attestSnp({ bundle: bare })).toMatchObject({
      code: 'evidence-false',
      exitCode: 20,
    });
    const masked = bundleWith(snp.rereport({ chipId: new Uint8Array(64) }));
    expect(await attestSnp({ bundle: masked })).toMatchObject({ code: 'report-unsupported' });
  });

  test('refuses an issuer that AMD has revoked; a list that is missing, or late, is the checker’s to ask for', async () => {
    const { bundle } = snp.inputs;
    const withList = async (change: Change<CrlPlan> | null) => {
      const { crl } = await testHierarchy({
        product: 'Milan',
        overrides: { ...(change && { crl: change }) },
      });
      const lists = { kind: 'ark-crl', data: crl.der, source: 'a test', fetched: fakeNow } as const;
      const kept = bundle.collateral.filter(({ kind }) => kind !== 'ark-crl');
      const collateral = change === null ? kept : [...kept, lists];
      return attestSnp({ bundle: bundleWith({ ...bundle, collateral }) });
    };
    const revoked = [{ serial: 0x010001n, at: fakeNow - 86_400 }];
    const ended = await withList({ revoked });
    expect(ended).toMatchObject({ code: 'evidence-false', exitCode: 20 });
    expect(ended.message).toMatch(/collateral.revocation/);
    const others = [{ serial: 0x010101n, at: fakeNow - 86_400 }];
    expect(await withList({ revoked: others })).toMatchObject({ code: 'points-missing' });
    expect(await withList(null)).toMatchObject({ code: 'points-missing' });
    const late = { thisUpdate: fakeNow - 20_000, nextUpdate: fakeNow - 10_000 };
    expect(await withList(late)).toMatchObject({ code: 'points-missing' });
  });

  test('neither writes over a file nor resumes what is not there', async () => {
    const taken = await attest({ outSecret: path('whole.json') });
    expect(taken).toMatchObject({ code: 'secret-exists', exitCode: 2 });
    const nothing = await attest({ resume: true });
    expect(nothing).toMatchObject({ code: 'secret-unreadable', exitCode: 2 });
  });
});

describe('prove response', () => {
  test('refuses the proofs of another release', async () => {
    expect(await answer()).toMatchObject({ code: 'release-changed', exitCode: 2 });
  });

  test('asks an agent for the tree proof', async () => {
    expect(await answer({ agent, service: 'echo-node' })).toMatchObject({
      code: 'release-changed',
    });
    expect(await answer({ agent, service: 'echo-cpp' })).toMatchObject({
      code: 'proof-false',
      exitCode: 20,
    });
    expect(await answer({ agent, service: 'x', offline: true })).toMatchObject({ exitCode: 2 });
  });

  test('refuses what would not verify', async () => {
    const elsewhere = file('cpp', scene.treeProofOf('echo-cpp'));
    expect(await answer({ service: elsewhere })).toMatchObject({
      code: 'proof-false',
      exitCode: 20,
    });
    const long = file('long', scene.sign({ body: new Uint8Array(801) }));
    expect(await answer({ response: long, show: 'all' })).toMatchObject({
      code: 'body-too-long',
      exitCode: 20,
    });
    expect(await answer({ response: long })).toMatchObject({ code: 'release-changed' });
  });

  test.each([
    ['ranges that overlap', { show: '0-9,5-12' }, /neither all, none nor ranges/],
    ['bytes behind the body', { show: '9999' }, /behind its end/],
    ['a response in full beside a part', { showTime: true, saveResponse: 'x' }, /--save-response/],
    ['a short nonce', { nonce: 'b0' }, /--nonce/],
    ['an empty audience', { audience: '' }, /audience/],
    ['no such attestation', { attestation: '/nowhere' }, /cannot be read/],
  ])('wrong usage: %s', async (_, changes, message) => {
    const ended = await answer(changes);
    expect(ended.exitCode).toBe(2);
    expect(ended.message).toMatch(message);
  });
});
