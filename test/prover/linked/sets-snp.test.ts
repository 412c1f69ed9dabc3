/** What sets hold of AMD's machines beside Intel's: elements, what no entry may be, and the floor. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chipTdx, referenceSnp } from '#prover/linked/formulas.ts';
import {
  chipSnp,
  levelSnp,
  noChip,
  type SnpSvns,
  snpProducts,
  tcbSnp,
  vekSnp,
} from '#prover/linked/formulas-snp.ts';
import { lineOf, type SetEntries, type SetKind } from '#prover/linked/set-entries.ts';
import type { LevelSnp, VekSnp } from '#prover/linked/set-entries-snp.ts';
import {
  acceptedSet,
  elementOf,
  encodeSet,
  findLevel,
  findLevelSnp,
  type LinkedSet,
  levelSet,
  memberSiblings,
  parseSet,
  provenAbsence,
  revokedSet,
  type SnpMachine,
  vekSet,
} from '#prover/linked/sets.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';
import { verifyProof } from '#verifier/smt/proof.ts';

const origin = { made: 1_760_000_000, source: 'a test' };
const bytes = (value: number, length: number): Bytes => new Uint8Array(length).fill(value);

const svns: SnpSvns = { fmc: 0, bootLoader: 4, tee: 0, snp: 22, microcode: 213 };
const milan: LevelSnp = { product: 'Milan', ...svns };
const turin: LevelSnp = { product: 'Turin', fmc: 1, bootLoader: 1, tee: 1, snp: 4, microcode: 80 };
const vcek: VekSnp = {
  product: 'Milan',
  keyKind: 'vcek',
  publicKey: concat(bytes(0x55, 48), bytes(0x66, 48)),
  chip: chipSnp(bytes(0x44, 64)),
  tcb: svns,
};
const vlek: VekSnp = { ...vcek, keyKind: 'vlek', chip: noChip };
const guest = { measurement: bytes(0x33, 48), closureDigest: bytes(0xcd, 32) };

/** Of Intel's machines. */
const tdx = {
  accepted: {
    mrTd: bytes(1, 48),
    rtmr: [2, 3, 4, 5].map((register) => bytes(register, 48)),
    closureDigest: bytes(0xcd, 32),
  },
  levels: {
    fmspc: bytes(5, 6),
    cpuSvn: bytes(3, 16),
    pceSvn: 11,
    teeTcbSvn: bytes(2, 16),
    qeIsvSvn: 4,
  },
  revoked: { chip: bytes(1, 16) },
  veks: {
    publicKey: bytes(6, 64),
    chip: 3n,
    serial: 4n,
    fmspc: bytes(5, 6),
    cpuSvn: bytes(6, 16),
    pceSvn: 7,
  },
} satisfies SetEntries;

const mixed: { readonly [K in SetKind]: LinkedSet } = {
  accepted: acceptedSet([guest, tdx.accepted], origin),
  levels: levelSet([milan, turin, tdx.levels], origin),
  revoked: revokedSet([{ chipId: bytes(7, 64) }, { chipId: bytes(8, 8) }, tdx.revoked], origin),
  veks: vekSet([vcek, vlek, tdx.veks], origin),
};

describe('an entry', () => {
  test('stands for the element of the protocol', () => {
    const { measurement, closureDigest } = guest;
    expect(elementOf('accepted', guest)).toBe(referenceSnp(measurement, closureDigest));
    expect(elementOf('levels', milan)).toBe(levelSnp(snpProducts.Milan, 67114709n));
    expect(elementOf('levels', turin)).toBe(levelSnp(snpProducts.Turin, tcbSnp(turin)));
    expect(elementOf('revoked', { chipId: bytes(7, 64) })).toBe(chipSnp(bytes(7, 64)));
    const { publicKey, chip } = vcek;
    const ofFormula = { product: snpProducts.Milan, publicKey, tcb: 67114709n };
    expect(elementOf('veks', vcek)).toBe(vekSnp({ ...ofFormula, kind: 0, chip }));
    expect(elementOf('veks', vlek)).toBe(vekSnp({ ...ofFormula, kind: 1, chip: 0n }));
  });

  test('has its members in one order', () => {
    const lines = (['levels', 'revoked', 'veks'] as const).map((kind) => encodeSet(mixed[kind]));
    expect(encodeSet(mixed.accepted)).toContain(
      `{"measurement":"${'33'.repeat(48)}","closureDigest":"${'cd'.repeat(32)}"}`,
    );
    expect(lines[0]).toContain(
      '{"product":"Turin","fmc":1,"bootLoader":1,"tee":1,"snp":4,"microcode":80}',
    );
    expect(lines[1]).toContain(`{"chipId":"${'08'.repeat(8)}"}`);
    expect(lines[2]).toContain(
      `{"product":"Milan","keyKind":"vlek","publicKey":"${'55'.repeat(48)}${'66'.repeat(48)}",` +
        `"chip":"${'00'.repeat(32)}","tcb":{"fmc":0,"bootLoader":4,"tee":0,"snp":22,"microcode":213}}`,
    );
  });
});

describe('a set of both vendors', () => {
  test.each(Object.keys(mixed) as SetKind[])('%s: holds each, and nothing else', (kind) => {
    const set = mixed[kind];
    const read = parseSet(utf8(encodeSet(set)));
    const elements = set.entries.map((entry) => elementOf(kind, entry));
    expect(read.root).toBe(set.root);
    for (const element of elements) {
      const siblings = memberSiblings(read, element) ?? [];
      const claim = { kind: 'present', value: 1n } as const;
      expect(verifyProof(set.root, element, claim, { siblings })).toBe(true);
      expect(provenAbsence(read, element)).toBeNull();
    }
    // A VLEK's chip, which every proof shows absent from what is revoked.
    const absent = provenAbsence(read, noChip);
    expect(absent && verifyProof(set.root, noChip, absent.claim, absent.proof)).toBe(true);
  });

  test.each(Object.keys(mixed) as SetKind[])('%s: any one character counts', (kind) => {
    const text = encodeSet(mixed[kind]);
    const start = text.indexOf('"entries"');
    expect(codeOf(() => parseSet(utf8(text)))).toBeNull();
    fc.assert(
      fc.property(
        fc.integer({ min: start, max: text.length - 1 }),
        fc.constantFrom(...'0123456789abcdef{}[]",:T '),
        (at, put) => {
          const changed = text.slice(0, at) + put + text.slice(at + 1);
          if (changed !== text) expect(codeOf(() => parseSet(utf8(changed)))).not.toBeNull();
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('what is refused, beside what is not', () => {
  const changedFile = (kind: SetKind, from: string, to: string) => {
    const text = encodeSet(mixed[kind]);
    expect(text).toContain(from);
    return codeOf(() => parseSet(utf8(text.replace(from, to))));
  };

  test.each<[string, SetKind, string, string, string]>([
    ['registers of both', 'accepted', '"measurement"', '"mrTd":"","measurement"', 'json-shape'],
    ['a short measurement', 'accepted', '33'.repeat(48), '33'.repeat(47), 'hex-malformed'],
    ['no closure', 'accepted', `,"closureDigest":"${'cd'.repeat(32)}"}`, '}', 'json-shape'],
    ['a product with an FMSPC', 'levels', '"product"', '"fmspc":"","product"', 'json-shape'],
    ['an unknown product', 'levels', '"Milan"', '"Bergamo"', 'json-shape'],
    ['a part missing', 'levels', '"snp":22,', '', 'json-shape'],
    ['a part of more than a byte', 'levels', '213', '256', 'json-shape'],
    ['a part as text', 'levels', '213', '"213"', 'json-shape'],
    ['an FMC before Turin', 'levels', '"Milan","fmc":0', '"Milan","fmc":1', 'json-shape'],
    ['a PPID beside a chip id', 'revoked', '"chipId"', '"chip":"","chipId"', 'json-shape'],
    ['a chip id of 32 bytes', 'revoked', '07'.repeat(64), '07'.repeat(32), 'json-shape'],
    ['a chip id in capitals', 'revoked', '07'.repeat(64), 'AB'.repeat(64), 'json-shape'],
    ['an unknown kind of key', 'veks', '"vlek"', '"vxek"', 'json-shape'],
    ['a key on another curve', 'veks', '55'.repeat(48), '55'.repeat(16), 'hex-malformed'],
    ['an FMC in a key before Turin', 'veks', '"fmc":0', '"fmc":1', 'json-shape'],
    ['a part of a key’s TCB too much', 'veks', '"fmc":0', '"fmc":0,"x":0', 'json-shape'],
    ['a serial number in a key', 'veks', '"keyKind"', '"serial":"","keyKind"', 'json-shape'],
  ])('%s', (_, kind, from, to, code) => {
    expect(changedFile(kind, from, to)).toBe(code);
    expect(changedFile(kind, from, from)).toBeNull();
  });

  test('an FMC before Turin, also when a set is made', () => {
    const made = (level: LevelSnp) => codeOf(() => levelSet([level], origin));
    expect(made({ ...milan, fmc: 1 })).toBe('json-shape');
    expect(made({ ...milan, product: 'Genoa', fmc: 1 })).toBe('json-shape');
    expect(made({ ...milan, product: 'Turin', fmc: 1 })).toBeNull();
  });

  test('a second spelling of a chip id, and one that names no chip', () => {
    const made = (chipId: Bytes) => codeOf(() => revokedSet([{ chipId }], origin));
    expect(made(concat(bytes(8, 8), bytes(0, 56)))).toBe('json-shape');
    expect(made(concat(bytes(8, 9), bytes(0, 55)))).toBeNull();
    expect(made(bytes(8, 8))).toBeNull();
    expect([8, 64].map((length) => made(bytes(0, length)))).toEqual(['json-shape', 'json-shape']);
    expect(made(bytes(8, 48))).toBe('json-shape');
  });

  test('a VLEK with a chip, and a VCEK without', () => {
    const made = (vek: VekSnp) => codeOf(() => vekSet([vek], origin));
    expect(made({ ...vlek, chip: vcek.chip })).toBe('json-shape');
    expect(made({ ...vcek, chip: noChip })).toBe('json-shape');
    expect([vcek, vlek].map(made)).toEqual([null, null]);
  });

  test('an entry of no vendor', () => {
    const line = lineOf('revoked', { chipId: bytes(7, 64) });
    expect(changedFile('revoked', line, '{}')).toBe('json-shape');
    expect(changedFile('revoked', line, 'null')).toBe('json-shape');
    expect(changedFile('revoked', line, '["chipId"]')).toBe('json-shape');
    expect(changedFile('revoked', line, line)).toBeNull();
  });

  test('Intel’s PPID and AMD’s chip id of the same bytes are two machines', () => {
    const ppid = bytes(9, 16);
    const set = revokedSet([{ chipId: concat(ppid, bytes(0, 47), bytes(1, 1)) }], origin);
    expect(memberSiblings(set, chipTdx(ppid))).toBeNull();
  });
});

describe('the floor', () => {
  const lower: LevelSnp = { ...milan, microcode: 200 };
  const genoa: LevelSnp = { ...milan, product: 'Genoa', snp: 1 };
  const set = levelSet([lower, milan, genoa, turin, tdx.levels], origin);
  const machine: SnpMachine = { product: snpProducts.Milan, reported: svns, committed: svns };
  const found = (change: Partial<SnpMachine> = {}) => findLevelSnp(set, { ...machine, ...change });

  test('prefers the highest level of the product, and says where it is', () => {
    const { level, siblings = [] } = found() ?? {};
    expect(level).toEqual(milan);
    const claim = { kind: 'present', value: 1n } as const;
    expect(verifyProof(set.root, elementOf('levels', milan), claim, { siblings })).toBe(true);
    const between = { ...svns, microcode: 212 };
    expect(found({ reported: between })?.level).toEqual(lower);
    expect(found({ committed: between })?.level).toEqual(lower);
    expect(found({ product: snpProducts.Genoa })?.level).toEqual(genoa);
  });

  test.each(['bootLoader', 'snp', 'microcode'] as const)('asks %s of both TCBs', (part) => {
    const below = { ...svns, [part]: lower[part] - 1 };
    expect(found({ reported: below })).toBeNull();
    expect(found({ committed: below })).toBeNull();
    expect(found({ reported: { ...svns, [part]: lower[part] } })).not.toBeNull();
  });

  test.each(['fmc', 'bootLoader', 'tee', 'snp', 'microcode'] as const)('of Turin: %s', (part) => {
    const { product: _, ...tcb } = turin;
    const own = { product: snpProducts.Turin, reported: tcb, committed: tcb };
    expect(findLevelSnp(set, own)?.level).toEqual(turin);
    const below = { ...tcb, [part]: tcb[part] - 1 };
    expect(findLevelSnp(set, { ...own, reported: below })).toBeNull();
    expect(findLevelSnp(set, { ...own, committed: below })).toBeNull();
  });

  test('is of one product, and of one vendor', () => {
    const most = { fmc: 255, bootLoader: 255, tee: 255, snp: 255, microcode: 255 };
    const milanAlone = levelSet([milan], origin);
    const other = { product: snpProducts.Turin, reported: most, committed: most };
    expect(findLevelSnp(milanAlone, other)).toBeNull();
    expect(findLevelSnp(levelSet([tdx.levels], origin), { ...other, product: 1 })).toBeNull();
    expect(findLevelSnp(milanAlone, { ...other, product: 1 })?.level).toEqual(milan);
    expect(findLevel(set, tdx.levels)?.level).toEqual(tdx.levels);
    expect(findLevel(milanAlone, tdx.levels)).toBeNull();
  });

  test('of Turin counts the FMC before all else', () => {
    const newer: LevelSnp = { ...turin, fmc: 2, microcode: 70 };
    const both = levelSet([turin, newer], origin);
    const { product: _, ...tcb } = { ...newer, microcode: 90 };
    const own = { product: snpProducts.Turin, reported: tcb, committed: tcb };
    expect(findLevelSnp(both, own)?.level).toEqual(newer);
  });

  test('an id in hex of a report of Turin names the chip by its first 8 bytes', () => {
    const id = fromHex('08'.repeat(8), 'chip id');
    expect(memberSiblings(mixed.revoked, chipSnp(concat(id, bytes(0, 56))))).not.toBeNull();
  });
});
