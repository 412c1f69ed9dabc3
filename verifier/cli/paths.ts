/** Where a user's own files lie, by platform. A pure function: each platform is tested on every other. */
import { posix, win32 } from 'node:path';

export type Surroundings = {
  /** As `process.platform`. */
  platform: string;
  environment: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, absolute. */
  home: string;
};

export type UserFolders = {
  /** What can be made again. */
  cache: string;
  /** What the user wrote. */
  config: string;
};

/**
 * `affidavit` below XDG_CACHE_HOME and XDG_CONFIG_HOME, else where the platform keeps such files: ~/.cache and ~/.config,
 * on macOS ~/Library/Caches and ~/Library/Application Support. On Windows `affidavit\Cache` below LOCALAPPDATA and
 * `affidavit\Config` below APPDATA. A variable that holds no absolute path is passed over, as the XDG specification asks.
 */
export function userFolders({ platform, environment, home }: Surroundings): UserFolders {
  const { isAbsolute, join } = platform === 'win32' ? win32 : posix;
  const at = (variable: string, ...otherwise: string[]): string => {
    const set = environment[variable];
    return set !== undefined && isAbsolute(set) ? set : join(home, ...otherwise);
  };
  if (platform === 'win32') {
    return {
      cache: join(at('LOCALAPPDATA', 'AppData', 'Local'), 'affidavit', 'Cache'),
      config: join(at('APPDATA', 'AppData', 'Roaming'), 'affidavit', 'Config'),
    };
  }
  const own =
    platform === 'darwin'
      ? { cache: ['Library', 'Caches'], config: ['Library', 'Application Support'] }
      : { cache: ['.cache'], config: ['.config'] };
  return {
    cache: join(at('XDG_CACHE_HOME', ...own.cache), 'affidavit'),
    config: join(at('XDG_CONFIG_HOME', ...own.config), 'affidavit'),
  };
}
