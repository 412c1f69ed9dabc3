/** The compiled circuits, by name. Nothing but an artefact of the pinned hash is handed out. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CircuitName, circuitNames } from './circuit-names.ts';
import { type CircuitPin, readPins } from './circuit-pins.ts';
import { circuitsFolder } from './circuit-sources.ts';
import { type Compiled, circuitFolder, circuitSourceHash, compileCircuit } from './compile.ts';
import { artifactHashOf } from './execute.ts';

export type Artifact = Compiled & { readonly name: CircuitName };

/** Told twice for an artefact that has to be compiled, never for one in the cache. */
export type BuildInfo = {
  readonly name: CircuitName;
  readonly state: 'started' | 'done';
  /** Since the start: 0 for `started`. */
  readonly milliseconds: number;
};

export type LoadOptions = {
  readonly onBuild?: (info: BuildInfo) => void;
  /** Where circuits/ lies; default: in this repository. */
  readonly root?: string;
};

/**
 * The circuit's artefact, from the cache or compiled (seconds) and then cached.
 * @throws Error when what the sources compile to is not what circuits/pins.json pins, or when they
 * do not compile
 */
export async function loadArtifact(
  name: CircuitName,
  options: LoadOptions = {},
): Promise<Artifact> {
  const pin = await circuitPin(name, options.root);
  const sourceHash = await circuitSourceHash(name, options.root);
  const cached = await readCache(cacheFile(name, sourceHash, options.root));
  if (cached?.artifactHash === pin.artifactHash) return { name, ...cached, sourceHash };
  const artifact = await buildArtifact(name, options);
  if (artifact.artifactHash !== pin.artifactHash) {
    throw new Error(
      `circuit ${name}: it compiles to ${artifact.artifactHash}, but circuits/pins.json pins ${pin.artifactHash}; restore circuits/ and run npm ci, or pin a change you made: npm run circuits -- --pin`,
    );
  }
  return artifact;
}

/** What is pinned of the circuit: its hashes, its size, the ceremony points a proof needs. */
export async function circuitPin(name: CircuitName, root?: string): Promise<CircuitPin> {
  return (await readPins(circuitNames, root))[name];
}

/** Compiles and caches, whatever is pinned: for the tool that pins. Else use `loadArtifact`. */
export async function buildArtifact(
  name: CircuitName,
  { onBuild, root }: LoadOptions = {},
): Promise<Artifact> {
  const start = performance.now();
  onBuild?.({ name, state: 'started', milliseconds: 0 });
  const artifact: Artifact = { name, ...(await compileCircuit(circuitFolder(name), root)) };
  onBuild?.({ name, state: 'done', milliseconds: Math.round(performance.now() - start) });
  await writeCache(cacheFile(name, artifact.sourceHash, root), artifact);
  return artifact;
}

function cacheFile(name: CircuitName, sourceHash: string, root = circuitsFolder): string {
  return join(root, 'target', `${name}-${sourceHash.slice(0, 16)}.json`);
}

/** @returns undefined when there is none, or a damaged one: then it is compiled again */
async function readCache(
  file: string,
): Promise<Pick<Artifact, 'bytecode' | 'abi' | 'artifactHash'> | undefined> {
  try {
    const { bytecode, abi }: Artifact = JSON.parse(await readFile(file, 'utf8'));
    // Computed here: the file's own word for its hash counts for nothing.
    return { bytecode, abi, artifactHash: artifactHashOf(bytecode) };
  } catch {
    return undefined;
  }
}

/** Written whole or not at all; a folder that cannot be written only costs the next compilation. */
async function writeCache(file: string, artifact: Artifact): Promise<void> {
  const aside = `${file}.${crypto.randomUUID()}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(aside, JSON.stringify(artifact));
    await rename(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM') throw error;
  }
}
