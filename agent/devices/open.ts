/** The configuration's devices, as they are on this machine. */
import { resolve } from 'node:path';
import { readDerObject } from '#verifier/abi/pem.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { AgentError } from '../errors.ts';
import { readAll } from '../files.ts';
import { commandName, runCommand } from './command.ts';
import {
  banksOf,
  type CertificateConfig,
  countOf,
  type DeviceConfig,
  type TpmConfig,
  timeoutOf,
} from './config.ts';
import type { DeviceSource } from './devices.ts';
import { nitroTpmSource } from './nitro-tpm.ts';
import { nvidiaSource } from './nvidia.ts';
import { tpmSource } from './tpm.ts';
import { tpmClient } from './tpm-client.ts';
import { defaultTpmDevice, tpmPort } from './tpm-port.ts';

/**
 * No device is asked; files of certificates are read.
 * @param folder that file names are relative to
 * @throws AgentError `config-invalid`
 */
export async function openDevices(
  configs: readonly DeviceConfig[],
  folder: string,
): Promise<DeviceSource[]> {
  const sources: DeviceSource[] = [];
  for (const [place, config] of configs.entries()) {
    sources.push(
      config.kind === 'tpm'
        ? await openTpm(config, folder, `configuration.devices[${place}]`)
        : byCommand(config),
    );
  }
  return sources;
}

function byCommand(config: Exclude<DeviceConfig, TpmConfig>): DeviceSource {
  const { kind, command } = config;
  const timeoutMs = timeoutOf(config);
  const run = (nonce: Bytes, index: number) => runCommand({ command, timeoutMs }, nonce, index);
  const options = { name: commandName(command), count: countOf(config), timeoutMs, run };
  return kind === 'nvidia' ? nvidiaSource(options) : nitroTpmSource(options);
}

async function openTpm(config: TpmConfig, folder: string, path: string): Promise<DeviceSource> {
  const { device = defaultTpmDevice, key, certificate } = config;
  const timeoutMs = timeoutOf(config);
  const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
  const read = (file: string, member: string) =>
    readCertificate(resolve(folder, file), `${path}.certificate.${member}`);
  const above: Bytes[] = [];
  for (const [i, file] of certificate.issuers.entries())
    above.push(await read(file, `issuers[${i}]`));
  return tpmSource({
    name: device,
    timeoutMs,
    client: tpmClient(tpmPort(device, timeoutMs), wait),
    key,
    certificate: await ownCertificate(certificate, read),
    issuers: above,
    banks: banksOf(config),
  });
}

async function ownCertificate(
  { from }: CertificateConfig,
  read: (file: string, member: string) => Promise<Bytes>,
) {
  return 'file' in from ? { der: await read(from.file, 'file') } : from;
}

const maxCertificateLength = 64 * 1024;

async function readCertificate(file: string, member: string): Promise<Bytes> {
  let bytes: Bytes;
  try {
    bytes = await readAll(file, maxCertificateLength);
  } catch (cause) {
    throw new AgentError('config-invalid', `${member}: the file cannot be read`, { cause });
  }
  try {
    return readDerObject(bytes, 'CERTIFICATE', member);
  } catch (cause) {
    if (!(cause instanceof AttestationError)) throw cause;
    throw new AgentError('config-invalid', cause.message, { cause });
  }
}
