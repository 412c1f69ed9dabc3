/** What a person reads of a verdict on linked proofs. */
import { beforeAll, describe, expect, test } from 'vitest';
import { linkedOutput } from '#verifier/cli/verdict-output.ts';
import { explainCheck, isCheckId } from '#verifier/words/explain.ts';
import { linkedScene, resultOf, type Scene, verdictIn } from './bob-scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await linkedScene();
});

const policy = { name: 'tests' };
const terminal = { columns: 100 };

describe('a verdict on linked proofs', () => {
  test('names the demands, and says what is proved and hidden', async () => {
    const verdict = await verdictIn(scene);
    const { stdout } = await linkedOutput({ verdict, policy }, {}, terminal);
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toMatch(/pass link\.machine a quote or report under the key of C_key/);
    expect(text).toMatch(/! Proved: a TDX machine/);
    expect(text).toMatch(/! Certified key: seen is that Intel’s PCK Platform CA certified it/);
    expect(text).toMatch(/! Hidden: the chip/);
    expect(text).toMatch(/! Not stated by the proof: devices, log, channel/);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('ACCEPTED under policy "tests"');
  });

  test('says what failed and what to do', async () => {
    const verdict = await verdictIn(scene, { demands: { services: ['echo-cpp'] } });
    const { stdout } = await linkedOutput({ verdict, policy }, {}, terminal);
    expect(stdout).toMatch(/FAIL {4}link\.service/);
    expect(stdout).toMatch(/Add the service to "services"/);
    expect(stdout).toMatch(/REJECTED by policy "tests": another service signed the response/);
    expect(stdout).not.toMatch(/Proved/);
  });

  test('is the same JSON as any other', async () => {
    const verdict = await verdictIn(scene);
    const { stdout } = await linkedOutput({ verdict, policy }, { format: 'json' }, terminal);
    expect(JSON.parse(stdout)).toEqual(verdict);
  });

  test('is a page of Markdown', async () => {
    const verdict = await verdictIn(scene, { intel: { rootCrls: [] } });
    const { stdout } = await linkedOutput({ verdict, policy }, { format: 'markdown' }, terminal);
    expect(stdout).toMatch(/\*\*UNDECIDED: link\.issuer-crl lacks the root's revocation list/);
  });

  test('has checks that can be explained', async () => {
    expect(isCheckId('link.machine')).toBe(true);
    const verdict = await verdictIn(scene, { file: (file) => ({ ...file, attestation: 5n }) });
    expect(resultOf('link.machine', verdict).status).toBe('fail');
    expect(explainCheck('link.machine', verdict)).toMatch(/found +FAIL/);
  });
});
