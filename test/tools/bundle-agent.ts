/** `npm run bundle-agent -- FILE`: the production agent as one file for an image, `node FILE run --config agent.json`. */
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Packages of the older module system ask for their parts by `require`. */
const banner = `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`;

export const agentBundle = {
  entryPoints: ['agent/main.ts'],
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  banner: { js: banner },
  metafile: true,
  logLevel: 'silent',
} as const satisfies BuildOptions;

export async function bundleAgent(file: string, entry = 'agent/main.ts'): Promise<Metafile> {
  // Only the entry is a program; what it imports is none, though the bundle makes one module of them all.
  const { metafile } = await build({ ...agentBundle, entryPoints: [entry], outfile: file });
  return metafile;
}

if (import.meta.main) {
  const [file, entry] = process.argv.slice(2);
  if (file === undefined) {
    console.error('bundle-agent: give the file to write: npm run bundle-agent -- agent.mjs');
    process.exitCode = 2;
  } else {
    const { outputs } = await bundleAgent(file, entry);
    const bytes = Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
    console.log(`${file}: ${bytes} bytes`);
  }
}
