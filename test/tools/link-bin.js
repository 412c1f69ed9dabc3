/**
 * The root package's postinstall: npm links the commands of dependencies, never the root package's
 * own. Makes node_modules/.bin/affidavit, so that `npx affidavit` works in a checkout, and stamps
 * node_modules with the lock file it was installed from. Says nothing when all is well.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const launcher = 'verifier/cli/affidavit.js';

/** Does nothing where node_modules is absent. */
export function linkBin(root) {
  const bin = join(root, 'node_modules', '.bin');
  if (!fs.existsSync(join(root, 'node_modules'))) return;
  fs.mkdirSync(bin, { recursive: true });
  if (process.platform === 'win32') {
    const path = launcher.replaceAll('/', '\\');
    fs.writeFileSync(join(bin, 'affidavit.cmd'), `@node "%~dp0..\\..\\${path}" %*\r\n`);
    return;
  }
  fs.chmodSync(join(root, launcher), 0o755);
  const link = join(bin, 'affidavit');
  fs.rmSync(link, { force: true });
  const node = `node_modules/node-${process.platform}-${process.arch}/bin/node`;
  if (fs.existsSync(join(root, node))) fs.writeFileSync(link, startWith(node), { mode: 0o755 });
  else fs.symlinkSync(`../../${launcher}`, link);
}

/** An old Node takes a tenth of a second to find out that it is too old: the shell asks the locked one at once. */
function startWith(node) {
  return `#!/bin/sh
# Made by test/tools/link-bin.js.
file=$0
while [ -h "$file" ]; do
  target=$(readlink "$file")
  case $target in /*) file=$target ;; *) file=$(dirname "$file")/$target ;; esac
done
root=$(cd "$(dirname "$file")/../.." && pwd -P) || exit 1
[ -x "$root/${node}" ] && exec "$root/${node}" "$root/${launcher}" "$@"
exec node "$root/${launcher}" "$@"
`;
}

function stampFile(root) {
  return join(root, 'node_modules', '.affidavit-lock');
}

/** SHA-256 of package-lock.json, in hex. */
function lockHash(root) {
  const lock = fs.readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).digest('hex');
}

/** Whether node_modules was installed completely from the package-lock.json of today. */
export function isInstalled(root) {
  const file = stampFile(root);
  return fs.existsSync(file) && fs.readFileSync(file, 'utf8').trim() === lockHash(root);
}

/** Writes the stamp, unless a direct dependency is missing (as after `npm ci --omit=dev`). */
export function stamp(root) {
  const text = fs.readFileSync(join(root, 'package.json'), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(text);
  const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !fs.existsSync(join(root, 'node_modules', name, 'package.json')),
  );
  if (missing.length === 0) fs.writeFileSync(stampFile(root), `${lockHash(root)}\n`);
  return missing;
}

if (fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  if (fs.existsSync(join(root, 'node_modules'))) {
    linkBin(root);
    stamp(root);
  }
}
