/** The agent's configuration: strict JSON, and whether it fits the closure. */
import { type ClosurePath, storePathPattern } from '#verifier/abi/closure.ts';
import { checkPublicKey, serviceName } from '#verifier/abi/service.ts';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import {
  arrayOf,
  type Decoded,
  type Decoder,
  described,
  hexBytes,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  schemaOf,
  text,
  version,
} from '#verifier/json.ts';
import { devicesConfig, eventLogConfig } from './devices/config.ts';
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

const closureMembers = object({
  registration: optional(fileName),
  pathInfo: optional(fileName),
  scan: optional(text(/^\/[^\0]{1,4095}$/, 'an absolute path')),
  verify: optional(oneOf('exact', 'listed')),
});

/** Where the closure is from, and whether the store is compared with a list of it. */
export type ClosureConfig =
  | { source: 'registration' | 'pathInfo'; file: string; verify: 'exact' | 'listed' | null }
  | { source: 'scan'; system: string };

/** Exactly one source: which of two would count is not ours to guess. */
const closureSource: Decoder<ClosureConfig> = described(
  (value, path) => {
    const { registration, pathInfo, scan, verify } = closureMembers(value, path);
    const sources: ClosureConfig[] = [];
    const list = { verify: verify ?? null };
    if (registration !== undefined)
      sources.push({ source: 'registration', file: registration, ...list });
    if (pathInfo !== undefined) sources.push({ source: 'pathInfo', file: pathInfo, ...list });
    if (scan !== undefined) sources.push({ source: 'scan', system: scan });
    const [source] = sources;
    if (source === undefined || sources.length > 1) {
      const problem = `expected one of registration, pathInfo and scan, got ${sources.length}`;
      throw new AgentError('config-invalid', `${path}: ${problem}`);
    }
    if (source.source === 'scan' && verify !== undefined) {
      const problem = 'a scan hashes every NAR by itself, and there is no list to compare with';
      throw new AgentError('config-invalid', `${path}.verify: ${problem}`);
    }
    return source;
  },
  () => schemaOf(closureMembers),
);

const serviceMembers = object({
  name: serviceName,
  storePath,
  publicKey: optional(publicKey),
  publicKeyFile: optional(fileName),
});

/** A service as configured; its NAR hash comes from the closure. */
export type ServiceConfig = {
  readonly name: string;
  readonly storePath: string;
  /** x ‖ y, or the name of a file that holds it and may be written again while the agent runs. */
  readonly key: { readonly publicKey: Bytes } | { readonly file: string };
};

const service: Decoder<ServiceConfig> = described(
  (value, path) => {
    const { publicKey, publicKeyFile, ...rest } = serviceMembers(value, path);
    if (publicKey !== undefined && publicKeyFile === undefined) {
      return { ...rest, key: { publicKey } };
    }
    if (publicKeyFile !== undefined && publicKey === undefined) {
      return { ...rest, key: { file: publicKeyFile } };
    }
    const found = publicKey === undefined ? 'neither' : 'both';
    const problem = `expected one of publicKey and publicKeyFile, got ${found}`;
    throw new AgentError('config-invalid', `${path}: ${problem}`);
  },
  () => schemaOf(serviceMembers),
);

const configShape = object({
  version: version(1),
  listen: object({
    host: text(/^[0-9A-Za-z.:_-]{1,253}$/, 'a host name or IP address'),
    port: integer(0, 65535),
  }),
  /** VMPL of reports, where the provider has it; 0: the kernel's own choice. */
  privlevel: optional(integer(0, 3)),
  /** From which level on requests are logged: `warn` begins with those that were refused. */
  accessLog: optional(oneOf('info', 'warn', 'error', 'silent')),
  /** Null or left out: plain HTTP. */
  tls: optional(nullable(object({ certificateLifetime: integer(1, 3650) }))),
  /** Where the guest's root adds runtime events; null or left out: nowhere. */
  events: optional(nullable(object({ socket: text(/^\/[^\0]{1,106}$/, 'an absolute path') }))),
  closure: closureSource,
  services: arrayOf(service, { max: 10_000 }),
  /** Whose evidence a bundle carries beside the secure processor's, in this order. */
  devices: optional(devicesConfig),
  /** The boot's event log; null: none; left out: the kernel's files, where they are there. */
  eventLog: optional(eventLogConfig),
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
    /** For the GPUs among `devices`: reference manifests (XML) and OCSP answers (DER), as NVIDIA signed them. */
    nvidiaRims: optional(arrayOf(fileName, { max: 32 })),
    nvidiaOcsp: optional(arrayOf(fileName, { max: 32 })),
    /** That the refresher writes; null or left out: none. */
    folder: optional(nullable(text(/^\/[^\0]{1,4095}$/, 'an absolute path'))),
  }),
});

export type Config = Decoded<typeof configShape>;

/**
 * File names are as written: whoever opens them resolves them against the configuration's folder.
 * @throws AgentError `config-invalid` for an off-curve key, a name or key that occurs twice, or not
 *   exactly one source of the closure
 * @throws AttestationError `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`,
 *   `hex-malformed`
 */
export function parseConfig(bytes: Bytes): Config {
  const config = configShape(
    parseJson(fromUtf8(bytes, 'configuration'), 'configuration'),
    'configuration',
  );
  refuseTwice(config.services, ({ name }) => ({ member: 'name', value: name }));
  refuseSharedKeys(config.services);
  return config;
}

/**
 * Two services with one key could answer in each other's name.
 * @param read what the key files hold, by the service's place, once they were read
 * @throws AgentError `config-invalid` naming both
 */
export function refuseSharedKeys(
  services: readonly ServiceConfig[],
  read: readonly Bytes[] = [],
): void {
  refuseTwice(services, ({ key }, index) => {
    const inFile = 'file' in key;
    const publicKey = inFile ? read[index] : key.publicKey;
    const value = publicKey === undefined ? null : toHex(publicKey);
    return { member: inFile ? 'publicKeyFile' : 'publicKey', value };
  });
}

/** @param memberOf null is like nothing else */
function refuseTwice(
  services: readonly ServiceConfig[],
  memberOf: (service: ServiceConfig, index: number) => { member: string; value: string | null },
): void {
  const seen = new Map<string, number>();
  services.forEach((service, index) => {
    const { member, value } = memberOf(service, index);
    if (value === null) return;
    const first = seen.get(value);
    if (first !== undefined) {
      throw new AgentError(
        'config-invalid',
        `configuration.services[${index}].${member}: as in services[${first}], expected another`,
      );
    }
    seen.set(value, index);
  });
}

/** A service whose key was read. */
export type KeyedService = Pick<ServiceConfig, 'name' | 'storePath'> & {
  /** x ‖ y, 64 bytes: on the curve, and no other service's. */
  readonly publicKey: Bytes;
};

/** A service of the closure. */
export type AgentService = KeyedService & { readonly narHash: Bytes };

/**
 * d = NAR hash of the store path named in the service's configuration (a path of the manifest).
 * @throws AgentError `config-invalid` for a store path that is not in the closure
 */
export function toServices(
  services: readonly KeyedService[],
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
