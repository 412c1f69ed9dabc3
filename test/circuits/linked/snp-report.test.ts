/** What the circuit reads from an SEV-SNP report, and which it refuses. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { parseReport, type SnpReport } from '#verifier/abi/snp.ts';
import {
  decodeTcb,
  hardwareIdLength,
  type SnpProduct,
  snpProducts,
} from '#verifier/abi/snp-tcb.ts';
import { type Bytes, bigEndian, concat, toHex } from '#verifier/bytes.ts';
import { bytesOf, type Limbs, returned } from './inputs.ts';
import { corpusReport, readingInputs, reportIds } from './snp-corpus.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('snp_report_vectors');
}, 600_000);

type Read = {
  readonly report_data: readonly [Limbs, Limbs];
  readonly measurement: readonly string[];
  readonly chip_id: readonly string[];
  readonly reported: readonly string[];
  readonly committed: readonly string[];
};

const joined = (limbs: readonly string[]) =>
  toHex(concat(...limbs.map((limb) => bigEndian(BigInt(limb), 16))));

/** What the circuit read, and what parseReport reads. */
async function bothRead(bytes: Bytes, product: SnpProduct, kind: number) {
  const found = await returned<Read>(circuit, readingInputs(bytes, product, kind));
  const report = parseReport(bytes);
  const partsOf = (tcb: Bytes) => {
    const { fmc, bootLoader, tee, snp, microcode } = decodeTcb(product, tcb, 'TCB');
    return [fmc, bootLoader, tee, snp, microcode];
  };
  return {
    found: {
      reportData: toHex(concat(...found.report_data.map(bytesOf))),
      measurement: joined(found.measurement),
      chipId: joined(found.chip_id),
      reported: found.reported.map(Number),
      committed: found.committed.map(Number),
    },
    expected: {
      reportData: toHex(report.reportData),
      measurement: toHex(report.measurement),
      chipId: toHex(report.chipId),
      reported: partsOf(report.reportedTcb),
      committed: partsOf(report.committedTcb),
    },
  };
}

const otherVersion = "the report's version is none of 2, 3 and 5";
const otherLevel = 'the report comes from another privilege level than VMPL 0';
const debugged = 'the guest is to be debugged';
const otherKey = 'the report says that another key signed it';
const reserved = 'reserved bytes of the report are not zero';
const reservedTcb = 'a TCB of the report has reserved bytes that are not zero';
const otherPolicy = "the guest's policy has bits that are not known";
const otherAlgorithm = 'the report is not signed by ECDSA P-384 with SHA-384';
const otherProduct = 'the processor is of another product';

/** Refused on purpose: by the versions and the constants of the protocol. Of no report is the signature looked at. */
const refused: Readonly<Record<string, string>> = {
  'milan-v2-vcek-go-sev-guest-attestation': debugged,
  'milan-v3-vlek-trustee-test-vlek-report': otherLevel,
  'milan-v4-noek-openpcc-gce-sevsnp-report': otherVersion,
  'milan-v5-vcek-teekit-samples': otherLevel,
  'neg-milan2-reported-tcb-raised': 'REPORTED_TCB is above CURRENT_TCB',
  'neg-milan5-policy-debug-bit': debugged,
  'neg-turin-version-6': otherVersion,
  'neg-vlek-claims-vcek': otherLevel,
  'neg-vlek-expired': otherLevel,
  'neg-vlek-under-vcek-chain': otherLevel,
};

describe.skipIf(!hasShared)(`real reports (or: ${sharedMissing})`, () => {
  test('are read as the plain verifier reads them, or refused for a stated reason', {
    timeout: 300_000,
  }, async () => {
    const refusals: Record<string, string> = {};
    const versions: Record<number, number> = {};
    for (const id of reportIds()) {
      const { report, product, kind } = corpusReport(id);
      const refusal = await refusalOf(circuit, readingInputs(report, product, kind));
      if (refusal !== undefined) {
        refusals[id] = refusal;
        continue;
      }
      const { found, expected } = await bothRead(report, product, kind);
      expect(found, id).toEqual(expected);
      versions[report[0] as number] = 1 + (versions[report[0] as number] ?? 0);
    }
    expect(refusals).toEqual(refused);
    expect(versions).toEqual({ 2: 10, 3: 11, 5: 10 });
  });
});

const reportData = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
const distinct: Partial<SnpReport> = {
  measurement: Uint8Array.from({ length: 48 }, (_, i) => 0x80 + i),
  chipId: Uint8Array.from({ length: 64 }, (_, i) => 0x40 + i),
};
const parts = { fmc: 9, bootLoader: 8, tee: 7, snp: 6, microcode: 5 };

async function made(product: SnpProduct, fields: Partial<SnpReport> = {}): Promise<Bytes> {
  const hardwareId = new Uint8Array(hardwareIdLength[product]);
  const tcb = { ...parts, fmc: product === 'Turin' ? parts.fmc : 0 };
  const machine = { product, tcb, hardwareId, keys: await testKeys() };
  return createSnpDevice(machine, { ...distinct, ...fields }).report(reportData);
}

const versions = [2, 3, 5] as const;
describe.each(snpProducts)(
  'a simulated report of %s is read as the plain verifier reads it',
  (product) => {
    test.each(versions)('version %i', async (version) => {
      for (const [kind, signingKey] of (['vcek', 'vlek'] as const).entries()) {
        const { found, expected } = await bothRead(
          await made(product, { version, signingKey }),
          product,
          kind,
        );
        expect(found).toEqual(expected);
        expect(found.reported).toEqual([product === 'Turin' ? 9 : 0, 8, 7, 6, 5]);
      }
    });
  },
);

const none = undefined;

describe('refuses', () => {
  let report: Bytes;
  beforeAll(async () => {
    report = await made('Turin');
  });
  const refusal = (bytes: Bytes) => refusalOf(circuit, readingInputs(bytes, 'Turin', 0));

  const flips: [string, number, number, string | undefined][] = [
    ['a version of two bytes', 0x01, 1, otherVersion],
    ['a version of four bytes', 0x03, 0x80, otherVersion],
    ['not another GUEST_SVN', 0x04, 1, none],
    ['not another ABI', 0x08, 1, none],
    ['not SMT', 0x0a, 0x01, none],
    ['no bit 17 of the policy', 0x0a, 0x02, "the guest's policy lacks the bit that is always set"],
    ['MIGRATE_MA', 0x0a, 0x04, 'the guest may be migrated'],
    ['DEBUG', 0x0a, 0x08, debugged],
    ['not SINGLE_SOCKET', 0x0a, 0x10, none],
    ['not PAGE_SWAP_DISABLE', 0x0b, 0x02, none],
    ['bit 26 of the policy', 0x0b, 0x04, otherPolicy],
    ['bit 31 of the policy', 0x0b, 0x80, otherPolicy],
    ['bit 32 of the policy', 0x0c, 0x01, otherPolicy],
    ['bit 63 of the policy', 0x0f, 0x80, otherPolicy],
    ['VMPL 1', 0x30, 1, otherLevel],
    ['VMPL 3', 0x30, 3, otherLevel],
    ['a VMPL of four bytes', 0x33, 0xff, otherLevel],
    ['no algorithm', 0x34, 1, otherAlgorithm],
    ['another algorithm', 0x34, 3, otherAlgorithm],
    ['an algorithm of four bytes', 0x37, 1, otherAlgorithm],
    ['not another PLATFORM_INFO', 0x47, 0x80, none],
    ['not AUTHOR_KEY_EN', 0x48, 0x01, none],
    ['MASK_CHIP_KEY', 0x48, 0x02, otherKey],
    ['a VLEK', 0x48, 0x04, otherKey],
    ['a signing key that is reserved', 0x48, 0x08, otherKey],
    ['a signing key that is reserved (its last bit)', 0x48, 0x10, otherKey],
    ['no signing key', 0x48, 0x1c, otherKey],
    ['bit 5 of the key flags', 0x48, 0x20, otherKey],
    ['bit 8 of the key flags', 0x49, 0x01, otherKey],
    ['bit 31 of the key flags', 0x4b, 0x80, otherKey],
    ['reserved bytes behind the key flags', 0x4c, 1, reserved],
    ['reserved bytes behind the key flags (the last)', 0x4f, 0x80, reserved],
    ['not another HOST_DATA', 0xc0, 1, none],
    ['not another REPORT_ID_MA', 0x17f, 1, none],
    ['reserved bytes before CHIP_ID', 0x18b, 1, reserved],
    ['reserved bytes before CHIP_ID (the last)', 0x19f, 0x80, reserved],
    ['a byte behind CURRENT', 0x1eb, 1, reserved],
    ['a byte behind COMMITTED', 0x1ef, 0x80, reserved],
    ['not a byte of CURRENT_BUILD that is above', 0x1e8, 0x80, none],
    ['reserved bytes at the end', 0x208, 1, reserved],
    ['reserved bytes at the end (the last)', 0x29f, 0x80, reserved],
  ];
  test.each(flips)('%s', async (_, at, by, message) => {
    expect(await refusal(report.with(at, (report[at] as number) ^ by))).toBe(message);
  });
});

describe.each([
  ['Milan', 2],
  ['Genoa', 3],
  ['Turin', 5],
] as const)('of %s, version %i, refuses', (product, version) => {
  let report: Bytes;
  let refusal: (bytes: Bytes) => Promise<string | undefined>;
  beforeAll(async () => {
    report = await made(product, { version });
    refusal = (bytes) => refusalOf(circuit, readingInputs(bytes, product, 0));
  });
  const xor = (at: number, by: number) => report.with(at, (report[at] as number) ^ by);

  test('nothing of the right one', async () => {
    expect(await refusal(report)).toBeUndefined();
  });

  test.each([1, 4, 6, 0, 0x82, 0xff])('version %i', async (other) => {
    expect(await refusal(report.with(0, other))).toBe(otherVersion);
  });

  const tcbs = { CURRENT: 0x38, REPORTED: 0x180, COMMITTED: 0x1e0, LAUNCH: 0x1f0 };
  const reservedParts = product === 'Turin' ? [4, 5, 6] : [2, 3, 4, 5];
  test.each(Object.entries(tcbs))('reserved bytes of %s_TCB', async (_, at) => {
    for (const part of reservedParts) {
      expect(await refusal(xor(at + part, 1)), String(part)).toBe(reservedTcb);
    }
  });

  const usedParts = product === 'Turin' ? [0, 1, 2, 3, 7] : [0, 1, 6, 7];
  test.each(['REPORTED', 'COMMITTED'] as const)('%s_TCB above CURRENT_TCB', async (name) => {
    const at = tcbs[name];
    for (const part of usedParts) {
      const value = report[at + part] as number;
      const changed = (to: number) => refusal(report.with(at + part, to));
      expect(await changed(value + 1)).toBe(`${name}_TCB is above CURRENT_TCB`);
      expect(await changed(0xff)).toBe(`${name}_TCB is above CURRENT_TCB`);
      expect(await changed(value - 1)).toBeUndefined();
    }
  });

  test('a committed version above the current one', async () => {
    for (const [at, value] of [
      [0x1ec, 1],
      [0x1ed, 1],
      [0x1ee, 1],
    ] as const) {
      const above = (report[at] as number) + value;
      expect(await refusal(report.with(at, above))).toBe(
        'the committed version is above the current one',
      );
    }
    const [minor, build] = [(report[0x1ed] as number) - 1, 0xff];
    expect(await refusal(report.with(0x1ed, minor).with(0x1ec, build))).toBeUndefined();
  });

  const vectors = version === 5 ? none : 'a report before version 5 has mitigation vectors';
  test.each([0x1f8, 0x1ff, 0x200, 0x207])(
    `${version === 5 ? 'not ' : ''}mitigation vectors (byte %i)`,
    async (at) => {
      expect(await refusal(xor(at, 0x10))).toBe(vectors);
    },
  );
});

describe('SIGNING_KEY', () => {
  test.each([
    [0, 0x00, none],
    [0, 0x01, none],
    [0, 0x02, otherKey],
    [0, 0x03, otherKey],
    [0, 0x04, otherKey],
    [0, 0x05, otherKey],
    [1, 0x00, otherKey],
    [1, 0x01, otherKey],
    [1, 0x02, otherKey],
    [1, 0x03, otherKey],
    [1, 0x04, none],
    [1, 0x05, none],
    [1, 0x06, none],
    [1, 0x07, none],
    [1, 0x08, otherKey],
    [1, 0x1c, otherKey],
    [1, 0x24, otherKey],
    [2, 0x08, 'the key is neither a VCEK nor a VLEK'],
    [7, 0x1c, 'the key is neither a VCEK nor a VLEK'],
  ])('of kind %i with key flags %i', async (kind, flags, message) => {
    const report = (await made('Milan')).with(0x48, flags);
    expect(await refusalOf(circuit, readingInputs(report, 'Milan', kind))).toBe(message);
  });
});

describe('the product', () => {
  const [amd, zen5] = [0x19, 0x1a];
  test.each<[number, number, SnpProduct | null]>([
    [amd, 0x00, 'Milan'],
    [amd, 0x01, 'Milan'],
    [amd, 0x0f, 'Milan'],
    [amd, 0x10, 'Genoa'],
    [amd, 0x1f, 'Genoa'],
    [amd, 0x20, null],
    [amd, 0x9f, null],
    [amd, 0xa0, 'Genoa'],
    [amd, 0xaf, 'Genoa'],
    [amd, 0xb0, null],
    [zen5, 0x00, 'Turin'],
    [zen5, 0x1f, 'Turin'],
    [zen5, 0x20, null],
    [zen5, 0xa0, null],
    [0x18, 0x01, null],
    [0x1b, 0x01, null],
    [0x00, 0x00, null],
  ])('of family %i, model %i', async (family, model, expected) => {
    for (const product of snpProducts) {
      const report = await made(product, { version: 3, cpuid: { family, model, stepping: 2 } });
      const refusal = await refusalOf(circuit, readingInputs(report, product, 0));
      expect(refusal).toBe(product === expected ? none : otherProduct);
    }
  });

  test('is one of AMD’s', async () => {
    const inputs = readingInputs(await made('Milan', { version: 2 }), 'Milan', 0);
    for (const product of [0, 4, 16]) {
      const refusal = await refusalOf(circuit, { ...inputs, product });
      expect(refusal).toBe("the product is none of AMD's");
    }
  });

  test('stands in no report of version 2', async () => {
    const report = await made('Milan', { version: 2 });
    expect(await refusalOf(circuit, readingInputs(report, 'Genoa', 0))).toBeUndefined();
    for (const at of [0x188, 0x189, 0x18a]) {
      const refusal = await refusalOf(circuit, readingInputs(report.with(at, 1), 'Milan', 0));
      expect(refusal).toBe('a report of version 2 has CPUID fields');
    }
  });
});
