/**
 * A page, in a headless Chromium, with the ceremony's genuine points: Alice proves there about a response, Bob checks all three
 * proofs there. The circuits are of test size, for the shipped ones take more points than tests have.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LinkedCircuitName, linkedCircuitNames } from '#prover/circuit-names.ts';
import { encodeLinkedProofFile } from '#prover/linked/proof-file.ts';
import { responseInputs } from '#prover/linked/public-inputs.ts';
import { proofLength } from '#prover/proof-file.ts';
import { tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { findChromium, inChromium } from '#test/tools/chromium.ts';
import { bundlePage } from '#test/tools/page-bundle.ts';
import { type PageServer, servePage } from '#test/tools/page-server.ts';
import { fromUtf8, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { openWorkbench, type Workbench } from '../linked/bob-real.ts';
import { fileOf, sceneOf } from '../linked/bob-scene.ts';
import { genuineG1, hasPoints, pointsMissing } from '../points.ts';
import type { Asked, PageFunctions, Sent, SentScene } from './page.ts';

const chromium = findChromium();
const missing = hasPoints
  ? chromium === undefined && 'there is no chromium here (apt-get install chromium)'
  : pointsMissing;

describe.skipIf(missing !== false)(`a page${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let bench: Workbench;
  let files: Map<string, Uint8Array>;
  let pins: Sent['pins'];
  let asked: Asked;
  let scene: SentScene;
  const keys: Sent['keys'] = {};

  beforeAll(async () => {
    bench = await openWorkbench();
    const story = await tellLinkedStory();
    const proofs = {
      'tdx-pck': await bench.prove(story, 'tdx-pck'),
      'tdx-quote': await bench.prove(story, 'tdx-quote'),
    };
    const pinOf = async (name: LinkedCircuitName) => ({
      artifactHash: await bench.tools.artifactHash(name),
      points: 32_769,
    });
    const all = linkedCircuitNames.map(async (name) => [name, await pinOf(name)] as const);
    pins = Object.fromEntries(await Promise.all(all)) as Sent['pins'];
    for (const name of ['tdx-pck', 'tdx-quote'] as const) {
      keys[name] = toBase64(await bench.tools.key(name));
    }
    const blank = {
      artifact: await bench.tools.artifactHash('response'),
      proof: new Uint8Array(proofLength),
    };
    const file = fileOf(story, { key: 'pck', response: 'hash' }, { ...proofs, response: blank });
    const { given, settings } = sceneOf(story, file, bench.tools);
    scene = {
      proof: encodeLinkedProofFile(file),
      response: fromUtf8(given.response ?? new Uint8Array(), 'response'),
      demands: JSON.stringify(settings.demands),
      audience: given.audience,
      nonce: toHex(given.nonce),
      now: settings.now,
      root: toBase64(settings.intel.root?.spki ?? new Uint8Array()),
      rootCrls: settings.intel.rootCrls.map(toBase64),
    };
    asked = {
      circuit: 'response',
      inputs: story.testInputs.linked_response,
      publicInputs: responseInputs(story.statements.response).map(toHex),
    };
    const { bytecode, abi } = bench.compiled('response');
    files = new Map(await bundlePage(fileURLToPath(new URL('page.ts', import.meta.url))));
    files.set('response.json', utf8(JSON.stringify({ bytecode, abi })));
    files.set('bn254_g1.dat', genuineG1());
  }, 600_000);

  afterAll(async () => bench?.close());

  async function inPage(expression: string, options: { isolated?: boolean } = {}) {
    const server: PageServer = await servePage(files, options.isolated);
    try {
      return await inChromium(chromium as string, '', expression, server.address);
    } finally {
      await server.close();
    }
  }

  const call = <N extends keyof PageFunctions>(name: N, ...args: Parameters<PageFunctions[N]>) =>
    `page.${name}(${args.map((one) => JSON.stringify(one)).join(', ')})`;
  const open = (changes: Partial<Sent> = {}) =>
    call('open', { pins, keys, threads: null, ...changes });

  test.for([
    { title: 'with threads', isolated: true },
    { title: 'with one thread, where memory cannot be shared', isolated: false },
  ])('proves and checks: $title', { timeout: 300_000 }, async ({ isolated }) => {
    const other = { ...scene, nonce: 'b1'.repeat(32) };
    const found = await inPage(
      `(async () => {
        await ${open()};
        const proof = await ${call('prove', asked)};
        const whole = page.withResponseProof(${JSON.stringify(scene.proof)}, proof);
        const check = (scene, proof) => page.check({ ...scene, proof });
        const scene = ${JSON.stringify(scene)};
        return {
          isolated: crossOriginIsolated,
          accepted: await check(scene, whole),
          unproved: await check(scene, scene.proof),
          replayed: await check(${JSON.stringify(other)}, whole),
          stranger: await check({ ...scene, audience: 'eve.example' }, whole),
        };
      })()`,
      { isolated },
    );
    expect(found).toEqual({
      isolated,
      accepted: { decision: 'accepted', failed: [] },
      unproved: { decision: 'invalid', failed: ['link.response'] },
      replayed: { decision: 'invalid', failed: ['link.response'] },
      stranger: { decision: 'invalid', failed: ['link.response'] },
    });
  });

  test('refuses another circuit than its release pins', { timeout: 120_000 }, async () => {
    const others = {
      ...pins,
      response: { artifactHash: pins['tdx-quote'].artifactHash, points: 32_769 },
    };
    const expression = `${open({ pins: others })}.then(() => ${call('prove', asked)})`;
    expect(await inPage(expression)).toBe('artifact-wrong');
  });

  test('refuses points of another making', { timeout: 120_000 }, async () => {
    const genuine = files.get('bn254_g1.dat') as Uint8Array;
    const changed = genuine.slice();
    changed.set(genuine.subarray(64 * 9, 64 * 10), 64 * 8);
    try {
      for (const wrong of [changed, genuine.subarray(0, -64)]) {
        files.set('bn254_g1.dat', wrong);
        const expression = `${open()}.then(() => ${call('prove', asked)})`;
        expect(await inPage(expression)).toBe('points-wrong');
      }
    } finally {
      files.set('bn254_g1.dat', genuine);
    }
  });
});
