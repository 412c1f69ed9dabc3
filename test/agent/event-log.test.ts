/** Which event log evidence carries, how much of it, and what becomes of one that cannot be read. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ccelFile,
  type EventLogFile,
  eventLogFiles,
  eventLogOf,
  maxEventLogLength,
  tpmLogFile,
} from '#agent/event-log.ts';
import { readAll } from '#agent/files.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type CollateralItem, parseBundle } from '#verifier/abi/bundle.ts';
import { utf8 } from '#verifier/bytes.ts';
import { codeOf, problemOf, recorder, startAgent } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

const kernels = (path: string): EventLogFile => ({ path, named: false });
const named = (path: string): EventLogFile => ({ path, named: true });

describe('the log', () => {
  test.each<[string, Parameters<typeof eventLogFiles>, EventLogFile[]]>([
    ["of a TD is the kernel's CCEL", [undefined, 'tdx', []], [kernels(ccelFile)]],
    ['of an SNP guest is none: no register', [undefined, 'sev-snp', ['nvidia', 'nitro-tpm']], []],
    [
      "of a guest with a TPM is the kernel's",
      [undefined, 'sev-snp', ['tpm']],
      [kernels(tpmLogFile)],
    ],
    [
      'of a TD with a TPM is first that of the TD',
      [undefined, 'tdx', ['tpm']],
      [kernels(ccelFile), kernels(tpmLogFile)],
    ],
    ['may be none', [null, 'tdx', ['tpm']], []],
    ['may be another file', [{ ccel: '/a', tpm: '/b' }, 'tdx', []], [named('/a')]],
    ['may be that of the TPM alone', [{ ccel: null, tpm: '/b' }, 'tdx', ['tpm']], [named('/b')]],
  ])('%s', (_, parameters, files) => {
    expect(eventLogFiles(...parameters)).toEqual(files);
  });
});

describe('a file', () => {
  const path = join(folder, 'log');
  const absent = join(folder, 'absent');
  const read = (files: EventLogFile[], logger = recorder()) =>
    eventLogOf(files, readAll, logger).read();

  test('is read anew each time, for it grows', async () => {
    writeFileSync(path, 'one');
    const log = eventLogOf([named(path)], readAll, recorder());
    expect((await log.read())?.bytes).toEqual(utf8('one'));
    writeFileSync(path, 'one, two');
    expect((await log.read())?.bytes).toEqual(utf8('one, two'));
  });

  test('of 4 MiB is taken, one of a byte more is not', async () => {
    truncateSync(path, maxEventLogLength);
    expect((await read([named(path)]))?.bytes.length).toBe(maxEventLogLength);
    truncateSync(path, maxEventLogLength + 1);
    expect(await codeOf(() => read([named(path)]))).toBe('event-log-failed');
  });

  test('that the configuration names must be there, and hold something', async () => {
    expect(await codeOf(() => read([named(absent)]))).toBe('event-log-failed');
    truncateSync(path, 0);
    expect(await codeOf(() => read([named(path)]))).toBe('event-log-failed');
  });

  test("of the kernel's may be missing, and then the next is looked for", async () => {
    const logger = recorder();
    writeFileSync(path, 'log');
    expect(await read([kernels(absent)], logger)).toBeNull();
    expect((await read([kernels(absent), kernels(path)], logger))?.path).toBe(path);
    expect(logger.lines).toEqual([]);
  });

  test("of the kernel's that cannot be read is left out, and that is said once", async () => {
    const logger = recorder();
    const log = eventLogOf([kernels(folder)], readAll, logger);
    expect(await log.read()).toBeNull();
    expect(await log.read()).toBeNull();
    expect(logger.lines).toEqual([expect.stringContaining(`without the event log ${folder}`)]);
  });
});

describe('the agent', () => {
  const path = join(folder, 'served');
  const start = (collateral: readonly CollateralItem[] = []) => {
    const eventLog = eventLogOf([named(path)], readAll, recorder());
    return startAgent({ hierarchy, eventLog, collateral });
  };
  const fetchBytes = async (url: string) => {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
  };

  test('puts it into evidence, and serves the same bytes', async () => {
    const log = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);
    writeFileSync(path, log);
    const { url } = await start();
    const { response, bytes } = await fetchBytes(`${url}/event-log`);
    expect(bytes).toEqual(log);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const bundle = parseBundle((await fetchBytes(`${url}/attestation`)).bytes);
    expect(bundle.eventLog).toEqual(log);
    expect(await (await fetch(`${url}/info`)).json()).toMatchObject({ eventLog: [path] });
  });

  test('with the largest log still makes a bundle that a verifier reads', async () => {
    truncateSync(path, maxEventLogLength);
    const { url } = await start();
    const { bytes } = await fetchBytes(`${url}/attestation`);
    expect(parseBundle(bytes).eventLog?.length).toBe(maxEventLogLength);
  });

  test('refuses a bundle that no verifier would read', async () => {
    truncateSync(path, maxEventLogLength);
    const data = new Uint8Array(3 * 1024 * 1024);
    const { url } = await start([{ kind: 'ark', data, source: 'test', fetched: fakeNow }]);
    const problem = await problemOf(`${url}/attestation`);
    expect(problem).toMatchObject({ status: 500, code: 'bundle-too-large' });
    truncateSync(path, 1024);
    expect((await fetch(`${url}/attestation`)).status).toBe(200);
  });

  test('gives no evidence without a log that the configuration names', async () => {
    writeFileSync(path, 'log');
    const { url } = await start();
    rmSync(path);
    for (const resource of ['/attestation', '/event-log']) {
      const problem = await problemOf(url + resource);
      expect(problem).toMatchObject({ status: 502, code: 'event-log-failed' });
    }
    writeFileSync(path, 'log');
    expect((await fetch(`${url}/attestation`)).status).toBe(200);
  });

  test('that has none says so', async () => {
    const { url } = await startAgent({ hierarchy });
    expect(await problemOf(`${url}/event-log`)).toMatchObject({
      status: 404,
      code: 'event-log-missing',
    });
    const { bytes } = await fetchBytes(`${url}/attestation`);
    expect(parseBundle(bytes)).not.toHaveProperty('eventLog');
  });
});
