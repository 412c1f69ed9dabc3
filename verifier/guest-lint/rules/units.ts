/** Units: what they run and read, by the place where it lies. */
import type { GuestDescription, Unit } from '../description.ts';
import { isBelow, type Place, placeOf, worstOf } from '../place.ts';
import type { Hit, Rule } from '../rule.ts';
import { parseUnit, programOf, type Setting, valuesOf, wordsOf } from '../unit.ts';

const commandKeys = [
  ...['ExecStart', 'ExecStartPre', 'ExecStartPost', 'ExecCondition', 'ExecReload'],
  ...['ExecReloadPost', 'ExecStop', 'ExecStopPost'],
];
const imageKeys = ['RootDirectory', 'RootImage', 'ExtensionImages', 'ExtensionDirectories'];
const searchVariables = ['PATH', 'LD_LIBRARY_PATH', 'LD_PRELOAD', 'NODE_PATH', 'PYTHONPATH'];

/** `searched`: a name without a slash is looked for. */
type Use = { key: string; path: string; searched?: boolean };

/** Where a name without a slash is looked for: systemd's folders, settled when it was compiled (systemd.service(5)). */
const searchFolders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

/** A path that a unit does not say in full is one that nobody can judge: taken for open. */
function placeIn({ key, path, searched }: Use, unit: Unit, description: GuestDescription): Place {
  const written = path.replace(/^%t(?=\/|$)/, '/run').replace(/\/{2,}/g, '/');
  if (searched && /^[\w.@-]+$/.test(written)) {
    const found = searchFolders.map((folder) => ({ key, path: `${folder}/${written}` }));
    return worstOf(found.map((use) => placeIn(use, unit, description)));
  }
  if (!written.startsWith('/')) return 'open';
  // Reported once, by store-unmeasured.
  if (isBelow(written, '/nix/store')) return 'measured';
  if (unit.scope === 'system') return placeOf(written, description);
  // The initrd itself is measured; below /sysroot is what will be the root.
  if (!isBelow(written, '/sysroot')) return 'measured';
  return placeOf(written.slice('/sysroot'.length) || '/', description);
}

function uses(
  description: GuestDescription,
  find: (settings: readonly Setting[]) => Use[],
  places: readonly Place[],
): Hit[] {
  return description.units.all.flatMap((unit) =>
    find(parseUnit(unit.text))
      .filter((use) => places.includes(placeIn(use, unit, description)))
      .map(({ key, path }) => ({ at: `units.all ${unit.name}`, what: `${key}=${path}` })),
  );
}

function programs(settings: readonly Setting[]): Use[] {
  const commands = commandKeys.flatMap((key) =>
    valuesOf(settings, key).map((value) => ({ key, path: programOf(value), searched: true })),
  );
  const images = imageKeys.flatMap((key) =>
    valuesOf(settings, key)
      .flatMap(wordsOf)
      .map((word) => ({ key, path: word.replace(/^-/, '').replace(/:.*/, '') })),
  );
  return [...commands, ...images].filter(({ path }) => path !== '');
}

/** The file of `name:path`; one that is not absolute is looked up among the credentials of the system. */
function credentials(settings: readonly Setting[]): Use[] {
  const key = 'LoadCredential';
  return valuesOf(settings, key).flatMap((value) => {
    const at = value.indexOf(':');
    const path = at < 0 ? value : value.slice(at + 1);
    return path.startsWith('@') ? [] : [{ key, path: inFolder('/etc/credstore', path) }];
  });
}

function inFolder(folder: string, name: string): string {
  return name.startsWith('/') ? name : `${folder}/${name}`;
}

function configuration(settings: readonly Setting[]): Use[] {
  const environment = valuesOf(settings, 'EnvironmentFile').map((value) => ({
    key: 'EnvironmentFile',
    path: value.replace(/^-/, ''),
  }));
  const working = valuesOf(settings, 'WorkingDirectory')
    .map((value) => value.replace(/^-/, ''))
    .filter((path) => path !== '~')
    .map((path) => ({ key: 'WorkingDirectory', path }));
  const folders = valuesOf(settings, 'ConfigurationDirectory')
    .flatMap(wordsOf)
    .map((name) => ({
      key: 'ConfigurationDirectory',
      path: inFolder('/etc', name.replace(/:.*/, '')),
    }));
  const input = valuesOf(settings, 'StandardInput')
    .filter((value) => value.startsWith('file:'))
    .map((value) => ({ key: 'StandardInput', path: value.slice('file:'.length) }));
  return [...environment, ...credentials(settings), ...working, ...folders, ...input];
}

function searchPaths(settings: readonly Setting[]): Use[] {
  const listed = valuesOf(settings, 'ExecSearchPath').map((value) => ['ExecSearchPath', value]);
  const variables = valuesOf(settings, 'Environment')
    .flatMap(wordsOf)
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])
    .filter(([name = '']) => searchVariables.includes(name));
  return [...listed, ...variables].flatMap(([key = '', value = '']) =>
    value
      .split(/[:\s]/)
      .filter((path) => path !== '')
      .map((path) => ({ key, path })),
  );
}

export const unitRules = [
  {
    id: 'unit-runs-open-path',
    severity: 'error',
    title: 'a unit runs a program that the host can replace',
    why: 'The unit is measured, what it starts is not.',
    close: 'Name the program by its path in the store.',
    spec: 'systemd.service(5), ExecStart=; systemd.exec(5), RootImage=',
    find: (description) => uses(description, programs, ['open']),
  },
  {
    id: 'unit-runs-sealed-path',
    severity: 'warning',
    title: 'a unit runs a program from an encrypted disk',
    why: 'Encryption keeps the host out, but no measurement names the program: what was put there once runs under the same evidence for ever.',
    close: 'Name the program by its path in the store.',
    spec: 'systemd.service(5), ExecStart=',
    find: (description) => uses(description, programs, ['sealed']),
  },
  {
    id: 'unit-reads-open-path',
    severity: 'error',
    title: 'a unit takes its environment, credentials or folder from where the host writes',
    why: 'Settings, and variables such as LD_PRELOAD or NODE_OPTIONS in an environment file, decide what a measured program does.',
    close: 'Keep settings in the store, and secrets in /run or on a sealed disk.',
    spec: 'systemd.exec(5), EnvironmentFile=, LoadCredential=, WorkingDirectory=, ConfigurationDirectory=',
    find: (description) => uses(description, configuration, ['open']),
  },
  {
    id: 'unit-reads-sealed-environment',
    severity: 'warning',
    title: 'a unit reads an environment file from an encrypted disk',
    why: 'Variables such as LD_PRELOAD or NODE_OPTIONS load code; no measurement names the file.',
    close: 'Write variables into the unit; hand over secrets with LoadCredential=.',
    spec: 'systemd.exec(5), EnvironmentFile=; ld.so(8), LD_PRELOAD',
    find: (description) =>
      uses(
        description,
        (settings) => configuration(settings).filter(({ key }) => key === 'EnvironmentFile'),
        ['sealed'],
      ),
  },
  {
    id: 'unit-search-path',
    severity: 'error',
    title:
      'a unit looks for programs or libraries where the host writes, or an encrypted disk lies',
    why: 'The first match wins: a file of the right name is run or loaded in place of the measured one.',
    close: 'Name store paths alone in PATH, ExecSearchPath= and the variables of loaders.',
    spec: 'systemd.exec(5), ExecSearchPath=, Environment=; ld.so(8)',
    find: (description) => uses(description, searchPaths, ['open', 'sealed']),
  },
  {
    id: 'unit-outside-store',
    severity: 'error',
    title: 'units or drop-ins lie outside of the store',
    why: 'systemd reads /etc, /run and /usr/local before what the image brings: one file changes any service.',
    close: 'Declare them in the configuration; remove the files.',
    spec: 'systemd.unit(5), “Unit File Load Path”',
    find: (description) =>
      (description.units.loose ?? [])
        .filter((path) => placeOf(path, description) !== 'measured')
        .map((what) => ({ at: 'units.loose', what })),
  },
  {
    id: 'generator-outside-store',
    severity: 'error',
    title: 'a generator lies outside of the store',
    why: 'Generators run as root before any unit, and write units.',
    close: 'Remove it, or take it from a package.',
    spec: 'systemd.generator(7)',
    find: ({ units }) =>
      (units.generators ?? [])
        .filter(({ path }) => path !== '/dev/null' && !isBelow(path, '/nix/store'))
        .map(({ name, path }) => ({ at: 'units.generators', what: `${name}=${path}` })),
  },
] as const satisfies readonly Rule[];
