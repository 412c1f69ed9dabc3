/** Asks an agent for evidence as `affidavit verify URL` does, within what a browser lets a page do. */
import { bundleMediaType, maxBundleLength } from '#verifier/abi/bundle.ts';
import { type Bytes, concat, toHex } from '#verifier/bytes.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { Problem } from '../model/session.ts';
import { agentStrings as words } from '../strings/agent.ts';

const timeLimitMs = 30_000;

/** The page that asks: what browsers decide by. */
export type Page = {
  /** `null` of a page from a file. */
  origin: string;
  /** `http:`, `https:` or `file:` */
  protocol: string;
};

/** What happened, the likely reasons in order, and commands that get the same as a file. */
export type AgentProblem = Problem & {
  reasons: readonly string[];
  commands: readonly { what: string; text: string }[];
};

export type AskedAgent = { bytes: Bytes } | { problem: AgentProblem };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The address that is asked, without the nonce; or what is wrong with the text. */
export function attestationUrl(text: string): { url: URL } | { problem: AgentProblem } {
  const written = text.trim();
  let url: URL | null = null;
  try {
    url = new URL(written);
  } catch {
    // Said below.
  }
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return { problem: plain('usage', words.notUrl(harmless(written)), words.notUrlRemedy) };
  if (url.username !== '' || url.password !== '')
    return { problem: plain('usage', words.hasPassword, words.hasPasswordRemedy) };
  url.hash = '';
  if (!url.pathname.endsWith('/attestation'))
    url.pathname = url.pathname.replace(/\/*$/, '/attestation');
  return { url };
}

/** @param nonce 32 bytes, drawn for this question */
export function askEvidence(url: URL, nonce: Bytes, fetch: Fetch, page: Page): Promise<AskedAgent> {
  const asked = new URL(url);
  asked.searchParams.set('nonce', toHex(nonce));
  const mediaTypes = [bundleMediaType, 'application/json'] as const;
  const commands = [
    { what: words.byVerify, text: `affidavit verify ${quoted(url)} --save bundle.json` },
    { what: words.byCurl, text: `curl --fail --output bundle.json ${quoted(asked)}` },
  ];
  return ask(asked, { what: words.bundle, mediaTypes, commands }, fetch, page);
}

/** @param url as `attestationUrl` gave it */
export function askClosure(url: URL, fetch: Fetch, page: Page): Promise<AskedAgent> {
  const asked = siblingOf(url, 'closure');
  const commands = [
    { what: words.byCurl, text: `curl --fail --output closure.txt ${quoted(asked)}` },
  ];
  return ask(asked, { what: words.closure, mediaTypes: ['text/plain'], commands }, fetch, page);
}

/** @param name of a service, which need not exist: then the answer proves that it does not */
export function askTreeProof(
  url: URL,
  name: string,
  fetch: Fetch,
  page: Page,
): Promise<AskedAgent> {
  const asked = siblingOf(url, `proofs/${encodeURIComponent(name)}`);
  const commands = [
    { what: words.byCurl, text: `curl --fail --output proof.json ${quoted(asked)}` },
  ];
  const mediaTypes = ['application/json'] as const;
  return ask(asked, { what: words.treeProof, mediaTypes, commands }, fetch, page);
}

function siblingOf(url: URL, path: string): URL {
  const asked = new URL(url);
  asked.pathname = asked.pathname.replace(/attestation$/, path);
  return asked;
}

type Wanted = {
  what: string;
  mediaTypes: readonly [string, ...string[]];
  commands: AgentProblem['commands'];
};

async function ask(url: URL, wanted: Wanted, fetch: Fetch, page: Page): Promise<AskedAgent> {
  const { commands } = wanted;
  const shown = harmless(`${url.origin}${url.pathname}`);
  const fail = (code: string, message: string, remedy: string): AskedAgent => ({
    problem: { code, message, remedy, reasons: [], commands },
  });
  let answer: Response;
  const timeout = AbortSignal.timeout(timeLimitMs);
  try {
    answer = await fetch(url.href, {
      headers: { accept: wanted.mediaTypes[0] },
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      redirect: 'error',
      signal: timeout,
    });
  } catch {
    if (timeout.aborted)
      return fail('agent-unreachable', words.noAnswer(shown, timeLimitMs / 1000), words.checkAgent);
    const message = words.refused(shown);
    const reasons = likelyReasons(url, page);
    return {
      problem: {
        code: 'agent-unreachable',
        message,
        remedy: words.refusedRemedy,
        reasons,
        commands,
      },
    };
  }
  const { status } = answer;
  if (status === 408 || status === 429 || status >= 500)
    return fail('agent-unreachable', words.status(shown, status), words.checkAgent);
  if (status !== 200) return fail('agent-answer', words.status(shown, status), words.checkUrl);
  const mediaType = (answer.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
  if (!wanted.mediaTypes.includes(mediaType)) {
    await answer.body?.cancel();
    const message = words.otherMedia(shown, harmless(mediaType), wanted.what, wanted.mediaTypes[0]);
    return fail('agent-answer', message, words.checkUrl);
  }
  try {
    const bytes = await readLimited(answer, maxBundleLength);
    if (bytes !== null) return { bytes };
    return fail('too-large', words.tooLarge(shown), words.checkUrl);
  } catch {
    const message = timeout.aborted ? words.noAnswer(shown, timeLimitMs / 1000) : words.cut(shown);
    return fail('agent-unreachable', message, words.checkAgent);
  }
}

/** Null for more than `limit`, of which the rest is not even read. */
async function readLimited({ body }: Response, limit: number): Promise<Bytes | null> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Bytes[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length;
    if (length > limit) {
      await reader.cancel();
      return null;
    }
    chunks.push(next.value);
  }
  return concat(...chunks);
}

/** A browser keeps the reason from the page: the likeliest comes first. */
export function likelyReasons(url: URL, { origin, protocol }: Page): string[] {
  const insecure = url.protocol === 'http:' && protocol === 'https:' && !isLoopback(url.hostname);
  return [
    ...(insecure ? [words.mixedContent] : []),
    ...(url.origin === origin ? [] : [words.cors(origin)]),
    words.unreachable(harmless(url.host)),
    ...(url.protocol === 'https:' ? [words.certificate] : []),
    words.redirect,
  ];
}

/** Browsers let an https page ask these over http: the question does not leave the machine. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

/** One word of a POSIX shell. */
function quoted({ href }: URL): string {
  return `'${href.replace(/'/g, '%27')}'`;
}

function plain(code: string, message: string, remedy: string): AgentProblem {
  return { code, message, remedy, reasons: [], commands: [] };
}
