import { readFileSync } from 'node:fs';
import { win32 } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repository } from '#test/tools/layers.ts';
import { userFolders } from '#verifier/cli/paths.ts';

describe('the folders of a user', () => {
  test.each([
    ['linux', '/home/a', {}, '/home/a/.cache/affidavit', '/home/a/.config/affidavit'],
    [
      'linux',
      '/home/a',
      { XDG_CACHE_HOME: '/x', XDG_CONFIG_HOME: '/y' },
      '/x/affidavit',
      '/y/affidavit',
    ],
    [
      'linux',
      '/home/a',
      { XDG_CACHE_HOME: 'x', XDG_CONFIG_HOME: '' },
      '/home/a/.cache/affidavit',
      '/home/a/.config/affidavit',
    ],
    ['freebsd', '/home/a', {}, '/home/a/.cache/affidavit', '/home/a/.config/affidavit'],
    [
      'darwin',
      '/Users/a',
      {},
      '/Users/a/Library/Caches/affidavit',
      '/Users/a/Library/Application Support/affidavit',
    ],
    [
      'darwin',
      '/Users/a',
      { XDG_CACHE_HOME: '/x' },
      '/x/affidavit',
      '/Users/a/Library/Application Support/affidavit',
    ],
    [
      'win32',
      'C:\\Users\\a',
      { LOCALAPPDATA: 'D:\\Local', APPDATA: 'D:\\Roaming', XDG_CACHE_HOME: 'C:\\x' },
      'D:\\Local\\affidavit\\Cache',
      'D:\\Roaming\\affidavit\\Config',
    ],
    [
      'win32',
      'C:\\Users\\a',
      { LOCALAPPDATA: 'Local' },
      'C:\\Users\\a\\AppData\\Local\\affidavit\\Cache',
      'C:\\Users\\a\\AppData\\Roaming\\affidavit\\Config',
    ],
  ])('%s, %s, %o', (platform, home, environment, cache, config) => {
    expect(userFolders({ platform, environment, home })).toEqual({ cache, config });
  });

  test('on Windows are paths that Windows reads', () => {
    const { cache, config } = userFolders({
      platform: 'win32',
      environment: {},
      home: 'C:\\Users\\a',
    });
    for (const path of [cache, config]) {
      expect(win32.normalize(path)).toBe(path);
      expect(win32.isAbsolute(path)).toBe(true);
    }
  });
});

/** A path made by hand: a folder and a name with a separator between, or a path taken apart at one. */
const byHand =
  /\$\{\w*(?:folder|dir|directory|home)\}[/\\]|\.(?:split|lastIndexOf|indexOf)\(\s*(['"])(?:\/|\\\\)\1|\+\s*(['"])(?:\/|\\\\)\2/i;

describe('paths made by hand', () => {
  test('are nowhere in the verifier’s command line', () => {
    const sources = [...repository().files].filter(([path]) =>
      /^verifier\/(cli|serve|decision-log)\//.test(path),
    );
    expect(sources.length).toBeGreaterThan(20);
    const found = sources.flatMap(([path, text]) =>
      text.split('\n').flatMap((line, i) => (byHand.test(line) ? [`${path}:${i + 1}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test('would be found', () => {
    for (const line of [
      'const a = `$' + '{folder}/x`;',
      "const b = path.split('/');",
      "const c = at + '/' + name;",
      "const d = path.lastIndexOf('\\\\');",
    ]) {
      expect(line).toMatch(byHand);
    }
    expect('const a = join(folder, "x");').not.toMatch(byHand);
  });

  test('the launcher’s are below a file: URL, whose separators Node itself makes', () => {
    const launcher = readFileSync(
      new URL('../../verifier/cli/affidavit.js', import.meta.url),
      'utf8',
    );
    expect(launcher).toContain("fileURLToPath(new URL('../../', import.meta.url))");
  });
});
