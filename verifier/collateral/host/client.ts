/**
 * Asks vendors' servers, politely: one request at a time a host, over all processes that share the cache, and none while
 * the host is to be left alone. What answers is bytes: they count by their signatures, which others check.
 */
import type { Readable } from 'node:stream';
import type { AxiosStatic } from 'axios';
import { formatTime, type UnixTime } from '../../time.ts';
import { CollateralError, type CollateralErrorCode } from '../collateral-error.ts';
import type { Answer, Source, Store } from '../ports.ts';
import { type Agents, certificatesIn, createAgents, type Environment } from './agents.ts';
import { isWebPage, pointedAt, readBody, secondsToWait, serverDate, toHeaders } from './answer.ts';
import { failureOf } from './failure.ts';
import { hostName, longestPause, type Pauses, type PausingCode } from './pauses.ts';
import { seconds } from './words.ts';

/** Sent as `affidavit/VERSION`; a test holds it to package.json's. */
export const clientVersion = '0.1.0';
const defaultTimeLimit = 15_000;

export type SourceOptions = {
  readonly store: Pick<Store, 'alone'> & Pauses;
  readonly now: () => UnixTime;
  /** For the whole answer, in milliseconds; waiting for others' requests is not in it. */
  readonly timeLimit?: number;
  /** Texts of PEM files: certificates of authorities that are trusted beside Node's own and NODE_EXTRA_CA_CERTS. */
  readonly ca?: readonly string[];
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY are heard, in lower case too. */
  readonly environment: Environment;
};

/** How a request ended: with an answer, or with what a person and the host's pause are told. */
type Ending =
  | { readonly answer: Answer }
  | {
      readonly code: CollateralErrorCode;
      readonly why: string;
      readonly cause?: unknown;
      /** Seconds that the server asked for. */
      readonly wait?: number | null;
    };

/**
 * `get` throws CollateralError `cache-unusable` too, where requests cannot be kept apart.
 * @throws RangeError for a `ca` that holds no certificate
 */
export function createSource(options: SourceOptions): Source {
  const { store, now, timeLimit = defaultTimeLimit, environment } = options;
  const ca = (options.ca ?? []).flatMap(certificatesIn);
  let made: Agents | undefined;
  const ask = async (url: URL, limit: number, agents: Agents): Promise<Ending> => {
    // Loaded here: who finds all in the cache does not pay for an HTTP client. The time begins after it.
    const { default: axios } = await import('axios');
    const signal = AbortSignal.timeout(timeLimit);
    try {
      return await request(axios, url, limit, agents, signal, now());
    } catch (error) {
      if (!signal.aborted) return failureOf(error, url, environment);
      const why = `there was no whole answer within ${seconds(timeLimit / 1000)}`;
      return { code: 'vendor-unreachable', why };
    }
  };
  return {
    async get(address, limit) {
      const url = anAddress(address);
      if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`limit: ${limit} bytes`);
      made ??= createAgents(ca, environment, timeLimit);
      const agents = made;
      // Before waiting for others too: who is told to wait is told at once.
      await refuseInPause(options, url);
      return store.alone(`host/${hostName(url.host)}`, async () => {
        await refuseInPause(options, url);
        const ending = await ask(url, limit, agents);
        await remember(store, url.host, now(), ending);
        if ('answer' in ending) return ending.answer;
        throw failed(url, ending.code, ending.why, ending.cause);
      });
    },
  };
}

function anAddress(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new RangeError(`not an http or https address: ${address}`);
  }
  return url;
}

/** One line, without what a mirror's address may hold of passwords. */
function failed(
  url: URL,
  code: CollateralErrorCode,
  why: string,
  cause?: unknown,
): CollateralError {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  const options = cause === undefined ? {} : { cause };
  return new CollateralError(code, `${shown.href}: ${why}`, options);
}

/** @throws CollateralError with the code that the pause began with */
async function refuseInPause({ store, now }: SourceOptions, url: URL): Promise<void> {
  const pause = await store.pauseOf(url.host);
  if (pause === null) return;
  const left = pause.until - now();
  if (left <= 0 || left > longestPause) return;
  const until = `${formatTime(pause.until)}, which is in ${seconds(left)}`;
  throw failed(url, pause.code, `${url.host} is not asked again until ${until}: ${pause.why}`);
}

/** A server that knows no such object has answered in order; what is not the vendor's server says nothing of it. */
async function remember(store: Pauses, host: string, now: UnixTime, ending: Ending): Promise<void> {
  if ('answer' in ending || ending.code === 'vendor-unknown') return store.resume(host);
  const { code, why, wait } = ending;
  if (!isPausing(code)) return;
  if (wait != null) return store.pause(host, now + wait, why);
  return store.backOff(host, now, code, why);
}

function isPausing(code: CollateralErrorCode): code is PausingCode {
  return code === 'vendor-busy' || code === 'vendor-unreachable';
}

/** @throws what axios, Node or the signal throws */
async function request(
  axios: AxiosStatic,
  url: URL,
  limit: number,
  agents: Agents,
  signal: AbortSignal,
  now: UnixTime,
): Promise<Ending> {
  const answer = await axios.get<Readable>(url.href, {
    ...agents,
    headers: {
      accept: '*/*',
      'accept-encoding': 'gzip',
      'user-agent': `affidavit/${clientVersion}`,
    },
    // As a stream and as it came: what is refused by its status is not read, and sizes are counted here.
    responseType: 'stream',
    decompress: false,
    maxRedirects: 0,
    signal,
    validateStatus: () => true,
  });
  const headers = toHeaders(answer.headers);
  const refused = judge(answer.status, headers, url, now);
  if (refused !== null) {
    answer.data.destroy();
    return refused;
  }
  const read = await readBody(answer.data, headers['content-encoding'], limit, signal);
  if (!('body' in read)) return read;
  return { answer: { body: read.body, headers, date: serverDate(headers) } };
}

/** By status and headers alone. @returns null for what is to be read */
function judge(status: number, headers: Answer['headers'], url: URL, now: UnixTime): Ending | null {
  const answered = `it answered with status ${status}`;
  if (status === 200) {
    if (!isWebPage(headers)) return null;
    return {
      code: 'answer-wrong',
      why: 'it answered with a web page, which no object of a vendor is',
    };
  }
  if (status === 400 || status === 404) return { code: 'vendor-unknown', why: answered };
  if (status === 429 || status === 503) {
    return { code: 'vendor-busy', why: answered, wait: secondsToWait(headers, now) };
  }
  if (status === 408 || status >= 500) return { code: 'vendor-unreachable', why: answered };
  const target = status >= 300 && status < 400 ? pointedAt(headers, url) : null;
  const elsewhere = target === null ? '' : ` and pointed to ${target}, where nothing is asked`;
  return { code: 'answer-wrong', why: `${answered}${elsewhere}` };
}
