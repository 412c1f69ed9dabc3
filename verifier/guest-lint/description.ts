/**
 * What a guest is made of, as far as its lint looks: read from a NixOS configuration (nixos/modules/description.nix) or from a
 * folder (folder.ts). `null` is what the reader could not see; `not-seen` reports each.
 */
import {
  arrayOf,
  bool,
  type Decoded,
  type Decoder,
  nullable,
  object,
  oneOf,
  optional,
  text,
  version,
} from '../json.ts';

const line = text(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,4096}$/u, 'one line of 1 to 4096 characters');
const word = text(/^[^\s\p{C}]{1,255}$/u, '1 to 255 characters without space');
const path = text(/^\/[^\p{Cc}]{0,4095}$/u, 'an absolute path');
const unitText: Decoder<string> = text(/^[^\0]{0,262144}$/u, 'the text of a unit, 256 KiB at most');

/**
 * What ties the kernel, its initrd and its command line to the evidence. `kernel-hashes`: their hashes lie in the measured
 * firmware (QEMU's direct boot of SEV guests). `rtmr`: the firmware measures each into the RTMRs (TDX). `secure-boot`: measured
 * firmware starts signed images alone. `vtpm`: the PCRs of a vTPM that the evidence does not have. `host`: nothing.
 */
export const launches = ['kernel-hashes', 'rtmr', 'secure-boot', 'vtpm', 'host'] as const;

const boot = object({
  launch: nullable(oneOf(...launches)),
  /** Kernel, initrd and command line in one file. */
  uki: nullable(bool),
  /** As on the command line, in order. */
  parameters: arrayOf(line, { max: 1000 }),
});

const kernel = object({
  /** sysctl kernel.kexec_load_disabled */
  kexecDisabled: nullable(bool),
  /** No module can be loaded once the guest has started. */
  modulesLocked: nullable(bool),
  /** Loaded at boot, whatever devices there are. */
  modules: arrayOf(word, { max: 1000 }),
  blacklisted: arrayOf(word, { max: 1000 }),
});

const fileSystem = object({
  mountPoint: path,
  device: nullable(line),
  type: word,
  options: arrayOf(line, { max: 100 }),
  /** `verity`: of a root hash that is measured. `luks`: encrypted, the key sealed or given. */
  protection: oneOf('verity', 'luks', 'none'),
});
export type FileSystem = Decoded<typeof fileSystem>;

const storage = object({
  fileSystems: nullable(arrayOf(fileSystem, { max: 1000 })),
  swap: nullable(arrayOf(object({ device: line, encrypted: bool }), { max: 100 })),
  luks: nullable(
    arrayOf(object({ name: word, unlock: oneOf('tpm2', 'key-file', 'other') }), { max: 100 }),
  ),
  /** Whose TPM it is: `measured` is one that the evidence covers (a paravisor's or an SVSM's), `host` is the host's own. */
  tpm: nullable(oneOf('none', 'measured', 'host')),
  coreDumps: nullable(oneOf('none', 'journal', 'files')),
});

const unit = object({
  name: word,
  scope: oneOf('system', 'initrd'),
  /** Something asks for it at boot. */
  wanted: bool,
  text: unitText,
});
export type Unit = Decoded<typeof unit>;

const units = object({
  all: arrayOf(unit, { max: 10_000 }),
  /** Units and drop-ins that lie outside of the store. */
  loose: nullable(arrayOf(path, { max: 10_000 })),
  /** Generators beside those of systemd: name and path; `/dev/null` masks one of systemd's. */
  generators: nullable(arrayOf(object({ name: word, path }), { max: 1000 })),
});

const access = object({
  ssh: nullable(bool),
  /** Terminals that ask for a login. */
  consoles: nullable(arrayOf(word, { max: 100 })),
  /** User that a terminal logs in without asking. */
  autologin: nullable(arrayOf(word, { max: 100 })),
  /** A shell where mounting fails, in the initrd or after it. */
  emergencyShell: nullable(bool),
  mutableUsers: nullable(bool),
  usersWithPassword: nullable(arrayOf(word, { max: 1000 })),
});

const network = object({
  dhcp: nullable(bool),
  timeSync: nullable(oneOf('none', 'unauthenticated', 'nts')),
});

const accepted = object({ rule: word, reason: line });
export type Accepted = Decoded<typeof accepted>;

export const decodeDescription = object({
  version: version(1),
  name: text(/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u, '1 to 100 characters'),
  source: oneOf('nixos', 'folder'),
  tee: nullable(oneOf('sev-snp', 'tdx')),
  boot,
  kernel,
  storage,
  units,
  access,
  network,
  /** Findings that somebody looked at, with the reason why they may stay. */
  accepted: optional(arrayOf(accepted, { max: 100 })),
});

export type GuestDescription = Decoded<typeof decodeDescription>;
