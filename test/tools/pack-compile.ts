/**
 * The verifier as JavaScript and declarations that any resolver reads: each `#folder/file.ts` and `./file.ts` becomes a
 * relative path to a .js file. Agent and prover, which the command loads on demand, are left out: in their place stands a
 * module that says so.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import ts from 'typescript';
import { importsOf, root } from './layers.ts';

/** Path below the package's folder, with forward slashes → text. */
export type Files = Map<string, string>;

/** Of other folders, what the command itself needs: each imports the verifier's kernel alone (test/layering.test.ts). */
const carried: readonly string[] = ['agent/key-pair.ts'];

/**
 * JavaScript of the whole verifier, declarations of what its faces show.
 * @param faces the files that a user imports, as paths below the root
 * @throws Error with TypeScript's own words when the faces do not compile
 */
export function compileVerifier(faces: readonly string[]): Files {
  const options = buildOptions();
  const emitted: Files = declarationsOf(faces, options);
  // Without a package.json in sight, nodenext would be CommonJS.
  const transpiling = { ...options, module: ts.ModuleKind.ESNext };
  for (const file of [...globSync('verifier/**/*.ts', { cwd: root }), ...carried]) {
    const path = file.replaceAll(sep, '/');
    const text = readFileSync(join(root, path), 'utf8');
    const { outputText } = ts.transpileModule(rewritten(path, text), {
      compilerOptions: transpiling,
      fileName: path,
    });
    emitted.set(built(path), outputText);
    for (const { specifier = '', dynamic } of importsOf(path, text)) {
      if (!/^#(agent|prover)\//.test(specifier) || carried.includes(specifier.slice(1))) continue;
      if (!dynamic) throw new Error(`${path} needs ${specifier}, which the package leaves out`);
      emitted.set(built(specifier.slice(1)), standIn(specifier.slice(1)));
    }
  }
  return emitted;
}

function buildOptions(): ts.CompilerOptions {
  const file = join(root, 'tsconfig.build.json');
  const { config } = ts.readConfigFile(file, ts.sys.readFile) as { config: unknown };
  return { ...ts.parseJsonConfigFileContent(config, ts.sys, root).options, outDir: root };
}

function declarationsOf(faces: readonly string[], options: ts.CompilerOptions): Files {
  const emitted: Files = new Map();
  const settings = { ...options, emitDeclarationOnly: true };
  const host = ts.createCompilerHost(settings);
  const read = host.readFile.bind(host);
  const given = (file: string): string | undefined => {
    const path = pathOf(file);
    const text = read(file);
    return text !== undefined && path.startsWith('verifier/') ? rewritten(path, text) : text;
  };
  host.readFile = given;
  host.getSourceFile = (file, language) => {
    const text = given(file);
    return text === undefined ? undefined : ts.createSourceFile(file, text, language);
  };
  host.writeFile = (file, text) => {
    emitted.set(pathOf(file), text);
  };
  const program = ts.createProgram(
    faces.map((face) => join(root, face)),
    settings,
    host,
  );
  const { diagnostics } = program.emit();
  const wrong = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (wrong.length === 0) return emitted;
  throw new Error(
    ts.formatDiagnostics(wrong, {
      getCanonicalFileName: (path) => path,
      getCurrentDirectory: () => root,
      getNewLine: () => '\n',
    }),
  );
}

const built = (path: string): string => path.replace(/\.ts$/, '.js');

function pathOf(path: string): string {
  return relative(root, path).replaceAll(sep, '/');
}

/** The text with every name of another source of this repository as a relative path to a .js file. */
function rewritten(path: string, text: string): string {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const edits: { start: number; end: number; to: string }[] = [];
  const visit = (node: ts.Node): void => {
    const to = ts.isStringLiteralLike(node) ? target(path, node.text) : undefined;
    if (to !== undefined)
      edits.push({ start: node.getStart(source), end: node.end, to: `'${to}'` });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edits
    .toReversed()
    .reduce((done, { start, end, to }) => done.slice(0, start) + to + done.slice(end), text);
}

/** Undefined for a text that names no source: whether there is such a file decides. */
function target(from: string, named: string): string | undefined {
  if (!/^[#.].*\.[jt]s$/.test(named)) return undefined;
  const path = named.startsWith('#') ? named.slice(1) : posix.join(posix.dirname(from), named);
  if (!existsSync(join(root, path))) return undefined;
  const short = posix.relative(posix.dirname(from), path.replace(/\.ts$/, '.js'));
  return short.startsWith('.') ? short : `./${short}`;
}

/** What stands where agent or prover would be loaded: loading it is refused, as wrong usage of this package. */
function standIn(path: string): string {
  const error = posix.relative(posix.dirname(path), 'verifier/cli/cli-error.js');
  return `import { usageError } from '${error}';
throw usageError(
  'this package holds the verifier alone, without agent and prover',
  'Use a checkout of the repository.',
);
`;
}
