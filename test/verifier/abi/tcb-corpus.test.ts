/** Real quotes with the TCB info and QE identity of their time, and the status that an independent verifier computed. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { parseQeIdentity, qeMatches } from '#verifier/abi/qe-identity.ts';
import { parseQuote, type Quote } from '#verifier/abi/quote.ts';
import { parseTcbInfo, type TcbInfo } from '#verifier/abi/tcb-info.ts';
import {
  assessTcb,
  moduleIdentityOf,
  moduleMatches,
  type TcbAssessment,
} from '#verifier/abi/tcb-status.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { asPck } from '#verifier/chain/intel.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { formatTime } from '#verifier/time.ts';

type Case = {
  id: string;
  files: Record<'quote' | 'tcb_info' | 'qe_identity', string>;
  tcb_status: string;
  platform_status: string;
  module_status: string | null;
  qe_status: string;
  tcb_date: string | null;
  advisories: string[];
  fmspc: string;
};

type Loaded = Case & { file: (role: keyof Case['files']) => Bytes };

function cases(): Loaded[] {
  const index: { dir: string; tee: string }[] = JSON.parse(
    fromUtf8(sharedFile('corpus/index.json'), 'index'),
  );
  return index
    .filter(({ tee }) => tee === 'tdx' || tee === 'sgx')
    .map(({ dir }): Loaded => {
      const read = (name: string) => sharedFile(`corpus/${dir}/${name}`);
      const found: Case = JSON.parse(fromUtf8(read('case.json'), dir));
      return { ...found, file: (role) => read(found.files[role]) };
    })
    .filter(({ tcb_status }) => tcb_status !== undefined);
}

function load(one: Loaded): { quote: Quote; info: TcbInfo; assessment: TcbAssessment } {
  const quote = parseQuote(one.file('quote'));
  const { info } = parseTcbInfo(one.file('tcb_info'));
  const { identity } = parseQeIdentity(one.file('qe_identity'));
  const [leaf] = readPemChain(quote.certification.data, 'PCK chain');
  const pck = asPck(parseCertificate(leaf as Bytes, 'PCK'));
  expect(pck.fmspc).toEqual(info.fmspc);
  expect(pck.pceId).toEqual(info.pceId);
  expect(qeMatches(identity, quote.qeReport)).toEqual([]);
  const assessment = assessTcb({
    info,
    identity,
    pck: pck.tcb,
    tee: quote.body.kind === 'tdx' ? quote.body.report : null,
    qeIsvSvn: quote.qeReport.isvSvn,
  });
  return { quote, info, assessment };
}

describe.skipIf(!hasShared)(`the corpus (${hasShared ? 'real quotes' : sharedMissing})`, () => {
  const all = hasShared ? cases() : [];

  test('has cases of every kind', () => {
    expect(new Set(all.map(({ tcb_status }) => tcb_status)).size).toBeGreaterThanOrEqual(5);
  });

  test.each(all.map((one) => [one.id, one] as const))('assesses %s', (_, one) => {
    const { quote, info, assessment } = load(one);
    const { status, platform, module, qe, date, advisories, problem } = assessment;
    expect(problem !== null).toBe(status === 'NotSupported');
    expect({
      tcb_status: status,
      platform_status: platform?.status ?? 'NotSupported',
      module_status: module?.status ?? null,
      qe_status: qe?.status ?? 'NotSupported',
      tcb_date: date === null ? null : formatTime(date),
      advisories,
    }).toEqual({
      tcb_status: one.tcb_status,
      platform_status: one.platform_status,
      module_status: one.module_status,
      qe_status: one.qe_status,
      tcb_date: one.tcb_date,
      advisories: one.advisories.toSorted(),
    });
    if (quote.body.kind === 'tdx') {
      const identity = moduleIdentityOf(info, quote.body.report.teeTcbSvn);
      if (module !== null) expect(identity?.id).toBe(module.id);
      expect(identity && moduleMatches(identity, quote.body.report)).toEqual([]);
    }
  });
});
