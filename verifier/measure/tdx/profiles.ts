/**
 * What one generation of firmware measures differently from another. Names are edk2's stable tags; a distribution's package
 * says in its version which one it is (Debian trixie: 2025.02).
 */
import type { Bytes } from '../../bytes.ts';
import { firmwareFileOption } from './uefi.ts';

export const profileNames = ['edk2-202402', 'edk2-202502', 'edk2-202505'] as const;
export type ProfileName = (typeof profileNames)[number];

export type Profile = {
  /** In words, for people. */
  readonly covers: string;
  /** Where ReadyToBoot's separator goes: before edk2 efaf8931 into RTMR0. */
  readonly readyToBootSeparator: 0 | 1;
  /** edk2 2eac71a1 measures BootMenu and bootorder of QEMU's fw_cfg. */
  readonly measuresFwCfg: boolean;
  /** edk2 cd76265f measures SMBIOS tables. */
  readonly measuresSmbios: boolean;
  /** How the kernel of -kernel reaches the firmware: it is QEMU that changes its header or not, and this the usual pair. */
  readonly kernelHeader: KernelHeader;
  /** Boot options of a machine that boots by -kernel and has no disk or network to boot from, from Boot0000 on. */
  readonly bootOptions: readonly Bytes[];
};

export const kernelHeaders = ['patched', 'as-is'] as const;
export type KernelHeader = (typeof kernelHeaders)[number];

/** OVMF's DXE volume, and the applications in it. */
const volume = '7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1';
const uiApp = '462caa21-7614-4503-836e-8ab6f4662331';
const bootManagerMenu = 'eec25bdc-67f2-4d95-b1d5-f81b2039d11d';
/** LOAD_OPTION_ACTIVE, LOAD_OPTION_HIDDEN, LOAD_OPTION_CATEGORY_APP. */
const active = 1;
const hidden = 8;
const application = 0x100;

const setupOnly = [firmwareFileOption(active | hidden | application, 'UiApp', volume, uiApp)];
const menuAndSetup = [
  firmwareFileOption(active | hidden | application, 'BootManagerMenuApp', volume, bootManagerMenu),
  firmwareFileOption(active | application, 'EFI Firmware Setup', volume, uiApp),
];

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  'edk2-202402': {
    covers: 'edk2-stable202402 and before, with a QEMU fork before 10.1',
    readyToBootSeparator: 0,
    measuresFwCfg: false,
    measuresSmbios: false,
    kernelHeader: 'patched',
    bootOptions: setupOnly,
  },
  'edk2-202502': {
    covers: 'edk2-stable202405 to edk2-stable202502, with a QEMU fork before 10.1',
    readyToBootSeparator: 1,
    measuresFwCfg: false,
    measuresSmbios: false,
    kernelHeader: 'patched',
    bootOptions: setupOnly,
  },
  'edk2-202505': {
    covers: 'edk2-stable202505 and later, with QEMU 10.1 or later',
    readyToBootSeparator: 1,
    measuresFwCfg: true,
    measuresSmbios: true,
    kernelHeader: 'as-is',
    bootOptions: menuAndSetup,
  },
};
