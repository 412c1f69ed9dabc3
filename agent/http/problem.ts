/**
 * RFC 9457. A client sees the catalogue's words, which device it is about where it is about one, and nothing of its own request;
 * what is not ours is a bare 500 here and a line in the log.
 */
import { AgentError, type AgentErrorCode, agentErrorCatalogue } from '../errors.ts';

export const problemMediaType = 'application/problem+json';

export type Problem = {
  readonly code: AgentErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Seconds after which asking again may help. */
const retryAfter: Partial<Record<AgentErrorCode, string>> = {
  'device-busy': '1',
  'not-ready': '1',
  'log-full': '30',
  'device-hanging': '30',
};

export function problemOf(error: unknown): Problem {
  const code = error instanceof AgentError && isPublic(error) ? error.code : 'internal';
  const { means, remedy } = agentErrorCatalogue[code];
  const status = statusOf(code);
  const words = code === 'internal' ? {} : { detail: `${means} ${remedy}` };
  const device = error instanceof AgentError && code === error.code ? error.device : null;
  const wait = retryAfter[code];
  return {
    code,
    status,
    headers: {
      'Content-Type': problemMediaType,
      'X-Content-Type-Options': 'nosniff',
      ...(wait !== undefined && { 'Retry-After': wait }),
    },
    body: JSON.stringify({
      type: 'about:blank',
      title: titleOf(status),
      status,
      code,
      ...words,
      ...(device !== null && { device: { index: device.index, kind: device.kind } }),
    }),
  };
}

export function statusOf(code: AgentErrorCode): number {
  return agentErrorCatalogue[code].status ?? 500;
}

function isPublic(error: AgentError): boolean {
  return agentErrorCatalogue[error.code].status !== null;
}

/** The code of what Node's HTTP parser refuses before there is a request to answer. */
export function codeOfParser(error: unknown): AgentErrorCode {
  switch ((error as { code?: unknown } | null)?.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'headers-too-large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request-timeout';
    default:
      return 'request-malformed';
  }
}

/** The whole answer, for a connection that is then closed. */
export function rawProblem(error: unknown): string {
  const code = codeOfParser(error);
  const problem = problemOf(new AgentError(code, 'refused by the HTTP parser'));
  const headers = {
    ...problem.headers,
    'Content-Length': problem.body.length,
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const first = `HTTP/1.1 ${problem.status} ${titleOf(problem.status)}\r\n`;
  return `${first}${lines.join('')}\r\n${problem.body}`;
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Content Too Large',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The reason phrase of RFC 9110 for a status of the catalogue. */
function titleOf(status: number): string {
  return titles[status] ?? 'Error';
}
