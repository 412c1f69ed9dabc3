import { beforeAll, describe, expect, test } from 'vitest';
import {
  encodeGuestPolicy,
  type GuestPolicy,
  parseReport,
  reportLength,
  reportVersions,
  type SnpReport,
  signedLength,
} from '#verifier/abi/snp.ts';
import {
  describeReport,
  platformInfoBits,
  policyBits,
  type SnpField,
  snpFields,
} from '#verifier/abi/snp-fields.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { corpusReports, simulatedReports } from './snp-samples.ts';

let reports: { id: string; report: Bytes }[];

beforeAll(async () => {
  reports = [...corpusReports(), ...(await simulatedReports())];
});

/** What `parseReport` returns under a key of the table. */
function parsedAt(report: SnpReport, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], report);
}

/** The field's bytes, written again from what was parsed. */
function encoded(value: unknown, { key, length }: SnpField): Bytes {
  if (value instanceof Uint8Array) return value;
  const number =
    key === 'policy' ? encodeGuestPolicy(value as GuestPolicy) : BigInt(value as number | bigint);
  const hex = number.toString(16).padStart(2 * length, '0');
  return Uint8Array.from(hex.match(/../g) ?? [], (two) => Number.parseInt(two, 16)).reverse();
}

const slice = (report: Bytes, { offset, length }: SnpField) =>
  report.subarray(offset, offset + length);

describe('the table', () => {
  test.each(reportVersions)('covers version %i without a gap', (version) => {
    let end = 0;
    for (const { offset, length } of snpFields(version)) {
      expect(offset).toBe(end);
      end += length;
    }
    expect(end).toBe(reportLength);
  });

  test('has AMD’s offsets', () => {
    const at = Object.fromEntries(snpFields(5).map(({ name, offset }) => [name, offset]));
    expect(at).toMatchObject({
      POLICY: 0x08,
      REPORT_DATA: 0x50,
      MEASUREMENT: 0x90,
      REPORTED_TCB: 0x180,
      CPUID_FAM_ID: 0x188,
      CHIP_ID: 0x1a0,
      CURRENT_BUILD: 0x1e8,
      COMMITTED_MAJOR: 0x1ee,
      LAUNCH_TCB: 0x1f0,
      CURRENT_MIT_VECTOR: 0x200,
      'SIGNATURE.R': signedLength,
    });
  });

  test('agrees with the parser on every byte of every report', () => {
    for (const { id, report } of reports) {
      const parsed = parseReport(report);
      for (const field of snpFields(parsed.version)) {
        const bytes = slice(report, field);
        if (field.kind === 'reserved') expect(toHex(bytes), id).toMatch(/^(00)+$/);
        else if (field.key !== '') {
          const again = encoded(parsedAt(parsed, field.key), field);
          expect(toHex(again), `${id} ${field.name}`).toBe(toHex(bytes));
        }
      }
    }
  });

  test('names every member that the parser returns', () => {
    const parsed = parseReport(reports.at(-1)?.report as Bytes);
    const flags = ['authorKeyEn', 'maskChipKey', 'signingKey'];
    const named = new Set([...snpFields(5).map(({ key }) => key.split('.')[0]), ...flags]);
    expect(Object.keys(parsed).filter((name) => !named.has(name))).toEqual([]);
  });

  test('leaves to version 2 what later versions brought', () => {
    const names = snpFields(2).map(({ name }) => name);
    expect(names).not.toContain('CPUID_FAM_ID');
    expect(names).not.toContain('LAUNCH_MIT_VECTOR');
    expect(snpFields(3).map(({ name }) => name)).toContain('CPUID_FAM_ID');
    expect(snpFields(4).map(({ name }) => name)).not.toContain('LAUNCH_MIT_VECTOR');
  });
});

describe('bits', () => {
  test('of the guest policy are those that the parser reads', () => {
    const { policy } = parseReport(reports.at(-1)?.report as Bytes);
    const plain = Object.fromEntries(
      Object.entries(policy).map(([name, value]) => [name, typeof value === 'number' ? 0 : false]),
    ) as GuestPolicy;
    const named = policyBits.filter(({ key }) => key !== '');
    expect(named.map(({ key }) => key).toSorted()).toEqual(Object.keys(policy).toSorted());
    for (const { bit, count, key } of named) {
      const one = { ...plain, [key]: count > 1 ? 1 : true };
      expect(encodeGuestPolicy(one) ^ encodeGuestPolicy(plain), key).toBe(1n << BigInt(bit));
    }
  });

  test('of PLATFORM_INFO without a name are shown by number', () => {
    const report = new Uint8Array(reports.at(-1)?.report ?? []);
    report.set([0x67, 0x01, 0, 0, 0, 0, 0, 0x80], 0x40);
    const field = describeReport(report, null).find(({ name }) => name === 'PLATFORM_INFO');
    expect(field?.parts.filter(({ value }) => value === 'yes').map(({ name }) => name)).toEqual([
      'SMT_EN',
      'TSME_EN',
      'ECC_EN',
      'ALIAS_CHECK_COMPLETE',
      'bit 6, without a name',
      'bit 8, without a name',
      'bit 63, without a name',
    ]);
    expect(field?.parts).toHaveLength(platformInfoBits.length + 3);
  });
});

describe('a report shown', () => {
  const partsOf = (report: Bytes, name: string, product: 'Milan' | null = null) =>
    Object.fromEntries(
      describeReport(report, product)
        .find((field) => field.name === name)
        ?.parts.map(({ name, value }) => [name, value]) ?? [],
    );
  const byId = (id: string) => reports.find((one) => one.id === id)?.report as Bytes;

  test('has TCB parts in its product’s layout', () => {
    const milan = partsOf(byId('Milan version 5'), 'REPORTED_TCB');
    expect(Object.keys(milan)).toEqual(['bootLoader', 'tee', 'snp', 'microcode']);
    const turin = partsOf(byId('Turin version 5'), 'REPORTED_TCB');
    expect(Object.keys(turin)).toEqual(['fmc', 'bootLoader', 'tee', 'snp', 'microcode']);
  });

  test('of version 2 has them only where a certificate names the product', () => {
    expect(partsOf(byId('Milan version 2'), 'REPORTED_TCB')).toEqual({});
    expect(partsOf(byId('Milan version 2'), 'REPORTED_TCB', 'Milan')).toEqual(
      partsOf(byId('Milan version 5'), 'REPORTED_TCB'),
    );
  });

  test('says where a TCB is not laid out as its product has it', () => {
    const report = byId('Milan version 5').slice();
    report[0x182] = 1;
    expect(Object.values(partsOf(report, 'REPORTED_TCB'))).toEqual([
      expect.stringMatching(/byte 2 is reserved on Milan/),
    ]);
  });

  test('names the key, and marks a report that the host asked for', () => {
    const report = byId('Milan version 5').slice();
    report.set([0xff, 0xff, 0xff, 0xff], 0x30);
    report[0x48] = (1 << 2) | 2;
    expect(partsOf(report, 'KEY FLAGS')).toEqual({
      AUTHOR_KEY_EN: 'no',
      MASK_CHIP_KEY: 'yes',
      SIGNING_KEY: '1 (VLEK)',
    });
    const vmpl = describeReport(report, null).find(({ name }) => name === 'VMPL');
    expect(vmpl?.value).toMatch(/^4294967295 \(the host/);
  });

  test('is refused like by the parser', () => {
    const report = byId('Milan version 5').slice();
    expect(codeOf(() => describeReport(report, null))).toBe(null);
    report[0] = 6;
    expect(codeOf(() => describeReport(report, null))).toBe('version-unknown');
  });
});
