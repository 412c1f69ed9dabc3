/** `affidavit show`: each form from a file, what is printed and what is refused. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { reportLength } from '#verifier/abi/snp.ts';
import { encodeCertificateTable } from '#verifier/abi/snp-certs.ts';
import { encodeSnpEvidence, type SnpContent } from '#verifier/abi/snp-forms.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { runShow } from '#verifier/cli/show-command.ts';
import {
  corpusReports,
  sampleExtras,
  simulatedCollateral,
  simulatedReports,
  unknownGuid,
} from '../abi/snp-samples.ts';
import { bundleScene, treeEntry } from '../scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-show-'));
let hierarchy: AmdHierarchy;
let report: Bytes;
let full: SnpContent;

function file(content: string | Bytes, name = 'input'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const show = (content: string | Bytes, options: { offsets?: boolean } = {}) =>
  runShow({ file: file(content), ...options });

type Shown = {
  form: string;
  length: number;
  verified: boolean;
  sections: {
    title: string;
    offsetsFrom?: string;
    fields: {
      name: string;
      key?: string;
      value: string;
      offset?: number;
      length?: number;
      parts?: { name: string; value: string }[];
    }[];
  }[];
};

async function shown(content: string | Bytes, offsets = false): Promise<Shown> {
  return JSON.parse(await runShow({ file: file(content), offsets, format: 'json' }));
}

const titles = ({ sections }: Shown) => sections.map(({ title }) => title.replace(/,.*/, ''));

async function refusal(run: Promise<string>): Promise<CliError> {
  const error = await run.then(
    () => null,
    (error: unknown) => error,
  );
  if (error instanceof CliError) return error;
  throw error ?? new Error('it was shown');
}

beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
  report = (await simulatedReports()).find(({ id }) => id === 'Milan version 5')?.report as Bytes;
  full = { report, collateral: await simulatedCollateral(), extras: sampleExtras };
});

afterAll(() => rmSync(folder, { recursive: true }));

const certificates = ['VCEK', 'VLEK', 'ASK', 'ARK'].map((name) => `${name}: certificate`);
const all = [...certificates, 'CRL: revocation list'];

describe('what is shown', () => {
  test('a raw report, field by field', async () => {
    const { form, length, verified, sections } = await shown(report);
    expect({ form, length, verified }).toEqual({ form: 'report', length: 1184, verified: false });
    const values = Object.fromEntries(
      sections[0]?.fields.map(({ name, value }) => [name, value]) ?? [],
    );
    expect(values).toMatchObject({
      VERSION: '5',
      MEASUREMENT: '4d'.repeat(48),
      REPORT_DATA: '05'.repeat(64),
      CPUID_FAM_ID: '25 (0x19)',
    });
  });

  test('an extended report, with its table and certificates', async () => {
    const found = await shown(encodeSnpEvidence('extended-report', full));
    expect(found.form).toBe('extended-report');
    expect(titles(found)).toEqual(['SEV-SNP report', 'Certificate table', ...all]);
  });

  test('a protobuf, with the extras', async () => {
    const found = await shown(encodeSnpEvidence('protobuf', full));
    expect(found.form).toBe('protobuf');
    expect(new Set(titles(found))).toEqual(
      new Set(['SEV-SNP report', 'Entries with unknown GUIDs', ...all]),
    );
    const extras = found.sections.at(-1)?.fields;
    expect(extras).toEqual([{ name: unknownGuid, value: toHex(utf8('what a host adds')) }]);
  });

  test('a certificate table alone, PEM in it or DER', async () => {
    const { vcek, ask } = hierarchy;
    const found = await shown(
      encodeCertificateTable([
        { guid: full.collateral[0]?.guid as string, data: utf8(vcek.pem) },
        { guid: full.collateral[2]?.guid as string, data: ask.der },
        ...sampleExtras,
      ]),
    );
    expect(titles(found)).toEqual(['Certificate table', certificates[0], certificates[2]]);
  });

  test('a report as text', async () => {
    expect((await shown(toHex(report))).form).toBe('report-text');
  });

  test('an evidence bundle, its log, its collateral and its report', async () => {
    const { evidence } = await bundleScene({ log: [treeEntry(0x7265n), utf8('junk')] });
    const found = await shown(evidence.bytes);
    expect(titles(found)).toEqual([
      'Evidence bundle',
      'Log',
      'SEV-SNP report',
      'collateral[0] vek',
      'collateral[1] ask',
      'collateral[2] ark',
      'collateral[3] ark-crl',
    ]);
    const [members, log] = found.sections;
    expect(members?.fields.find(({ name }) => name === 'nonce')?.value).toBe('6e'.repeat(32));
    expect(log?.fields.map(({ value }) => value)).toEqual([
      expect.stringMatching(/^2026-01-15T00:00:00Z tree 0{60}7265: boot$/),
      expect.stringMatching(/^6a756e6b \(log entry/),
    ]);
  });

  test('certificates and lists, PEM or DER, one or several', async () => {
    const { vcek, crl } = hierarchy;
    const chain = await shown(hierarchy.chainPem('vcek'));
    expect(titles(chain)).toEqual(['X.509 1: certificate', 'X.509 2: certificate']);
    expect(titles(await shown(concat(vcek.der, vcek.der)))).toHaveLength(2);
    expect(titles(await shown(crl.der))).toEqual(['X.509: revocation list']);
    const fields = (await shown(vcek.der)).sections[0]?.fields;
    const values = Object.fromEntries(fields?.map(({ name, value }) => [name, value]) ?? []);
    expect(values).toMatchObject({
      subject: expect.stringMatching(/CN=SEV-VCEK$/),
      'not before': '2021-01-01T00:00:00Z',
      'public key': 'elliptic curve, P-384',
      blSPL: String(hierarchy.tcb.bootLoader),
      hwID: toHex(hierarchy.hardwareId),
      affidavit: 'reads this certificate',
    });
  });

  test('a certificate that the verifier refuses, with the reason', async () => {
    const { vcek } = await testHierarchy({
      product: 'Milan',
      overrides: { vcek: { version: 1 } },
    });
    const last = (await shown(vcek.der)).sections[0]?.fields.at(-1);
    expect(last?.value).toMatch(/^refuses this certificate: certificate/);
  });

  test('TCBs of a version 2 report in the layout of the certificate beside it', async () => {
    const old = (await simulatedReports()).find(({ id }) => id === 'Milan version 2');
    const content = { ...full, report: old?.report as Bytes };
    const partsOf = async (bytes: Bytes) =>
      (await shown(bytes)).sections[0]?.fields.find(({ name }) => name === 'REPORTED_TCB')?.parts;
    expect(await partsOf(encodeSnpEvidence('extended-report', content))).toHaveLength(4);
    expect(await partsOf(content.report)).toBe(undefined);
  });

  test('every report of the corpus, and AMD’s own chains and lists', async ({ skip }) => {
    skip(!hasShared, sharedMissing);
    for (const { id, report } of corpusReports()) {
      expect((await show(report, { offsets: true })).length, id).toBeGreaterThan(2000);
    }
    for (const name of ['milan-vcek-chain.pem', 'turin-vlek-chain.pem', 'genoa-ark-crl.der']) {
      const found = await shown(sharedFile(`corpus/collateral/amd/${name}`));
      for (const { fields } of found.sections) expect(fields.at(-1)?.value, name).toMatch(/^reads/);
    }
  });
});

describe('offsets', () => {
  test('point at the bytes of each field', async () => {
    const bytes = encodeSnpEvidence('extended-report', full);
    const [fields, table] = (await shown(bytes, true)).sections;
    expect(fields?.offsetsFrom).toBe('the file');
    for (const { name, offset = -1, length = 0, value } of fields?.fields ?? []) {
      if (name !== 'MEASUREMENT' && name !== 'CHIP_ID') continue;
      expect(toHex(bytes.subarray(offset, offset + length)), name).toBe(value);
    }
    const places = table?.fields.map(({ offset = -1, length = 0 }) =>
      toHex(bytes.subarray(offset, offset + length)),
    );
    expect(places).toEqual([...full.collateral, ...full.extras].map(({ data }) => toHex(data)));
  });

  test('of a certificate count from its start, in a chain too', async () => {
    const { ask, ark } = hierarchy;
    const found = await shown(hierarchy.chainPem('vcek'), true);
    for (const [i, { der }] of [ask, ark].entries()) {
      const field = found.sections[i]?.fields.find(({ name }) => name === 'signature');
      const { offset = -1, length = 0, value } = field ?? { value: '' };
      expect(toHex(der.subarray(offset, offset + length))).toMatch(new RegExp(`${value}$`));
      expect(offset + length).toBe(der.length);
    }
  });

  test('are printed on request only', async () => {
    expect(await show(report)).not.toContain('0x090');
    expect(await show(report, { offsets: true })).toMatch(/^ {2}0x090 {4}48 {2}MEASUREMENT /m);
    expect(JSON.stringify(await shown(report))).not.toContain('"offset"');
  });
});

describe('the text', () => {
  test('fits 100 columns and says first that nothing was verified', async () => {
    const { evidence } = await bundleScene();
    for (const content of [
      report,
      encodeSnpEvidence('extended-report', full),
      encodeSnpEvidence('protobuf', full),
      evidence.bytes,
      hierarchy.crl.der,
    ]) {
      for (const offsets of [false, true]) {
        const text = await show(content, { offsets });
        expect(text.split('\n')[1]).toMatch(/^Nothing was verified/);
        expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
      }
    }
  });

  test('never hands control characters to the terminal, as JSON neither', async () => {
    const { evidence } = await bundleScene({ log: [treeEntry(0x7265n, '\x1b[2Jx\u202ey\u009b')] });
    expect(await show(evidence.bytes)).toContain('?[2Jx?y?');
    for (const format of ['text', 'json'] as const) {
      const text = await runShow({ file: file(evidence.bytes), format });
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
    }
  });
});

describe('refused', () => {
  test.each<[string, () => string | Bytes, string]>([
    ['nothing', () => '', 'form-unknown'],
    ['words', () => 'no evidence at all', 'form-unknown'],
    ['a report without its first byte', () => report.subarray(1), 'length-wrong'],
    ['a report without its end', () => report.subarray(0, 1000), 'length-wrong'],
    [
      'a report of a version to come',
      () => Uint8Array.of(6, ...report.subarray(1)),
      'version-unknown',
    ],
    ['a report and more', () => concat(report, Uint8Array.of(1)), 'length-wrong'],
    ['JSON of another kind', () => '{"version":1}', 'json-shape'],
    ['DER cut short', () => hierarchy.vcek.der.subarray(0, 900), 'der-malformed'],
    [
      'a PEM key',
      () => '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n',
      'pem-malformed',
    ],
    [
      'noise',
      () => Uint8Array.from({ length: 300 }, (_, i) => (i * 97 + 13) & 0xff),
      'form-unknown',
    ],
  ])('%s: exit 20 and one line', async (_, content, code) => {
    const error = await refusal(show(content()));
    expect({ exitCode: error.exitCode, code: error.code }).toEqual({ exitCode: 20, code });
    expect(error.message).not.toContain('\n');
    expect(error.message).toContain(join(folder, 'input'));
    expect(error.remedy).not.toBe('');
  });

  test('a file that is not there: exit 2', async () => {
    const error = await refusal(runShow({ file: join(folder, 'nothing') }));
    expect({ exitCode: error.exitCode, code: error.code }).toEqual({
      exitCode: 2,
      code: 'file-unreadable',
    });
    expect((await refusal(runShow({ file: folder }))).exitCode).toBe(2);
  });

  test('a file over 16 MiB: exit 20', async () => {
    const big = concat(report, new Uint8Array(16 * 1024 * 1024));
    expect((await refusal(show(big))).code).toBe('too-large');
    expect(await show(big.subarray(0, reportLength + 4096))).toContain('Certificate table');
  });
});

test('standard input', () => {
  const command = new URL('../../../verifier/cli/show-command.ts', import.meta.url).href;
  const files = new URL('../../../verifier/cli/files.ts', import.meta.url).href;
  const program = `
    const { runShow } = await import(${JSON.stringify(command)});
    const { standardInput } = await import(${JSON.stringify(files)});
    process.stdout.write(await runShow({ file: standardInput }));
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    input: report,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^report, 1184 bytes\n/);
});
