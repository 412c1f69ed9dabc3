/** One cell for every combination of what Intel can say of platform, TDX module and quoting enclave. */
import { describe, expect, test } from 'vitest';
import {
  type IsvStatus,
  isvStatuses,
  type TcbStatus,
  tcbStatuses,
} from '#verifier/abi/intel-json.ts';
import { assessTcb, type ConvergedStatus } from '#verifier/abi/tcb-status.ts';
import {
  isvLevel,
  moduleIdentity,
  qeIdentity,
  sgxInput,
  tcbLevel,
  tdxInput,
} from './intel-samples.ts';

const codes: Record<string, ConvergedStatus> = {
  U: 'UpToDate',
  S: 'SWHardeningNeeded',
  C: 'ConfigurationNeeded',
  CS: 'ConfigurationAndSWHardeningNeeded',
  O: 'OutOfDate',
  OC: 'OutOfDateConfigurationNeeded',
  R: 'Revoked',
  '-': 'NotSupported',
};
const statusOf = (code: string) => codes[code] as ConvergedStatus;

// From Intel's library: columns are module/QE, each up to date, out of date, revoked; of the QE also below all levels (-).
const convergence = `
   | U/U U/O U/R U/- | O/U O/O O/R O/- | R/U R/O R/R R/-
U  | U   O   R   -   | O   O   R   -   | R   R   R   R
S  | S   O   R   -   | O   O   R   -   | R   R   R   R
C  | C   OC  R   -   | OC  OC  R   -   | R   R   R   R
CS | CS  OC  R   -   | OC  OC  R   -   | R   R   R   R
O  | O   O   R   -   | O   O   R   -   | R   R   R   R
OC | OC  OC  R   -   | OC  OC  R   -   | R   R   R   R
R  | R   R   R   R   | R   R   R   R   | R   R   R   R
`;
// An SGX quote has no module, and a revoked platform no precedence.
const sgxConvergence = `
   | -/U -/O -/R -/-
U  | U   O   R   -
S  | S   O   R   -
C  | C   OC  R   -
CS | CS  OC  R   -
O  | O   O   R   -
OC | OC  OC  R   -
R  | R   R   R   -
`;

type Cell = { platform: TcbStatus; module: string; qe: string; expected: ConvergedStatus };

function cellsOf(table: string): Cell[] {
  const [head = [], ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.split(/[\s|]+/).filter((word) => word !== ''));
  return rows.flatMap(([platform, ...results]) =>
    results.map((result, index) => {
      const [module, qe] = (head[index] as string).split('/') as [string, string];
      return {
        platform: statusOf(platform as string) as TcbStatus,
        module,
        qe,
        expected: statusOf(result),
      };
    }),
  );
}

describe('convergence', () => {
  const cells = cellsOf(convergence);
  const sgxCells = cellsOf(sgxConvergence);

  /** Level 4 with the status, or a lowest level of 5. */
  const qeOf = (code: string, id: 'QE' | 'TD_QE') => {
    const status = statusOf(code) as IsvStatus;
    return qeIdentity({ id, tcbLevels: [code === '-' ? isvLevel(5) : isvLevel(4, { status })] });
  };

  test('has a cell for every combination', () => {
    expect(cells.length).toBe(tcbStatuses.length * isvStatuses.length * 4);
    expect(sgxCells.length).toBe(tcbStatuses.length * 4);
  });

  test.each(cells)('TDX: $platform, module $module, QE $qe: $expected', (cell) => {
    const info = {
      tcbLevels: [tcbLevel({ status: cell.platform })],
      tdxModuleIdentities: [
        moduleIdentity('TDX_01', isvLevel(4, { status: statusOf(cell.module) as IsvStatus })),
      ],
    };
    const result = assessTcb(tdxInput(info, { identity: qeOf(cell.qe, 'TD_QE') }));
    expect(result).toMatchObject({
      status: cell.expected,
      platform: { status: cell.platform },
      sgx: { status: cell.platform },
      module: { id: 'TDX_01', status: statusOf(cell.module), isvSvn: 4 },
    });
    expect(result.qe?.status ?? 'NotSupported').toBe(statusOf(cell.qe));
    expect(result.problem === null).toBe(cell.expected !== 'NotSupported');
  });

  test.each(sgxCells)('SGX: $platform, QE $qe: $expected', (cell) => {
    const tcbLevels = [tcbLevel({ tdx: null, status: cell.platform })];
    const result = assessTcb(sgxInput({ tcbLevels }, { identity: qeOf(cell.qe, 'QE') }));
    expect(result.status).toBe(cell.expected);
    expect(result.platform).toEqual(result.sgx);
    expect(result.module).toBe(null);
  });
});
