/** Looks from outside: the programs that a user would run on this machine. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guest } from './guest.ts';

export const agentPort = 8080;
export const echoPorts: Readonly<Record<string, number>> = {
  'echo-cpp': 7101,
  'echo-rust': 7102,
  'echo-node': 7103,
};

export type Reply = {
  /** 0 when there was no answer. */
  status: number;
  type: string;
  body: string;
};

/** Asks the guest's agent with curl, the program. */
export function curl(guest: Guest, path: string): Promise<Reply> {
  const written = '\n%{http_code} %{content_type}';
  const url = `http://${guest.address(agentPort)}${path}`;
  return new Promise((done) => {
    execFile(
      'curl',
      ['--silent', '--max-time', '40', '--write-out', written, url],
      { maxBuffer: 64 << 20 },
      (_, output) => {
        const at = output.lastIndexOf('\n');
        const [status = '', type = ''] = output.slice(at + 1).split(/ (.*)/);
        done({ status: Number(status), type, body: output.slice(0, at) });
      },
    );
  });
}

/** The first answer of a path that is not a refusal. @throws Error after `seconds` with the last one */
export async function firstAnswer(guest: Guest, path: string, seconds: number): Promise<Reply> {
  const start = performance.now();
  for (;;) {
    const reply = await curl(guest, path);
    if (reply.status === 200) return reply;
    if (performance.now() - start > 1000 * seconds) {
      throw new Error(`${path}: status ${reply.status} after ${seconds} s: ${reply.body}`);
    }
    await sleep(1000);
  }
}

/** What a path answers with, from its JSON. @throws Error for another status than 200 */
// biome-ignore lint/suspicious/noExplicitAny: the test that asks knows what it asks for
export async function curlJson(guest: Guest, path: string): Promise<any> {
  const { status, body } = await curl(guest, path);
  if (status !== 200) throw new Error(`${path}: status ${status}: ${body}`);
  return JSON.parse(body);
}
