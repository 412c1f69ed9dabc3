/**
 * Circuits and verification keys in the build. A circuit is compiled in seconds and a key takes points of the ceremony, so a build
 * takes what this machine has already, and with AFFIDAVIT_WEB_CIRCUITS=all makes the rest; what it lacks it says, and so does the page.
 */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import type { Plugin } from 'vite';
import { circuitPin, loadArtifact } from '#prover/artifact.ts';
import { cacheFolder } from '#prover/cache.ts';
import { type CircuitName, circuitNames } from '#prover/circuit-names.ts';
import { ProverError } from '#prover/errors.ts';
import type { Executable } from '#prover/execute.ts';
import { cachedKey } from '#prover/keys.ts';
import { createProgress } from '#prover/progress.ts';
import { openWorkshop } from '#prover/workshop.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { type CircuitsCopy, circuitsFolder } from './proofs/copy.ts';

export type CircuitFiles = {
  readonly pins: CircuitsCopy['pins'];
  readonly artifacts: ReadonlyMap<CircuitName, Executable>;
  readonly keys: ReadonlyMap<CircuitName, Bytes>;
};

/** @param all whether to compile, and to derive keys where the points are to be had, as `affidavit prove` does */
export async function circuitsHere(all: boolean): Promise<CircuitFiles> {
  const artifacts = new Map<CircuitName, Executable>();
  const keys = new Map<CircuitName, Bytes>();
  const pins: Partial<Record<CircuitName, CircuitsCopy['pins'][CircuitName]>> = {};
  for (const name of circuitNames) {
    const { artifactHash, points } = await circuitPin(name);
    pins[name] = { artifactHash, points };
    const artifact = all ? await loadArtifact(name) : await compiledBefore(name);
    if (artifact !== null) artifacts.set(name, artifact);
    const key = all ? await derivedKey(name) : await cachedKey({ artifactHash }, userCache());
    if (key !== null) keys.set(name, key);
  }
  return { pins: pins as CircuitsCopy['pins'], artifacts, keys };
}

/** The files beside the page, and in its code which they are. */
export function circuitsPlugin(
  load: () => Promise<CircuitFiles> = () =>
    circuitsHere(process.env['AFFIDAVIT_WEB_CIRCUITS'] === 'all'),
): Plugin {
  let files: CircuitFiles;
  return {
    name: 'circuits',
    async config() {
      files = await load();
      return { define: { CIRCUITS_OF_THIS_COPY: JSON.stringify(copyOf(files)) } };
    },
    buildStart() {
      const lacking = lackingText(files);
      if (lacking !== null) this.info(lacking);
    },
    generateBundle() {
      for (const [name, { bytecode, abi }] of files.artifacts) {
        const source = JSON.stringify({ bytecode, abi });
        this.emitFile({ type: 'asset', fileName: `${circuitsFolder}/${name}.json`, source });
      }
      for (const [name, source] of files.keys) {
        this.emitFile({ type: 'asset', fileName: `${circuitsFolder}/${name}.vk`, source });
      }
    },
  };
}

export function copyOf({ pins, artifacts, keys }: CircuitFiles): CircuitsCopy {
  const hashes = [...keys].map(([name, key]) => [
    name,
    createHash('sha256').update(key).digest('hex'),
  ]);
  return { pins, artifacts: [...artifacts.keys()], keys: Object.fromEntries(hashes) };
}

/** Null when nothing is lacking. */
export function lackingText({ artifacts, keys }: Omit<CircuitFiles, 'pins'>): string | null {
  const missing = (have: ReadonlyMap<CircuitName, unknown>) =>
    circuitNames.filter((name) => !have.has(name));
  const [circuits, ofKeys] = [missing(artifacts), missing(keys)];
  if (circuits.length + ofKeys.length === 0) return null;
  const parts = [
    ...(circuits.length === 0 ? [] : [`circuits ${circuits.join(', ')}`]),
    ...(ofKeys.length === 0 ? [] : [`verification keys of ${ofKeys.join(', ')}`]),
  ];
  return `this copy comes without ${parts.join('; ')} (AFFIDAVIT_WEB_CIRCUITS=all makes them; keys take the ceremony's points)`;
}

function userCache(): string {
  return cacheFolder(process.env, homedir());
}

const notCompiled = Symbol('not compiled');

/** Null where it would have to be compiled first. */
async function compiledBefore(name: CircuitName): Promise<Executable | null> {
  try {
    return await loadArtifact(name, {
      onBuild() {
        throw notCompiled;
      },
    });
  } catch (error) {
    if (error === notCompiled) return null;
    throw error;
  }
}

/** Null where the points are not to be had. */
async function derivedKey(name: CircuitName): Promise<Bytes | null> {
  const progress = createProgress(process.stderr, () => performance.now());
  try {
    return await openWorkshop({}, progress).key(name);
  } catch (error) {
    if (error instanceof ProverError) return null;
    throw error;
  }
}
