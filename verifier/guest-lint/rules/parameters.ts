/** Kernel parameters that run code, open a shell, or tell the host what it should not know. Measured, but to no good. */
import { isOff, isOn, lastOf, type Parameter, parseParameters, show } from '../command-line.ts';
import type { Hit, Rule } from '../rule.ts';

const at = 'boot.parameters';

/** In order of their names; values decide where there are any. */
const codeParameters: Record<string, (value: string | null) => boolean> = {
  init: (value) => !value?.startsWith('/nix/store/'),
  rdinit: () => true,
  root: (value) => value === 'gpt-auto',
  'systemd.run': () => true,
  'systemd.set_credential': () => true,
  'systemd.set_credential_binary': () => true,
  'systemd.setenv': () => true,
  'systemd.unit': (value) => !harmlessTargets.has(value ?? ''),
  'systemd.wants': () => true,
  'systemd.mask': () => true,
  'systemd.extra_unit': () => true,
  'systemd.sysext': (value) => value !== '0',
};

const harmlessTargets = new Set(['default.target', 'multi-user.target', 'initrd.target']);

const shellParameters: Record<string, (parameter: Parameter) => boolean> = {
  'systemd.debug_shell': isOn,
  'systemd.crash_shell': isOn,
  'systemd.confirm_spawn': isOn,
  'rd.break': () => true,
  'rd.shell': isOn,
  'rd.rescue': () => true,
  'rd.emergency': ({ value }) => value === null,
  rescue: () => true,
  emergency: () => true,
  single: () => true,
  s: ({ value }) => value === null,
  S: ({ value }) => value === null,
  '1': ({ value }) => value === null,
  _b: ({ value }) => value === null,
  'boot.shell_on_fail': () => true,
  'boot.debug1': () => true,
  'boot.debug1devices': () => true,
  'boot.debug1mounts': () => true,
};

const shellTarget = /^(?:rescue|emergency|debug-shell)\b/;

/** systemd reads the same name with rd. in front for the initrd. */
function bare(name: string): string {
  return name.startsWith('rd.systemd.') ? name.slice(3) : name;
}

function isShell(parameter: Parameter): boolean {
  const name = bare(parameter.name);
  if (name === 'systemd.unit') return shellTarget.test(parameter.value ?? '');
  return shellParameters[name]?.(parameter) ?? false;
}

function isCode(parameter: Parameter): boolean {
  if (isShell(parameter)) return false;
  const name = bare(parameter.name).replace(/^(systemd\.extra_unit)\..*/, '$1');
  return codeParameters[name]?.(parameter.value) ?? false;
}

const hits = (found: readonly Parameter[]): Hit[] =>
  found.map((parameter) => ({ at, what: show(parameter) }));

const talkative: Record<string, (parameter: Parameter) => boolean> = {
  ignore_loglevel: () => true,
  debug: ({ value }) => value === null,
  initcall_debug: () => true,
  earlyprintk: () => true,
  earlycon: () => true,
  loglevel: ({ value }) => Number(value) >= 7,
  'systemd.log_target': ({ value }) => value === 'console',
  'systemd.log_level': ({ value }) => value === 'debug' || value === '7',
  'systemd.journald.forward_to_console': isOn,
  'boot.trace': () => true,
  'rd.debug': isOn,
};

export const parameterRules = [
  {
    id: 'parameter-runs-code',
    severity: 'error',
    title: 'a kernel parameter makes systemd or the kernel run something else',
    why: 'What starts is then decided on the command line, beside the units that were reviewed; an init outside of the store is not measured at all.',
    close: 'Remove the parameter; declare units in the configuration, where they are measured.',
    spec: 'systemd-run-generator(8); systemd-debug-generator(8); systemd(1), “Kernel command line”; Linux, kernel-parameters: init=, rdinit=; systemd-gpt-auto-generator(8)',
    find: ({ boot }) => hits(parseParameters(boot.parameters).filter(isCode)),
  },
  {
    id: 'parameter-opens-shell',
    severity: 'error',
    title: 'a kernel parameter opens a shell on the console',
    why: 'The console is the host’s: whoever types there is root in the guest, with the same evidence.',
    close: 'Remove the parameter. rd.shell=0 closes what a failed boot would open.',
    spec: 'systemd-debug-generator(8); dracut.cmdline(7), rd.break, rd.shell; kernel-command-line(7), rescue, emergency; NixOS manual, “Boot Problems”',
    find: ({ boot }) => hits(parseParameters(boot.parameters).filter(isShell)),
  },
  {
    id: 'console-talkative',
    severity: 'warning',
    title: 'logs go to the console in detail',
    why: 'The host reads the console: addresses of the kernel, names of users and files, and what services print.',
    close: 'Remove the parameter; set loglevel=4 or lower, and quiet.',
    spec: 'Linux, kernel-parameters: ignore_loglevel, loglevel=, earlyprintk=; systemd-journald.service(8)',
    find: ({ boot }) =>
      hits(
        parseParameters(boot.parameters).filter((parameter) =>
          talkative[bare(parameter.name)]?.(parameter),
        ),
      ),
  },
  {
    id: 'entropy-without-cpu',
    severity: 'error',
    title: 'the kernel does not take entropy from the processor',
    why: 'The processor is the one source that the host cannot write; without it the host may know every key.',
    close:
      'Remove random.trust_cpu=off and nordrand. Linux 6.9 and later stop a confidential guest whose RDRAND fails.',
    spec: 'Linux, kernel-parameters: random.trust_cpu=; snp-tdx-threat-model.rst, “Malicious runtime input”; Linux 6.9, “x86/coco: Require seeding RNG with RDRAND on CoCo systems”',
    find: ({ boot }) => {
      const all = parseParameters(boot.parameters);
      const trust = lastOf(all, 'random.trust_cpu');
      const none = all.filter(({ name }) => name === 'nordrand');
      return hits(trust !== undefined && isOff(trust) ? [...none, trust] : none);
    },
  },
  {
    id: 'entropy-from-host',
    severity: 'note',
    title: 'a seed of the firmware or of virtio-rng is credited as entropy',
    why: 'Mixed in it does no harm. Credited, it lets the generator count as seeded by what the host chose.',
    close: 'Add random.trust_bootloader=off; blacklist virtio_rng.',
    spec: 'Linux, kernel-parameters: random.trust_bootloader=; random(4)',
    find: ({ boot, kernel }) => {
      const trust = lastOf(parseParameters(boot.parameters), 'random.trust_bootloader');
      const isVirtio = (name: string) => name.replaceAll('-', '_') === 'virtio_rng';
      const virtio = kernel.blacklisted.some(isVirtio) ? [] : kernel.modules.filter(isVirtio);
      return [
        ...(isOff(trust)
          ? []
          : [{ at, what: trust ? show(trust) : 'no random.trust_bootloader=off' }]),
        ...virtio.map((name) => ({ at: 'kernel.modules', what: name })),
      ];
    },
  },
] as const satisfies readonly Rule[];
