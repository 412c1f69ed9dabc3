/** How the demo runs its steps: each command printed as it is run, its exit code held against the expected one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export class StepFailed extends Error {}

export function say(text: string): void {
  console.log(`\n${text}`);
}

/** As a shell reads it back. */
function shown(command: readonly string[]): string {
  return command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** Runs one command to its end. @throws StepFailed on another exit code than `expected` */
export async function run(
  command: readonly string[],
  expected = 0,
  show: (output: string) => string = (all) => all,
): Promise<string> {
  console.log(`\n$ ${shown(command)}`);
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  const text = show(output).trimEnd();
  if (text !== '') console.log(text.replace(/^/gm, '  '));
  console.log(`  [exit code ${code}]`);
  if (code !== expected)
    throw new StepFailed(`expected exit code ${expected}, got ${code}: ${shown(command)}`);
  return output;
}

/** Of a verdict, what failed and how it ends; the whole can be had by pasting the command. */
export function verdictOnly(output: string): string {
  const blocks = output.split('\n');
  const failed: string[] = [];
  for (const [i, line] of blocks.entries()) {
    if (!/^ {2}FAIL/.test(line)) continue;
    failed.push(line);
    for (let j = i + 1; /^ {10}/.test(blocks[j] ?? ''); j++) failed.push(blocks[j] as string);
  }
  const end = blocks.slice(blocks.findIndex((line) => line.startsWith('verified for')));
  return ['…', ...failed, ...end].join('\n');
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

/** A command that goes on in the background. @param ready what it prints once it can be used */
export async function start(command: readonly string[], ready: string): Promise<ChildProcess> {
  console.log(`\n$ ${shown(command)} &`);
  const [program = '', ...args] = command;
  // A group of its own, so that npm's children stop with it.
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    const show = (chunk: Buffer) => {
      process.stdout.write(chunk.toString().replace(/^(?=.)/gm, '  '));
      if (chunk.includes(ready)) resolve();
    };
    child.stdout.on('data', show);
    child.stderr.on('data', show);
    child.on('error', reject);
    child.on('exit', (code) =>
      reject(new StepFailed(`it ended with exit code ${code}: ${shown(command)}`)),
    );
    setTimeout(
      () => reject(new StepFailed(`it was not ready within 60 s: ${shown(command)}`)),
      60_000,
    ).unref();
  });
  return child;
}

export function stop(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
}
