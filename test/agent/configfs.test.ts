import { describe, expect, test } from 'vitest';
import { type ConfigfsOptions, openConfigfs } from '#agent/configfs.ts';
import { type TsmFiles, tsmReportFolder } from '#agent/configfs-entries.ts';
import { fakeNow } from '#test/fake/amd.ts';
import {
  encodeCertificateTable,
  snpCertificateGuids as guids,
  type SnpCertificate,
} from '#verifier/abi/snp-certs.ts';
import { type Bytes, concat, fromUtf8, toBase64, utf8 } from '#verifier/bytes.ts';
import { codeOf, recorder } from './helpers.ts';

type Entry = { inblob: Bytes | null; generation: number; privlevel: string | null };

type Kernel = TsmFiles & { entries: Map<string, Entry>; made: string[]; written: Entry[] };
type KernelOptions = {
  provider?: string;
  /** What the folders after the first say. */
  laterProvider?: string;
  table?: readonly SnpCertificate[] | Bytes;
  /** Errors by operation: `makeFolder`, `write` or a file's name. */
  errors?: Record<string, string>;
  /** Runs before `outblob` is read: what another program does to the entry. */
  race?: (entry: Entry) => void;
  /** The kernel drops a write that fails when the file is closed. */
  loseWrite?: boolean;
};

const report = (inblob: Bytes) => concat(utf8('report over '), inblob);

/** What Linux does behind the folder. */
function fakeKernel(options: KernelOptions = {}): Kernel {
  const entries = new Map<string, Entry>();
  const made: string[] = [];
  const written: Entry[] = [];
  const refuse = (operation: string) => {
    const code = options.errors?.[operation];
    if (code !== undefined) throw Object.assign(new Error(`${code}: said the kernel`), { code });
  };
  const split = (path: string): [Entry, string] => {
    const at = path.lastIndexOf('/');
    const entry = entries.get(path.slice(0, at));
    if (entry === undefined) throw Object.assign(new Error('no entry'), { code: 'ENOENT' });
    return [entry, path.slice(at + 1)];
  };
  const providerNow = () => {
    const { provider = 'sev_guest', laterProvider = provider } = options;
    return made.length === 1 ? provider : laterProvider;
  };
  const { table = [] } = options;
  const auxblob = table instanceof Uint8Array ? table : encodeCertificateTable(table);
  return {
    entries,
    made,
    written,
    async makeFolder(path) {
      refuse('makeFolder');
      expect(path.startsWith(`${tsmReportFolder}/`)).toBe(true);
      if (entries.has(path)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
      entries.set(path, { inblob: null, generation: 0, privlevel: null });
      made.push(path);
    },
    async removeFolder(path) {
      refuse('removeFolder');
      entries.delete(path);
    },
    async read(path) {
      const [entry, name] = split(path);
      refuse(name);
      if (name === 'provider') return utf8(`${providerNow()}\n`);
      if (name === 'generation') return utf8(`${entry.generation}\n`);
      if (name === 'auxblob') return auxblob;
      if (name !== 'outblob' || entry.inblob === null) throw new Error(`read of ${name}`);
      options.race?.(entry);
      return report(entry.inblob);
    },
    async list() {
      refuse('list');
      return [...entries.keys()].map((path) => path.slice(tsmReportFolder.length + 1));
    },
    async write(path, bytes) {
      const [entry, name] = split(path);
      if (name === 'privlevel') {
        refuse('privlevel');
        entry.privlevel = fromUtf8(bytes, name);
        entry.generation += 1;
        return;
      }
      refuse('write');
      expect(name).toBe('inblob');
      if (options.loseWrite) return;
      written.push(entry);
      entry.inblob = bytes;
      entry.generation += 1;
    },
  };
}

let drawn = 0;
const own = '0123abcd-17-4711';

function open(files: TsmFiles, options: Partial<ConfigfsOptions> = {}) {
  const logger = recorder();
  const random = (length: number) => new Uint8Array(length).fill(drawn++);
  const source = openConfigfs({
    files,
    random,
    now: () => fakeNow,
    logger,
    owners: { own, isRunning: async (owner) => owner === own },
    kernel: async () => ({ release: '6.12.9', sevGuestDevice: false }),
    ...options,
  });
  return { source, logger };
}

const data = new Uint8Array(64).fill(9);
const der = new Uint8Array([0x30, 1, 0]);

describe('a report', () => {
  test('is made in an entry of its own, which is removed', async () => {
    const files = fakeKernel();
    const source = await open(files).source;
    expect(source).toMatchObject({ platform: 'sev-snp', name: 'configfs-tsm' });
    expect(await source.report(data)).toEqual({ evidence: report(data), collateral: [] });
    await source.report(data);
    expect(new Set(files.made).size).toBe(3);
    expect(files.entries.size).toBe(0);
  });

  test('of a TD is a quote, without a certificate table: Linux has no file for one', async () => {
    const files = fakeKernel({ provider: 'tdx_guest', errors: { auxblob: 'ENOENT' } });
    const { source, logger } = open(files);
    expect(await source).toMatchObject({ platform: 'tdx', name: 'configfs-tsm' });
    const found = await (await source).report(data);
    expect(found).toEqual({ evidence: report(data), collateral: [] });
    expect(files.entries.size).toBe(0);
    expect(logger.lines).toEqual([]);
  });

  test("carries the host's certificates, PEM or DER, and leaves out unknown ones", async () => {
    const pem = utf8(`-----BEGIN CERTIFICATE-----\n${toBase64(der)}\n-----END CERTIFICATE-----\n`);
    const table = [
      { guid: guids.vlek, data: der },
      { guid: '01234567-89ab-cdef-0123-456789abcdef', data: utf8('?') },
      { guid: guids.ask, data: pem },
      { guid: guids.ark, data: der },
      { guid: guids.crl, data: der },
    ];
    const source = await open(fakeKernel({ table })).source;
    const { collateral } = await source.report(data);
    const item = { data: der, source: 'host certificate table', fetched: fakeNow };
    expect(collateral).toEqual([
      { kind: 'vek', ...item },
      { kind: 'ask', ...item },
      { kind: 'ark', ...item },
      { kind: 'ark-crl', ...item },
    ]);
  });

  test('comes without collateral when the host sends no table, or a bad one', async () => {
    const none = open(fakeKernel({ table: new Uint8Array() }));
    expect((await (await none.source).report(data)).collateral).toEqual([]);
    expect(none.logger.lines).toEqual([]);
    for (const table of [utf8('rubbish'), [{ guid: guids.ask, data: utf8('no PEM') }]]) {
      const bad = open(fakeKernel({ table }));
      const found = await (await bad.source).report(data);
      expect(found).toEqual({ evidence: report(data), collateral: [] });
      expect(bad.logger.lines).toEqual([expect.stringContaining('malformed certificate table')]);
    }
  });

  test.each<[string, KernelOptions, string]>([
    [
      'another program writes',
      {
        race: (entry) => {
          entry.generation += 1;
        },
      },
      'device-failed',
    ],
    ['the provider changes', { laterProvider: 'tdx_guest' }, 'device-failed'],
    [
      'the provider of a TD changes',
      { provider: 'tdx_guest', laterProvider: 'sev_guest' },
      'device-failed',
    ],
    ['the provider vanishes', { laterProvider: '' }, 'device-failed'],
    [
      'another program writes in a TD',
      {
        provider: 'tdx_guest',
        race: (entry) => {
          entry.generation += 1;
        },
      },
      'device-failed',
    ],
    ['the write was lost', { loseWrite: true, errors: { outblob: 'EINVAL' } }, 'EINVAL'],
    ['the write fails', { errors: { write: 'EBUSY' } }, 'EBUSY'],
    ['the firmware fails', { errors: { outblob: 'EIO' } }, 'EIO'],
    ['the table cannot be read', { errors: { auxblob: 'EIO' } }, 'EIO'],
    ['generation cannot be read', { errors: { generation: 'EIO' } }, 'EIO'],
  ])('is refused when %s, and the entry is removed', async (_, options, code) => {
    const files = fakeKernel(options);
    const source = await open(files).source;
    expect(await codeOf(() => source.report(data))).toBe(code);
    expect(files.made).toHaveLength(2);
    expect(files.entries.size).toBe(0);
  });

  test('is not lost when the entry cannot be removed', async () => {
    const { source, logger } = open(fakeKernel({ errors: { removeFolder: 'EBUSY' } }));
    expect((await (await source).report(data)).evidence).toEqual(report(data));
    expect(logger.lines.at(-1)).toContain('could not be removed');
  });
});

describe('opening is refused as no TEE', () => {
  test.each<[string, KernelOptions, string]>([
    ['without the folder', { errors: { makeFolder: 'ENOENT' } }, 'tsm not loaded'],
    ['without a provider', { errors: { makeFolder: 'ENXIO' } }, 'sev-guest nor tdx-guest'],
    ['without permission', { errors: { makeFolder: 'EACCES' } }, 'no permission'],
    ['on a read-only system', { errors: { makeFolder: 'EROFS' } }, 'read-only'],
    ['for another error', { errors: { makeFolder: 'EMFILE' } }, 'EMFILE'],
    ['when the provider cannot be read', { errors: { provider: 'EIO' } }, 'EIO'],
    ['for the provider of another TEE', { provider: 'arm_cca_guest' }, 'arm_cca_guest'],
    ['for a provider that only begins alike', { provider: 'tdx_guest2' }, 'tdx_guest2'],
    ['for an unknown provider', { provider: 'x\u0007' }, 'x\\u0007'],
  ])('%s', async (_, options, message) => {
    const files = fakeKernel(options);
    expect(await codeOf(() => open(files).source)).toBe('tee-missing');
    await expect(open(files).source).rejects.toThrow(message);
    expect(files.entries.size).toBe(0);
  });
});

describe('a kernel that is too old', () => {
  const absent = { errors: { makeFolder: 'ENOENT' } };
  test.each([
    ['5.19.0', true],
    ['6.6.120-cloud', true],
    ['4.18.0-553.el8', true],
    ['6.7.0', false],
    ['6.12.9', false],
    ['7.0-rc1', false],
    ['unknown', false],
  ])('%s is named as such: %s', async (release, old) => {
    const kernel = async () => ({ release, sevGuestDevice: old });
    const { source } = open(fakeKernel(absent), { kernel });
    const error: unknown = await source.catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'tee-missing' });
    const { message } = error as Error;
    expect(message.includes('kernel before 6.7')).toBe(old);
    expect(message.includes('/dev/sev-guest, which is not used')).toBe(old);
    if (old) expect(message).toContain(release);
  });
});

describe('privlevel', () => {
  test('is written before inblob, and its write is counted', async () => {
    const files = fakeKernel();
    const source = await open(files, { privlevel: 2 }).source;
    expect((await source.report(data)).evidence).toEqual(report(data));
    expect(files.written).toMatchObject([{ privlevel: '2', generation: 2 }]);
    expect(files.entries.size).toBe(0);
  });

  test('of 0 is not written', async () => {
    const files = fakeKernel({ errors: { privlevel: 'ENOENT' } });
    const source = await open(files, { privlevel: 0 }).source;
    await source.report(data);
    expect(files.written).toMatchObject([{ privlevel: null, generation: 1 }]);
  });

  test('a racing writer is noticed all the same', async () => {
    const race = (entry: Entry) => {
      entry.generation += 1;
    };
    const source = await open(fakeKernel({ race }), { privlevel: 1 }).source;
    expect(await codeOf(() => source.report(data))).toBe('device-failed');
  });

  test.each([
    ['ENOENT', 'offers no privlevel'],
    ['EINVAL', 'out of the range'],
  ])('that the provider does not take (%s) is refused at the start', async (error, message) => {
    const files = fakeKernel({ errors: { privlevel: error } });
    const { source } = open(files, { privlevel: 3 });
    await expect(source).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(source).rejects.toThrow(message);
    expect(files.entries.size).toBe(0);
  });
});

describe('entries that are there at the start', () => {
  const stale = `${tsmReportFolder}/affidavit-0123abcd-16-99-${'a'.repeat(16)}`;
  const others = [
    `${tsmReportFolder}/affidavit-${own}-${'b'.repeat(16)}`,
    `${tsmReportFolder}/trustee`,
    `${tsmReportFolder}/affidavit-by-hand`,
  ];
  const empty = () => ({ inblob: null, generation: 0, privlevel: null });

  test('are removed if their process is gone; those of others stay', async () => {
    const files = fakeKernel();
    for (const path of [stale, ...others]) files.entries.set(path, empty());
    const { source, logger } = open(files);
    await source;
    expect([...files.entries.keys()]).toEqual(others);
    expect(logger.lines).toEqual(['info removed 1 entries that an earlier process left']);
  });

  test('and cannot be removed cost a warning, not the start', async () => {
    const files = fakeKernel({ errors: { removeFolder: 'EBUSY' } });
    files.entries.set(stale, empty());
    const { source, logger } = open(files);
    expect(await source).toMatchObject({ platform: 'sev-snp' });
    expect(logger.lines[0]).toContain('left by an earlier process');
  });
});
