/** The evidence that collateral is looked for: of the agent on this very machine, or of a file. */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { type Bytes, concat } from '#verifier/bytes.ts';
import { usageError } from '#verifier/cli/cli-error.ts';
import { AttestationError } from '#verifier/errors.ts';
import { readAll } from './files.ts';

/** Or why there is none, one line. */
export type AgentAnswer = { bundle: Bytes } | { missing: string };

/** Milliseconds: longer than the agent lets anybody wait for the device. */
const timeLimit = 30_000;
/** Of an agent that is about to start, or busy. */
const tries = 4;
const defaultPauseMs = 5000;

/** @throws CliError wrong usage for what is neither an address nor a file */
export function askAgent(
  from: string,
  pauseMs: number = defaultPauseMs,
): (stop: AbortSignal) => Promise<AgentAnswer> {
  if (!/^[a-z]+:\/\//i.test(from)) return () => readBundle(from);
  const url = URL.parse(from);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw usageError(
      `--from ${from} is not the address of an agent`,
      'Write http://127.0.0.1:8080.',
    );
  }
  if (!url.pathname.endsWith('/attestation')) {
    url.pathname = url.pathname.replace(/\/*$/, '/attestation');
  }
  return async (stop) => {
    for (let left = tries - 1; ; left -= 1) {
      const found = await fetchBundle(url, stop);
      if ('bundle' in found || !found.again || left === 0) return found;
      await sleep(pauseMs, undefined, { signal: stop }).catch(() => {});
      if (stop.aborted) return found;
    }
  };
}

async function readBundle(path: string): Promise<AgentAnswer> {
  try {
    return { bundle: await readAll(path, maxBundleLength) };
  } catch (error) {
    if (error instanceof AttestationError) return { missing: error.message };
    return { missing: `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
}

type Fetched = { bundle: Bytes } | { missing: string; again: boolean };

/**
 * Without any proxy. Nor is the certificate looked at: it is bound into the evidence and signed by nobody, and what answers
 * decides nothing but which published objects are asked for.
 */
function fetchBundle(url: URL, stop: AbortSignal): Promise<Fetched> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(timeLimit)]);
  const missing = (why: string, again: boolean): Fetched => {
    return { missing: `no evidence from ${url.origin}: ${why}`, again };
  };
  return new Promise((done) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const asked = request(url, { signal, rejectUnauthorized: false }, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode === 200) return readBody(response).then(done, failed);
      response.resume();
      done(missing(`it answered with status ${statusCode}`, statusCode >= 500));
    });
    const failed = (error: NodeJS.ErrnoException) => {
      const why = signal.aborted ? `no answer within ${timeLimit / 1000} s` : error.code;
      done(missing(why ?? error.message, true));
    };
    asked.on('error', failed);
    asked.end();
  });

  async function readBody(response: IncomingMessage): Promise<Fetched> {
    const parts: Bytes[] = [];
    let length = 0;
    for await (const part of response as AsyncIterable<Bytes>) {
      length += part.length;
      if (length > maxBundleLength) {
        response.destroy();
        return missing('it sent more than 8 MiB', false);
      }
      parts.push(part);
    }
    return { bundle: concat(...parts) };
  }
}
