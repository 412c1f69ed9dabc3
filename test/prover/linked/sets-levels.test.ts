/** The floor made of Intel's documents accepts exactly the machines whose status the plain verifier accepts. */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LevelTdx } from '#prover/linked/formulas.ts';
import { type FloorStatus, floorOf, floorStatuses } from '#prover/linked/set-levels.ts';
import { reachesLevel } from '#prover/linked/set-reach.ts';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { parseQeIdentity, type QeIdentity } from '#verifier/abi/qe-identity.ts';
import {
  type IsvLevel,
  type IsvStatus,
  parseTcbInfo,
  type TcbInfo,
  type TcbLevel,
  type TcbStatus,
} from '#verifier/abi/tcb-info.ts';
import { assessTcb } from '#verifier/abi/tcb-status.ts';
import { type Bytes, compareBytes, toHex } from '#verifier/bytes.ts';

type Documents = { info: TcbInfo; identity: QeIdentity };

function statusOf({ info, identity }: Documents, machine: LevelTdx): string {
  return assessTcb({
    info,
    identity,
    pck: { components: [...machine.cpuSvn], pceSvn: machine.pceSvn },
    tee: { teeTcbSvn: machine.teeTcbSvn, teeTcbSvn2: null },
    qeIsvSvn: machine.qeIsvSvn,
  }).status;
}

/** By both roads; null where the documents have no floor. */
function judge(documents: Documents, accepted: readonly FloorStatus[]) {
  const floor = floorOf(documents.info, documents.identity, accepted);
  if (floor.kind === 'no-floor') return null;
  return (machine: LevelTdx) => {
    const status = statusOf(documents, machine);
    return {
      floor: floor.levels.some((level) => reachesLevel(machine, level)),
      plain: accepted.some((one) => one === status),
    };
  };
}

const { tcbInfo, qeIdentity } = intelOf('tdx');
const simulated: Documents = { info: tcbInfo.plan, identity: qeIdentity.plan };

/** SVNs of 16 components, the first few of which differ. */
const svns = (...first: fc.Arbitrary<number>[]): fc.Arbitrary<Bytes> =>
  fc.tuple(...first).map((start) => {
    const all = new Uint8Array(16);
    all.set(start);
    return all;
  });
/** Of documents 0 or 1, of machines up to 2: so that machines are on levels, between them and below. */
const versions = (max: number) => {
  const svn = fc.integer({ min: 0, max });
  return { svn, sgx: svns(svn, svn), tdx: svns(svn, fc.constantFrom(0, 1, 3), svn, svn) };
};
const low = versions(1);
const high = versions(2);
const anyMachine: fc.Arbitrary<LevelTdx> = fc.record({
  fmspc: fc.constant(simulated.info.fmspc),
  cpuSvn: high.sgx,
  pceSvn: high.svn,
  teeTcbSvn: high.tdx,
  qeIsvSvn: high.svn,
});

const platformStatus = fc.constantFrom<TcbStatus>(...floorStatuses, 'Revoked');
const isvLevels = fc.uniqueArray(
  fc.record({
    isvSvn: high.svn,
    status: fc.constantFrom<IsvStatus>('UpToDate', 'OutOfDate', 'Revoked'),
  }),
  { selector: ({ isvSvn }) => isvSvn, minLength: 1, maxLength: 3 },
);
const dated = { date: 0, advisories: [] };
/** As Intel's documents are: no newer version is worse than an older one; or as they are not. */
const highestFirst = (levels: { isvSvn: number; status: IsvStatus }[], ordered: boolean) => {
  const sorted = levels.toSorted((a, b) => b.isvSvn - a.isvSvn);
  const order: IsvStatus[] = ['UpToDate', 'OutOfDate', 'Revoked'];
  const statuses = levels.map(({ status }) => status);
  if (ordered) statuses.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return sorted.map(
    ({ isvSvn }, i): IsvLevel => ({ isvSvn, status: statuses[i] ?? 'Revoked', ...dated }),
  );
};

const anyLevel: fc.Arbitrary<TcbLevel> = fc
  .record({ sgx: low.sgx, pceSvn: low.svn, tdx: low.tdx, status: platformStatus })
  .map(({ sgx, tdx, ...level }) => ({ ...level, sgx: [...sgx], tdx: [...tdx], ...dated }));

/** The highest of them gets the best status, and so on. */
const inOrder = (levels: TcbLevel[]): TcbLevel[] => {
  const order: TcbStatus[] = [...floorStatuses, 'Revoked'];
  const statuses = levels
    .map(({ status }) => status)
    .sort((a, b) => order.indexOf(a) - order.indexOf(b));
  const numbers = ({ sgx, pceSvn, tdx }: TcbLevel) =>
    Uint8Array.from([...sgx, pceSvn, ...(tdx ?? [])]);
  return levels
    .toSorted((a, b) => compareBytes(numbers(b), numbers(a)))
    .map((level, i) => ({ ...level, status: statuses[i] ?? 'Revoked' }));
};

const anyDocuments: fc.Arbitrary<Documents> = fc
  .record({
    tcbLevels: fc.uniqueArray(anyLevel, {
      selector: ({ sgx, pceSvn, tdx }) => `${sgx} ${pceSvn} ${tdx}`,
      minLength: 1,
      maxLength: 4,
    }),
    one: isvLevels,
    three: isvLevels,
    enclave: isvLevels,
    ordered: fc.boolean(),
  })
  .map(({ tcbLevels, one, three, enclave, ordered }) => {
    const [first] = simulated.info.tdxModuleIdentities;
    const module = (id: string, levels: IsvLevel[]) => ({
      ...(first as NonNullable<typeof first>),
      id,
      tcbLevels: levels,
    });
    const tdxModuleIdentities = [
      module('TDX_01', highestFirst(one, ordered)),
      module('TDX_03', highestFirst(three, ordered)),
    ];
    return {
      info: {
        ...simulated.info,
        tcbLevels: ordered ? inOrder(tcbLevels) : tcbLevels,
        tdxModuleIdentities,
      },
      identity: { ...simulated.identity, tcbLevels: highestFirst(enclave, ordered) },
    };
  });

const anyStatuses = fc.oneof(
  fc.integer({ min: 1, max: 6 }).map((count) => floorStatuses.slice(0, count)),
  fc.subarray([...floorStatuses], { minLength: 1 }),
);

describe('over random documents', () => {
  test('a floor accepts a machine exactly when the plain verifier does', () => {
    let compared = 0;
    let accepted = 0;
    fc.assert(
      fc.property(
        anyDocuments,
        anyStatuses,
        fc.array(anyMachine, { minLength: 20, maxLength: 20 }),
        (documents, statuses, machines) => {
          const compare = judge(documents, statuses);
          if (compare === null) return;
          for (const machine of machines) {
            const found = compare(machine);
            compared += 1;
            if (found.plain) accepted += 1;
            expect(found.floor).toBe(found.plain);
          }
        },
      ),
      { numRuns: 400 },
    );
    // Both answers occur.
    expect(compared).toBeGreaterThan(1000);
    expect(accepted).toBeGreaterThan(200);
    expect(compared - accepted).toBeGreaterThan(200);
  });

  test('where there is none, some machine that a union of levels would accept is refused by the plain verifier', () => {
    const level = (cpu: number, pceSvn: number, status: TcbStatus): TcbLevel => ({
      sgx: [cpu, ...new Array<number>(15).fill(0)],
      pceSvn,
      tdx: new Array<number>(16).fill(0),
      status,
      ...dated,
    });
    const documents = (higher: TcbStatus): Documents => ({
      ...simulated,
      info: { ...simulated.info, tcbLevels: [level(2, 1, higher), level(1, 2, 'UpToDate')] },
    });
    const both: LevelTdx = {
      fmspc: simulated.info.fmspc,
      cpuSvn: Uint8Array.of(2, ...new Uint8Array(15)),
      pceSvn: 2,
      teeTcbSvn: new Uint8Array(16),
      qeIsvSvn: 9,
    };
    expect(statusOf(documents('OutOfDate'), both)).toBe('OutOfDate');
    expect(judge(documents('OutOfDate'), ['UpToDate'])).toBeNull();
    expect(statusOf(documents('UpToDate'), both)).toBe('UpToDate');
    expect(judge(documents('UpToDate'), ['UpToDate'])?.(both)).toEqual({
      floor: true,
      plain: true,
    });
  });
});

describe('the simulated documents', () => {
  const levels = (accepted: readonly FloorStatus[], change: Partial<Documents> = {}) => {
    const { info, identity } = { ...simulated, ...change };
    return floorOf(info, identity, accepted);
  };
  const texts = (accepted: readonly FloorStatus[]) => {
    const floor = levels(accepted);
    return floor.kind === 'no-floor'
      ? []
      : floor.levels.map(
          ({ teeTcbSvn, qeIsvSvn }) => `${toHex(teeTcbSvn).slice(0, 6)} ${qeIsvSvn}`,
        );
  };

  test('give one level for each platform, module and enclave that is up to date', () => {
    expect(texts(['UpToDate'])).toEqual(['050003 5', '030303 5', '060103 5']);
  });

  test('have no floor for OutOfDate alone: a better machine reaches such a level too', () => {
    expect(levels(['OutOfDate']).kind).toBe('no-floor');
    expect(levels(['UpToDate', 'OutOfDate']).kind).toBe('floor');
  });

  test('of a module by another signer give no level for it', () => {
    const { info } = simulated;
    const [first, ...others] = info.tdxModuleIdentities;
    const foreign = {
      ...(first as NonNullable<typeof first>),
      mrSigner: new Uint8Array(48).fill(1),
    };
    const changed = { ...info, tdxModuleIdentities: [foreign, ...others] };
    const floor = levels(['UpToDate'], { info: changed });
    const majors = floor.kind === 'floor' ? floor.levels.map(({ teeTcbSvn }) => teeTcbSvn[1]) : [];
    expect(first?.id).toBe('TDX_03');
    expect(majors).toEqual([0, 1]);
  });

  test.each<[string, Partial<Documents>]>([
    ['a TCB info for SGX', { info: { ...simulated.info, id: 'SGX' } }],
    ['the identity of the enclave for SGX', { identity: { ...simulated.identity, id: 'QE' } }],
    [
      'another signer of the enclave',
      { identity: { ...simulated.identity, mrSigner: new Uint8Array(32) } },
    ],
    ['another product of the signer', { identity: { ...simulated.identity, isvProdId: 1 } }],
  ])('with %s are refused', (_, change) => {
    expect(codeOf(() => levels(['UpToDate'], change))).toBe('value-out-of-range');
    expect(codeOf(() => levels(['UpToDate']))).toBeNull();
  });
});

describe.skipIf(!hasShared)(
  `Intel's own documents${hasShared ? '' : ` (skipped: ${sharedMissing})`}`,
  () => {
    const folder = 'corpus/collateral/intel';
    const files = hasShared ? readdirSync(sharedPath(folder)) : [];
    const read = (name: string) => sharedFile(`${folder}/${name}`);
    const infos = files
      .filter((name) => /tcb-?info.*\.json$/i.test(name))
      .map((name) => parseTcbInfo(read(name)).info)
      .filter(({ id }) => id === 'TDX');
    const identities = files
      .filter((name) => /^td-qe-identity.*\.json$/.test(name))
      .map((name) => parseQeIdentity(read(name)).identity)
      .filter(({ id }) => id === 'TD_QE');

    test('have a floor for what a policy can sensibly accept', () => {
      expect(infos.length * identities.length).toBeGreaterThan(10);
      const wishes: FloorStatus[][] = [['UpToDate'], ['UpToDate', 'OutOfDate'], [...floorStatuses]];
      const pairs = [
        ...infos.map((info) => ({ info, identity: identities[0] as QeIdentity })),
        ...identities.map((identity) => ({ info: infos[0] as TcbInfo, identity })),
      ];
      const kinds = pairs.flatMap(({ info, identity }) =>
        wishes.map((accepted) => floorOf(info, identity, accepted).kind),
      );
      expect(new Set(kinds)).toEqual(new Set(['floor']));
    });

    test('give floors that accept what the plain verifier accepts', () => {
      const documents = infos.map((info) => ({ info, identity: identities[0] as QeIdentity }));
      const near = (svn: number) => fc.integer({ min: Math.max(0, svn - 1), max: svn + 1 });
      const machineOf = ({ info }: Documents) =>
        fc.constantFrom(...info.tcbLevels).chain((level) =>
          fc.record({
            fmspc: fc.constant(info.fmspc),
            cpuSvn: fc.tuple(...level.sgx.map(near)).map((found): Bytes => Uint8Array.from(found)),
            pceSvn: near(level.pceSvn),
            teeTcbSvn: fc
              .tuple(
                fc.integer({ min: 0, max: 8 }),
                fc.constantFrom(0, 1, 3),
                ...(level.tdx ?? []).slice(2).map(near),
              )
              .map((found): Bytes => Uint8Array.from(found)),
            qeIsvSvn: fc.integer({ min: 2, max: 8 }),
          }),
        );
      const cases = fc
        .constantFrom(...documents)
        .chain((found) => fc.record({ documents: fc.constant(found), machine: machineOf(found) }));
      fc.assert(
        fc.property(
          cases,
          fc.constantFrom<FloorStatus[]>(['UpToDate'], ['UpToDate', 'OutOfDate']),
          ({ documents, machine }, accepted) => {
            const found = judge(documents, accepted)?.(machine);
            expect(found?.floor).toBe(found?.plain);
          },
        ),
        { numRuns: 200 },
      );
    });
  },
);
