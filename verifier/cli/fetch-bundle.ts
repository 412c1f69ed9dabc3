/** Asks an agent for evidence over HTTP. The answer is only bytes: it is verified like a file. */
import { bundleMediaType, maxBundleLength } from '#verifier/abi/bundle.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { CliError } from './cli-error.ts';

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

/** @throws CliError undecided when no agent answers, invalid when what answers is not evidence */
export async function fetchBundle(url: URL, nonce: Bytes): Promise<Bytes> {
  // Loaded here: verifying a file must not pay for an HTTP client.
  const { default: axios, isAxiosError } = await import('axios');
  const asked = new URL(url);
  asked.searchParams.set('nonce', toHex(nonce));
  const answer = await axios
    .get<ArrayBuffer>(asked.href, {
      responseType: 'arraybuffer',
      headers: { accept: bundleMediaType },
      maxContentLength: maxBundleLength,
      maxRedirects: 0,
      signal: AbortSignal.timeout(timeLimitMs),
      validateStatus: () => true,
    })
    .catch((error: unknown) => {
      if (!isAxiosError(error)) throw error;
      if (/maxContentLength/.test(error.message)) {
        throw noEvidence(url, 'sent more than 8 MiB', 'too-large');
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
  if (answer.status !== 200)
    throw noEvidence(url, `answered with status ${answer.status} (${mediaType})`, 'agent-answer');
  if (mediaType !== bundleMediaType && mediaType !== 'application/json') {
    throw noEvidence(url, `answered ${mediaType}`, 'agent-answer');
  }
  return new Uint8Array(answer.data);
}

function unreachable(url: URL, reason: string): CliError {
  return new CliError(
    'undecided',
    'agent-unreachable',
    `no evidence from ${url.href}: ${reason}`,
    'Check that the agent runs and that host and port are right, then try again.',
  );
}

function noEvidence(url: URL, what: string, code: string): CliError {
  return new CliError(
    'invalid',
    code,
    `${url.href} ${what} where an evidence bundle (${bundleMediaType}) was due`,
    'Check that the URL is that of an affidavit agent.',
  );
}
