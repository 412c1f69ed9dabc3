/** Asks an agent over HTTP. The answers are only bytes: they are verified like files. */
import { bundleMediaType, maxBundleLength } from '#verifier/abi/bundle.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { CliError } from './cli-error.ts';
import type { OwnChannel } from './peer.ts';

const timeLimitMs = 30_000;

/** @returns the address that is asked, without the nonce @throws CliError wrong usage */
export function attestationUrl(target: string): URL {
  let url: URL;
  try {
    url = new URL(target);
  } catch {
    throw new CliError(
      'usage',
      'usage',
      `${target} is not a URL`,
      'Write http://host:port or https://host.',
    );
  }
  if (!url.pathname.endsWith('/attestation'))
    url.pathname = url.pathname.replace(/\/*$/, '/attestation');
  return url;
}

/** A document, and this verifier's own end of the connection that it came over. */
export type Fetched = { bytes: Bytes; channel: OwnChannel };

/** @throws CliError undecided when no agent answers, invalid when what answers is not evidence */
export function fetchLive(url: URL, nonce: Bytes, signal?: AbortSignal): Promise<Fetched> {
  const asked = new URL(url);
  asked.searchParams.set('nonce', toHex(nonce));
  const mediaTypes = [bundleMediaType, 'application/json'] as const;
  return fetchDocument(asked, { what: 'an evidence bundle', mediaTypes }, signal);
}

/** The same for whoever has no use for the connection. @throws CliError as `fetchLive` */
export async function fetchBundle(url: URL, nonce: Bytes, signal?: AbortSignal): Promise<Bytes> {
  return (await fetchLive(url, nonce, signal)).bytes;
}

/**
 * /proofs/:name of the agent that `attestationUrl` gave the address of.
 * @throws CliError like `fetchBundle`
 */
export async function fetchTreeProof(url: URL, name: string): Promise<Bytes> {
  const asked = new URL(url);
  asked.pathname = asked.pathname.replace(/attestation$/, `proofs/${encodeURIComponent(name)}`);
  const wanted: Wanted = { what: 'a tree proof', mediaTypes: ['application/json'] };
  return (await fetchDocument(asked, wanted)).bytes;
}

type Wanted = { what: string; mediaTypes: readonly [string, ...string[]] };

async function fetchDocument(asked: URL, wanted: Wanted, signal?: AbortSignal): Promise<Fetched> {
  // The nonce says nothing to a reader of an error.
  const url = new URL(asked);
  url.search = '';
  // Loaded here: verifying a file must not pay for an HTTP client.
  const { default: axios, isAxiosError } = await import('axios');
  const peer = asked.protocol === 'https:' ? new (await import('./peer.ts')).PeerAgent() : null;
  const answer = await axios
    .get<ArrayBuffer>(asked.href, {
      responseType: 'arraybuffer',
      headers: { accept: wanted.mediaTypes[0] },
      maxContentLength: maxBundleLength,
      maxRedirects: 0,
      ...(peer !== null && { httpsAgent: peer }),
      signal: AbortSignal.any([AbortSignal.timeout(timeLimitMs), ...(signal ? [signal] : [])]),
      validateStatus: () => true,
    })
    .catch((error: unknown) => {
      if (!isAxiosError(error)) throw error;
      if (/maxContentLength/.test(error.message)) {
        throw notWanted(url, wanted, 'sent more than 8 MiB', 'too-large');
      }
      const reason =
        error.code === 'ERR_CANCELED'
          ? `no answer within ${timeLimitMs / 1000} s`
          : (error.code ?? error.message);
      throw unreachable(url, reason);
    });
  const mediaType = String(answer.headers['content-type'] ?? 'no content type').split(';')[0] ?? '';
  if (answer.status === 408 || answer.status === 429 || answer.status >= 500) {
    throw unreachable(url, `it answered with status ${answer.status}`);
  }
  if (answer.status !== 200) {
    const problem = `answered with status ${answer.status} (${mediaType})`;
    throw notWanted(url, wanted, problem, 'agent-answer');
  }
  if (!wanted.mediaTypes.includes(mediaType)) {
    throw notWanted(url, wanted, `answered ${mediaType}`, 'agent-answer');
  }
  // Plain HTTP binds nothing.
  return { bytes: new Uint8Array(answer.data), channel: peer === null ? null : peer.channel };
}

function unreachable(url: URL, reason: string): CliError {
  return new CliError(
    'undecided',
    'agent-unreachable',
    `no evidence from ${url.href}: ${reason}`,
    'Check that the agent runs and that host and port are right, then try again.',
  );
}

function notWanted(
  url: URL,
  { what, mediaTypes }: Wanted,
  problem: string,
  code: string,
): CliError {
  return new CliError(
    'invalid',
    code,
    `${url.href} ${problem} where ${what} (${mediaTypes[0]}) was due`,
    'Check that the URL is that of an affidavit agent.',
  );
}
