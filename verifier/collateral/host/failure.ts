/** What a connection failed of, in plain words. */
import { type Environment, type ProxySetting, proxyFor } from './agents.ts';

export type Failure = {
  readonly code: 'vendor-unreachable' | 'answer-wrong';
  readonly why: string;
  readonly cause: unknown;
};

const noConnection: Readonly<Record<string, string>> = {
  ENOTFOUND: 'nobody knows a host of this name',
  EAI_AGAIN: 'names of hosts cannot be looked up, as without a network',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  ECONNABORTED: 'the connection was cut',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'there was no answer',
  EHOSTUNREACH: 'no way leads to this host',
  ENETUNREACH: 'no way leads to this network',
  EADDRNOTAVAIL: 'no way leads to this network',
};

/** A proxy that opens connections has an authority of its own, which its operator gives out. */
const unknownAuthority = [
  'its certificate is not of an authority that is trusted here',
  'where a proxy opens connections, name its authority with --ca-file or NODE_EXTRA_CA_CERTS',
].join('; ');
const badCertificate: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_HAS_EXPIRED: 'its certificate has expired, or the clock of this machine is ahead',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, or the clock of this machine is behind',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_UNTRUSTED: unknownAuthority,
  CERT_REVOKED: 'its certificate is revoked',
  CERT_REJECTED: 'its certificate is not for servers',
  INVALID_PURPOSE: 'its certificate is not for servers',
  INVALID_CA: 'its certificate was issued by what is no authority',
  CERT_CHAIN_TOO_LONG: 'its certificates make too long a chain',
  PATH_LENGTH_EXCEEDED: 'its certificates make too long a chain',
};

/** @param error what axios, Node or a stream threw @throws what is none of a connection's */
export function failureOf(error: unknown, url: URL, environment: Environment): Failure {
  const found = coded(error);
  if (found === null) throw error;
  const { code } = found;
  if (code === 'ERR_PROXY_TUNNEL') {
    return unreachable(noWay(found, proxyFor(url.protocol, environment)), found);
  }
  const wrong = badCertificate[code] ?? notSpoken(code);
  if (wrong !== null) return { code: 'answer-wrong', why: `${wrong} (${code})`, cause: found };
  const reason = noConnection[code] ?? 'there was no connection';
  const proxy = proxyFor(url.protocol, environment);
  const hint = proxy === null ? '' : `; ${proxy.variable} names the proxy ${proxy.url.host}`;
  return unreachable(`${reason} (${code})${hint}`, found);
}

function unreachable(why: string, cause: unknown): Failure {
  return { code: 'vendor-unreachable', why, cause };
}

function notSpoken(code: string): string | null {
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return 'what answers there speaks no TLS that is known here';
  }
  return code.startsWith('HPE_') ? 'what answers there speaks no HTTP' : null;
}

type Coded = { readonly code: string; readonly statusCode?: unknown };

/** The innermost error that the system or Node gave a code. What axios wraps it in holds the request, passwords too. */
function coded(error: unknown): Coded | null {
  if (!(error instanceof Error)) return null;
  const inner = coded(error.cause);
  if (inner !== null) return inner;
  return 'code' in error && typeof error.code === 'string' ? (error as Error & Coded) : null;
}

/** The proxy answered, and not with a way to the host. */
function noWay({ statusCode }: Coded, proxy: ProxySetting | null): string {
  const name = proxy === null ? 'the proxy' : `the proxy ${proxy.url.host} (${proxy.variable})`;
  if (statusCode === 407) return `${name} wants a name and a password, or others than it was given`;
  if (typeof statusCode === 'number')
    return `${name} refused the way there with status ${statusCode}`;
  return `${name} made no way there`;
}
