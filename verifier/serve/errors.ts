/**
 * What a client of the service can do wrong, and what can go wrong for it. Codes are API, in the answer and in /metrics. Malformed
 * input keeps the codes of AttestationError.
 */
import { AttestationError, type ErrorCode, errorCatalogue } from '../errors.ts';

export const serveErrorCatalogue = {
  'query-malformed': {
    status: 400,
    means: 'The query has a parameter that is unknown here, one twice, or one of the wrong form.',
    remedy: 'Send the parameters that /openapi.json lists for this resource, each once.',
  },
  'body-unexpected': {
    status: 400,
    means: 'The request has a body, and this resource takes none.',
    remedy: 'Send the request without a body.',
  },
  'body-incomplete': {
    status: 400,
    means: 'The body ended before its announced length.',
    remedy: 'Send the request again, whole.',
  },
  'challenge-misplaced': {
    status: 400,
    means: 'A challenge was named for a raw report or quote, which holds no nonce.',
    remedy: 'Send a bundle, or ask for the 64 bytes with report-data.',
  },
  'cross-site': {
    status: 403,
    means:
      'The live page or what it shows was asked for from another site, or under a name that is not this machine’s.',
    remedy: 'Open /ui/ of the address that the service names at its start.',
  },
  'policy-unknown': {
    status: 404,
    means: 'No policy of this name is loaded.',
    remedy: 'Name a file of the service’s policy folder, without its ending.',
  },
  'not-found': {
    status: 404,
    means: 'Nothing is served here.',
    remedy: 'Ask for a resource that /openapi.json lists.',
  },
  'method-not-allowed': {
    status: 405,
    means: 'This resource does not take this method.',
    remedy: 'Use a method that the header Allow names.',
  },
  'not-acceptable': {
    status: 406,
    means: 'None of the media types of the header Accept can be given.',
    remedy: 'Accept application/json, or application/eat+jwt for a token.',
  },
  'request-timeout': {
    status: 408,
    means: 'The request was not complete in time.',
    remedy: 'Send the request again, without pauses.',
  },
  'challenge-spent': {
    status: 409,
    means: 'The challenge is unknown, was used before, or has run out.',
    remedy: 'Draw a new one with POST /challenges and fetch new evidence with its nonce.',
  },
  'body-too-large': {
    status: 413,
    means: 'The body is larger than this resource takes.',
    remedy: 'Send at most what /openapi.json says; a bundle has 8 MiB at most.',
  },
  'url-too-long': {
    status: 414,
    means: 'The URL is longer than any that this service takes.',
    remedy: 'Send the parameters of /openapi.json and no others.',
  },
  'media-type-unknown': {
    status: 415,
    means: 'The body is of a media type, or in a content encoding, that is not read here.',
    remedy: 'Send a media type that /openapi.json lists, without content encoding.',
  },
  'header-too-large': {
    status: 431,
    means: 'The header of the request is larger than 8 KiB.',
    remedy: 'Send fewer or shorter header fields.',
  },
  'http-malformed': {
    status: 400,
    means: 'The request is not well-formed HTTP.',
    remedy: 'Use an HTTP/1.1 client.',
  },
  busy: {
    status: 503,
    means: 'The service has as many requests, bytes or open challenges as it takes at a time.',
    remedy: 'Try again after the time in Retry-After.',
  },
  'checker-unavailable': {
    status: 503,
    means: 'Proofs cannot be checked here.',
    remedy: 'Look at the service’s log, or check the proof with affidavit check.',
  },
  'log-failed': {
    status: 500,
    means: 'The decision could not be written to the decision log, and is not given without.',
    remedy: 'Look at the service’s log; free the disk or repair the log.',
  },
  internal: {
    status: 500,
    means: 'A fault of the service.',
    remedy: 'Look at the service’s log and report the fault.',
  },
} as const satisfies Record<string, { status: number; means: string; remedy: string }>;

export type ServeErrorCode = keyof typeof serveErrorCatalogue;

export class ServeError extends Error {
  readonly code: ServeErrorCode;

  /** @param message for the log; a client sees the catalogue's words alone */
  constructor(code: ServeErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ServeError';
    this.code = code;
  }
}

/** RFC 9457, with our `code`. */
export type Problem = {
  type: 'about:blank';
  title: string;
  status: number;
  code: ServeErrorCode | ErrorCode;
  detail?: string;
};

/** Reason phrases (RFC 9110) of the statuses above. */
const titles: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The catalogue's words and nothing of the request; a fault of our own is a bare 500. */
export function toProblem(error: unknown): Problem {
  if (error instanceof AttestationError) {
    const { means, remedy } = errorCatalogue[error.code];
    return problemOf(error.code, error.code === 'too-large' ? 413 : 400, `${means} ${remedy}`);
  }
  if (!(error instanceof ServeError)) {
    return { type: 'about:blank', title: titles[500] as string, status: 500, code: 'internal' };
  }
  const { status, means, remedy } = serveErrorCatalogue[error.code];
  return problemOf(error.code, status, `${means} ${remedy}`);
}

function problemOf(code: Problem['code'], status: number, detail: string): Problem {
  return { type: 'about:blank', title: titles[status] ?? '', status, code, detail };
}
