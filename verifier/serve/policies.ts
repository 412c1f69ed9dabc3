/**
 * The policies of a folder, by name. A file that changes takes effect when it parses and lint finds no error in it; until then the
 * version before stays, and says so.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Policy, parsePolicy, policyDigest } from '../appraise/policy.ts';
import { parseYamlPolicy } from '../appraise/policy-yaml.ts';
import { type Bytes, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { UnixTime } from '../time.ts';
import { ServeError } from './errors.ts';
import type { Finding, Lint } from './ports.ts';

/** A policy file, or why it could not be read. */
export type PolicyFile = { file: string; content: Bytes } | { file: string; problem: string };

export type PolicyChange =
  | { result: 'loaded'; file: string; digest: string; findings: readonly Finding[] }
  /** `kept`: a version from before stays in force. */
  | { result: 'refused'; file: string; why: string; kept: boolean }
  | { result: 'removed'; file: string };

type Shelved = { policy: Policy; file: string };

const fileName = /^(?<name>[a-z0-9][a-z0-9._-]{0,63})\.(?:json|yaml|yml)$/;

export function isPolicyFile(file: string): boolean {
  return fileName.test(file);
}

export class Policies {
  readonly #lint: Lint;
  readonly #loaded = new Map<string, Shelved>();
  /** What each file held when it was last looked at, as a digest or the problem. */
  readonly #seen = new Map<string, string>();

  constructor(lint: Lint) {
    this.#lint = lint;
  }

  get size(): number {
    return this.#loaded.size;
  }

  get names(): readonly string[] {
    return [...this.#loaded.keys()];
  }

  /** @throws ServeError `policy-unknown` */
  get(name: string): Policy {
    const found = this.#loaded.get(name);
    if (found === undefined) throw new ServeError('policy-unknown', 'no such policy');
    return found.policy;
  }

  /** @param files all policy files that the folder holds now @returns what is new, file by file */
  update(files: readonly PolicyFile[], at: UnixTime): PolicyChange[] {
    const changes = files.flatMap((file) => this.#look(file, files, at));
    const present = new Set(files.map(({ file }) => file));
    for (const file of this.#seen.keys()) if (!present.has(file)) this.#seen.delete(file);
    for (const [name, { file }] of this.#loaded) {
      if (present.has(file)) continue;
      this.#loaded.delete(name);
      changes.push({ result: 'removed', file });
    }
    // Only now: the version before may have been another file's, which is gone.
    return changes.map((change) =>
      change.result === 'refused'
        ? { ...change, kept: this.#loaded.has(nameOf(change.file)) }
        : change,
    );
  }

  #look(given: PolicyFile, all: readonly PolicyFile[], at: UnixTime): PolicyChange[] {
    const { file } = given;
    const name = nameOf(file);
    const twin = all.find((other) => other.file !== file && nameOf(other.file) === name);
    const mark = 'content' in given ? toHex(sha256(given.content)) : given.problem;
    const seen = twin === undefined ? mark : `${mark} beside ${twin.file}`;
    if (this.#seen.get(file) === seen) return [];
    this.#seen.set(file, seen);
    const refuse = (why: string): PolicyChange[] => [{ result: 'refused', file, why, kept: false }];
    if (twin !== undefined) return refuse(`${twin.file} has the same name`);
    if ('problem' in given) return refuse(given.problem);
    try {
      const policy = readPolicy(given.content);
      const findings = this.#lint(policy, at);
      const wrong = findings.filter(({ severity }) => severity === 'error');
      if (wrong.length > 0)
        return refuse(wrong.map(({ id, path, text }) => `${id} ${path}: ${text}`).join('; '));
      this.#loaded.set(name, { policy, file });
      return [{ result: 'loaded', file, digest: toHex(policyDigest(policy)), findings }];
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      return refuse(`${error.code}: ${error.message}`);
    }
  }
}

function nameOf(file: string): string {
  const name = fileName.exec(file)?.groups?.['name'];
  if (name === undefined) throw new RangeError(`${file} is no name of a policy file`);
  return name;
}

/** A policy is an object, and what begins with a brace gets the stricter reader, whatever its ending. */
function readPolicy(content: Bytes): Policy {
  const first = content.find((byte) => byte > 0x20);
  return first === '{'.charCodeAt(0) ? parsePolicy(content) : parseYamlPolicy(content);
}
