/**
 * Reads the imports of source files and judges them by a table of layers (test/layering.test.ts
 * holds it).
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, matchesGlob, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Manifest {
  readonly imports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface Row {
  readonly layer: string;
  readonly files: string[];
  readonly mayImport: string[];
  readonly packages: string[];
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/**
 * One row a line: layer | globs of files | layers | npm packages and `node:`. The first line is the
 * heading.
 */
export function parseTable(text: string): readonly Row[] {
  const rows: Row[] = [];
  for (const line of text.trim().split('\n').slice(1)) {
    const [layer, files, mayImport, packages, ...more] = line.split('|').map(words);
    if (!layer || !files || !mayImport || !packages || more.length > 0) {
      throw new TypeError(`not a row of four columns: ${line}`);
    }
    const above = rows.at(-1);
    if (layer.length === 0 && above !== undefined) {
      above.files.push(...files);
      above.mayImport.push(...mayImport);
      above.packages.push(...packages);
    } else rows.push({ layer: layer.join(' '), files, mayImport, packages });
  }
  const known = new Set(['*', ...rows.map(({ layer }) => layer)]);
  for (const { layer, mayImport } of rows) {
    const wrong = mayImport.find((name) => !known.has(name.replace(/^\((.*)\)$/, '$1')));
    if (wrong !== undefined) throw new TypeError(`${layer} names the unknown layer ${wrong}`);
  }
  return rows;
}

interface Import {
  readonly line: number;
  /** undefined when it is computed */
  readonly specifier: string | undefined;
  readonly dynamic: boolean;
}

/**
 * Static, type-only, dynamic, re-exported, `import('x').T` in a type, and require; comments and
 * strings are not.
 */
export function importsOf(path: string, text: string): readonly Import[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const found: Import[] = [];
  const add = (node: ts.Node, target: ts.Node | undefined, dynamic: boolean): void => {
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    const literal = target !== undefined && ts.isStringLiteralLike(target);
    found.push({ line, specifier: literal ? target.text : undefined, dynamic });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, false);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node, node.moduleSpecifier, false);
    } else if (ts.isImportTypeNode(node)) {
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, false);
    } else if (ts.isExternalModuleReference(node)) add(node, node.expression, false);
    else if (ts.isCallExpression(node)) {
      const callee = node.expression;
      if (callee.kind === ts.SyntaxKind.ImportKeyword) add(node, node.arguments[0], true);
      else if (/^(?:require|process\.getBuiltinModule)$/.test(callee.getText(source))) {
        add(node, node.arguments[0], false);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** @returns the path from the root, or undefined for the name of a package */
function resolve(specifier: string, from: string, imports: Manifest['imports']) {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  for (const [pattern, target] of Object.entries(imports)) {
    const [before = '', after = ''] = pattern.split('*');
    if (specifier.startsWith(before) && specifier.endsWith(after)) {
      const middle = specifier.slice(before.length, specifier.length - after.length);
      return posix.join(target.replace('*', middle));
    }
  }
  return undefined;
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

export interface Tree {
  /** Source text by path from the root. */
  readonly files: ReadonlyMap<string, string>;
  readonly exists: (path: string) => boolean;
  readonly manifest: Manifest;
}

/** Every edge that the table does not allow, as `file:line: what is wrong`. */
export function violations(table: readonly Row[], tree: Tree): readonly string[] {
  const rows = new Map<string, Row | undefined>();
  // A file is imported many times, and globs are slow.
  const rowOf = (path: string) => {
    if (!rows.has(path)) {
      rows.set(
        path,
        table.find(({ files }) => files.some((glob) => matchesGlob(path, glob))),
      );
    }
    return rows.get(path);
  };

  const judgePackage = (specifier: string, row: Row): string | undefined => {
    const all = row.packages.includes('*');
    if (isBuiltin(specifier)) {
      if (!specifier.startsWith('node:')) return `write node:${specifier}`;
      return all || row.packages.includes('node:') ? undefined : `no node: module in ${row.layer}`;
    }
    const name = packageOf(specifier);
    const { dependencies, devDependencies } = tree.manifest;
    if (!Object.hasOwn(all ? { ...dependencies, ...devDependencies } : dependencies, name)) {
      return `${name} is not among the ${all ? '' : 'production '}dependencies of package.json`;
    }
    if (all || row.packages.includes(name)) return undefined;
    return `${row.layer} may not use the package ${name}`;
  };

  const judge = (path: string, row: Row, { specifier, dynamic }: Import): string | undefined => {
    const anything = row.mayImport.includes('*');
    if (specifier === undefined) return anything ? undefined : 'the target is computed';
    const target = resolve(specifier, path, tree.manifest.imports);
    if (target === undefined) return judgePackage(specifier, row);
    const sameTop = target.split('/')[0] === path.split('/')[0];
    if (specifier.startsWith('.') && !sameTop) return 'write #folder/file.ts across top folders';
    if (!tree.exists(target)) return `${target} does not exist`;
    const layer = rowOf(target)?.layer;
    if (layer === undefined) return `${target} is in no layer`;
    if (anything || row.mayImport.includes(layer)) return undefined;
    const later = row.mayImport.includes(`(${layer})`);
    if (later && dynamic) return undefined;
    return `${row.layer} may not import ${layer}${later ? ' except by import()' : ''}`;
  };

  return [...tree.files].flatMap(([path, text]) => {
    const row = rowOf(path);
    if (row === undefined) return [`${path}: is in no layer`];
    return importsOf(path, text).flatMap((one) => {
      const wrong = judge(path, row, one);
      return wrong === undefined ? [] : [`${path}:${one.line}: ${one.specifier ?? '?'}: ${wrong}`];
    });
  });
}

/** The sources of this repository. */
export function repository(): Tree {
  const paths = globSync('{verifier,agent,prover,services,test,web}/**/*.{ts,tsx,js,mjs}', {
    cwd: root,
    exclude: ['**/{node_modules,target}', 'web/dist'],
  });
  const files = new Map(
    paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(root, path), 'utf8')]),
  );
  return { files, exists: (path) => existsSync(join(root, path)), manifest };
}
