/**
 * Asks an echo service for one signed response (protocol, "Signed response") and checks that it
 * answers what was asked. The signature is not checked: that takes the key from the service's tree.
 *
 *     node test/tools/echo-client.ts HOST:PORT [--nonce HEX] [--out FILE] TEXT
 *
 * Exit codes: 0 the response is printed (and written), 1 no such response, 2 wrong usage.
 */
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { parseResponse, type SignedResponse } from '#verifier/abi/response.ts';
import { type Bytes, concat, equalBytes, fromHex, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';

/** What a client finds wrong with an answer. */
export class EchoError extends Error {}

export type EchoQuestion = {
  readonly host: string;
  readonly port: number;
  /** 32 bytes; without one the response can be replayed. */
  readonly nonce?: Bytes;
  /** Without LF; without a nonce it does not begin with `@`. */
  readonly request: Bytes;
};

export type EchoAnswer = {
  readonly response: SignedResponse;
  /** As it came, without its LF. */
  readonly json: string;
};

const timeoutMilliseconds = 10_000;
/** Request and body of 4,096 bytes in base64, twice, and the rest. */
const maxAnswerLength = 16_384;
/** How far the service's clock may be from ours. */
const windowSeconds = 300;

/**
 * @throws EchoError when the service refuses, answers something else, or does not answer
 * @throws AttestationError when the answer is no response
 */
export async function askEcho(question: EchoQuestion): Promise<EchoAnswer> {
  const { nonce, request } = question;
  const prefix = nonce === undefined ? new Uint8Array() : utf8(`@${toHex(nonce)} `);
  const json = fromUtf8(await roundTrip(question, concat(prefix, request, utf8('\n'))), 'answer');
  if (/^\{"error":/.test(json)) throw new EchoError(`the service refused: ${json.slice(0, 80)}`);
  const response = parseResponse(json);
  const expected = nonce ?? new Uint8Array(32);
  if (!equalBytes(response.nonce, expected)) throw new EchoError('the nonce is not ours');
  if (!equalBytes(response.request, request)) throw new EchoError('the request is not ours');
  if (!equalBytes(response.body, request)) throw new EchoError('the body is not the request');
  const off = Math.abs(response.time - Date.now() / 1000);
  if (off > windowSeconds) throw new EchoError(`the service's clock is ${Math.round(off)} s off`);
  return { response, json };
}

function roundTrip({ host, port }: EchoQuestion, line: Bytes): Promise<Bytes> {
  return new Promise((done, failed) => {
    const socket = connect({ host, port });
    const fail = (problem: string) => {
      socket.destroy();
      failed(new EchoError(`${host}:${port}: ${problem}`));
    };
    let answer: Bytes = new Uint8Array();
    socket.setTimeout(timeoutMilliseconds, () => fail('no answer in time'));
    socket.on('error', (error) => fail(error.message));
    socket.on('end', () => fail('closed without a whole line'));
    socket.on('data', (chunk) => {
      answer = concat(answer, chunk);
      const end = answer.indexOf(0x0a);
      if (end !== -1) {
        socket.destroy();
        done(answer.subarray(0, end));
      } else if (answer.length > maxAnswerLength) fail('the answer is too long');
    });
    socket.write(line);
  });
}

const usage = 'usage: node test/tools/echo-client.ts HOST:PORT [--nonce HEX] [--out FILE] TEXT';

function readArguments(args: readonly string[]): { question: EchoQuestion; out?: string } {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { nonce: text, out: text },
    allowPositionals: true,
  });
  const [address = '', request = '', ...more] = positionals;
  const found = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port > 65_535 || positionals.length < 2 || more.length > 0) {
    throw new TypeError(usage);
  }
  if (request.includes('\n')) throw new TypeError('TEXT: a request is one line');
  const nonce = values.nonce === undefined ? {} : { nonce: fromHex(values.nonce, '--nonce', 32) };
  const out = values.out === undefined ? {} : { out: values.out };
  return { question: { host, port, request: utf8(request), ...nonce }, ...out };
}

async function main(args: readonly string[]): Promise<number> {
  const complain = (message: string) => process.stderr.write(`echo-client: ${message}\n`);
  let given: ReturnType<typeof readArguments>;
  try {
    given = readArguments(args);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (given.question.nonce === undefined) complain('no nonce: this response can be replayed');
  try {
    const { json } = await askEcho(given.question);
    if (given.out !== undefined) await writeFile(given.out, json);
    process.stdout.write(`${json}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof EchoError || error instanceof AttestationError)) throw error;
    complain(error.message);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
