/** Looks from inside a guest: what systemd says of a unit, and what a unit's own process could do. */
import type { Guest } from './guest.ts';

/** @throws Error with what the guest said, when the script ended with another code than 0 */
export async function mustRun(guest: Guest, script: string): Promise<string> {
  const { code, output } = await guest.run(script);
  if (code !== 0) throw new Error(`in the guest, code ${code}: ${script}\n${output}`);
  return output;
}

/** Properties of a unit, as `systemctl show` has them. */
export async function unitState(
  guest: Guest,
  unit: string,
  names: readonly string[],
): Promise<Record<string, string>> {
  const output = await mustRun(guest, `systemctl show ${unit} -p ${names.join(',')}`);
  return Object.fromEntries(
    output
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** Lines of /proc/PID/status of a unit's main process, by name. */
export async function processStatus(guest: Guest, unit: string): Promise<Record<string, string>> {
  const output = await mustRun(
    guest,
    `busybox cat /proc/$(systemctl show -P MainPID ${unit})/status`,
  );
  return Object.fromEntries(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(/:\s*/, 2)),
  );
}

/** What a process of a unit would be told: `done`, or why not. */
export type Attempt = { what: string; answer: string };

/**
 * Tries each command as the unit's main process could: in its file system, as its user, without a capability.
 * @param commands for busybox' shell; what they print is not looked at
 */
export async function attemptAs(
  guest: Guest,
  unit: string,
  commands: readonly string[],
): Promise<Attempt[]> {
  const tries = commands.map(
    (command) =>
      `$enter sh -c '${command}' >/dev/null 2>/tmp/why && echo done || busybox tail -n 1 /tmp/why`,
  );
  const script = `pid=$(systemctl show -P MainPID ${unit})
user=$(busybox awk '/^Uid:/ {print $3}' /proc/$pid/status)
group=$(busybox awk '/^Gid:/ {print $3}' /proc/$pid/status)
enter="/usr/bin/nsenter -t $pid -m /usr/bin/setpriv --reuid $user --regid $group --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs"
${tries.join('\n')}`;
  const lines = (await mustRun(guest, script)).trim().split('\n');
  if (lines.length !== commands.length) {
    throw new Error(`${commands.length} attempts, ${lines.length} answers:\n${lines.join('\n')}`);
  }
  return commands.map((what, index) => ({ what, answer: lines[index] as string }));
}

export type Unit = { name: string; active: string; sub: string };

/** Units of a kind that systemd has loaded. */
export async function units(guest: Guest, pattern: string): Promise<Unit[]> {
  const output = await mustRun(
    guest,
    `systemctl list-units --all --plain --no-legend --no-pager --full '${pattern}'`,
  );
  return output
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', , active = '', sub = ''] = line.trim().split(/\s+/);
      return { name, active, sub };
    });
}
