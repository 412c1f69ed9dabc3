/** What the host gives a guest that runs: devices, time, addresses. */
import { hitIf, type Rule } from '../rule.ts';

export const runningRules = [
  {
    id: 'kexec',
    severity: 'warning',
    title: 'another kernel can be started from the running one',
    why: 'Root in the guest replaces the measured kernel, and the evidence stays the same.',
    close: 'Set security.protectKernelImage = true (kernel.kexec_load_disabled = 1).',
    spec: 'Linux, admin-guide/sysctl/kernel: kexec_load_disabled',
    find: ({ kernel }) =>
      hitIf(
        kernel.kexecDisabled === false,
        'kernel.kexecDisabled',
        'kexec_load_disabled is not set',
      ),
  },
  {
    id: 'modules-loadable',
    severity: 'note',
    title: 'the kernel loads drivers for devices that the host adds',
    why: 'A device can be plugged in at any time (PCI, USB, memory); each driver that is loaded for it reads what the host writes.',
    close:
      'Set security.lockKernelModules = true, after all that is needed is in boot.kernelModules.',
    spec: 'Linux, admin-guide/sysctl/kernel: modules_disabled; snp-tdx-threat-model.rst, “Malformed runtime input”',
    find: ({ kernel }) =>
      hitIf(kernel.modulesLocked === false, 'kernel.modulesLocked', 'modules can be loaded'),
  },
  {
    id: 'clock-from-host',
    severity: 'note',
    title: 'the guest’s clock starts with the host’s',
    why: 'Certificates that expired hold again, and those of tomorrow hold today. The time in evidence is the host’s word.',
    close:
      'Let verifiers judge by their own clock; where the guest needs time, use NTS and refuse large steps.',
    spec: 'Linux, virt/kvm/x86/timekeeping; snp-tdx-threat-model.rst, “Malicious runtime input”',
    find: () => [{ at: 'kernel', what: 'real-time clock and kvm-clock' }],
  },
  {
    id: 'ntp-unauthenticated',
    severity: 'warning',
    title: 'time is set from NTP without authentication',
    why: 'The host answers for any server and sets the clock at any moment, not at the start alone.',
    close:
      'Set services.timesyncd.enable = false, or use chrony with services.chrony.enableNTS = true.',
    spec: 'RFC 8915 (NTS); systemd-timesyncd.service(8)',
    find: ({ network }) =>
      hitIf(network.timeSync === 'unauthenticated', 'network.timeSync', 'NTP without NTS'),
  },
  {
    id: 'network-from-host',
    severity: 'note',
    title: 'addresses, routes and DNS come from the host’s network',
    why: 'Names lead where the host wants. DHCP also sets the host name and search domains.',
    close: 'Authenticate every peer (TLS, evidence); never decide by an address or a name.',
    spec: 'RFC 2131, “Security Considerations”; systemd.network(5), [DHCPv4]',
    find: ({ network }) => hitIf(network.dhcp === true, 'network.dhcp', 'DHCP is on'),
  },
] as const satisfies readonly Rule[];
