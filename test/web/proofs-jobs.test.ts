/** What the proofs view makes of files, and what its worker answers, on a proof system that tells the truth. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CircuitName } from '#prover/circuit-names.ts';
import { circuitNames } from '#prover/circuit-names.ts';
import { encodeLinkedProofFile } from '#prover/linked/proof-file.ts';
import { encodeProofFile, proofLength } from '#prover/proof-file.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { linkedScene, pinned, type Scene } from '#test/prover/linked/bob-scene.ts';
import { nonceHex, type Story, sampleAudience, tellStory } from '#test/prover/scene.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import { type Bench, runJob } from '#web/proofs/jobs.ts';
import { fileOf, givenOf, type Kept, withFile } from '#web/proofs/kept.ts';
import type { Checked, Stage } from '#web/proofs/messages.ts';
import { precheck } from '#web/proofs/precheck.ts';
import { recognise } from '#web/proofs/recognise.ts';
import { type CheckInputs, checkOf, type ProveInputs, proveOf } from '#web/proofs/requests.ts';

let story: Story;
let linked: Scene;
const pins = Object.fromEntries(
  circuitNames.map((name) => [name, { artifactHash: pinned, points: 9 }]),
) as Record<CircuitName, { artifactHash: string; points: number }>;

beforeAll(async () => {
  story = await tellStory();
  linked = await linkedScene();
});

function keep(...given: readonly (readonly [name: string, bytes: Bytes])[]): Kept[] {
  return given.reduce<Kept[]>(
    (all, [name, bytes], id) =>
      withFile(all, { id, name, bytes, ...recognise(name, bytes), set: null }),
    [],
  );
}

const openProof = (circuit: 'response-open' | 'response-open-key' = 'response-open') =>
  utf8(
    encodeProofFile({
      circuit,
      artifact: pinned,
      proof: new Uint8Array(proofLength),
      publicKey: circuit === 'response-open' ? null : new Uint8Array(64),
    }),
  );

/** @param holds whether the proof holds; what it is asked about is not looked at */
function benchOf(stages: Stage[] = [], verify: Bench['tools']['verify'] = async () => true): Bench {
  const unasked = () => {
    throw new Error('nobody asked for it');
  };
  return {
    tools: {
      kind: 'wasm',
      artifactHash: async () => pinned,
      key: async (circuit) => utf8(circuit),
      verify,
      ready: unasked,
      solve: unasked,
      open: unasked,
      close: async () => {},
    },
    startMachine: unasked,
    hasKey: () => true,
    stage: (stage, work) => {
      stages.push(stage);
      return work();
    },
  };
}

const asked = { audience: sampleAudience, nonce: nonceHex };
const checkInputs = (files: readonly Kept[], changes: Partial<CheckInputs> = {}): CheckInputs => ({
  files,
  evidence: null,
  leftOut: new Set(),
  made: null,
  insecureRoot: null,
  at: '',
  ...asked,
  ...changes,
});
const proveInputs = (files: readonly Kept[], changes: Partial<ProveInputs> = {}): ProveInputs => ({
  files,
  bundleThere: null,
  show: { parts: false, body: 'none', ranges: '', nonce: false, time: false, request: false },
  showKey: false,
  ...asked,
  ...changes,
});

const bobFiles = () =>
  keep(
    ['a', utf8(encodeLinkedProofFile(linked.file))],
    ['b', linked.given.response as Bytes],
    ['c', utf8(JSON.stringify(linked.settings.demands))],
    ['d', linked.settings.intel.rootCrls[0] as Bytes],
  );
const linkedInputs = (files: readonly Kept[], changes: Partial<CheckInputs> = {}) =>
  checkInputs(files, {
    insecureRoot: { name: 'root.pem', bytes: utf8(linked.story.intel.rootsPem()) },
    at: formatTime(linked.settings.now),
    audience: linked.given.audience,
    ...changes,
  });

async function checked(inputs: CheckInputs, bench: Bench): Promise<Checked> {
  const asking = checkOf(inputs);
  if (!('job' in asking)) throw new Error(`missing ${asking.missing.join(', ')}`);
  return (await runJob(asking.job, bench)) as Checked;
}

describe('a file that is dropped', () => {
  test('is what its bytes say, whatever its name', () => {
    const roleOf = (bytes: Bytes) => recognise('proof.json', bytes).role;
    expect(roleOf(story.files.bundle)).toBe('bundle');
    expect(roleOf(story.files.response)).toBe('response');
    expect(roleOf(story.files.treeProof)).toBe('tree-proof');
    expect(roleOf(openProof())).toBe('open-proof');
    expect(bobFiles().map(({ role, fault }) => [role, fault])).toEqual([
      ['linked-proof', null],
      ['response', null],
      ['demands', null],
      ['lists', null],
    ]);
    expect(roleOf(utf8('{"version":1,"kind":"accepted","made":0'))).toBe('set');
    expect(roleOf(utf8(story.hierarchy.rootsPem()))).toBe('certificates');
    expect(roleOf(utf8('{"__proto__":{"circuit":1}}'))).toBe('other');
    expect(roleOf(utf8('['.repeat(100_000)))).toBe('other');
    expect(roleOf(new Uint8Array())).toBe('other');
  });

  test('that is meant to be a proof and is none says why, and is not used', () => {
    const cut = utf8('{"version":1,"circuit":"response-open","artifact":"00","proof":""}');
    const [file] = keep(['cut', cut]);
    expect(file?.role).toBe('open-proof');
    expect(file?.fault).toMatch(/proof file/);
    expect(fileOf([file as Kept], 'open-proof')).toBeNull();
  });

  test('takes the place of the one before it, of proofs whichever kind', () => {
    const files = keep(['one', openProof()], ['two', utf8(encodeLinkedProofFile(linked.file))]);
    expect(files.map(({ name }) => name)).toEqual(['two']);
  });
});

describe('Bob', () => {
  test('is told what he still has to give', () => {
    const none = { audience: '', nonce: 'xy', at: 'soon' };
    expect(checkOf(checkInputs([], none))).toEqual({
      missing: ['proof', 'audience', 'nonce-form', 'time-form'],
    });
    expect(checkOf(checkInputs(keep(['p', openProof()])))).toEqual({
      missing: ['bundle', 'response'],
    });
    expect(checkOf(linkedInputs(bobFiles().slice(0, 1)))).toEqual({
      missing: ['response', 'demands'],
    });
  });

  test('uses the evidence view’s bundle, its policy and its root where he gives none', () => {
    const file = (name: string) => ({ name, bytes: utf8(name) });
    const evidence = {
      files: [file('bundle')],
      source: { kind: 'files' } as const,
      policy: file('policy'),
      insecureRoot: file('root'),
      at: 5,
    };
    expect(givenOf([], evidence, { insecureRoot: null, at: null })).toEqual(evidence);
    const own = givenOf(keep(['own', story.files.bundle]), evidence, { insecureRoot: null, at: 9 });
    expect(own?.files.map(({ name }) => name)).toEqual(['own']);
    expect([own?.at, own?.insecureRoot?.name]).toEqual([9, 'root']);
  });

  test('gets the verdict of checkProof beside the bundle', async () => {
    const files = keep(
      ['proof', openProof()],
      ['bundle', story.files.bundle],
      ['response', story.files.response],
    );
    const inputs = checkInputs(files, {
      insecureRoot: { name: 'root', bytes: utf8(story.hierarchy.rootsPem()) },
      at: formatTime(fakeNow),
    });
    const stages: Stage[] = [];
    const { verdict, policy } = await checked(inputs, benchOf(stages));
    expect([verdict.decision, policy]).toEqual(['accepted', 'genuine']);
    expect(stages.map(({ name }) => name)).toEqual(['evidence', 'key', 'checking']);
    const refused = await checked(
      inputs,
      benchOf([], async () => false),
    );
    expect(refused.verdict.decision).toBe('invalid');
  });

  test('gets the verdict of checkLinkedProof, with the roots and lists that he gave', async () => {
    const bench = benchOf([], linked.tools.verify);
    const { verdict } = await checked(linkedInputs(bobFiles()), bench);
    expect(verdict.decision).toBe('accepted');
    const other = await checked(linkedInputs(bobFiles(), { audience: 'eve.example' }), bench);
    expect(other.verdict.checks.filter(({ status }) => status === 'fail')).toMatchObject([
      { id: 'link.response' },
    ]);
    const listless = await checked(linkedInputs(bobFiles().slice(0, 3)), bench);
    expect(listless.verdict.decision).toBe('undecided');
    const vendors = await checked(linkedInputs(bobFiles(), { insecureRoot: null }), bench);
    expect(vendors.verdict.decision).toBe('invalid');
  });

  test('has no verdict once no set of a kind counts', () => {
    const [set] = linked.settings.demands.accepted;
    const leftOut = new Set([`accepted ${set?.root}`]);
    expect(checkOf(linkedInputs(bobFiles(), { leftOut }))).toEqual({ missing: ['sets'] });
  });
});

describe('Alice', () => {
  const files = () =>
    keep(
      ['bundle', story.files.bundle],
      ['response', story.files.response],
      ['service', story.files.treeProof],
    );
  const refusal = async (inputs: ProveInputs) => {
    const asking = proveOf(inputs);
    if (!('job' in asking)) return asking.missing;
    const found = await precheck(asking.job, pins);
    return found.ready ? found.circuit : found.problem.code;
  };

  test('is told what is missing, and which circuit it takes', async () => {
    expect(await refusal(proveInputs([], { audience: '' }))).toEqual([
      'secret-or-bundle',
      'response',
      'tree-proof',
      'audience',
    ]);
    expect(await refusal(proveInputs(files()))).toBe('response-open');
    expect(await refusal(proveInputs(files(), { showKey: true }))).toBe('response-open-key');
  });

  test('is refused at once what would not verify', async () => {
    const other = keep(...files().map(({ name, bytes }) => [name, bytes] as const), [
      'service',
      story.treeProofOf('echo-cpp'),
    ]);
    expect(await refusal(proveInputs(other))).toBe('proof-false');
    const text = new TextDecoder().decode(story.files.response);
    const altered = utf8(text.replace('"time":', '"time":1'));
    const forged = keep(
      ['bundle', story.files.bundle],
      ['service', story.files.treeProof],
      ['response', altered],
    );
    expect(await refusal(proveInputs(forged))).toBe('signature-false');
  });
});
