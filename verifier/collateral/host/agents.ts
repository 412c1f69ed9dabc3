/** Connections: through the proxies that the environment names, under the authorities that Node and the user trust. */
import { X509Certificate } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { CollateralError } from '../collateral-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Agents = { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent };

export type ProxySetting = {
  /** That names it. */
  readonly variable: string;
  readonly url: URL;
};

/**
 * Node's agents judge by NO_PROXY and go through CONNECT to what is https; axios, seeing that, leaves it to them. Its own
 * way would take what the proxy answers to CONNECT for the answer of the server.
 * @param ca as `certificatesIn` gives them
 * @param timeLimit in milliseconds, for a proxy to make a way: an aborted request alone would leave that connection open
 * @throws CollateralError `vendor-unreachable` for a proxy that is none
 */
export function createAgents(
  ca: readonly string[],
  environment: Environment,
  timeLimit: number,
): Agents {
  const proxyEnv = {
    HTTP_PROXY: proxyFor('http:', environment)?.url.href,
    HTTPS_PROXY: proxyFor('https:', environment)?.url.href,
    NO_PROXY: environment['no_proxy'] ?? environment['NO_PROXY'],
  };
  const options = { proxyEnv, timeout: timeLimit };
  // Whoever names authorities has them beside the usual ones, not in their place.
  const trusted = ca.length === 0 ? {} : { ca: [...getCACertificates('default'), ...ca] };
  return {
    httpAgent: new HttpAgent(options),
    httpsAgent: new HttpsAgent({ ...options, ...trusted }),
  };
}

/**
 * For addresses of this protocol; NO_PROXY is not looked at. As everywhere, `host:port` alone is a proxy that speaks HTTP.
 * @returns null where the environment names none @throws CollateralError `vendor-unreachable`
 */
export function proxyFor(protocol: string, environment: Environment): ProxySetting | null {
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const variable = [name.toLowerCase(), name].find((one) => environment[one]);
  if (variable === undefined) return null;
  const value = environment[variable] as string;
  const url = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (url !== null && /^https?:$/.test(url.protocol)) return { variable, url };
  // Not its value, which may hold a password.
  const kind = url === null ? 'is not an address' : `names a proxy of the kind ${url.protocol}`;
  throw new CollateralError(
    'vendor-unreachable',
    `${variable} ${kind}; expected http://host:port or https://host:port`,
  );
}

const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** @param pem text of a PEM file @throws RangeError for one that holds no certificate, or a damaged one */
export function certificatesIn(pem: string): readonly string[] {
  const found = pem.match(block) ?? [];
  if (found.length === 0) throw new RangeError('a CA file holds no certificate in PEM');
  for (const [index, one] of found.entries()) {
    try {
      new X509Certificate(one);
    } catch (cause) {
      throw new RangeError(`certificate ${index + 1} of a CA file is damaged`, { cause });
    }
  }
  return found;
}
