/** Which level counts, of the platform and of the TDX module. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TcbLevel } from '#verifier/abi/tcb-info.ts';
import { assessTcb } from '#verifier/abi/tcb-status.ts';
import { isvLevel, moduleIdentity, svns, tcbLevel, tdxInput, tee } from './intel-samples.ts';

describe('the platform level', () => {
  const two = [
    tcbLevel({ sgx: svns().fill(2), tdx: svns().fill(2), pceSvn: 2 }),
    tcbLevel({ sgx: svns(), tdx: svns(), pceSvn: 0, status: 'OutOfDate' }),
  ];
  const exact = {
    components: svns().fill(2),
    pceSvn: 2,
    tee: svns().fill(2),
  };
  const statusAt = (with_: Partial<typeof exact>) => {
    const { components, pceSvn, tee: first } = { ...exact, ...with_ };
    const identities = [moduleIdentity('TDX_02', isvLevel(0))];
    const input = tdxInput(
      { tcbLevels: two, tdxModuleIdentities: identities },
      { pck: { components, pceSvn }, tee: { teeTcbSvn: tee(...first), teeTcbSvn2: null } },
    );
    return assessTcb(input).status;
  };

  test('is reached with equal versions, and with higher ones', () => {
    expect(statusAt({})).toBe('UpToDate');
    expect(statusAt({ components: svns().fill(255), pceSvn: 65535 })).toBe('UpToDate');
  });

  test('is missed by one SGX component, whichever, however high the others', () => {
    for (let i = 0; i < 16; i++) {
      expect(statusAt({ components: svns().fill(9).with(i, 1) })).toBe('OutOfDate');
    }
  });

  test('is missed by PCESVN', () => {
    expect(statusAt({ pceSvn: 1 })).toBe('OutOfDate');
  });

  test('is missed by a TDX component from the third on; the first two are the module', () => {
    for (let i = 2; i < 16; i++) {
      expect(statusAt({ tee: svns().fill(2).with(i, 1) })).toBe('OutOfDate');
    }
    expect(statusAt({ tee: svns().fill(2).with(0, 0) })).toBe('UpToDate');
  });

  test('counts all TDX components of module version 0', () => {
    const versionZero = (minor: number) =>
      assessTcb(
        tdxInput(
          {
            tcbLevels: [
              tcbLevel({ tdx: svns(3, 0, 5) }),
              tcbLevel({ tdx: svns(), status: 'OutOfDate' }),
            ],
          },
          { tee: { teeTcbSvn: tee(minor, 0, 5), teeTcbSvn2: null } },
        ),
      );
    expect(versionZero(3)).toMatchObject({ status: 'UpToDate', module: null });
    expect(versionZero(2)).toMatchObject({ status: 'OutOfDate', module: null });
  });

  test('is the first that fits, and its SGX part alone may fit a higher one', () => {
    const levels = [
      tcbLevel({
        tdx: svns(0, 0, 6),
        status: 'ConfigurationNeeded',
        advisories: ['INTEL-SA-00001'],
      }),
      tcbLevel({ tdx: svns(0, 0, 5), status: 'OutOfDate' }),
      tcbLevel({ tdx: svns(0, 0, 4), status: 'Revoked' }),
    ];
    const result = assessTcb(tdxInput({ tcbLevels: levels }));
    expect(result).toMatchObject({
      status: 'OutOfDate',
      platform: { status: 'OutOfDate', tdx: svns(0, 0, 5) },
      sgx: { status: 'ConfigurationNeeded' },
      advisories: [],
    });
  });

  // By SGX components first, then PCESVN, then TDX components, as numbers.
  const ranked = [
    tcbLevel({ sgx: svns(10), pceSvn: 5, tdx: svns(0, 0, 1) }),
    tcbLevel({ sgx: svns(9, 200), pceSvn: 10, tdx: svns(0, 0, 1), status: 'SWHardeningNeeded' }),
    tcbLevel({ sgx: svns(9, 199), pceSvn: 11, tdx: svns(0, 0, 1), status: 'ConfigurationNeeded' }),
    tcbLevel({ sgx: svns(9, 199), pceSvn: 10, tdx: svns(0, 0, 10), status: 'OutOfDate' }),
    tcbLevel({ sgx: svns(9, 199), pceSvn: 10, tdx: svns(0, 0, 9), status: 'Revoked' }),
  ];

  test.each(ranked.map((_, index) => index))(
    'takes the highest by Intel’s order, from %i on',
    (index) => {
      const best = { components: svns().fill(255), pceSvn: 65535 };
      const highest = { teeTcbSvn: tee(4, 1, 255), teeTcbSvn2: null };
      fc.assert(
        fc.property(shuffled(ranked.slice(index)), (tcbLevels) => {
          const { platform } = assessTcb(tdxInput({ tcbLevels }, { pck: best, tee: highest }));
          expect(platform?.status).toBe(ranked[index]?.status);
        }),
        { numRuns: 20 },
      );
    },
  );

  test('fits, and no higher one does', () => {
    fc.assert(
      fc.property(anyLevels, anySvns, anySvns, fc.nat(2), (levels, components, teeSvns, pceSvn) => {
        const teeTcbSvn = Uint8Array.from(teeSvns);
        const identities = [
          moduleIdentity('TDX_01', isvLevel(0)),
          moduleIdentity('TDX_02', isvLevel(0)),
        ];
        const { platform, status } = assessTcb(
          tdxInput(
            { tcbLevels: levels, tdxModuleIdentities: identities },
            { pck: { components, pceSvn }, tee: { teeTcbSvn, teeTcbSvn2: null } },
          ),
        );
        const from = teeTcbSvn[1] === 0 ? 0 : 2;
        const have = [...components, pceSvn, ...teeSvns.slice(from)];
        const needs = (level: TcbLevel) => [
          ...level.sgx,
          level.pceSvn,
          ...(level.tdx ?? []).slice(from),
        ];
        const fitting = levels.filter((level) =>
          needs(level).every((svn, i) => (have[i] as number) >= svn),
        );
        const key = (level: Pick<TcbLevel, 'sgx' | 'pceSvn' | 'tdx'>) =>
          [...level.sgx, level.pceSvn, ...(level.tdx ?? [])]
            .map((svn) => String(svn).padStart(5, '0'))
            .join();
        expect(platform === null ? [] : [key(platform)]).toEqual(fitting.map(key).sort().slice(-1));
        expect(status === 'NotSupported').toBe(fitting.length === 0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the module level', () => {
  const levels = [
    isvLevel(6),
    isvLevel(4, { status: 'OutOfDate', advisories: ['INTEL-SA-01036'] }),
    isvLevel(2, { status: 'Revoked' }),
  ];

  test.each([
    [255, 6, 'UpToDate'],
    [6, 6, 'UpToDate'],
    [5, 4, 'OutOfDate'],
    [2, 2, 'Revoked'],
  ])('of minor version %i is %i, in whatever order the file has them', (minor, isvSvn, status) => {
    fc.assert(
      fc.property(shuffled(levels), (order) => {
        const result = assessTcb(
          tdxInput(
            {
              tdxModuleIdentities: [
                moduleIdentity('TDX_03', isvLevel(0)),
                moduleIdentity('TDX_01', ...order),
              ],
            },
            { tee: { teeTcbSvn: tee(minor, 1, 5), teeTcbSvn2: null } },
          ),
        );
        expect(result).toMatchObject({ status, module: { id: 'TDX_01', isvSvn, status } });
      }),
      { numRuns: 10 },
    );
  });

  test.each(['TDX_0B', 'TDX_0b'])(
    'is found by the hex of the major version in either case: %s',
    (id) => {
      const result = assessTcb(
        tdxInput(
          {
            tdxModuleIdentities: [
              moduleIdentity('TDX_11', isvLevel(0)),
              moduleIdentity(id, ...levels),
            ],
          },
          { tee: { teeTcbSvn: tee(6, 11, 5), teeTcbSvn2: null } },
        ),
      );
      expect(result.module?.id).toBe(id);
    },
  );
});

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

// Small numbers, so that levels are often reached, and often missed by one component.
const anySvns = fc
  .array(fc.nat(1), { minLength: 16, maxLength: 16 })
  .map((all) => all.map((svn) => svn + 1));
const anyLevels = fc.uniqueArray(
  fc
    .record({
      sgx: fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 3 }),
      pceSvn: fc.nat(2),
      tdx: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 4 }),
    })
    .map(({ sgx, pceSvn, tdx }) => tcbLevel({ sgx: svns(...sgx), pceSvn, tdx: svns(...tdx) })),
  { minLength: 1, maxLength: 6, selector: ({ sgx, pceSvn, tdx }) => `${sgx} ${pceSvn} ${tdx}` },
);
