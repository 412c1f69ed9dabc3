/** `npm run pack [FOLDER]`: the verifier as an npm package, in FOLDER or here. Says where it is. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { importsOf, root } from './layers.ts';
import { compileVerifier, type Files } from './pack-compile.ts';

/** What a user imports → the source that it is. */
export const faces = {
  '.': 'verifier/index.ts',
  './node': 'verifier/cli/node-crypto.ts',
  './tokens': 'verifier/tokens/index.ts',
} as const;

type Manifest = {
  name: string;
  version: string;
  description: string;
  license: string;
  dependencies: Record<string, string>;
};

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** The command of the package. Compiled code is kept with the user's other files, where nobody else writes. */
const launcher = `#!/usr/bin/env node
import { homedir } from 'node:os';
import { join } from 'node:path';
import { userFolders } from './paths.js';

const { platform, env } = process;
const { cache } = userFolders({ platform, environment: env, home: homedir() });
process
  .getBuiltinModule('node:module')
  .enableCompileCache?.(env.NODE_COMPILE_CACHE ?? join(cache, 'compiled'));
await import('./main.js');
`;

/** Every file of the package. @throws Error when the sources do not compile, or need an undeclared package */
export function packageFiles(): Files {
  const files = compileVerifier(Object.values(faces));
  files.set('verifier/cli/affidavit.js', launcher);
  files.set('package.json', `${JSON.stringify(packageManifest(files), null, 2)}\n`);
  files.set('README.md', readFileSync(join(root, 'test/tools/pack-readme.md'), 'utf8'));
  files.set('LICENSE', readFileSync(join(root, 'LICENSE'), 'utf8'));
  return files;
}

function packageManifest(files: Files): Record<string, unknown> {
  const { name, version, description, license } = manifest;
  const built = (source: string, end: string) => `./${source.replace(/\.ts$/, end)}`;
  const entries = Object.entries(faces).map(([face, source]) => [
    face,
    { types: built(source, '.d.ts'), default: built(source, '.js') },
  ]);
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines: { node: '>=22' },
    bin: { affidavit: 'verifier/cli/affidavit.js' },
    exports: { ...Object.fromEntries(entries), './package.json': './package.json' },
    types: built(faces['.'], '.d.ts'),
    dependencies: dependenciesOf(files),
  };
}

/** The packages that the files import, in the versions that this repository pins. */
function dependenciesOf(files: Files): Record<string, string> {
  const found = new Set<string>();
  for (const [path, text] of files) {
    if (!/\.(js|d\.ts)$/.test(path)) continue;
    for (const { specifier } of importsOf(path, text)) {
      const [scope = '', name = ''] = specifier?.split('/') ?? [];
      if (specifier === undefined || /^(\.|node:)/.test(specifier)) continue;
      found.add(scope.startsWith('@') ? `${scope}/${name}` : scope);
    }
  }
  const versions = [...found].toSorted().map((name): [string, string] => {
    const version = manifest.dependencies[name];
    if (version === undefined) throw new Error(`the package needs ${name}, which is no dependency`);
    return [name, version];
  });
  return Object.fromEntries(versions);
}

/** Runs npm: the one that runs this, which is a script, so that Windows needs no shell. */
export function npm(args: readonly string[], cwd: string) {
  const cli = process.env['npm_execpath'] ?? '';
  const windows = process.platform === 'win32';
  const [program, first] =
    basename(cli) === 'npm-cli.js' ? [process.execPath, [cli]] : [windows ? 'npm.cmd' : 'npm', []];
  return spawnSync(program, [...first, ...args], {
    cwd,
    encoding: 'utf8',
    shell: windows && first.length === 0,
  });
}

/** @returns path of the tarball. @throws Error when npm does not make it */
export function pack(folder: string): string {
  const stage = mkdtempSync(join(tmpdir(), 'affidavit-pack-'));
  try {
    for (const [path, text] of packageFiles()) {
      const file = join(stage, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: path.endsWith('affidavit.js') ? 0o755 : 0o644 });
    }
    // For `serve --ui`, where it was built (`npm run pack` does).
    const page = join(root, 'web/dist');
    if (existsSync(page)) cpSync(page, join(stage, 'web/dist'), { recursive: true });
    const { status, stdout, stderr } = npm(['pack', '--json', '--loglevel=error'], stage);
    if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
    const name = /"filename": "([^"]+)"/.exec(stdout)?.[1];
    if (name === undefined) throw new Error(`npm pack named no file: ${stdout}`);
    mkdirSync(folder, { recursive: true });
    cpSync(join(stage, name), join(folder, name));
    return join(folder, name);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  process.stdout.write(`${pack(resolve(process.argv[2] ?? '.'))}\n`);
}
