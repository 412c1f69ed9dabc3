/** What the configuration names beside the secure processor: devices and event log, guarded and counted. */
import { dirname, resolve } from 'node:path';
import type { Platform } from '#verifier/abi/bundle.ts';
import type { Config } from '../config.ts';
import type { DeviceLabel, Logger } from '../errors.ts';
import { type EventLog, eventLogFiles, eventLogOf } from '../event-log.ts';
import { readAll } from '../files.ts';
import { countOf } from './config.ts';
import { type Devices, type DevicesObserver, guardDevices, labelsOf } from './devices.ts';
import { openDevices } from './open.ts';

export type Attached = { readonly devices: Devices; readonly eventLog: EventLog };

type Named = Pick<Config, 'devices' | 'eventLog'>;

/** Of the bundle's `devices`, in order. */
export function configuredLabels({ devices = [] }: Named): DeviceLabel[] {
  return labelsOf(devices.map((config) => ({ kind: config.kind, count: countOf(config) })));
}

/**
 * @param file the configuration's, whose folder file names are relative to
 * @param platform null where nobody knows it: then no event log is looked for
 * @throws AgentError `config-invalid`
 */
export async function attach(
  config: Named,
  file: string,
  {
    platform,
    logger,
    observer,
  }: { platform: Platform | null; logger: Logger; observer?: DevicesObserver },
): Promise<Attached> {
  const devices = guardDevices(
    await openDevices(config.devices ?? [], dirname(resolve(file))),
    observer,
  );
  const kinds = devices.labels.map(({ kind }) => kind);
  const files = platform === null ? [] : eventLogFiles(config.eventLog, platform, kinds);
  return { devices, eventLog: eventLogOf(files, readAll, logger) };
}
