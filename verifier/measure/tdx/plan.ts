/**
 * The events of one boot, in the order in which firmware, stub and kernel extend them, each with its digest as far as it can be
 * computed from what was given. After edk2 (OvmfPkg), systemd-stub and Linux' EFI stub.
 */
import { type Bytes, utf8 } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { type Boot, startOf } from './boot.ts';
import { eventTypes, type Register } from './event-log.ts';
import { tdHob } from './hob.ts';
import { measured, type PlannedEvent, unknown } from './planned.ts';
import { type KernelHeader, type Profile, type ProfileName, profiles } from './profiles.ts';
import type { Tdvf } from './tdvf.ts';
import {
  bootOrderData,
  holdsPlatformKey,
  type SecureBootVariable,
  secureBootVariables,
  variableData,
} from './uefi.ts';

export type PlanInput = {
  readonly profile: ProfileName;
  /** Bytes, as -m; null where it is not known. */
  readonly memory: number | null;
  /** fw_cfg's etc/table-loader, etc/acpi/rsdp and etc/acpi/tables, whole. */
  readonly acpi: Readonly<Record<'loader' | 'rsdp' | 'tables', Bytes | null>>;
  /** 48 bytes, from a log of the same machine: SMBIOS tables are not computed. */
  readonly smbiosDigest: Bytes | null;
  /** Contents of Secure Boot's variables where they are not empty. */
  readonly variables: ReadonlyMap<SecureBootVariable, Bytes>;
  /** Numbers of Boot####; null for those of the profile. */
  readonly bootOrder: readonly number[] | null;
  /** Contents of Boot####, by number. */
  readonly bootOptions: ReadonlyMap<number, Bytes>;
  /** Null where nothing that boots is known: RTMR1 and RTMR2 stay open. */
  readonly boot: Boot | null;
  /** Null as the profile says. */
  readonly kernelHeader: KernelHeader | null;
  /** Whether Linux' EFI stub measures its command line and initrd: from Linux 6.9 on. */
  readonly stubEvents: boolean;
};

export type Plan = {
  readonly events: readonly PlannedEvent[];
  /** Registers about which nothing is known before the boot. */
  readonly open: readonly Register[];
};

/** @throws AttestationError for a kernel, image or memory that do not fit; RangeError for a digest of a wrong length */
export function planEvents(tdvf: Tdvf, input: PlanInput): Plan {
  const profile = profiles[input.profile];
  const { boot, memory, stubEvents } = input;
  const header = input.kernelHeader ?? profile.kernelHeader;
  const started = boot === null ? null : startOf(boot, { memory, header, stubEvents });
  const events = [
    ...firmwareEvents(tdvf, input, profile),
    ...(started === null ? [] : [started.image]),
    ...bootVariableEvents(input, profile),
    ...(started === null ? separatorIn(0, profile) : readyToBoot(profile)),
    ...(started?.later ?? []),
    ...(started === null ? [] : exitBootServices),
  ];
  return { events, open: started === null ? [1, 2, 3] : [3] };
}

function firmwareEvents(tdvf: Tdvf, input: PlanInput, profile: Profile): PlannedEvent[] {
  const { memory, acpi } = input;
  const hob =
    memory === null
      ? unknown(0, eventTypes.handoffTables2, 'TD HOB', '--memory')
      : measured(
          0,
          eventTypes.handoffTables2,
          `TD HOB: ${memory / 2 ** 20} MiB of memory`,
          tdHob(tdvf, memory),
        );
  const store = variableStore(tdvf);
  const acpiEvent = (part: 'loader' | 'rsdp' | 'tables', file: string) => {
    const data = acpi[part];
    const what = `ACPI: ${file}`;
    return data === null
      ? unknown(0, eventTypes.platformConfigFlags, what, `--acpi-${part}`)
      : measured(0, eventTypes.platformConfigFlags, what, data);
  };
  return [
    hob,
    measured(0, eventTypes.platformFirmwareBlob2, 'CFV: variable store of the firmware', store),
    ...(profile.measuresFwCfg ? fwCfgEvents : []),
    ...secureBootVariables.map((name) => variableEvent(name, input, store)),
    separator(0, 'separator: end of the firmware’s set-up'),
    acpiEvent('loader', 'etc/table-loader'),
    acpiEvent('rsdp', 'etc/acpi/rsdp'),
    acpiEvent('tables', 'etc/acpi/tables'),
  ];
}

function variableStore({ sections }: Tdvf): Bytes {
  const [store, second] = sections.filter(({ type }) => type === 'CFV');
  if (store !== undefined && second === undefined) return store.data;
  throw new AttestationError(
    'value-out-of-range',
    `the firmware has ${store === undefined ? 'no' : 'more than one'} configuration volume (CFV)`,
  );
}

/** A q35 machine with -kernel, without a boot menu, and no device with a bootindex. */
const fwCfgEvents = [
  measured(0, eventTypes.platformConfigFlags, 'fw_cfg: BootMenu, which is off', new Uint8Array(2)),
  measured(
    0,
    eventTypes.platformConfigFlags,
    'fw_cfg: bootorder, the option ROM of -kernel alone',
    utf8('/rom@genroms/linuxboot_dma.bin\0'),
  ),
];

function variableEvent(
  name: SecureBootVariable,
  { variables }: PlanInput,
  store: Bytes,
): PlannedEvent {
  const given = variables.get(name);
  const type = eventTypes.variableDriverConfig;
  if (given !== undefined) {
    return measured(0, type, `variable ${name}: ${given.length} bytes`, variableData(name, given));
  }
  if (holdsPlatformKey(store)) {
    return unknown(0, type, `variable ${name}: the store has keys`, `--efi-variable ${name}=FILE`);
  }
  return measured(0, type, `variable ${name}: empty`, variableData(name, new Uint8Array()));
}

function bootVariableEvents(input: PlanInput, profile: Profile): PlannedEvent[] {
  const { smbiosDigest, bootOptions } = input;
  const order = input.bootOrder ?? profile.bootOptions.map((_, i) => i);
  const options = order.map((number) => {
    const name = `Boot${number.toString(16).toUpperCase().padStart(4, '0')}`;
    const ofProfile = input.bootOrder === null ? profile.bootOptions[number] : undefined;
    const data = bootOptions.get(number) ?? ofProfile;
    return data === undefined
      ? unknown(0, eventTypes.variableBoot, name, `--boot-option ${name.slice(4)}=FILE`)
      : measured(0, eventTypes.variableBoot, `${name}: ${data.length} bytes`, data);
  });
  return [
    ...(profile.measuresSmbios ? [smbiosEvent(smbiosDigest)] : []),
    measured(0, eventTypes.variableBoot, 'BootOrder', bootOrderData(order)),
    ...options,
  ];
}

function smbiosEvent(digest: Bytes | null): PlannedEvent {
  const what = 'SMBIOS tables, without serial numbers';
  if (digest === null) return unknown(0, eventTypes.handoffTables, what, '--smbios-digest');
  if (digest.length !== 48) throw new RangeError('a digest of SMBIOS tables has 48 bytes');
  return { register: 0, type: eventTypes.handoffTables, what, digest, needs: null };
}

function separator(register: Register, what: string): PlannedEvent {
  return measured(register, eventTypes.separator, what, new Uint8Array(4));
}

const action = (text: string) => measured(1, eventTypes.efiAction, `“${text}”`, utf8(text));

function readyToBoot(profile: Profile): PlannedEvent[] {
  return [
    action('Calling EFI Application from Boot Option'),
    ...separatorIn(0, profile),
    ...separatorIn(1, profile),
  ];
}

function separatorIn(register: Register, { readyToBootSeparator }: Profile): PlannedEvent[] {
  if (register !== readyToBootSeparator) return [];
  return [separator(register, 'separator: end of the firmware’s part')];
}

const exitBootServices = [
  action('Exit Boot Services Invocation'),
  action('Exit Boot Services Returned with Success'),
];
