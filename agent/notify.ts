/**
 * sd_notify(3). The protocol is a datagram to a Unix socket, which Node cannot send without native
 * code; systemd's own `systemd-notify` does it, so that the unit needs `NotifyAccess=all`, and the
 * image that program. Without NOTIFY_SOCKET nothing is started.
 */
import { spawn } from 'node:child_process';
import type { Logger } from './errors.ts';

export type Notifier = {
  ready(): void;
  stopping(): void;
  /** Pings systemd's watchdog, if the unit has one, as long as `isHealthy`. */
  watch(isHealthy: () => boolean, until: AbortSignal): void;
  /** Resolves when what was said has been sent, or could not be. */
  end(): Promise<void>;
};

const silent: Notifier = { ready() {}, stopping() {}, watch() {}, end: async () => {} };

export type NotifyOptions = {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The program, and what stands before the message. */
  readonly program?: string;
};

export function systemdNotifier(
  logger: Logger,
  { env = process.env, program = 'systemd-notify' }: NotifyOptions = {},
): Notifier {
  if (!env['NOTIFY_SOCKET']) return silent;
  let last = Promise.resolve();
  let told = false;

  /** One after the other: STOPPING must not overtake READY. */
  function say(message: string): void {
    last = last
      .then(() => send(program, message, env))
      .catch((cause: unknown) => {
        if (!told) logger.warn(`systemd cannot be told ${message}: ${program} failed`, cause);
        told = true;
      });
  }

  return {
    ready: () => say('READY=1'),
    stopping: () => say('STOPPING=1'),
    watch(isHealthy, until) {
      const period = watchdogMilliseconds(env);
      if (period === null || until.aborted) return;
      const timer = setInterval(() => {
        if (isHealthy()) say('WATCHDOG=1');
      }, period / 3);
      until.addEventListener('abort', () => clearInterval(timer));
    },
    end: () => last,
  };
}

/** WATCHDOG_USEC, unless WATCHDOG_PID says that it is for another process; sd_watchdog_enabled(3). */
export function watchdogMilliseconds(env: NotifyOptions['env'] = {}): number | null {
  const { WATCHDOG_USEC: period = '', WATCHDOG_PID: pid } = env;
  if (!/^[1-9][0-9]{0,15}$/.test(period)) return null;
  if (pid !== undefined && pid !== String(process.pid)) return null;
  return Math.max(2, Number(period) / 1000);
}

/** Milliseconds that the other program may take: a busy machine starts it late. */
const sendLimit = 10_000;

function send(program: string, message: string, env: NotifyOptions['env']): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(program, [message], {
      stdio: 'ignore',
      env: { ...env },
      timeout: sendLimit,
    });
    child.on('error', fail);
    child.on('exit', (code, signal) => {
      if (code === 0) done();
      else fail(new Error(`it ended with ${signal ?? code}`));
    });
  });
}
