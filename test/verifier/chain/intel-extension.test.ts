/** The SGX extension of PCK certificates, member by member. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replaceExtension } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { createIntel } from '#test/fake/intel.ts';
import {
  member,
  type PckCa,
  pckValues,
  sgxExtension,
  sgxExtensionMembers,
} from '#test/fake/intel-profile.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import { asPck } from '#verifier/chain/intel.ts';
import { readPckExtension } from '#verifier/chain/pck-extension.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError, type ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';
import { partsOf } from './parts.ts';

const keys = generateIntelKeys();

/** The certificate is rightly signed, whatever its extension says. */
function pckWith(members: readonly Bytes[], ca: PckCa = 'platform') {
  const { pck } = createIntel({
    keys,
    machine: { ca },
    overrides: {
      pck: ({ extensions }) => ({
        extensions: replaceExtension(extensions, sgxExtension(members)),
      }),
    },
  });
  return asPck(parseCertificate(pck.der, 'PCK'));
}

describe('the SGX extension', () => {
  const good = () => sgxExtensionMembers(pckValues());
  const codeOfMembers = (members: readonly Bytes[]) => codeOf(() => pckWith(members));
  const swapped = (at: number, value: Bytes) => good().with(at - 1, member([at], value));
  const withTcb = (edit: (members: Bytes[]) => Bytes[]) =>
    swapped(2, der.sequence(...edit(tcbMembers())));
  const withConfiguration = (edit: (members: Bytes[]) => Bytes[]) =>
    swapped(7, der.sequence(...edit(configurationMembers())));
  const tcbMembers = () => [
    ...Array.from({ length: 16 }, (_, i) => member([2, i + 1], der.integer(i))),
    member([2, 17], der.integer(11)),
    member([2, 18], der.octetString(new Uint8Array(16))),
  ];
  const configurationMembers = () =>
    [1, 2, 3].map((number) => member([7, number], der.derBoolean(number === 2)));
  const octets = (length: number) => der.octetString(new Uint8Array(length));

  type Case = [name: string, members: () => readonly Bytes[], code: ErrorCode | null];
  const profile = 'certificate-profile';
  const malformed = 'der-malformed';
  const cases: Case[] = [
    ['accepted: as it is', good, null],
    ['accepted: another TCB', () => withTcb((all) => all), null],
    ['accepted: another configuration', () => withConfiguration((all) => all), null],
    ['empty', () => [], profile],
    ...[1, 2, 3, 4, 5, 6, 7].flatMap((number): Case[] => [
      [`without member ${number}`, () => good().toSpliced(number - 1, 1), profile],
      [
        `member ${number} twice`,
        () => good().toSpliced(number, 0, good()[number - 1] as Bytes),
        number === 7 ? malformed : profile,
      ],
      [`member ${number} of another type`, () => swapped(number, der.derNull()), malformed],
      [
        `member ${number} with something beside its value`,
        () =>
          good().with(
            number - 1,
            der.sequence(...partsOf(good()[number - 1] as Bytes), der.derNull()),
          ),
        malformed,
      ],
    ]),
    ['in another order', () => good().toReversed(), profile],
    ['an eighth member', () => [...good(), member([8], der.derNull())], malformed],
    ['without the last two', () => good().slice(0, 5), profile],
    ['a member without a value', () => good().with(0, member([1], new Uint8Array(0))), malformed],
    ...(
      [
        [1, 16],
        [3, 2],
        [4, 6],
        [6, 16],
      ] as const
    ).flatMap(([number, length]): Case[] => [
      [`member ${number} of ${length} bytes`, () => swapped(number, octets(length)), null],
      [`member ${number} a byte short`, () => swapped(number, octets(length - 1)), malformed],
      [`member ${number} a byte long`, () => swapped(number, octets(length + 1)), malformed],
    ]),
    ['accepted: SGX type 2', () => swapped(5, der.enumerated(2)), null],
    ['SGX type 3', () => swapped(5, der.enumerated(3)), profile],
    ['SGX type an INTEGER', () => swapped(5, der.integer(1)), malformed],
    ['SGX type of two bytes', () => swapped(5, fromHex('0a020001', 'type')), profile],
    ['SGX type empty', () => swapped(5, fromHex('0a00', 'type')), profile],
    ['SGX type negative', () => swapped(5, fromHex('0a01ff', 'type')), profile],
    ...[1, 8, 16, 17, 18].flatMap((number): Case[] => [
      [`TCB without ${number}`, () => withTcb((all) => all.toSpliced(number - 1, 1)), profile],
      [
        `TCB with ${number} twice`,
        () => withTcb((all) => all.toSpliced(number, 0, all[number - 1] as Bytes)),
        number === 18 ? malformed : profile,
      ],
    ]),
    ['TCB in another order', () => withTcb((all) => all.toReversed()), profile],
    [
      'a nineteenth member of TCB',
      () => withTcb((all) => [...all, member([2, 19], der.integer(0))]),
      malformed,
    ],
    ...(
      [
        ['accepted: a component of 255', 3, 255, null],
        ['a component of 256', 3, 256, profile],
        ['a component of 2^64', 3, 1n << 64n, profile],
        ['a negative component', 3, -1, malformed],
        ['accepted: PCE SVN 65535', 17, 65535, null],
        ['PCE SVN 65536', 17, 65536, profile],
        ['a negative PCE SVN', 17, -1, malformed],
      ] as const
    ).map(
      ([name, number, value, code]): Case => [
        name,
        () => withTcb((all) => all.with(number - 1, member([2, number], der.integer(value)))),
        code,
      ],
    ),
    [
      'a component with a zero too many',
      () => withTcb((all) => all.with(0, member([2, 1], fromHex('02020001', 'svn')))),
      malformed,
    ],
    [
      'CPU SVN a byte short',
      () => withTcb((all) => all.with(17, member([2, 18], octets(15)))),
      malformed,
    ],
    ...[1, 2, 3].map(
      (number): Case => [
        `configuration without ${number}`,
        () => withConfiguration((all) => all.toSpliced(number - 1, 1)),
        profile,
      ],
    ),
    [
      'a fourth member of configuration',
      () => withConfiguration((all) => [...all, member([7, 4], der.derBoolean(true))]),
      malformed,
    ],
    [
      'a boolean that DER does not write',
      () => withConfiguration((all) => all.with(0, member([7, 1], fromHex('010101', 'true')))),
      malformed,
    ],
    [
      'a boolean as a number',
      () => withConfiguration((all) => all.with(0, member([7, 1], der.integer(1)))),
      malformed,
    ],
  ];
  test.each(cases)('%s', (_, members, code) => {
    expect(codeOfMembers(members())).toBe(code);
  });

  test('of a processor CA has no platform instance id and no configuration', () => {
    const ofProcessor = (members: readonly Bytes[]) => codeOf(() => pckWith(members, 'processor'));
    expect(ofProcessor(good().slice(0, 5))).toBe(null);
    expect(ofProcessor(good())).toBe(profile);
    expect(ofProcessor(good().slice(0, 6))).toBe(profile);
  });

  test('nothing stands around it', () => {
    const [own] = [sgxExtension(good())];
    const code = (value: Bytes) => codeOf(() => readPckExtension(value, 'PCK'));
    expect(code(own.value)).toBe(null);
    expect(code(new Uint8Array([...own.value, 0]))).toBe(malformed);
    expect(code(der.octetString(own.value))).toBe(malformed);
    expect(code(new Uint8Array(0))).toBe(malformed);
  });

  test('all of its values', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const svn = fc.integer({ min: 0, max: 255 });
    const machine = fc.record({
      ppid: bytes(16),
      components: fc.array(svn, { minLength: 16, maxLength: 16 }),
      pceSvn: fc.integer({ min: 0, max: 65535 }),
      cpuSvn: bytes(16),
      pceId: bytes(2),
      fmspc: bytes(6),
      sgxType: fc.constantFrom(0, 1, 2),
      platformInstanceId: bytes(16),
      configuration: fc.record({
        dynamicPlatform: fc.boolean(),
        cachedKeys: fc.boolean(),
        smtEnabled: fc.boolean(),
      }),
    });
    const names = ['standard', 'scalable', 'scalable with integrity'];
    fc.assert(
      fc.property(machine, (values) => {
        const written = sgxExtension(sgxExtensionMembers(pckValues(values))).value;
        const { components, pceSvn, cpuSvn, sgxType, ...others } = values;
        expect(readPckExtension(written, 'PCK')).toEqual({
          ...others,
          tcb: { components, pceSvn, cpuSvn },
          sgxType: names[sgxType],
        });
      }),
    );
  });

  test('damage anywhere is refused or is another value of the same form', () => {
    const { value } = sgxExtension(good());
    const mask = fc.integer({ min: 1, max: 255 });
    fc.assert(
      fc.property(fc.nat(value.length - 1), mask, (at, by) => {
        try {
          const found = readPckExtension(value.with(at, (value[at] as number) ^ by), 'PCK');
          expect(found).not.toEqual(readPckExtension(value, 'PCK'));
        } catch (error) {
          expect(error).toBeInstanceOf(AttestationError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
