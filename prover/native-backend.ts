/** Barretenberg as a process of its own, several times as fast as in WebAssembly. */
import { BackendType, Barretenberg } from '@aztec/bb.js';
import { findBbBinary } from '@aztec/bb.js/platform';
import {
  type Backend,
  type BackendPoints,
  failed,
  openWasm,
  started,
  toBackend,
} from './backend.ts';
import type { BackendKind } from './costs.ts';
import { pointsFolder } from './crs.ts';

/** Native where there is a binary for this machine. */
export function defaultBackend(): BackendKind {
  return findBbBinary() === null ? 'wasm' : 'native';
}

/**
 * @param points what the backend may use; verifying alone needs two of them and G2
 * @param cache where the native backend's copy of them is kept
 * @throws ProverError `backend-failed`
 */
export async function openBackend(
  kind: BackendKind,
  points: BackendPoints,
  cache: string,
): Promise<Backend> {
  return kind === 'native' ? openNative(points, cache) : openWasm(points);
}

async function openNative(points: BackendPoints, cache: string): Promise<Backend> {
  if (findBbBinary() === null) {
    throw failed('there is no native backend for this machine');
  }
  const { folder, release } = await pointsFolder(points, cache);
  // Barretenberg hands this environment to the process that it starts before it awaits anything.
  const before = process.env['CRS_PATH'];
  process.env['CRS_PATH'] = folder;
  const starting = Barretenberg.new({ backend: BackendType.NativeUnixSocket });
  if (before === undefined) delete process.env['CRS_PATH'];
  else process.env['CRS_PATH'] = before;
  const answering = starting.then(async (api) => {
    // Until it has answered once it cannot be closed, and whether it starts at all is not known.
    await api.blake2s({ data: new Uint8Array() });
    return api;
  });
  return toBackend('native', await started(answering), release);
}

/** Downloads with bb.js, which unpacks the points in its wasm build. */
export async function downloadWithBarretenberg(count: number, folder: string): Promise<void> {
  const api = await Barretenberg.new({
    backend: BackendType.Wasm,
    threads: 1,
    crsPath: folder,
    srsSize: count,
  });
  await api.destroy();
}
