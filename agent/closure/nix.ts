/** Asks the `nix` command of a machine that builds. */
import { spawn } from 'node:child_process';
import { storePathPattern } from '#verifier/abi/closure.ts';
import { type Bytes, concat, fromUtf8, quote } from '#verifier/bytes.ts';
import { parseJson } from '#verifier/json.ts';
import { type ListedPath, parsePathInfo } from './list.ts';

/** Nix is not here, or did not do what was asked: nothing is known of the closure. */
export class NixError extends Error {
  /** Whether there is no `nix` command at all. */
  readonly absent: boolean;

  constructor(message: string, absent: boolean, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'NixError';
    this.absent = absent;
  }
}

export type NixOptions = {
  /** Of the command; tests take their own. Default: `nix` of PATH. */
  command?: string | undefined;
  /** More arguments, as `--store DIR`. */
  extra?: readonly string[] | undefined;
};

/** Both commands are experimental still, and Nix wants to hear that it is known. */
const features = ['--extra-experimental-features', 'nix-command flakes'];
const maxAnswer = 256 * 1024 * 1024;

/**
 * `nix path-info --json -r`
 * @throws NixError; AttestationError for an answer that cannot be read
 */
export async function nixPathInfo(storePath: string, nix: NixOptions = {}): Promise<ListedPath[]> {
  const args = ['path-info', '--json', '--recursive', storePath];
  // Newer releases have several forms, older ones do not know the option.
  const first = await runNix([...args, '--json-format', '1'], nix).catch((error: unknown) => {
    if (error instanceof NixError && error.message.includes('--json-format')) return null;
    throw error;
  });
  return parsePathInfo(first ?? (await runNix(args, nix)));
}

/**
 * Builds a flake's output, or finds it built.
 * @param reference as `nix build` takes it: `.#nixosConfigurations.guest.config.system.build.toplevel`
 * @returns its store path
 * @throws NixError
 */
export async function nixBuild(reference: string, nix: NixOptions = {}): Promise<string> {
  const answer = await runNix(['build', '--no-link', '--json', reference], nix);
  const outputs = outputsOf(parseJson(fromUtf8(answer, 'nix build'), 'nix build'));
  const [path] = outputs;
  if (outputs.length !== 1 || typeof path !== 'string' || !storePathPattern.test(path)) {
    const problem = `${quote(reference)} gives ${outputs.length} outputs, expected one store path`;
    throw new NixError(problem, false);
  }
  return path;
}

/** `[{ "drvPath": …, "outputs": { "out": … } }]` */
function outputsOf(json: unknown): unknown[] {
  if (!Array.isArray(json)) return [];
  return json.flatMap((built: unknown) =>
    typeof built === 'object' && built !== null && 'outputs' in built
      ? Object.values(built.outputs as object)
      : [],
  );
}

function runNix(args: readonly string[], nix: NixOptions): Promise<Bytes> {
  const { command = 'nix', extra = [] } = nix;
  const child = spawn(command, [...features, ...args, ...extra], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const parts: Bytes[] = [];
  let length = 0;
  let said = '';
  child.stdout.on('data', (part: Buffer) => {
    length += part.length;
    if (length > maxAnswer) child.kill();
    else parts.push(part);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4096);
  });
  return new Promise((done, fail) => {
    child.on('error', (cause) => {
      const absent = 'code' in cause && cause.code === 'ENOENT';
      const problem = absent ? 'there is no nix command here' : 'nix cannot be started';
      fail(new NixError(problem, absent, { cause }));
    });
    child.on('close', (code, signal) => {
      if (length > maxAnswer) fail(new NixError('the answer of nix is too large', false));
      else if (code === 0) done(concat(...parts));
      else fail(new NixError(`nix ended with ${code ?? signal}: ${lastLineOf(said)}`, false));
    });
  });
}

/** Nix's own words, without colours: the error is the last of its lines that begins so. */
function lastLineOf(said: string): string {
  const lines = said
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
    .replace(/\u001b\[[0-9;]*m/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.findLast((line) => line.startsWith('error:')) ?? lines.at(-1) ?? 'it said nothing';
}
