/** The member `devices` of a policy: what may stand beside the machine. docs/policy.md explains each member. */
import { type NvidiaArchitecture, nvidiaArchitectures } from '../abi/nvidia/opaque.ts';
import {
  anyOr,
  type Decoded,
  type Decoder,
  described,
  integer,
  object,
  oneOf,
  optional,
  schemaOf,
  shapeError,
  text,
} from '../json.ts';
import { protection, setOf } from './sets.ts';

const architecture = oneOf(...nvidiaArchitectures);

/** `driver`: decimal parts, as `535.86.09`; `firmware`: five parts of two hex digits each, as `96.00.5E.00.01`. */
export const versionPatterns = {
  driver: /^[0-9]{1,5}(\.[0-9]{1,5}){0,4}$/,
  firmware: /^[0-9A-F]{2}(\.[0-9A-F]{2}){4}$/,
} as const;
const driverVersion = text(versionPatterns.driver, 'a driver version such as 535.86.09');
const firmwareVersion = text(versionPatterns.firmware, 'a firmware version such as 96.00.5E.00.01');

/** By architecture; one that is accepted but has no floor here is refused. */
export type VersionFloors = { [architecture in NvidiaArchitecture]?: string };

function floorSet(version: Decoder<string>): Decoder<VersionFloors> {
  const floors = object(
    Object.fromEntries(nvidiaArchitectures.map((name) => [name, optional(version)])) as Record<
      NvidiaArchitecture,
      ReturnType<typeof optional<string>>
    >,
  );
  const decode: Decoder<VersionFloors> = (value, path) => {
    const found = floors(value, path);
    if (Object.keys(found).length === 0)
      throw shapeError(path, 'a floor for at least one architecture, or "any"', 'none');
    return found;
  };
  return described(decode, () => ({ ...schemaOf(floors), minProperties: 1 }));
}

/** A bundle holds no more. */
const count = integer(0, 256);
const range = object({ minimum: count, maximum: count });

const nvidia = object({
  architectures: setOf(architecture),
  minimumDriver: anyOr(floorSet(driverVersion)),
  minimumFirmware: anyOr(floorSet(firmwareVersion)),
  confidentialMode: protection,
  /** Required: measurements were compared with NVIDIA's own values, those of the driver and those of the firmware. */
  references: protection,
  gpus: range,
  switches: range,
});

export type NvidiaPolicy = Decoded<typeof nvidia>;
export type CountRange = Decoded<typeof range>;

/** Allowed: it may be there, and is then held against its own member of the policy; required: it must be. */
const beside = oneOf('refused', 'allowed', 'required');

const nvidiaOrRefused: Decoder<NvidiaPolicy | 'refused'> = described(
  (value: unknown, path: string) => (value === 'refused' ? 'refused' : nvidia(value, path)),
  () => ({ anyOf: [{ const: 'refused' }, schemaOf(nvidia)] }),
);

const deviceList = object({ nvidia: nvidiaOrRefused, tpm: beside, nitroTpm: beside });

export type DeviceList = Decoded<typeof deviceList>;

/** `none`: no device of any kind; `any`: nothing is asked of any; else each kind by name, and no other. */
export type DevicePolicy = 'none' | 'any' | DeviceList;

export const devicePolicy: Decoder<DevicePolicy> = described(
  (value: unknown, path: string) => {
    if (value === 'none' || value === 'any') return value;
    if (typeof value !== 'object' || value === null) {
      throw shapeError(path, '"none", "any", or what is asked of each kind', value);
    }
    return deviceList(value, path);
  },
  () => ({ anyOf: [{ enum: ['none', 'any'] }, schemaOf(deviceList)] }),
);
