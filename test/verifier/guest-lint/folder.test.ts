/** A system and a root made of files, described and linted. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runLintGuest } from '#verifier/cli/lint-command.ts';
import { parseDeviceMapper, parseMounts, parseSwaps } from '#verifier/guest-lint/mounts.ts';

const base = mkdtempSync(join(tmpdir(), 'affidavit-guest-'));
afterAll(() => rmSync(base, { recursive: true }));
let made = 0;

/** Text is a file, `-> path` a link. */
function folder(files: Record<string, string>): string {
  const root = join(base, String(made++));
  mkdirSync(root);
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), path);
    else writeFileSync(path, content);
  }
  return root;
}

const store = 'nix/store/0123456789abcdfghijklmnpqrsvwxyz';
const parameters = 'systemd.import_credentials=no nohibernate random.trust_bootloader=off';

async function lint(target: string) {
  const { stdout } = await runLintGuest({ target, failOn: 'warning', format: 'json' });
  const report = JSON.parse(stdout) as { findings: { rule: string; at: string; what: string }[] };
  return report.findings;
}
const rulesOf = async (target: string) =>
  [...new Set((await lint(target)).map(({ rule }) => rule))].filter((id) => id !== 'not-seen');

const system = {
  [`${store}-system/kernel-params`]: parameters,
  [`${store}-system/etc`]: `-> /${store}-etc/etc`,
  [`${store}-etc/etc/systemd/system`]: `-> /${store}-units`,
  [`${store}-etc/etc/sysctl.d/60-nixos.conf`]:
    'kernel.kexec_load_disabled=1\nkernel.modules_disabled=1\n',
  [`${store}-etc/etc/systemd/system-generators/systemd-gpt-auto-generator`]: '-> /dev/null',
  [`${store}-units/echo.service`]: '[Service]\nExecStart=/nix/store/x-echo/bin/echo\n',
  [`${store}-units/multi-user.target.wants/echo.service`]: '-> ../echo.service',
  'dev/null': '',
};
const always = ['acpi-from-host', 'clock-from-host'];

describe('a NixOS system', () => {
  test('is read with the links of its own store, and what it cannot say is named', async () => {
    const root = folder(system);
    const target = join(root, `${store}-system`);
    expect(await rulesOf(target)).toEqual(always);
    const unseen = (await lint(target)).filter(({ rule }) => rule === 'not-seen');
    expect(unseen.map(({ at }) => at)).toContain('boot.launch');
  });

  test('with mistakes in its units', async () => {
    const root = folder({
      ...system,
      [`${store}-units/sshd.service`]: '[Service]\nExecStart=/nix/store/x-sshd/bin/sshd\n',
      [`${store}-units/echo.service.d/overrides.conf`]:
        '[Service]\nEnvironmentFile=/sys/firmware/x\n',
      [`${store}-units/getty.target.wants/serial-getty@ttyS0.service`]:
        '-> ../serial-getty@.service',
    });
    const found = await rulesOf(join(root, `${store}-system`));
    const mistakes = ['unit-reads-open-path', 'ssh', 'console-login'];
    expect(found.toSorted()).toEqual([...always, ...mistakes].toSorted());
  });
});

const running = {
  'proc/cmdline': `${parameters} systemd.gpt_auto=0\n`,
  'proc/mounts':
    'tmpfs / tmpfs rw 0 0\n/dev/mapper/usr /usr erofs ro 0 0\n/dev/mapper/usr /nix/store erofs ro 0 0\n',
  'proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n',
  'proc/sys/kernel/kexec_load_disabled': '1\n',
  'proc/sys/kernel/modules_disabled': '1\n',
  'proc/sys/kernel/core_pattern': '|/bin/false\n',
  'sys/block/dm-0/dm/name': 'usr\n',
  'sys/block/dm-0/dm/uuid': 'CRYPT-VERITY-00112233-usr\n',
  'sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f': 'x',
  'etc/systemd/system': `-> /${store}-units`,
  'etc/shadow': 'root:!:1::::::\nsshd:*:1::::::\n',
  [`${store}-units/echo.service`]: '[Service]\nExecStart=/nix/store/x-echo/bin/echo\n',
};

describe('the root of a guest', () => {
  test('that is well made', async () => {
    expect(await rulesOf(folder(running))).toEqual(always);
  });

  test.each<[string, Record<string, string>, string[]]>([
    [
      'a drop-in of /run',
      { 'run/systemd/system/echo.service.d/x.conf': '[Service]\n' },
      ['unit-outside-store'],
    ],
    [
      'a store without verity',
      { 'sys/block/dm-0/dm/uuid': 'LVM-x\n' },
      ['store-unmeasured', 'file-system-executable'],
    ],
    ['swap', { 'proc/swaps': 'Filename\n/dev/vdb partition 1 0 -2\n' }, ['swap-unencrypted']],
    ['a password', { 'etc/shadow': 'root:$y$x:1::::::\nguest::1::::::\n' }, ['password']],
    [
      'a share',
      { 'proc/mounts': `${running['proc/mounts']}s /s virtiofs rw 0 0\n` },
      ['shared-folder'],
    ],
    ['kexec', { 'proc/sys/kernel/kexec_load_disabled': '0\n' }, ['kexec']],
    ['DHCP', { 'etc/systemd/network/a.network': '[Network]\nDHCP=yes\n' }, ['network-from-host']],
    ['a generator', { 'run/systemd/system-generators/x': 'x' }, ['generator-outside-store']],
  ])('with %s', async (_, change, expected) => {
    const found = await rulesOf(folder({ ...running, ...change }));
    expect(found.toSorted()).toEqual([...always, ...expected].toSorted());
  });

  test('whose links lead out of it or round in a circle is read within it', async () => {
    const found = await lint(
      folder({
        ...running,
        'etc/hostname': '-> /../../../../etc/hostname',
        'etc/systemd/network': '-> /etc/systemd/network',
      }),
    );
    expect(found.length).toBeGreaterThan(0);
  });
});

test('a folder that is neither is wrong usage', async () => {
  await expect(lint(folder({ 'x/y': '' }))).rejects.toMatchObject({ exitCode: 2, code: 'usage' });
});

test('mounts: escapes, protections of the device mapper, encrypted swap and zram', () => {
  const mapped = parseDeviceMapper([
    { node: 'dm-0', name: 'a', uuid: 'CRYPT-LUKS2-x-a\n' },
    { node: 'dm-1', name: 'b', uuid: 'CRYPT-PLAIN-b' },
  ]);
  const [mount] = parseMounts('/dev/dm-0 /a\\040b ext4 rw,nosuid 0 0\n', mapped);
  expect(mount).toEqual({
    mountPoint: '/a b',
    device: '/dev/dm-0',
    type: 'ext4',
    options: ['rw', 'nosuid'],
    protection: 'luks',
  });
  const swaps = 'Filename Type\n/dev/dm-1 partition\n/dev/zram0 partition\n/dev/vda2 partition\n';
  expect(parseSwaps(swaps, mapped).map(({ encrypted }) => encrypted)).toEqual([true, true, false]);
});
