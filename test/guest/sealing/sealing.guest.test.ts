/** A sealed disk from its first boot on, in a real guest: OVMF, systemd-stub, a TPM; and what a host may do to it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settings } from './guest-files.ts';
import { forgeHeader, hasLuksMagic, headerSize, readJson, readStart } from './luks-header.ts';
import * as parts from './parts.ts';
import { createTpm, type Machine, type MachineOptions } from './qemu.ts';

const run = promisify(execFile);
const missing = parts.sealingMissing();
if (missing !== null) process.stderr.write(`sealing guest skipped: ${missing}\n`);

const word = 'what the guest keeps';
const started = performance.now();
let folder: string;
let made: parts.Parts;
let disk: string;
let tpm: string;
/** The disk before the large file was written. */
let earlier: Buffer;
let largeSum: string;
/** PCR 11 of the first image, with its phases. */
let imagePcr: string;
/** What the host saw of the first boot. */
let firstConsole = '';

const machine = (image: string, options: Partial<MachineOptions> = {}) => ({
  folder: join(folder, 'machine'),
  image,
  disk,
  tpm,
  ...options,
});

async function output(guest: Machine, line: string): Promise<string> {
  const answer = await guest.run(line);
  expect(answer, `${line}\n${answer.output}`).toMatchObject({ status: 0 });
  return answer.output;
}

const pcr = (guest: Machine, index: number) =>
  output(guest, `cat /sys/class/tpm/tpm0/pcr-sha256/${index}`);
const journal = (guest: Machine) => output(guest, 'journalctl -b -o cat -u affidavit-sealed-disk');
const unitState = async (guest: Machine) =>
  (await guest.run('systemctl is-active affidavit-sealed-disk')).output;
const isMounted = async (guest: Machine) =>
  (await guest.run(`grep -q ' ${settings.mountPoint} ' /proc/mounts`)).status === 0;

/** The unit's own command, for a disk that the unit does not name. */
const openOther = (serial: string) =>
  [
    'mkdir -p /run/other',
    'cp /affidavit/settings /run/other/settings',
    `echo DEVICE=/dev/disk/by-id/virtio-${serial} >>/run/other/settings`,
    'RUNTIME_DIRECTORY=/run/other sh /affidavit/open.sh /run/other/settings',
  ].join(' && ');

/** The one line that says why, and that the machine is up without the volume. */
async function expectRefused(guest: Machine, code: string, words: string): Promise<void> {
  const lines = (await journal(guest)).split('\n').filter((line) => line.includes('refused ('));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`sealed disk refused (${code})`);
  expect(lines[0]).toContain(words);
  expect(lines[0]).toMatch(/; expected: .+; to do: .+/);
  expect(await unitState(guest)).toBe('failed');
  expect(await isMounted(guest)).toBe(false);
  expect(await output(guest, 'systemctl is-active multi-user.target')).toBe('active');
}

describe.skipIf(missing !== null)('sealed disk', { timeout: 900_000 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'affidavit-sealing-'));
    made = await parts.makeParts(folder);
    disk = await parts.blankDisk(join(folder, 'disk'));
    tpm = join(folder, 'tpm');
    await createTpm(tpm);
  }, 600_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    process.stderr.write(`sealing guest: ${seconds} s, boots tried again: ${parts.panics}\n`);
  });

  it('is not half sealed when the power fails on the first boot', async () => {
    await parts.withMachine(machine(made.images.first), (guest) =>
      guest.shown('first boot of /dev/disk/by-id/virtio-state: enrol'),
    );
    const start = await readStart(disk, headerSize);
    expect(start.toString('latin1', 0, 21)).toBe('affidavit sealed disk');
    expect(hasLuksMagic(start)).toBe(false);
    expect(start.subarray(512).every((byte) => byte === 0)).toBe(true);
  });

  it('begins again, seals, and keeps what is written', async () => {
    await parts.withMachine(machine(made.images.first), async (guest) => {
      expect(await journal(guest)).toContain('first boot was interrupted');
      expect(await unitState(guest)).toBe('active');
      expect(await pcr(guest, 15)).not.toMatch(/^0*$/);
      expect(await pcr(guest, 12)).toMatch(/^0+$/);
      imagePcr = await pcr(guest, 11);
      await output(guest, `printf '%s' '${word}' >${settings.mountPoint}/word; sync`);
      earlier = await readFile(disk);
      const large = `${settings.mountPoint}/large`;
      await output(guest, `head -c 4194304 /dev/urandom >${large}; sync`);
      largeSum = await output(guest, `sha256sum <${large}`);
      firstConsole = guest.console();
    });
    const { tokens, keyslots } = await readJson(disk);
    const slots = Object.values(tokens).flatMap(({ keyslots: of }) => of);
    expect([...new Set(slots)].sort()).toEqual(Object.keys(keyslots).sort());
    expect(
      Object.values(tokens)
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['affidavit-recovery', 'systemd-recovery', 'systemd-tpm2']);
  });

  it('opens for an updated image that the same key signed, once a boot', async () => {
    await parts.withMachine(machine(made.images.updated), async (guest) => {
      expect(await output(guest, 'cat /proc/cmdline')).toContain(' updated');
      expect(await unitState(guest)).toBe('active');
      expect(await output(guest, `cat ${settings.mountPoint}/word`)).toBe(word);
      expect(await output(guest, `sha256sum <${settings.mountPoint}/large`)).toBe(largeSum);
      await output(guest, 'systemctl stop affidavit-sealed-disk');
      expect((await guest.run('test -e /dev/mapper/affidavit-state')).status).toBe(1);
      await guest.run('systemctl start affidavit-sealed-disk');
      await expectRefused(guest, 'sealed', 'the TPM did not release the key');
    });
  });

  it('refuses a disk that is not blank, and one whose header names no cipher, and touches neither', async () => {
    const other = join(folder, 'other');
    const forged = join(folder, 'forged');
    await writeFile(
      other,
      Buffer.concat([Buffer.alloc(4096), Buffer.from('ours'), Buffer.alloc(2 ** 22)]),
    );
    const bytes = await forgeHeader(disk, ({ segments }) => {
      for (const segment of Object.values(segments)) segment.encryption = 'cipher_null-ecb';
    });
    await writeFile(forged, bytes);
    const before = await Promise.all([sumOf(other), sumOf(forged)]);
    const options = { disk: other, others: { forged } };
    await parts.withMachine(machine(made.images.first, options), async (guest) => {
      await expectRefused(guest, 'foreign', 'holds something that this guest did not put there');
      const { status, output: said } = await guest.run(openOther('forged'));
      expect({ status, said }).toEqual({
        status: 1,
        said: expect.stringMatching(/refused \(header\): .*: cipher cipher_null-ecb; expected/),
      });
      expect((await guest.run('test -e /dev/mapper/affidavit-state')).status).toBe(1);
    });
    expect(await Promise.all([sumOf(other), sumOf(forged)])).toEqual(before);
  });

  it('refuses an image that the key did not sign', async () => {
    await parts.withMachine(machine(made.images.foreign), async (guest) => {
      expect(await output(guest, 'cat /proc/cmdline')).toContain(' foreign');
      await expectRefused(guest, 'sealed', 'the TPM did not release the key');
    });
  });

  it('refuses a command line that the host adds to a signed image', async () => {
    const options = { commandLine: `${parts.commandLine} init=/bin/sh` };
    await parts.withMachine(machine(made.images.first, options), async (guest) => {
      expect(await output(guest, 'cat /proc/cmdline')).toContain('init=/bin/sh');
      expect(await pcr(guest, 11)).toBe(imagePcr);
      expect(await pcr(guest, 12)).not.toMatch(/^0*$/);
      await expectRefused(guest, 'sealed', 'the TPM did not release the key');
    });
  });

  it('refuses another TPM, and opens with the recovery key that the owner decrypts', async () => {
    const { tokens } = await readJson(disk);
    const envelope = join(folder, 'envelope');
    const { cms = '' } =
      Object.values(tokens).find(({ type }) => type === 'affidavit-recovery') ?? {};
    await writeFile(envelope, Buffer.from(cms, 'base64'));
    const decrypt = ({ key }: { key: string }) =>
      run('openssl', ['cms', '-decrypt', '-inform', 'DER', '-in', envelope, '-inkey', key]);
    await expect(decrypt(made.stranger)).rejects.toThrow();
    const { stdout: recoveryKey } = await decrypt(made.owner);
    expect(recoveryKey).toMatch(/^([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}$/);
    expect(firstConsole).toContain('the encrypted recovery key is in the header');
    expect(firstConsole).not.toContain(recoveryKey.slice(0, 17));

    const another = join(folder, 'another-tpm');
    await createTpm(another);
    await parts.withMachine(machine(made.images.first, { tpm: another }), async (guest) => {
      await expectRefused(guest, 'sealed', 'the TPM did not release the key');
      const device = settings.device;
      const open = (key: string) =>
        guest.run(`printf '%s' '${key}' | cryptsetup open --key-file - ${device} recovered`);
      expect(
        (await open(recoveryKey.replace(/^./, (first) => (first === 'c' ? 'b' : 'c')))).status,
      ).toBe(2);
      expect((await open(recoveryKey)).status).toBe(0);
      await output(guest, 'mount -o ro /dev/mapper/recovered /tmp');
      expect(await output(guest, 'cat /tmp/word')).toBe(word);
    });
  });

  it('fails to read what the host changed, rather than giving other bytes', async () => {
    const bytes = await readFile(disk);
    const place = lastChangedRun(earlier, bytes);
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    const changed = join(folder, 'changed');
    await writeFile(changed, bytes);
    await parts.withMachine(machine(made.images.first, { disk: changed }), async (guest) => {
      expect(await unitState(guest)).toBe('active');
      expect(await output(guest, `cat ${settings.mountPoint}/word`)).toBe(word);
      const { status, output: said } = await guest.run(
        `cat ${settings.mountPoint}/large >/dev/null`,
      );
      expect({ status, said }).toEqual({
        status: 1,
        said: expect.stringContaining('Input/output error'),
      });
      expect(await output(guest, 'dmesg')).toContain('INTEGRITY AEAD ERROR');
    });
  });
});

async function sumOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/**
 * The middle of the last mebibyte or more that changed in one piece: of the large file's sectors in their place, as the
 * journal lies before them.
 */
function lastChangedRun(before: Buffer, after: Buffer): number {
  const block = 4096;
  let length = 0;
  for (let at = after.length - block; at >= headerSize; at -= block) {
    const same = before.subarray(at, at + block).equals(after.subarray(at, at + block));
    if (same && length >= 2 ** 20) return at + block + length / 2;
    length = same ? 0 : length + block;
  }
  throw new Error('the large file is not found on the disk');
}
