/** Where the cases of one sample are played: its processes, clients, files, and what it signed. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { type Client, openClient } from '#test/services/client.ts';
import { type Ended, launch, type Service, startService } from '#test/services/process.ts';
import {
  checkSignature,
  encodeResponse,
  parseResponse,
  responseHash,
  signResponse,
} from '#verifier/abi/response.ts';
import { type Bytes, bigEndian, fromHex, toHex } from '#verifier/bytes.ts';
import type { Sample } from './samples.ts';

/** What a verifier needs of one answer. */
export type Signed = {
  /** x ‖ y, 64 bytes. */
  readonly publicKey: Bytes;
  /** 32 bytes. */
  readonly hash: Bytes;
  /** r ‖ s, 64 bytes. */
  readonly signature: Bytes;
};

export type Asked = { readonly nonce: Bytes; readonly request: Bytes };

export type StartOptions = {
  readonly key?: Bytes;
  readonly name?: string;
  /** Further options of the command line. */
  readonly more?: readonly string[];
};

/** secp256k1's generator is its public key, as in the protocol's vectors. */
export const vectorKey: Bytes = bigEndian(1, 32);
export const serviceName = 'echo-node';
export const badRequest = '{"error":"bad-request"}';
export const busy = '{"error":"busy"}';

/** The service may have read its clock a little before our line came. */
const clockSlack = 1;

export class Stage {
  readonly sample: Sample;
  /** Of every answer that was checked. */
  readonly signed: Signed[] = [];
  readonly #folder: string;
  readonly #started: Service[] = [];
  readonly #clients: Client[] = [];
  #shared: Promise<Service> | undefined;
  #files = 0;

  private constructor(sample: Sample, folder: string) {
    this.sample = sample;
    this.#folder = folder;
  }

  static async open(sample: Sample): Promise<Stage> {
    return new Stage(sample, await mkdtemp(join(tmpdir(), 'affidavit-conformance-')));
  }

  /** Ends all that is left. */
  async close(): Promise<void> {
    await this.sweep();
    for (const { child, kill, ended } of this.#started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true });
  }

  /** Between two cases: clients go. */
  async sweep(): Promise<void> {
    for (const { socket } of this.#clients.splice(0)) socket.destroy();
  }

  get folder(): string {
    return this.#folder;
  }

  async keyFile(text = `${toHex(vectorKey)}\n`, mode = 0o600, name = 'key'): Promise<string> {
    this.#files += 1;
    const path = join(this.#folder, `${name}-${this.#files}`);
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  }

  /** The service with its usual limits, one for all cases that leave it as it was. */
  shared(): Promise<Service> {
    this.#shared ??= this.start();
    return this.#shared;
  }

  async start({ key = vectorKey, name = serviceName, more = [] }: StartOptions = {}) {
    const file = await this.keyFile(toHex(key));
    const service = await this.startWith(['--key', file, '--name', name, '--port', '0', ...more]);
    return service;
  }

  async startWith(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Service> {
    const { command, env: own } = this.sample;
    const service = await startService([...command, ...args], { ...own, ...env });
    this.#started.push(service);
    return service;
  }

  /** Runs the program to an end that it finds itself. */
  refused(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const { command, env: own } = this.sample;
    const program = launch([...command, ...args], { ...own, ...env });
    const late = setTimeout(() => program.kill('SIGKILL'), 5_000);
    return program.ended.finally(() => clearTimeout(late));
  }

  async connect(service: Service): Promise<Client> {
    const client = await openClient(service.port);
    this.#clients.push(client);
    return client;
  }

  /**
   * Holds an answer, byte for byte, against what RFC 6979 makes of the time in it, and that time
   * against our clock.
   * @param since Unix seconds before the line was sent
   */
  checkAnswer(
    line: string,
    { nonce, request }: Asked,
    since: number,
    given: StartOptions = {},
  ): void {
    const { key = vectorKey, name = serviceName } = given;
    const { time, signature } = parseResponse(line);
    assert.ok(
      time >= since - clockSlack && time <= unixNow() + clockSlack,
      `time ${time} is not between ${since} and now`,
    );
    const content = { service: name, nonce, time, request, body: request };
    assert.equal(line, encodeResponse(signResponse(content, key)));
    checkSignature(signature);
    const publicKey = secp256k1.getPublicKey(key, false).slice(1);
    this.signed.push({ publicKey, hash: responseHash(content), signature });
  }

  /** That a new client is answered, and so that the service is well. */
  async checkServed(service: Service, text = 'still here'): Promise<void> {
    const since = unixNow();
    const client = await this.connect(service);
    client.send(`${text}\n`);
    this.checkAnswer(await client.line(), ask(text), since);
    client.socket.destroy();
  }

  /** Stops it as systemd would. @returns its end; the log is whole and tells that it stopped */
  async stop(service: Service, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    service.kill(signal);
    const ended = await service.ended;
    assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: '' });
    const events = service.log().map(({ event }) => event);
    assert.equal(events[0], 'listening');
    assert.deepEqual(events.slice(-2), ['stopping', 'stopped']);
    return ended;
  }

  /** Stops the service that the cases shared: it must end as well as it began. */
  async stopShared(): Promise<void> {
    await this.sweep();
    if (this.#shared !== undefined) await this.stop(await this.#shared);
  }
}

export function ask(text: string, nonceHex = '0'.repeat(64)): Asked {
  return { nonce: fromHex(nonceHex, 'nonce', 32), request: Buffer.from(text, 'utf8') };
}

export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}

/** @throws Error naming what took too long */
export async function within<T>(milliseconds: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, failed) => {
    const fail = () => failed(new Error(`${what}: not within ${milliseconds} ms`));
    timer = setTimeout(fail, milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
