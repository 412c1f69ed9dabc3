/** The agent's configuration: strict JSON, and whether it fits the closure. */
import { type ClosurePath, storePathPattern } from '#verifier/abi/closure.ts';
import { checkPublicKey, serviceName } from '#verifier/abi/service.ts';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import {
  arrayOf,
  type Decoded,
  type Decoder,
  hexBytes,
  integer,
  nullable,
  object,
  optional,
  parseJson,
  text,
  version,
} from '#verifier/json.ts';
import { AgentError } from './errors.ts';

/**
 * On the curve; other keys are refused where the configuration is read, so that the error names the
 * member.
 */
const publicKey: Decoder<Bytes> = (value, path) => {
  const key = hexBytes(64)(value, path);
  try {
    checkPublicKey(key);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'not a key';
    throw new AgentError('config-invalid', `${path}: ${reason}`, { cause });
  }
  return key;
};

const fileName = text(/^[^\0]{1,4096}$/, 'a file name');
const storePath = text(storePathPattern, 'a Nix store path');

const configShape = object({
  version: version(1),
  listen: object({
    host: text(/^[0-9A-Za-z.:_-]{1,253}$/, 'a host name or IP address'),
    port: integer(0, 65535),
  }),
  closure: object({ registration: fileName }),
  services: arrayOf(object({ name: serviceName, storePath, publicKey }), { max: 10_000 }),
  collateral: object({
    vek: nullable(fileName),
    ask: nullable(fileName),
    ark: nullable(fileName),
    arkCrl: nullable(fileName),
    tcbInfo: optional(nullable(fileName)),
    tcbSigning: optional(nullable(fileName)),
    qeIdentity: optional(nullable(fileName)),
    qeIdentitySigning: optional(nullable(fileName)),
    pckCrl: optional(nullable(fileName)),
    intelRootCrl: optional(nullable(fileName)),
    intelRoot: optional(nullable(fileName)),
  }),
});

export type Config = Decoded<typeof configShape>;

/** A service as configured; its NAR hash comes from the closure. */
export type ServiceConfig = Config['services'][number];

/**
 * File names are as written: whoever opens them resolves them against the configuration's folder.
 * @throws AgentError `config-invalid` for an off-curve key, or a name or key that occurs twice
 * @throws AttestationError `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`,
 *   `hex-malformed`
 */
export function parseConfig(bytes: Bytes): Config {
  const config = configShape(
    parseJson(fromUtf8(bytes, 'configuration'), 'configuration'),
    'configuration',
  );
  refuseTwice(config.services, 'name', ({ name }) => name);
  // Two services with one key could answer in each other's name.
  refuseTwice(config.services, 'publicKey', ({ publicKey }) => toHex(publicKey));
  return config;
}

function refuseTwice(
  services: readonly ServiceConfig[],
  member: string,
  keyOf: (service: ServiceConfig) => string,
): void {
  const seen = new Map<string, number>();
  services.forEach((service, index) => {
    const first = seen.get(keyOf(service));
    if (first !== undefined) {
      throw new AgentError(
        'config-invalid',
        `configuration.services[${index}].${member}: as in services[${first}], expected another`,
      );
    }
    seen.set(keyOf(service), index);
  });
}

/** A service of the closure. */
export type AgentService = ServiceConfig & { readonly narHash: Bytes };

/**
 * d = NAR hash of the store path named in the service's configuration (a path of the manifest).
 * @throws AgentError `config-invalid` for a store path that is not in the closure
 */
export function toServices(
  services: readonly ServiceConfig[],
  closure: readonly ClosurePath[],
): AgentService[] {
  const narHashes = new Map(closure.map(({ path, narHash }) => [path, narHash]));
  return services.map((service, index) => {
    const narHash = narHashes.get(service.storePath);
    if (narHash === undefined) {
      throw new AgentError(
        'config-invalid',
        `configuration.services[${index}].storePath: ${service.storePath} is not in the closure`,
      );
    }
    return { ...service, narHash };
  });
}
