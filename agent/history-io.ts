/** Where the history hears of what changes: key files, SIGHUP and the socket of events. */
import type { Config } from './config.ts';
import type { Logger } from './errors.ts';
import { serveEvents } from './events.ts';
import type { History } from './history.ts';
import { followKeys } from './key-files.ts';

/**
 * @param folder that the configuration's file names are relative to
 * @throws AgentError `config-invalid` when the socket cannot be made
 */
export async function followHistory(options: {
  readonly config: Pick<Config, 'services' | 'events'>;
  readonly folder: string;
  readonly history: History;
  readonly logger: Logger;
}): Promise<{ close(): Promise<void> }> {
  const { config, folder, history, logger } = options;
  const socket = config.events ? await serveEvents(config.events.socket, history, logger) : null;
  const keys = followKeys({ services: config.services, folder, history, logger });
  return {
    async close() {
      keys.close();
      await socket?.close();
    },
  };
}
