/** A headless Chromium, as far as a test needs one: it runs a script in an empty page and gives back what that says. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Undefined where none is installed. */
export function findChromium(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return names.find((name) => spawnSync(name, ['--version']).status === 0);
}

type Answer = { id?: number; result?: Record<string, unknown>; error?: { message: string } };

/**
 * @param script run first
 * @param expression whose promise gives the answer, as JSON values
 * @param address of the page; default: an empty one from a file
 * @throws Error with what the page threw
 */
export async function inChromium(
  program: string,
  script: string,
  expression: string,
  address?: string,
): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-chromium-'));
  const page = join(folder, 'page.html');
  writeFileSync(page, '<!doctype html><title>affidavit</title>');
  const browser = spawn(
    program,
    [
      '--headless',
      // The page runs our own code alone, and a container's root has no sandbox to give.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--remote-debugging-port=0',
      `--user-data-dir=${join(folder, 'profile')}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = new Promise((resolve) => browser.on('close', resolve));
  try {
    const call = await connect(await addressOf(browser.stderr));
    const url = address ?? pathToFileURL(page).href;
    const target = await call('Target.createTarget', { url });
    const attached = await call('Target.attachToTarget', {
      targetId: target['targetId'],
      flatten: true,
    });
    const evaluate = async (code: string) => {
      const params = { expression: code, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = (await call(
        'Runtime.evaluate',
        params,
        String(attached['sessionId']),
      )) as { result?: { value?: unknown }; exceptionDetails?: unknown };
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return result?.value;
    };
    // The target exists before its page does; what runs too early is gone with the blank page.
    const there = `location.href === ${JSON.stringify(url)} && document.readyState === "complete"`;
    // Between two pages there is none that could answer, and the question itself fails.
    const deadline = performance.now() + 30_000;
    while (!(await evaluate(there).catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`chromium did not load ${url}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await evaluate(script);
    return await evaluate(expression);
  } finally {
    browser.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function addressOf(stderr: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stderr) {
    text += String(chunk);
    const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error(`chromium did not start: ${text}`);
}

type Call = (
  method: string,
  params: object,
  sessionId?: string,
) => Promise<Record<string, unknown>>;

async function connect(address: string): Promise<Call> {
  const socket = new WebSocket(address);
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('chromium refused the connection')));
  });
  return async (method, params, sessionId) => {
    last += 1;
    const id = last;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  };
}
