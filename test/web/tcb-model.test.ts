/** Versions against floors and levels: of SEV-SNP, of Intel's platforms, of NVIDIA's devices. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { quoteScene } from '#test/verifier/intel-scene.ts';
import { reportScene, type Scene, strictPolicy, verifyScene } from '#test/verifier/scene.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { parseTime } from '#verifier/time.ts';
import type { NvidiaClaims, QuoteClaims, SnpClaims } from '#verifier/verified.ts';
import { verify } from '#verifier/verify.ts';
import { intelTcbTable, isEmptyRow } from '#web/fields/intel-tcb-model.ts';
import { deviceRows, type SnpTcbTable, snpTcbTable } from '#web/fields/tcb-model.ts';
import { sortFiles } from '#web/model/sort-files.ts';
import { droppedCase } from './corpus-cases.ts';

async function snpClaims(scene: Scene): Promise<SnpClaims> {
  const { claims } = await verifyScene(scene);
  if (claims?.platform !== 'sev-snp') throw new TypeError('an SEV-SNP report');
  return claims;
}

async function quoteClaims(scene: Scene): Promise<QuoteClaims> {
  const { claims } = await verifyScene(scene);
  if (claims?.platform !== 'tdx') throw new TypeError('a TDX quote');
  return claims;
}

describe('SEV-SNP', async () => {
  const claims = await snpClaims(await reportScene());
  const snp = (await strictPolicy()).sevSnp as SnpPolicy;
  const own = snp.minimumTcb.reported;
  if (own === 'any' || own.Milan === undefined) throw new TypeError('a floor for Milan');
  const floor = own.Milan;
  const column = (table: SnpTcbTable | null, place: number) =>
    table?.rows.map(({ cells }) => cells[place]);

  test('has a row for each part of the product, and a column for each TCB', () => {
    const table = snpTcbTable(claims, snp);
    expect(table?.rows.map(({ part }) => part)).toEqual(['bootLoader', 'tee', 'snp', 'microcode']);
    expect(table?.columns.map(({ which, floor }) => [which, floor])).toEqual([
      ['reported', 'set'],
      ['current', 'any'],
      ['committed', 'any'],
      ['launch', 'any'],
    ]);
    expect(column(table, 0)?.map((cell) => cell?.value)).toEqual([
      floor.bootLoader,
      floor.tee,
      floor.snp,
      floor.microcode,
    ]);
    expect(column(table, 1)?.every((cell) => cell?.floor === null)).toBe(true);
  });

  test('says how far a part is behind its floor, and the bar has room for the floor', () => {
    const raised = { ...floor, microcode: floor.microcode + 3 };
    const policy = { ...snp, minimumTcb: { ...snp.minimumTcb, reported: { Milan: raised } } };
    const row = snpTcbTable(claims, policy)?.rows.at(-1);
    expect(row?.cells[0]).toEqual({
      value: floor.microcode,
      floor: floor.microcode + 3,
      behind: 3,
    });
    expect(row?.scale).toBeGreaterThanOrEqual(floor.microcode + 3);
  });

  test('floors for other products alone, and no policy for SEV-SNP at all, are told apart', () => {
    const others = { ...snp.minimumTcb, reported: { Genoa: floor } };
    expect(snpTcbTable(claims, { ...snp, minimumTcb: others })?.columns[0]?.floor).toBe('missing');
    expect(snpTcbTable(claims, undefined)?.columns[0]?.floor).toBe('no-policy');
  });

  test('Turin has an FMC; an unknown product has no table; a layout that does not fit has no cells', async () => {
    const turin = await snpClaims(await reportScene({ product: 'Turin' }));
    expect(snpTcbTable(turin, undefined)?.rows[0]?.part).toBe('fmc');
    expect(snpTcbTable({ ...claims, product: null }, snp)).toBe(null);
    const report = { ...claims.report, launchTcb: new Uint8Array(8).fill(9) };
    expect(column(snpTcbTable({ ...claims, report }, snp), 3)).toEqual([null, null, null, null]);
  });
});

describe('TDX', async () => {
  const scene = quoteScene();
  const claims = await quoteClaims(scene);
  const of = (over: Partial<Parameters<typeof intelTcbTable>[0]> = {}) =>
    intelTcbTable({
      ...{ claims, collateral: scene.collateral, policy: undefined, at: scene.now },
      ...over,
    });

  test('has 16 rows of each kind, PCESVN, the module and the quoting enclave', () => {
    const table = of();
    const kinds = table?.rows.map(({ kind }) => kind) ?? [];
    const count = (kind: string) => kinds.filter((one) => one === kind).length;
    expect(['sgx', 'tdx', 'pce', 'module', 'qe'].map(count)).toEqual([16, 16, 1, 1, 1]);
    expect(table?.assessment?.status).toBe(claims.tcb?.status);
    expect(table?.rows[0]?.reached).toBe(claims.tcb?.platform?.sgx[0]);
  });

  test('from TDX 1.5 on the first two components are the module’s version, and are not compared', () => {
    const tdx = of()?.rows.filter(({ kind }) => kind === 'tdx') ?? [];
    expect(tdx.slice(0, 2).map(({ reached, newest }) => [reached, newest])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(tdx[2]?.newest).not.toBe(null);
  });

  test('without TCB info there are versions, and nothing to compare them with', () => {
    const table = of({ collateral: [], claims: { ...claims, tcb: null } });
    expect(table?.assessment).toBe(null);
    expect(table?.newest).toBe(null);
    expect(table?.lacking).toEqual([]);
    expect(table?.rows.every(({ reached, newest }) => reached === null && newest === null)).toBe(
      true,
    );
  });

  test('documents that cannot be read are left to the checks', () => {
    const data = new Uint8Array([0x7b]);
    expect(of({ collateral: [{ kind: 'tcb-info', data }] })?.newest).toBe(null);
  });

  test('floors of the policy are in their rows', () => {
    const { tdx } = toPolicy(genuinePolicy);
    if (tdx === undefined) throw new TypeError('a policy for TDX');
    const minimumTeeTcbSvn = `${'00'.repeat(2)}07${'00'.repeat(13)}`;
    const tcb = { ...tdx.tcb, minimumPceSvn: 13, minimumQeSvn: 4 };
    const rows = of({ policy: { tcb, minimumTeeTcbSvn } })?.rows ?? [];
    const floorOf = (kind: string, number: number) =>
      rows.find((row) => row.kind === kind && row.number === number)?.floor;
    expect([floorOf('tdx', 3), floorOf('pce', 0), floorOf('qe', 0), floorOf('sgx', 1)]).toEqual([
      7,
      13,
      4,
      null,
    ]);
  });

  test('a row of zeros that nobody asks for is empty, of components alone', () => {
    const row = { number: 1, label: null, platform: 0, reached: 0, newest: 0, floor: null };
    expect(isEmptyRow({ ...row, kind: 'sgx', scale: 1 })).toBe(true);
    expect(isEmptyRow({ ...row, kind: 'pce', scale: 1 })).toBe(false);
    expect(isEmptyRow({ ...row, kind: 'tdx', newest: 1, scale: 1 })).toBe(false);
  });
});

test('a platform of the corpus that is out of date lacks something, and says what', async ({
  skip,
}) => {
  skip(!hasShared, sharedMissing);
  const found = await droppedCase('tdx/tdx15-v5-automata-dcap-attestation-quotev5-outofdate-later');
  const files = found.files.map(({ name, buffer }) => ({ name, bytes: new Uint8Array(buffer) }));
  const { evidence, collateral } = sortFiles(files, { kind: 'files' });
  const at = parseTime(found.at) ?? 0;
  const { claims } = await verify(evidence, collateral, vendorRoots, at, nodeCrypto);
  if (claims?.platform !== 'tdx') throw new TypeError('a TDX quote');
  const table = intelTcbTable({ claims, collateral, policy: genuinePolicy.tdx, at });
  expect(table?.assessment?.status).toMatch(/^OutOfDate/);
  expect(table?.newest?.status).toBe('UpToDate');
  expect(table?.lacking.length).toBeGreaterThan(0);
  for (const { what, actual, needed } of table?.lacking ?? []) {
    expect(actual, what).toBeLessThan(needed);
  }
  expect(table?.rows.filter(({ platform, newest }) => platform < (newest ?? 0))).toHaveLength(
    table?.lacking.length ?? 0,
  );
});

describe('NVIDIA', () => {
  const device: NvidiaClaims = {
    kind: 'gpu',
    architecture: 'HOPPER',
    driver: '550.90.07',
    vbios: '96.00.9F.00.01',
    nonce: new Uint8Array(32),
    id: 'one',
    confidentialMode: 'on',
    matched: { driver: true, firmware: true },
  };
  const nvidia = {
    architectures: ['HOPPER' as const],
    minimumDriver: { HOPPER: '550.90.08' },
    minimumFirmware: { BLACKWELL: '97.00.00.00.01' },
    confidentialMode: 'required' as const,
    references: 'required' as const,
    gpus: { minimum: 0, maximum: 8 },
    switches: { minimum: 0, maximum: 8 },
  };
  const policy = { nvidia, tpm: 'refused' as const, nitroTpm: 'refused' as const };

  test('a version below its floor, and one whose architecture has none', () => {
    expect(deviceRows([device], policy)).toEqual([
      {
        kind: 'gpu',
        architecture: 'HOPPER',
        driver: { version: '550.90.07', floor: '550.90.08', missing: false, reached: false },
        firmware: { version: '96.00.9F.00.01', floor: null, missing: true, reached: false },
      },
    ]);
  });

  test('where nothing is asked, every version reaches it', () => {
    for (const none of ['any', 'none'] as const) {
      const [row] = deviceRows([{ ...device, kind: 'switch', driver: null }], none);
      expect(row?.driver).toEqual({ version: null, floor: null, missing: false, reached: true });
    }
  });
});
