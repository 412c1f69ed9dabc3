/** What the circuit reads from a PCK certificate, and which certificates it refuses to read. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificateRoom } from '#prover/linked/tdx-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { type CertificatePlan, type Change, replaceExtension } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { createIntel, type Intel } from '#test/fake/intel.ts';
import {
  member,
  type PckValues,
  pckValues,
  sgxExtension,
  sgxExtensionMembers,
} from '#test/fake/intel-profile.ts';
import { generateIntelKeys, rawPoint } from '#test/fake/keys.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, utf8 } from '#verifier/bytes.ts';
import { lengths, tbsOf } from './der-places.ts';
import { type Limbs, outOfRange, returned } from './inputs.ts';
import { digitsOf } from './scene.ts';

const keys = generateIntelKeys('pck.test');
const wrongForm = "the certificate is not of the PCK's form";
const notLast = 'the SGX extension is not the last';
const wrongEnd = 'the extensions do not end with the certificate';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('pck_vectors');
}, 300_000);

function issue(machine: Partial<PckValues> = {}, pck: Change<CertificatePlan> = {}): Intel {
  return createIntel({ keys, machine, overrides: { pck } });
}

function inputsOf(tbs: Bytes) {
  const certificate = new Uint8Array(certificateRoom);
  certificate.set(tbs.subarray(0, certificateRoom));
  return { certificate: [...certificate] };
}

type Fields = Record<
  'serial_number' | 'not_before' | 'not_after' | 'ppid' | 'cpu_svn' | 'pce_svn' | 'fmspc',
  string
> & { x: Limbs; y: Limbs };

async function read(tbs: Bytes): Promise<Record<string, bigint>> {
  const { x, y, ...others } = await returned<Fields>(circuit, inputsOf(tbs));
  const limbs = { xHi: x.hi, xLo: x.lo, yHi: y.hi, yLo: y.lo };
  return Object.fromEntries(
    Object.entries({ ...others, ...limbs }).map(([name, value]) => [name, BigInt(value)]),
  );
}

function expected({ machine, pck }: Intel): Record<string, bigint> {
  const point = rawPoint(pck.plan.publicKey);
  const [xHi, xLo, yHi, yLo] = [0, 16, 32, 48].map((at) =>
    fromBigEndian(point.subarray(at, at + 16)),
  ) as [bigint, bigint, bigint, bigint];
  return {
    serial_number: pck.plan.serial,
    not_before: digitsOf(pck.plan.notBefore),
    not_after: digitsOf(pck.plan.notAfter),
    ppid: fromBigEndian(machine.ppid),
    cpu_svn: fromBigEndian(Uint8Array.from(machine.components)),
    pce_svn: BigInt(machine.pceSvn),
    fmspc: fromBigEndian(machine.fmspc),
    ...{ xHi, xLo, yHi, yLo },
  };
}

const refusal = (tbs: Bytes) => refusalOf(circuit, inputsOf(tbs));

describe('reads', () => {
  const svns = [0, 1, 127, 128, 129, 255, 0, 254, 128, 127, 5, 6, 200, 0, 255, 128];
  test.each<[string, Partial<PckValues>, Change<CertificatePlan>]>([
    ['a server under the platform CA', {}, {}],
    ['a client under the processor CA', { ca: 'processor' }, {}],
    ['SVNs of one byte and of two', { components: svns }, {}],
    ['SVNs of 255', { components: svns.map(() => 255), pceSvn: 65535 }, {}],
    ...[0, 127, 128, 255, 256, 32767, 32768].map((pceSvn): [string, Partial<PckValues>, object] => [
      `PCESVN ${pceSvn}`,
      { pceSvn },
      {},
    ]),
    ['a serial number of 1 byte', {}, { serial: 1n }],
    ['a serial number of 0', {}, { serial: 0n }],
    ['a serial number of 19 bytes and a zero', {}, { serial: (1n << 152n) - 1n }],
    ['a serial number of 20 bytes', {}, { serial: (1n << 159n) - 1n }],
    ['a serial number of 20 bytes and a zero', {}, { serial: (1n << 160n) - 1n }],
    ['a serial number of 21 bytes', {}, { serial: (1n << 167n) - 1n }],
    ['times at the borders', {}, { notBefore: 946_684_800, notAfter: 2_524_607_999 }],
  ])('%s', async (_, machine, change) => {
    const intel = issue(machine, change);
    expect(await read(tbsOf(intel))).toEqual(expected(intel));
  });

  test('what the fields say, whichever byte is another: none is read from another place', {
    timeout: 300_000,
  }, async () => {
    const intel = issue();
    const tbs = tbsOf(intel);
    const honest = expected(intel);
    let both = 0;
    const place = fc.integer({ min: 0, max: tbs.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const edited = tbs.with(at, (tbs[at] as number) ^ by);
        const refused = await refusal(edited);
        if (refused !== undefined) return;
        both += 1;
        const found = await read(edited);
        const changes = Object.keys(found).filter((name) => found[name] !== honest[name]);
        // One byte stands in one field: nothing moved into another.
        expect(new Set(changes.map((name) => name.replace(/(Hi|Lo)$/, ''))).size).toBeLessThan(2);
      }),
      { numRuns: 60 },
    );
    expect(both).toBeGreaterThan(0);
  });
});

describe('refuses a certificate', () => {
  const withSgx =
    (change: (members: Bytes[]) => readonly Bytes[]): Change<CertificatePlan> =>
    ({ extensions }) => ({
      extensions: replaceExtension(
        extensions,
        sgxExtension(change(sgxExtensionMembers(pckValues()))),
      ),
    });
  /** The TCB with another INTEGER in the place of one. */
  const withSvn = (index: number, integer: Bytes) =>
    withSgx((members) => {
      const { components, pceSvn } = pckValues();
      const svns = [...components, pceSvn].map((svn, i) =>
        member([2, i + 1], i === index ? integer : der.integer(svn)),
      );
      const cpuSvn = member([2, 18], der.octetString(Uint8Array.from(components)));
      return members.with(1, member([2], der.sequence(...svns, cpuSvn)));
    });
  const raw = (...bytes: number[]) => der.tlv(2, Uint8Array.from(bytes));
  const sgx = sgxExtension(sgxExtensionMembers(pckValues()));

  test.each<[string, Change<CertificatePlan>, string | RegExp]>([
    ['of version 2', { version: 2 }, wrongForm],
    ['of version 1', { version: 1 }, wrongForm],
    [
      'with a serial number of 22 bytes',
      { serial: (1n << 175n) - 1n },
      'the serial number is too long',
    ],
    ['with a negative serial number', { serial: -1n }, outOfRange],
    [
      'signed by another algorithm',
      { innerAlgorithm: { name: 'ecdsa', hash: 'sha384' } },
      wrongForm,
    ],
    ['valid beyond 2049', { notAfter: 2_524_608_000 }, wrongForm],
    ['valid before 2000', { notBefore: 946_684_799 }, outOfRange],
    ['without extensions', { extensions: [] }, wrongForm],
    [
      'with a second SGX extension',
      ({ extensions }) => ({ extensions: [...extensions, sgx] }),
      notLast,
    ],
    [
      'with the SGX extension first',
      ({ extensions }) => ({ extensions: [sgx, ...extensions.slice(0, -1)] }),
      outOfRange,
    ],
    [
      'with an unknown extension before it',
      ({ extensions }) => ({
        extensions: [
          ...extensions.slice(0, -1),
          { oid: '2.5.29.99', critical: false, value: der.derNull() },
          sgx,
        ],
      }),
      wrongForm,
    ],
    [
      'without one of the others',
      ({ extensions }) => ({ extensions: extensions.slice(1) }),
      wrongForm,
    ],
    [
      'without the SGX extension',
      ({ extensions }) => ({ extensions: extensions.slice(0, -1) }),
      wrongForm,
    ],
    ['with an SVN of 256', withSvn(3, der.integer(256)), "a component's SVN is out of range"],
    ['with an SVN of −1', withSvn(3, der.integer(-1)), outOfRange],
    ['with an SVN of needless zeros', withSvn(3, raw(0, 5)), outOfRange],
    ['with an SVN of 3 bytes', withSvn(3, raw(0, 0, 200)), "a component's SVN is too long"],
    ['with an empty SVN', withSvn(3, raw()), "a component's SVN is too long"],
    ['with a PCESVN of −1', withSvn(16, der.integer(-1)), 'PCESVN is negative'],
    ['with a PCESVN of needless zeros', withSvn(16, raw(0, 5)), 'PCESVN has a needless zero'],
    ['with a PCESVN of more such', withSvn(16, raw(0, 0, 5)), 'PCESVN is out of range'],
    ['with a PCESVN of 65536', withSvn(16, der.integer(65536)), 'PCESVN is out of range'],
    ['with an empty PCESVN', withSvn(16, raw()), 'PCESVN is out of range'],
    ['with an SVN of another type', withSvn(3, der.octetString(Uint8Array.of(5))), wrongForm],
    [
      'with PPID twice',
      withSgx(([ppid, ...rest]) => [ppid as Bytes, ppid as Bytes, ...rest]),
      wrongForm,
    ],
    ['without PPID', withSgx(([, ...rest]) => rest), wrongForm],
    [
      'with a PPID of 15 bytes',
      withSgx((members) => members.with(0, member([1], der.octetString(new Uint8Array(15))))),
      wrongForm,
    ],
    [
      'with PCE-ID and FMSPC exchanged',
      withSgx(
        ([ppid, tcb, pceId, fmspc, ...rest]) => [ppid, tcb, fmspc, pceId, ...rest] as Bytes[],
      ),
      wrongForm,
    ],
    [
      'with another PCE-ID',
      withSgx((members) => members.with(2, member([3], der.octetString(Uint8Array.of(0, 1))))),
      wrongForm,
    ],
    [
      'with an FMSPC of 7 bytes',
      withSgx((members) => members.with(3, member([4], der.octetString(new Uint8Array(7))))),
      wrongForm,
    ],
    [
      'with a TCB member more',
      withSgx((members) => {
        const { components, pceSvn } = pckValues();
        const svns = [...components, pceSvn, 0].map((svn, i) =>
          member([2, i + 1], der.integer(svn)),
        );
        return members.with(1, member([2], der.sequence(...svns)));
      }),
      wrongForm,
    ],
  ])('%s', async (_, change, message) => {
    expect(await refusal(tbsOf(issue({}, change)))).toMatch(message);
  });

  test('of another curve', async () => {
    const tbs = tbsOf(issue());
    const at = Buffer.from(tbs).indexOf(bigEndian(0x06082a8648ce3d030107n, 10));
    expect(await refusal(tbs.with(at + 9, 0x01))).toBe(wrongForm);
    const point = Buffer.from(tbs).indexOf(bigEndian(0x03420004n, 4));
    expect(await refusal(tbs.with(point + 3, 0x02))).toBe(wrongForm);
  });

  test('with an empty serial number', async () => {
    const tbs = tbsOf(issue());
    expect(await refusal(concat(tbs.subarray(0, 10), Uint8Array.of(0), tbs.subarray(31)))).toBe(
      'the serial number is empty',
    );
  });

  test('with a letter in a time, or a year after 49', async () => {
    const tbs = tbsOf(issue());
    const at = Buffer.from(tbs).indexOf(bigEndian(0x170dn, 2)) + 2;
    for (const [place, character] of [
      [0, '5'],
      [1, ':'],
      [7, '/'],
      [11, 'A'],
    ] as const) {
      const edited = tbs.with(at + place, utf8(character)[0] as number);
      expect(await refusal(edited), character).toMatch(outOfRange);
    }
    expect(await refusal(tbs.with(at + 12, 0x2b))).toBe(wrongForm);
  });
});

describe('no field is moved by a length', () => {
  test('one more or one less is refused, or changes nothing', { timeout: 300_000 }, async () => {
    const intel = issue();
    const tbs = tbsOf(intel);
    const honest = expected(intel);
    const places = lengths(tbs);
    expect(places.length).toBeGreaterThan(100);
    let refused = 0;
    for (const at of places) {
      const edited = tbs.with(at, ((tbs[at] as number) + (at % 2 === 0 ? 1 : 255)) & 0xff);
      if ((await refusal(edited)) !== undefined) refused += 1;
      else expect(await read(edited), `byte ${at}`).toEqual(honest);
    }
    // Lengths inside names and standard extensions are not looked at.
    expect(refused).toBeGreaterThan(75);
  });

  test.each([
    ['the certificate’s', 3, wrongEnd],
    ['the version’s', 5, wrongForm],
    ['the serial number’s', 10, wrongForm],
  ])('%s', async (_, at, message) => {
    const tbs = tbsOf(issue());
    expect(await refusal(tbs.with(at, (tbs[at] as number) - 1))).toBe(message);
  });
});
