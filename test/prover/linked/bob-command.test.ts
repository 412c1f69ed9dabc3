/** `affidavit check --demands` as a command: files in, a verdict or one line out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { circuitPin } from '#prover/artifact.ts';
import { type CheckLinkedOptions, checkLinked } from '#prover/check-linked-command.ts';
import { linkedCircuitNames } from '#prover/circuit-names.ts';
import { encodeLinkedProofFile } from '#prover/linked/proof-file.ts';
import { proofLength } from '#prover/proof-file.ts';
import { type LinkedStory, tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { toHex } from '#verifier/bytes.ts';
import { checkOf } from '#verifier/cli/check-linked-options.ts';
import { CliError, exitCodes } from '#verifier/cli/cli-error.ts';
import { formatTime } from '#verifier/time.ts';
import {
  audience,
  demandsFor,
  fileOf,
  nonce,
  now,
  type Proofs,
  proofIn,
  resultOf,
  withStatus,
} from './bob-scene.ts';
import { type SnpScene, snpScene } from './bob-scene-snp.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-check-linked-'));
const before = { cache: process.env['XDG_CACHE_HOME'], crs: process.env['CRS_PATH'] };
let story: LinkedStory;
let snp: SnpScene;
const proofs: Proofs = {};
let options: CheckLinkedOptions;

function file(name: string, content: string | Bytes): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

beforeAll(async () => {
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  delete process.env['CRS_PATH'];
  story = await tellLinkedStory();
  snp = await snpScene();
  for (const name of linkedCircuitNames) {
    const artifact = (await circuitPin(name)).artifactHash;
    proofs[name] = { artifact, proof: new Uint8Array(proofLength) };
  }
  const made = fileOf(story, { key: 'pck', response: 'hash' }, proofs);
  options = {
    proof: file('proof.json', encodeLinkedProofFile(made)),
    demands: file('demands.json', JSON.stringify(demandsFor(story))),
    response: file('response.json', encodeResponse(story.response)),
    audience,
    nonce: toHex(nonce),
    rootCaCrl: file('root.crl', story.intel.rootCrl.der),
    insecureRoot: file('root.pem', story.intel.rootsPem()),
    at: formatTime(now),
    // No points for circuits of this size are there: nothing is downloaded.
    crs: folder,
    offline: true,
    backend: 'native',
  };
});

afterAll(() => {
  if (before.cache === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before.cache;
  if (before.crs !== undefined) process.env['CRS_PATH'] = before.crs;
  rmSync(folder, { recursive: true });
});

async function codeOf(run: () => Promise<unknown>): Promise<[number, string]> {
  try {
    await run();
  } catch (error) {
    if (error instanceof CliError) return [error.exitCode, error.code];
    throw error;
  }
  return [0, 'a verdict'];
}

describe('check --demands', () => {
  test('judges all that needs no points, and names those that are missing', async () => {
    const { verdict, policy } = await checkLinked(options);
    expect(policy.name).toBe('tests');
    expect(verdict.at).toBe(now);
    expect(exitCodes[verdict.decision]).toBe(30);
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(withStatus('skip', verdict)).toEqual([
      'link.verification-keys',
      'link.key',
      'link.machine',
      'link.response',
    ]);
    expect(resultOf('link.verification-keys', verdict).reason).toMatch(/points of the ceremony/);
  });

  test('holds the CA to Intel’s root unless another is handed over', async () => {
    const { insecureRoot: _, ...genuine } = options;
    const { verdict } = await checkLinked(genuine);
    expect(withStatus('fail', verdict)).toEqual(['link.issuer', 'link.issuer-crl']);
    expect(exitCodes[verdict.decision]).toBe(20);
  });

  test('takes the lists of a certificate that is shown', async () => {
    const made = fileOf(story, { key: 'shown', response: 'hash' }, proofs);
    const proof = file('shown.json', encodeLinkedProofFile(made));
    const pckCrl = file('pck.crl', story.intel.pckCrl.der);
    const { verdict } = await checkLinked({ ...options, proof, pckCrl });
    expect(withStatus('fail', verdict)).toEqual([]);
    const lacking = ['link.verification-keys', 'link.machine', 'link.response'];
    expect(withStatus('skip', verdict)).toEqual(lacking);
    const without = await checkLinked({ ...options, proof });
    expect(withStatus('skip', without.verdict)).toEqual([
      lacking[0],
      'link.certificate-crl',
      ...lacking.slice(1),
    ]);
  });

  test('holds a machine of AMD to the ARK and its list', async () => {
    const changes = await ofAmd();
    const { verdict } = await checkLinked({ ...options, ...changes });
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(resultOf('link.issuer', verdict).status).toBe('pass');
    expect(resultOf('link.issuer-crl', verdict).status).toBe('pass');
    const { insecureRoot: _, ...genuine } = { ...options, ...changes };
    const refused = await checkLinked(genuine);
    expect(withStatus('fail', refused.verdict)).toEqual(['link.issuer']);
    const { crl: __, ...lacking } = { ...options, ...changes };
    const undecided = await checkLinked(lacking);
    expect(resultOf('link.issuer-crl', undecided.verdict).reason).toMatch(/--crl/);
  });

  test('a root that is handed over stands in for its own vendor’s alone', async () => {
    const { insecureRoot } = await ofAmd();
    const { verdict } = await checkLinked({ ...options, insecureRoot });
    expect(withStatus('fail', verdict)).toEqual(['link.issuer']);
    const both = file('roots.pem', story.intel.rootsPem() + snp.hierarchy.rootsPem());
    expect(
      withStatus('fail', (await checkLinked({ ...options, insecureRoot: both })).verdict),
    ).toEqual([]);
    const twice = file('twice.pem', story.intel.rootsPem() + story.intel.rootsPem());
    expect(await codeOf(() => checkLinked({ ...options, insecureRoot: twice }))).toEqual([
      2,
      'usage',
    ]);
  });

  test('a proof file that is none is invalid', async () => {
    const proof = file('page.json', '<html>');
    const { verdict } = await checkLinked({ ...options, proof });
    expect(exitCodes[verdict.decision]).toBe(20);
  });

  test.each([
    ['demands that cannot be read', { demands: () => file('d.json', '{}') }, [2, 'json-shape']],
    ['demands that are not there', { demands: () => join(folder, 'no') }, [2, 'file-unreadable']],
    ['an empty audience', { audience: () => '' }, [2, 'usage']],
    ['a short nonce', { nonce: () => 'ab' }, [2, 'hex-malformed']],
    ['a time without its zone', { at: () => '2026-01-01' }, [2, 'usage']],
    ['a list that is none', { rootCaCrl: () => file('x', 'rubbish') }, [20, 'der-malformed']],
    ['a root that is a CA', { insecureRoot: () => caFile() }, [2, 'certificate-profile']],
  ] as [string, Record<string, () => string>, [number, string]][])(
    'ends with one line for %s',
    async (_, changes, ending) => {
      const changed = Object.entries(changes).map(([name, value]) => [name, value()]);
      const given = { ...options, ...Object.fromEntries(changed) };
      expect(await codeOf(() => checkLinked(given))).toEqual(ending);
    },
  );
});

/** The options of a machine of AMD. */
async function ofAmd() {
  const { file: made, hierarchy, settings } = snp;
  const { key, machine, response } = made;
  if (key.kind !== 'vek' || response.kind !== 'hash') throw new Error('a certified key');
  const proved = {
    ...made,
    key: { ...key, proof: proofIn(proofs, 'snp-vek') },
    machine: { ...machine, proof: proofIn(proofs, 'snp-report') },
    response: { ...response, proof: proofIn(proofs, 'response') },
  };
  return {
    proof: file('amd.json', encodeLinkedProofFile(proved)),
    demands: file('amd-demands.json', JSON.stringify(settings.demands)),
    insecureRoot: file('ark.pem', hierarchy.rootsPem()),
    crl: file('ark.crl', hierarchy.crl.der),
  };
}

function caFile(): string {
  return file('ca.pem', story.intel.pckCa.pem);
}

describe('which kind of proof is meant', () => {
  const open = { bundle: 'b', response: 'r' };

  test.each([
    ['demands', { demands: 'd' }, 'linked'],
    ['demands and lists', { demands: 'd', crl: 'c', pckCrl: 'p', rootCaCrl: 'r' }, 'linked'],
    ['demands and a response', { demands: 'd', response: 'r' }, 'linked'],
    ['a bundle and a response', open, 'open'],
  ])('%s', (_, found, expected) => {
    expect(checkOf(found)).toEqual({ kind: expected, found });
  });

  test.each([
    ['neither', {}, /needs --bundle and --response/],
    ['a bundle alone', { bundle: 'b' }, /needs --bundle and --response/],
    ['both', { ...open, demands: 'd' }, /--bundle means nothing beside --demands/],
    ['a policy', { demands: 'd', policy: 'p' }, /--policy means nothing/],
    ['a chain', { demands: 'd', chain: 'p' }, /--chain means nothing/],
    ['a token', { demands: 'd', format: 'ear' }, /about evidence/],
  ])('is not clear from %s', (_, found, message) => {
    expect(() => checkOf(found)).toThrow(message);
  });
});
