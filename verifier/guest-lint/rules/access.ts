/** Ways to become somebody in the guest after it was measured. */
import type { GuestDescription } from '../description.ts';
import { type Hit, hitIf, type Rule } from '../rule.ts';

const debugShells = /^(?:debug-shell|emergency|rescue)\.service$/;

function wantedShells({ units }: GuestDescription): Hit[] {
  return units.all
    .filter(({ name, wanted }) => wanted && debugShells.test(name))
    .map(({ name }) => ({ at: 'units.all', what: name }));
}

export const accessRules = [
  {
    id: 'ssh',
    severity: 'error',
    title: 'the guest takes logins over ssh',
    why: 'Whoever has a key changes what runs, after it was measured.',
    close:
      'Set services.openssh.enable = false; keep a second image for diagnosis, with another measurement.',
    spec: 'sshd(8)',
    find: ({ access }) => hitIf(access.ssh === true, 'access.ssh', 'sshd is on'),
  },
  {
    id: 'console-login',
    severity: 'error',
    title: 'a terminal asks for a login',
    why: 'The console is the host’s: it types, and it reads what is typed.',
    close:
      'Set systemd.services."getty@".enable and "serial-getty@".enable to false, and mask the getty generator.',
    spec: 'systemd-getty-generator(8); agetty(8)',
    find: ({ access }) => (access.consoles ?? []).map((what) => ({ at: 'access.consoles', what })),
  },
  {
    id: 'autologin',
    severity: 'error',
    title: 'a terminal logs a user in without asking',
    why: 'The host has a shell in the guest.',
    close: 'Set services.getty.autologinUser = null.',
    spec: 'agetty(8), --autologin',
    find: ({ access }) =>
      (access.autologin ?? []).map((what) => ({ at: 'access.autologin', what })),
  },
  {
    id: 'emergency-shell',
    severity: 'error',
    title: 'a failed boot ends in a shell on the console',
    why: 'The host makes the boot fail, by taking away a disk, and gets the shell.',
    close:
      'Set systemd.enableEmergencyMode = false and boot.initrd.systemd.emergencyAccess = false.',
    spec: 'systemd.special(7), emergency.target; sulogin(8)',
    find: (description) => [
      ...hitIf(description.access.emergencyShell === true, 'access.emergencyShell', 'on'),
      ...wantedShells(description),
    ],
  },
  {
    id: 'password',
    severity: 'warning',
    title: 'a user has a password',
    why: 'Its hash is in the image for anyone to try, and every guest of the image has the same.',
    close: 'Lock it: hashedPassword = "!".',
    spec: 'shadow(5)',
    find: ({ access }) =>
      (access.usersWithPassword ?? []).map((what) => ({ at: 'access.usersWithPassword', what })),
  },
  {
    id: 'mutable-users',
    severity: 'warning',
    title: 'users and passwords can be changed in the running guest',
    why: 'Accounts are then not what the image says; credentials and first-boot tools add to them.',
    close: 'Set users.mutableUsers = false.',
    spec: 'NixOS manual, “User Management”; systemd-sysusers(8), “Credentials”',
    find: ({ access }) => hitIf(access.mutableUsers === true, 'access.mutableUsers', 'on'),
  },
] as const satisfies readonly Rule[];
