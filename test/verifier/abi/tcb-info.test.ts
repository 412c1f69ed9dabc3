import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { isvStatuses, tcbStatuses } from '#verifier/abi/intel-json.ts';
import { encodeTcbInfo, parseTcbInfo, type TcbInfo } from '#verifier/abi/tcb-info.ts';
import { fromHex, fromUtf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import {
  isvLevel,
  moduleIdentity,
  realDocuments,
  seal,
  sgxInfo,
  svns,
  tcbLevel,
  tdxInfo,
} from './intel-samples.ts';

const parse = (inner: string) => parseTcbInfo(seal('tcbInfo', inner)).info;
const reparse = (info: TcbInfo) => parse(encodeTcbInfo(info));

describe.skipIf(!hasShared)(`Intel's own (${hasShared ? 'corpus' : sharedMissing})`, () => {
  const real = realDocuments(/^tcbinfo-/);

  test('are here', () => {
    expect(real.length).toBeGreaterThanOrEqual(42);
  });

  test.each(real.map(({ name, bytes }) => [name, bytes] as const))('%s', (name, bytes) => {
    const { info, signed } = parseTcbInfo(bytes);
    const [, kind, fmspc] = /^tcbinfo-(sgx|tdx)-([0-9a-f]{12})-/.exec(name) ?? [];
    expect(info.id).toBe(kind?.toUpperCase());
    expect(info.fmspc).toEqual(fromHex(fmspc as string, name));
    expect(info.nextUpdate).toBeGreaterThan(info.issueDate);
    // Intel's service writes the FMSPC in the case of the request.
    const upper = fromUtf8(signed, name).replace(/(?<="fmspc":")\w+/, (hex) => hex.toUpperCase());
    expect(encodeTcbInfo(info)).toBe(upper);
  });
});

describe('parseTcbInfo', () => {
  test('reads every member', () => {
    const info = tdxInfo({
      tcbLevels: [
        tcbLevel({
          status: 'OutOfDateConfigurationNeeded',
          advisories: ['INTEL-SA-00837', 'INTEL-SA-01036'],
          labels: {
            sgx: svns().map((_, i) => (i === 7 ? { category: 'OS/VMM', type: 'SEAMLDR ACM' } : {})),
            tdx: svns().map(() => ({})),
          },
        }),
      ],
    });
    const text = encodeTcbInfo(info);
    expect(text).toContain(
      '"fmspc":"90C06F000000","pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":17,"tdxModule":{"mrsigner":"0000',
    );
    expect(text).toContain('{"svn":0,"category":"OS/VMM","type":"SEAMLDR ACM"}');
    expect(text).toContain(
      '"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"OutOfDateConfigurationNeeded","advisoryIDs":["INTEL-SA-00837","INTEL-SA-01036"]}',
    );
    expect(parse(text)).toEqual(info);
  });

  test('knows TDX 1.0 documents without module identities', () => {
    expect(reparse(tdxInfo({ tdxModuleIdentities: [] })).tdxModuleIdentities).toEqual([]);
  });

  test('takes back whatever it writes', () => {
    fc.assert(
      fc.property(anyInfo, (info) => {
        const text = encodeTcbInfo(info);
        const again = parse(text);
        expect(encodeTcbInfo(again)).toBe(text);
        expect(withoutLabels(again)).toEqual(info);
      }),
      { numRuns: 100 },
    );
  });

  const good = encodeTcbInfo(tdxInfo());
  const sgx = encodeTcbInfo(sgxInfo());
  test('accepts what the refusals below are made of', () => {
    expect([good, sgx].map((inner) => codeOf(() => parse(inner)))).toEqual([null, null]);
  });

  test.each([
    ['another version', good, '"version":3', '"version":2', 'version-unknown'],
    ['no version', good, '"version":3,', '', 'json-shape'],
    ['an unknown member', good, '"tcbType":0', '"tcbType":0,"extra":1', 'json-shape'],
    ['an unknown member of a level', good, '"pcesvn":11', '"pcesvn":11,"x":1', 'json-shape'],
    ['an unknown member of a component', good, '{"svn":5}', '{"svn":5,"x":1}', 'json-shape'],
    ['a doubled member', good, '"tcbType":0', '"tcbType":0,"tcbType":0', 'json-malformed'],
    ['a doubled member by escape', good, '"id":"TDX"', '"id":"TDX","\\u0069d":1', 'json-malformed'],
    ['an unknown TEE', good, '"id":"TDX"', '"id":"TPM"', 'json-shape'],
    ['another TCB type', good, '"tcbType":0', '"tcbType":1', 'json-shape'],
    ['an unknown status', good, '"UpToDate"', '"Uptodate"', 'json-shape'],
    ['an SVN over 255', good, '{"svn":5}', '{"svn":256}', 'json-shape'],
    ['an SVN below 0', good, '{"svn":5}', '{"svn":-1}', 'json-shape'],
    ['a PCESVN over 65535', good, '"pcesvn":11', '"pcesvn":65536', 'json-shape'],
    ['15 components', good, '{"svn":5},', '', 'json-shape'],
    ['17 components', good, '{"svn":5},', '{"svn":5},{"svn":5},', 'json-shape'],
    ['a short FMSPC', good, '90C06F000000', '90C06F0000', 'json-shape'],
    ['an FMSPC that is no hex', good, '90C06F000000', '90C06F00000g', 'json-shape'],
    ['a time with an offset', good, ':00Z', ':00+00:00', 'json-shape'],
    ['a time with fractions', good, ':00Z', ':00.0Z', 'json-shape'],
    ['a time with small letters', good, 'T00:00:00Z', 't00:00:00z', 'json-shape'],
    ['31 February', good, '2025-05-14', '2025-02-31', 'json-shape'],
    ['a module id of another form', good, 'TDX_01', 'TDX_1', 'json-shape'],
    ['TDX without a module', good, /"tdxModule":\{[^}]*\},/, '', 'json-shape'],
    ['TDX without TDX components', good, /,"tdxtcbcomponents":\[[^\]]*\]/, '', 'json-shape'],
    [
      'no module identities',
      good,
      /("tdxModuleIdentities":\[)(\{.*\})(\],"tcbL)/,
      '$1$3',
      'json-shape',
    ],
    ['no levels', sgx, /("tcbLevels":\[).*\]/, '$1]', 'json-shape'],
    ['SGX with a module', good, '"id":"TDX"', '"id":"SGX"', 'json-shape'],
    [
      'SGX with module identities',
      good.replace('"id":"TDX"', '"id":"SGX"').replace(/"tdxModule":\{[^}]*\},/, ''),
      /,"tdxtcbcomponents":\[[^\]]*\]/,
      '',
      'json-shape',
    ],
    [
      'SGX with TDX components',
      sgx,
      '"pcesvn":11',
      `"pcesvn":11,"tdxtcbcomponents":${zeros()}`,
      'json-shape',
    ],
    [
      'an advisory of control characters',
      good,
      '"UpToDate"}',
      '"UpToDate","advisoryIDs":["\\u001b[2J"]}',
      'json-shape',
    ],
    [
      'a label of control characters',
      good,
      '{"svn":5}',
      '{"svn":5,"type":"\\u0007"}',
      'json-shape',
    ],
  ] as const)('refuses %s', (_, base, from, to, code) => {
    const bent = base.replace(from, to);
    expect(bent).not.toBe(base);
    expect(codeOf(() => parse(bent))).toBe(code);
  });

  test.each([
    ['level', { tcbLevels: [tcbLevel(), tcbLevel({ status: 'Revoked' })] }],
    [
      'module version',
      { tdxModuleIdentities: ['TDX_0a', 'TDX_0A'].map((id) => moduleIdentity(id, isvLevel(1))) },
    ],
    ['module level', { tdxModuleIdentities: [moduleIdentity('TDX_01', isvLevel(4), isvLevel(4))] }],
  ])('refuses a %s that occurs twice', (_, more) => {
    expect(codeOf(() => reparse(tdxInfo(more)))).toBe('value-out-of-range');
  });

  test.each([
    ['levels', { tcbLevels: [tcbLevel(), tcbLevel({ tdx: svns(0, 0, 4) })] }],
    [
      'module versions',
      { tdxModuleIdentities: ['TDX_0a', 'TDX_0B'].map((id) => moduleIdentity(id, isvLevel(1))) },
    ],
    [
      'module levels, in any order',
      { tdxModuleIdentities: [moduleIdentity('TDX_01', isvLevel(3), isvLevel(4))] },
    ],
  ])('accepts different %s', (_, more) => {
    expect(reparse(tdxInfo(more))).toMatchObject(more);
  });
});

function zeros(): string {
  return JSON.stringify(svns().map((svn) => ({ svn })));
}

function withoutLabels(info: TcbInfo): TcbInfo {
  return { ...info, tcbLevels: info.tcbLevels.map(({ labels: _, ...level }) => level) };
}

const u8 = fc.nat(255);
const u16 = fc.nat(0xffff);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const time = fc.nat(0xffffffff);
const sixteen = fc.array(u8, { minLength: 16, maxLength: 16 });
const advisories = fc.array(
  fc.nat(99999).map((number) => `INTEL-SA-${String(number).padStart(5, '0')}`),
  { maxLength: 3 },
);
const anyIsvLevel = fc.record({
  isvSvn: u16,
  date: time,
  status: fc.constantFrom(...isvStatuses),
  advisories,
});
const anyModule = fc.record({
  mrSigner: bytes(48),
  attributes: bytes(8),
  attributesMask: bytes(8),
});
const anyModuleIdentity = fc
  .tuple(
    u8,
    anyModule,
    fc.uniqueArray(anyIsvLevel, { minLength: 1, maxLength: 4, selector: (one) => one.isvSvn }),
  )
  .map(([major, module, tcbLevels]) => ({
    id: `TDX_${major.toString(16).padStart(2, '0')}`,
    ...module,
    tcbLevels,
  }));
const head = {
  version: fc.constant(3 as const),
  issueDate: time,
  nextUpdate: time,
  fmspc: bytes(6),
  pceId: bytes(2),
  tcbType: fc.constant(0 as const),
  tcbEvaluationDataNumber: fc.nat(0xffffffff),
};
const anyLevels = <T extends number[] | null>(tdx: fc.Arbitrary<T>) =>
  fc.uniqueArray(
    fc.record({
      sgx: sixteen,
      pceSvn: u16,
      tdx,
      date: time,
      status: fc.constantFrom(...tcbStatuses),
      advisories,
    }),
    { minLength: 1, maxLength: 4, selector: ({ sgx, pceSvn, tdx }) => `${sgx} ${pceSvn} ${tdx}` },
  );
const anyInfo: fc.Arbitrary<TcbInfo> = fc.oneof(
  fc.record({
    ...head,
    id: fc.constant('SGX' as const),
    tdxModule: fc.constant(null),
    tdxModuleIdentities: fc.constant([]),
    tcbLevels: anyLevels(fc.constant(null)),
  }),
  fc.record({
    ...head,
    id: fc.constant('TDX' as const),
    tdxModule: anyModule,
    tdxModuleIdentities: fc.uniqueArray(anyModuleIdentity, {
      maxLength: 3,
      selector: ({ id }) => id,
    }),
    tcbLevels: anyLevels(sixteen),
  }),
);
