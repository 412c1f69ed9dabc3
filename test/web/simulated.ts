/** Bundles of simulated machines as a reader would drop them, with one thing wrong or none. */
import { type BundleOptions, bundleScene, hierarchyOf } from '#test/verifier/scene.ts';
import { formatTime } from '#verifier/time.ts';
import { fileOf, type Simulated } from './agent-evidence.ts';

export async function simulatedBundle(options: BundleOptions = {}): Promise<Simulated> {
  const { evidence, now } = await bundleScene(options);
  const { rootsPem } = await hierarchyOf(options.product ?? 'Milan', options.overrides);
  if (evidence.form !== 'bundle') throw new TypeError('a scene of a bundle has one');
  return {
    bundle: fileOf('bundle.json', evidence.bytes),
    root: fileOf('root.pem', rootsPem()),
    at: formatTime(now),
  };
}
