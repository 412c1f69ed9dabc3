import { describe, expect, test } from 'vitest';
import { openConfigfs, type TsmFiles, tsmReportFolder } from '#agent/configfs.ts';
import { fakeNow } from '#test/fake/amd.ts';
import {
  encodeCertificateTable,
  snpCertificateGuids as guids,
  type SnpCertificate,
} from '#verifier/abi/snp-certs.ts';
import { type Bytes, concat, toBase64, utf8 } from '#verifier/bytes.ts';
import { codeOf, recorder } from './helpers.ts';

type Entry = { inblob: Bytes | null; generation: number };

type Kernel = TsmFiles & { entries: Map<string, Entry>; made: string[] };
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
function kernel(options: KernelOptions = {}): Kernel {
  const entries = new Map<string, Entry>();
  const made: string[] = [];
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
    async makeFolder(path) {
      refuse('makeFolder');
      expect(path.startsWith(`${tsmReportFolder}/`)).toBe(true);
      if (entries.has(path)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
      entries.set(path, { inblob: null, generation: 0 });
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
    async write(path, bytes) {
      const [entry, name] = split(path);
      refuse('write');
      expect(name).toBe('inblob');
      if (options.loseWrite) return;
      entry.inblob = bytes;
      entry.generation += 1;
    },
  };
}

let drawn = 0;
function open(files: TsmFiles) {
  const logger = recorder();
  const random = (length: number) => new Uint8Array(length).fill(drawn++);
  const source = openConfigfs({ files, random, now: () => fakeNow, logger });
  return { source, logger };
}

const data = new Uint8Array(64).fill(9);
const der = new Uint8Array([0x30, 1, 0]);

describe('a report', () => {
  test('is made in an entry of its own, which is removed', async () => {
    const files = kernel();
    const source = await open(files).source;
    expect(source).toMatchObject({ platform: 'sev-snp', name: 'configfs-tsm' });
    expect(await source.report(data)).toEqual({ evidence: report(data), collateral: [] });
    await source.report(data);
    expect(new Set(files.made).size).toBe(3);
    expect(files.entries.size).toBe(0);
  });

  test('of a TD is a quote, without a certificate table: Linux has no file for one', async () => {
    const files = kernel({ provider: 'tdx_guest', errors: { auxblob: 'ENOENT' } });
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
    const source = await open(kernel({ table })).source;
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
    const none = open(kernel({ table: new Uint8Array() }));
    expect((await (await none.source).report(data)).collateral).toEqual([]);
    expect(none.logger.lines).toEqual([]);
    for (const table of [utf8('rubbish'), [{ guid: guids.ask, data: utf8('no PEM') }]]) {
      const bad = open(kernel({ table }));
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
    const files = kernel(options);
    const source = await open(files).source;
    expect(await codeOf(() => source.report(data))).toBe(code);
    expect(files.made).toHaveLength(2);
    expect(files.entries.size).toBe(0);
  });

  test('is not lost when the entry cannot be removed', async () => {
    const { source, logger } = open(kernel({ errors: { removeFolder: 'EBUSY' } }));
    expect((await (await source).report(data)).evidence).toEqual(report(data));
    expect(logger.lines.at(-1)).toContain('could not be removed');
  });
});

describe('opening is refused as no TEE', () => {
  test.each<[string, KernelOptions, string]>([
    ['without the folder', { errors: { makeFolder: 'ENOENT' } }, 'kernel before 6.7'],
    ['without a provider', { errors: { makeFolder: 'ENXIO' } }, 'sev-guest nor tdx-guest'],
    ['without permission', { errors: { makeFolder: 'EACCES' } }, 'no permission'],
    ['on a read-only system', { errors: { makeFolder: 'EROFS' } }, 'read-only'],
    ['for another error', { errors: { makeFolder: 'EMFILE' } }, 'EMFILE'],
    ['when the provider cannot be read', { errors: { provider: 'EIO' } }, 'EIO'],
    ['for the provider of another TEE', { provider: 'arm_cca_guest' }, 'arm_cca_guest'],
    ['for a provider that only begins alike', { provider: 'tdx_guest2' }, 'tdx_guest2'],
    ['for an unknown provider', { provider: 'x\u0007' }, 'x\\u0007'],
  ])('%s', async (_, options, message) => {
    const files = kernel(options);
    expect(await codeOf(() => open(files).source)).toBe('tee-missing');
    await expect(open(files).source).rejects.toThrow(message);
    expect(files.entries.size).toBe(0);
  });
});
