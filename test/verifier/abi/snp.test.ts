import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeGuestPolicy,
  encodeGuestPolicy,
  encodeReport,
  parseReport,
  type ReportVersion,
  reportLength,
  reportVersions,
  type SnpReport,
  signedLength,
} from '#verifier/abi/snp.ts';
import { type Bytes, concat, equalBytes, toHex } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';

const u8 = fc.nat(0xff);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const firmware = fc.record({ build: u8, minor: u8, major: u8 });

const policyBits = fc.nat(2 ** 26 - 1).map((bits) => BigInt(bits) | (1n << 17n));

function reports(version: ReportVersion): fc.Arbitrary<SnpReport> {
  return fc.record({
    version: fc.constant(version),
    guestSvn: fc.nat(0xffffffff),
    policy: policyBits.map(decodeGuestPolicy),
    familyId: bytes(16),
    imageId: bytes(16),
    vmpl: fc.constantFrom(0, 1, 2, 3, 0xffffffff),
    currentTcb: bytes(8),
    platformInfo: u64,
    authorKeyEn: fc.boolean(),
    maskChipKey: fc.boolean(),
    signingKey: fc.constantFrom('vcek', 'vlek', 'none'),
    reportData: bytes(64),
    measurement: bytes(48),
    hostData: bytes(32),
    idKeyDigest: bytes(48),
    authorKeyDigest: bytes(48),
    reportId: bytes(32),
    reportIdMa: bytes(32),
    reportedTcb: bytes(8),
    cpuid: version >= 3 ? fc.record({ family: u8, model: u8, stepping: u8 }) : fc.constant(null),
    chipId: bytes(64),
    committedTcb: bytes(8),
    current: firmware,
    committed: firmware,
    launchTcb: bytes(8),
    launchMitVector: version >= 5 ? u64 : fc.constant(null),
    currentMitVector: version >= 5 ? u64 : fc.constant(null),
    signature: fc.record({ r: bytes(72), s: bytes(72) }),
  });
}

/** ABI offsets, written out once more: a parser's error must not hide behind its encoder. */
const fields = {
  familyId: [0x10, 0x20],
  imageId: [0x20, 0x30],
  currentTcb: [0x38, 0x40],
  reportData: [0x50, 0x90],
  measurement: [0x90, 0xc0],
  hostData: [0xc0, 0xe0],
  idKeyDigest: [0xe0, 0x110],
  authorKeyDigest: [0x110, 0x140],
  reportId: [0x140, 0x160],
  reportIdMa: [0x160, 0x180],
  reportedTcb: [0x180, 0x188],
  chipId: [0x1a0, 0x1e0],
  committedTcb: [0x1e0, 0x1e8],
  launchTcb: [0x1f0, 0x1f8],
} as const;

/** [first, end) of what is zero in a version. */
const reserved = (version: ReportVersion): [number, number][] => [
  [0x4c, 0x50],
  [version >= 3 ? 0x18b : 0x188, 0x1a0],
  [0x1eb, 0x1ec],
  [0x1ef, 0x1f0],
  [version >= 5 ? 0x208 : 0x1f8, 0x2a0],
  [0x330, 0x4a0],
];

/** Every byte that the parser takes as it comes holds its offset, modulo 256. */
function patterned(version: ReportVersion): Bytes {
  const out = Uint8Array.from({ length: reportLength }, (_, i) => i);
  const view = new DataView(out.buffer);
  view.setUint32(0x00, version, true);
  view.setBigUint64(0x08, 0x00000000_02_0b_37_01n, true);
  view.setUint32(0x30, 2, true);
  view.setUint32(0x34, 1, true);
  view.setUint32(0x48, 0b00110, true);
  for (const [first, end] of reserved(version)) out.fill(0, first, end);
  return out;
}

function changed(base: Bytes, offset: number, ...values: number[]): Bytes {
  const out = base.slice();
  out.set(values, offset);
  return out;
}

const codeOfBytes = (input: Bytes) => codeOf(() => parseReport(input));

describe.each(reportVersions)('version %d', (version) => {
  const base = patterned(version);

  test('encode, then parse, gives the report again', () => {
    fc.assert(
      fc.property(reports(version), (report) => {
        expect(parseReport(encodeReport(report))).toEqual(report);
      }),
    );
  });

  test('every field is read from its ABI offset', () => {
    // From inside a larger buffer, as evidence often stands.
    const report = parseReport(concat(base, base).subarray(reportLength));
    for (const [name, [first, end]] of Object.entries(fields)) {
      expect(report[name as keyof typeof fields], name).toEqual(base.slice(first, end));
    }
    expect(report).toMatchObject({
      version,
      guestSvn: 0x07060504,
      vmpl: 2,
      platformInfo: 0x4746454443424140n,
      authorKeyEn: false,
      maskChipKey: true,
      signingKey: 'vlek',
      cpuid: version >= 3 ? { family: 0x88, model: 0x89, stepping: 0x8a } : null,
      current: { build: 0xe8, minor: 0xe9, major: 0xea },
      committed: { build: 0xec, minor: 0xed, major: 0xee },
      launchMitVector: version >= 5 ? 0xfffefdfcfbfaf9f8n : null,
      currentMitVector: version >= 5 ? 0x0706050403020100n : null,
      signature: { r: base.slice(0x2a0, 0x2e8), s: base.slice(0x2e8, 0x330) },
    });
    expect(report.policy).toMatchObject({ abiMinor: 0x01, abiMajor: 0x37, smt: true, debug: true });
    expect(toHex(encodeReport(report))).toBe(toHex(base));
  });

  test('each reserved byte is refused with any of its bits', () => {
    for (const [first, end] of reserved(version)) {
      for (let offset = first; offset < end; offset++) {
        for (let bit = 0; bit < 8; bit++) {
          const code = codeOfBytes(changed(base, offset, 1 << bit));
          if (code !== 'reserved-not-zero') expect.fail(`0x${offset.toString(16)} bit ${bit}`);
        }
      }
    }
    expect(codeOfBytes(base)).toBe(null);
  });

  test('a changed byte is refused or comes back as it was: nothing is dropped', () => {
    for (let offset = 0; offset < reportLength; offset++) {
      for (const value of [0x00, 0x01, 0x05, 0x80, 0xff]) {
        const input = changed(base, offset, value);
        if (codeOfBytes(input) !== null) continue;
        const again = encodeReport(parseReport(input));
        if (!equalBytes(again, input)) expect.fail(`0x${offset.toString(16)} = ${value}`);
      }
    }
  });

  test('a caller who changes the input later changes no parsed field', () => {
    const input = base.slice();
    const report = parseReport(input);
    input.fill(0);
    expect(toHex(encodeReport(report))).toBe(toHex(base));
  });
});

describe('refusals', () => {
  const base = patterned(5);
  const with32 = (offset: number, value: number) => {
    const out = base.slice();
    new DataView(out.buffer).setUint32(offset, value, true);
    return out;
  };

  test.each([0, 1, 6, 7, 0x200, 0x02000000, 0xffffffff])('version %d', (version) => {
    expect(codeOfBytes(with32(0x00, version))).toBe('version-unknown');
    expect(codeOfBytes(with32(0x00, 5))).toBe(null);
  });

  test.each([0, 1, signedLength, 1183, 1185, 2 * reportLength, 1024 * 1024])('%d bytes', (n) => {
    const input = new Uint8Array(n);
    input.set(base.subarray(0, n));
    expect(codeOfBytes(input)).toBe('length-wrong');
  });

  test('VMPL: 0 to 3 and the host’s 0xffffffff', () => {
    for (const vmpl of [0, 1, 2, 3, 0xffffffff]) {
      expect(parseReport(with32(0x30, vmpl)).vmpl).toBe(vmpl);
    }
    for (const vmpl of [4, 5, 255, 256, 0x01000000, 0x80000000, 0xfffffffe]) {
      expect(codeOfBytes(with32(0x30, vmpl))).toBe('value-out-of-range');
    }
  });

  test('SIGNATURE_ALGO: 1 alone', () => {
    for (const algo of [0, 2, 3, 0x101, 0xffffffff]) {
      expect(codeOfBytes(with32(0x34, algo))).toBe('value-out-of-range');
    }
    expect(codeOfBytes(with32(0x34, 1))).toBe(null);
  });

  test('SIGNING_KEY: 0, 1 and 7', () => {
    for (const low of [0, 1, 2, 3]) {
      for (const code of [2, 3, 4, 5, 6]) {
        expect(codeOfBytes(with32(0x48, (code << 2) | low))).toBe('value-out-of-range');
      }
      for (const [signingKey, code] of Object.entries({ vcek: 0, vlek: 1, none: 7 })) {
        const found = parseReport(with32(0x48, (code << 2) | low));
        const [authorKeyEn, maskChipKey] = [(low & 1) !== 0, (low & 2) !== 0];
        expect(found).toMatchObject({ signingKey, authorKeyEn, maskChipKey });
      }
    }
  });

  test('key flags: bits 5 to 31 are reserved', () => {
    for (let bit = 5; bit < 32; bit++) {
      expect(codeOfBytes(with32(0x48, 2 ** bit)), `bit ${bit}`).toBe('reserved-not-zero');
    }
  });

  test('before version 5 a mitigation vector is reserved, before 3 the CPUID is', () => {
    for (const version of reportVersions) {
      const zero = patterned(version).fill(0, 0x188, 0x18b).fill(0, 0x1f8, 0x208);
      expect(codeOfBytes(zero)).toBe(null);
      for (const [since, first, end] of [
        [3, 0x188, 0x18b],
        [5, 0x1f8, 0x208],
      ] as const) {
        for (let offset = first; offset < end; offset++) {
          const code = version >= since ? null : 'reserved-not-zero';
          expect(codeOfBytes(changed(zero, offset, 1))).toBe(code);
        }
      }
    }
  });
});

describe('guest policy', () => {
  const must = 1n << 17n;

  test('bits come back, the ABI version from the two low bytes', () => {
    const { abiMinor, abiMajor } = decodeGuestPolicy(must | 0x3702n);
    expect({ abiMinor, abiMajor }).toEqual({ abiMinor: 0x02, abiMajor: 0x37 });
    fc.assert(
      fc.property(policyBits, (bits) => {
        expect(encodeGuestPolicy(decodeGuestPolicy(bits))).toBe(bits);
      }),
    );
  });

  test.each([
    [16, 'smt'],
    [18, 'migrateMa'],
    [19, 'debug'],
    [20, 'singleSocket'],
    [21, 'cxlAllow'],
    [22, 'memAes256Xts'],
    [23, 'raplDis'],
    [24, 'ciphertextHidingDram'],
    [25, 'pageSwapDisable'],
  ] as const)('bit %d is %s and nothing else', (bit, name) => {
    const decoded = decodeGuestPolicy(must | (1n << BigInt(bit)));
    expect(Object.entries(decoded).filter(([, value]) => value === true)).toEqual([[name, true]]);
  });

  test('bit 17 must be 1, bits 26 to 63 must be 0', () => {
    expect(codeOf(() => decodeGuestPolicy(must))).toBe(null);
    expect(codeOf(() => decodeGuestPolicy(0x3ffffffn))).toBe(null);
    expect(codeOf(() => decodeGuestPolicy(0n))).toBe('reserved-not-zero');
    expect(codeOf(() => decodeGuestPolicy(0x3ffffffn ^ must))).toBe('reserved-not-zero');
    for (let bit = 26n; bit < 64n; bit++) {
      expect(codeOf(() => decodeGuestPolicy(must | (1n << bit)))).toBe('reserved-not-zero');
    }
  });
});

test('a report that its version cannot hold is the caller’s mistake', () => {
  const v2 = parseReport(patterned(2));
  const v3 = parseReport(patterned(3));
  const v5 = parseReport(patterned(5));
  const cpuid = { family: 0x19, model: 1, stepping: 1 };
  const impossible: SnpReport[] = [
    { ...v2, cpuid },
    { ...v3, cpuid: null },
    { ...v3, currentMitVector: 1n },
    { ...v5, launchMitVector: null },
    { ...v5, currentMitVector: null },
    { ...v5, measurement: new Uint8Array(47) },
    { ...v5, signature: { ...v5.signature, s: new Uint8Array(73) } },
  ];
  for (const report of impossible) expect(() => encodeReport(report)).toThrow(RangeError);
});
