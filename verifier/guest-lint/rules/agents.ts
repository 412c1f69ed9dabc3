/** Programs that do in the guest what the host, or a service that the host answers for, tells them. */
import type { GuestDescription } from '../description.ts';
import type { Hit, Rule } from '../rule.ts';
import { parseUnit } from '../unit.ts';

/** Of units that ask a metadata service or a disk of the host what to do, by how their names begin. */
const provisioning = [
  ...['cloud-init', 'cloud-config', 'cloud-final', 'ignition', 'afterburn', 'coreos-metadata'],
  ...[
    'waagent',
    'walinuxagent',
    'azure-provisioning',
    'google-guest-agent',
    'google-startup-scripts',
  ],
  ...[
    'google-shutdown-scripts',
    'google-osconfig',
    'amazon-init',
    'amazon-ssm-agent',
    'apply-ec2-data',
  ],
  ...[
    'fetch-ec2-metadata',
    'print-host-key',
    'openstack-init',
    'digitalocean-',
    'oci-',
    'cloudbase',
  ],
  ...['nova-agent', 'scw-', 'hc-utils', 'hetzner-', 'configdrive', 'coreos-cloudinit'],
];

/** Of units that take commands from the hypervisor. */
const guestAgents = [
  ...['qemu-guest-agent', 'qemu-ga', 'spice-vdagent', 'open-vm-tools', 'vmtoolsd', 'vmware'],
  ...[
    'vboxservice',
    'virtualbox',
    'hv-kvp',
    'hv_kvp',
    'hv-fcopy',
    'hv_fcopy',
    'xe-daemon',
    'xe-linux',
  ],
];

/** Where clouds answer, by address and by name. */
const metadata =
  /169\.254\.169\.254|169\.254\.170\.2|100\.100\.100\.200|168\.63\.129\.16|fd00:ec2::254|fd20:ce::254|metadata\.google\.internal|metadata\.azure\.|metadata\.tencentyun\.com/;

function named({ units }: GuestDescription, prefixes: readonly string[]): Hit[] {
  return units.all
    .filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)))
    .map(({ name }) => ({ at: 'units.all', what: name }));
}

export const agentRules = [
  {
    id: 'provisioning-agent',
    severity: 'error',
    title: 'an agent configures the guest from metadata',
    why: 'User data is a script or a list of files, users and keys: the host writes it, the agent obeys as root, and the evidence stays the same.',
    close:
      'Remove cloud-init, Ignition, Afterburn and the cloud’s own agent; bake settings into the image.',
    spec: 'cloud-init documentation, “User data formats”; Ignition specification; Linux, snp-tdx-threat-model.rst, “Guest malicious configuration”',
    find: (description) => named(description, provisioning),
  },
  {
    id: 'guest-agent',
    severity: 'error',
    title: 'an agent of the hypervisor runs in the guest',
    why: 'The host asks it to run programs, read and write files and set passwords (guest-exec, guest-file-open).',
    close: 'Remove it (services.qemuGuest.enable = false, and its like).',
    spec: 'QEMU Guest Agent Protocol Reference, guest-exec',
    find: (description) => named(description, guestAgents),
  },
  {
    id: 'metadata-address',
    severity: 'warning',
    title: 'a unit names the address of a metadata service',
    why: 'Whatever answers there is the host: what is fetched is not authenticated.',
    close: 'Remove it, or check what is fetched against something that is measured.',
    spec: 'RFC 3927, link-local addresses; Amazon EC2, Azure and Google Compute Engine documentation of instance metadata',
    find: ({ units }) =>
      units.all.flatMap(({ name, text }) =>
        parseUnit(text)
          .filter(({ key, value }) => !/^IPAddressDeny$/.test(key) && metadata.test(value))
          .map(({ key }) => ({ at: `units.all ${name}`, what: `${key}=` })),
      ),
  },
] as const satisfies readonly Rule[];
