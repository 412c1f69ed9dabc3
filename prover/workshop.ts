/**
 * What `prove` and `check` share: the machine's folders, the backend, the ceremony's points and the
 * keys.
 */
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Bytes } from '#verifier/bytes.ts';
import { type Artifact, circuitPin, loadArtifact } from './artifact.ts';
import type { Backend } from './backend.ts';
import { cacheFolder } from './cache.ts';
import type { CircuitName } from './circuit-names.ts';
import type { BackendKind } from './costs.ts';
import { type CrsOptions, findPoints, type Points } from './crs.ts';
import { cachedKey, deriveKey } from './keys.ts';
import { defaultBackend, downloadWithBarretenberg, openBackend } from './native-backend.ts';
import type { Progress } from './progress.ts';

export type WorkshopOptions = {
  crs?: string | undefined;
  backend?: BackendKind | undefined;
  offline?: boolean | undefined;
};

export type Workshop = {
  readonly kind: BackendKind;
  readonly cache: string;
  artifact(circuit: CircuitName): Promise<Artifact>;
  /** As many as the circuit needs. @throws ProverError */
  points(circuit: CircuitName): Promise<Points>;
  open(points: Pick<Points, 'g1' | 'g2'>): Promise<Backend>;
  /** From the cache, or derived with a backend on the circuit's own points. @throws ProverError */
  key(circuit: CircuitName): Promise<Bytes>;
};

export function openWorkshop(options: WorkshopOptions, progress: Progress): Workshop {
  const home = homedir();
  const cache = cacheFolder(process.env, home);
  const kind = options.backend ?? defaultBackend();
  const crs: CrsOptions = {
    given: options.crs,
    environment: process.env,
    workingFolder: process.cwd(),
    checkout: fileURLToPath(new URL('../', import.meta.url)),
    home,
    cache,
    offline: options.offline ?? false,
    download: downloadWithBarretenberg,
    note: progress.note,
  };
  const workshop: Workshop = {
    kind,
    cache,
    artifact: (circuit) =>
      loadArtifact(circuit, {
        onBuild({ name, state, milliseconds }) {
          progress.note(
            state === 'started'
              ? `circuit ${name} is not built yet: compiling it takes about 10 s`
              : `circuit ${name} built in ${(milliseconds / 1000).toFixed(1)} s`,
          );
        },
      }),
    async points(circuit) {
      return findPoints({ circuit, count: (await circuitPin(circuit)).points }, crs);
    },
    open: (points) => openBackend(kind, points, cache),
    async key(circuit) {
      const pin = await circuitPin(circuit);
      const cached = await cachedKey(pin, cache);
      if (cached !== null) return cached;
      const points = await workshop.points(circuit);
      const artifact = await workshop.artifact(circuit);
      return progress.stage('deriving the key', null, async () => {
        const backend = await workshop.open(points);
        try {
          return await deriveKey(artifact, points.count, backend, cache);
        } finally {
          await backend.close();
        }
      });
    },
  };
  return workshop;
}
