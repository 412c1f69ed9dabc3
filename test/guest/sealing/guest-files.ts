/** What a test adds to the guest: the product's own scripts and unit, and a way in. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Files } from './image.ts';

const run = promisify(execFile);

const nixos = fileURLToPath(new URL('../../../nixos', import.meta.url));

export type Settings = { device: string; mountPoint: string; pcrs: number[] };

export const settings: Settings = {
  device: '/dev/disk/by-id/virtio-state',
  mountPoint: '/var/lib/affidavit',
  pcrs: [7, 12, 13],
};

/** The guest has no /nix: the scripts, the settings and the owner's certificate are here. */
const inGuest = '/affidavit';

/** Loads the modules and hands over to systemd, which runs in this file system to the end. */
const init = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /lib/modules/order); do insmod "/lib/modules/$module"; done
exec /usr/lib/systemd/systemd
`;

/** Runs each line that comes from the host, and answers with its output in base64 and its status. */
const answerLoop = `#!/bin/sh
exec 3<>/dev/virtio-ports/test
echo ready >&3
while IFS= read -r line <&3; do
  output=$(sh -c "$line" 2>&1)
  status=$?
  echo "$status $(printf '%s' "$output" | base64 -w 0)" >&3
done
`;

/** As systemd-pcrphase-initrd.service does in the initial file system of an image that has two stages. */
const initrdPhases = `[Unit]
DefaultDependencies=no
After=tpm2.target
Wants=tpm2.target
Before=affidavit-sealed-disk.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/systemd/systemd-pcrextend enter-initrd
ExecStart=/usr/lib/systemd/systemd-pcrextend leave-initrd
`;

/** Those that the rules of udev name. */
const groups = [
  'root',
  'tty',
  'dialout',
  'kmem',
  'input',
  'video',
  'audio',
  'lp',
  'disk',
  'cdrom',
  'render',
  'kvm',
  'sgx',
  'tape',
]
  .map((name, id) => `${name}:x:${id}:\n`)
  .join('');

/** Only what the guest uses: to look at each device of a machine takes longer than all the rest. */
const trigger = `[Unit]
DefaultDependencies=no
After=systemd-udevd.service
Requires=systemd-udevd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=udevadm trigger --action=add -s block -s tpm -s tpmrm -s virtio-ports
`;

const consoleUnit = `[Service]
ExecStart=/bin/sh ${inGuest}/console.sh
`;

/**
 * @param certificate PEM file of the owner
 * @throws Error of nix-instantiate
 */
export async function guestFiles(certificate: string): Promise<Files> {
  const scripts = (await readdir(`${nixos}/sealed-disk`)).filter((name) => /\.(sh|jq)$/.test(name));
  const { unit, variables } = await productFiles();
  const system = '/etc/systemd/system';
  const started = {
    'sysinit.target': [
      ...['systemd-journald', 'systemd-udevd', 'systemd-udev-trigger', 'systemd-tmpfiles-setup'],
      ...['systemd-pcrphase-sysinit', 'test-initrd-phases', 'affidavit-sealed-disk'],
    ],
    'multi-user.target': ['test-console'],
  };
  const own = [
    'systemd-udev-trigger',
    'test-initrd-phases',
    'affidavit-sealed-disk',
    'test-console',
  ];
  const wants = Object.entries(started).flatMap(([target, names]) =>
    names.map((name) => {
      const folder = own.includes(name) ? system : '/usr/lib/systemd/system';
      const link = `${folder}/${name}.service`;
      return [`${system}/${target}.wants/${name}.service`, { link }] as const;
    }),
  );
  return {
    '/init': { text: init, mode: 0o755 },
    '/etc/group': { text: groups },
    '/etc/machine-id': { text: `${'a5'.repeat(16)}\n` },
    '/etc/os-release': { text: 'ID=affidavit-test\n' },
    '/etc/passwd': { text: 'root:x:0:0:root:/root:/bin/sh\n' },
    [`${inGuest}/console.sh`]: { text: answerLoop },
    [`${inGuest}/owner.pem`]: { from: certificate },
    [`${inGuest}/settings`]: { text: variables },
    [`${system}/affidavit-sealed-disk.service`]: { text: unit },
    [`${system}/default.target`]: { link: '/usr/lib/systemd/system/multi-user.target' },
    [`${system}/systemd-udev-trigger.service`]: { text: trigger },
    [`${system}/test-console.service`]: { text: consoleUnit },
    [`${system}/test-initrd-phases.service`]: { text: initrdPhases },
    ...Object.fromEntries(wants),
    ...Object.fromEntries(
      scripts.map((name) => [`${inGuest}/${name}`, { from: `${nixos}/sealed-disk/${name}` }]),
    ),
  };
}

/** The unit's text and the settings, from the files that the NixOS module is made of. */
async function productFiles(): Promise<{ unit: string; variables: string }> {
  const expression = `
    let
      folder = "${inGuest}";
      units = import ${nixos}/units/sealed-disk.nix {
        shell = "/bin/sh";
        scripts = folder;
        settings = "\${folder}/settings";
      };
    in
    {
      unit = import ${nixos}/lib/unit-text.nix units.affidavit-sealed-disk;
      variables = import ${nixos}/sealed-disk/settings.nix {
        path = "/usr/bin:/usr/sbin";
        device = "${settings.device}";
        mountPoint = "${settings.mountPoint}";
        fsType = "ext4";
        integrity = true;
        pcrs = [ ${settings.pcrs.join(' ')} ];
        recoveryCertificate = "\${folder}/owner.pem";
      };
    }`;
  const { stdout } = await run('nix-instantiate', [
    '--eval',
    '--strict',
    '--json',
    '-E',
    expression,
  ]);
  return JSON.parse(stdout) as { unit: string; variables: string };
}
