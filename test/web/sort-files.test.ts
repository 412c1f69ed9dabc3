import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { boot, makeLog } from '#test/verifier/event-log/samples.ts';
import { bundleScene, hierarchyOf, reportScene, sampleNonce } from '#test/verifier/scene.ts';
import { encodeManifest } from '#verifier/abi/closure.ts';
import { encodeEventLog } from '#verifier/abi/event-log/parse.ts';
import { snpCertificateGuids } from '#verifier/abi/snp-certs.ts';
import { encodeTsmEvidence, type SnpCollateral } from '#verifier/abi/snp-forms.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, fromHex, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import type { VerifyOptions } from '#verifier/cli/verify-command.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseTime } from '#verifier/time.ts';
import { fileKindOf } from '#web/model/file-kinds.ts';
import { outerMembers } from '#web/model/json-kinds.ts';
import { judge } from '#web/model/judge.ts';
import { bundleWith } from '#web/model/save-bundle.ts';
import type { Source } from '#web/model/session.ts';
import { type GivenFile, type SortOptions, sortFiles } from '#web/model/sort-files.ts';
import { cliSays, droppedCase, type Said, saidOf } from './corpus-cases.ts';

const source: Source = { kind: 'files' };
const sort = (files: readonly GivenFile[], options: SortOptions = {}) =>
  sortFiles(files, source, options);
const named = (bytes: Bytes, name = 'file'): GivenFile => ({ name, bytes });
const kindOf = (bytes: Bytes) => fileKindOf(bytes).kind;

async function pageSays(
  files: readonly GivenFile[],
  at: string,
  options: SortOptions = {},
): Promise<Said> {
  const given = { files, source, policy: null, insecureRoot: null, at: parseTime(at) };
  const { verdict } = await judge(given, sort(files, options));
  const checks = verdict.checks.map(({ id, status }) => `${id} ${status}`);
  return { decision: verdict.decision, checks };
}

describe.runIf(hasShared)('the page judges as the command line', () => {
  test.each([
    'sev-snp/genoa-v3-vcek-openpcc-azure-sevsnp-report',
    'tdx/tdx10-v4-dcap-qvl-tdx-quote',
    'azure-snp-vtpm/trustee-az-snp-evidence-genoa',
    'azure-snp-vtpm/neg-genoa-pcr4',
    'azure-snp-vtpm/neg-genoa-foreign-tpm-quote',
    'azure-tdx-vtpm/attested-tls-azure-tdx-1764662251380464271',
    'azure-tdx-vtpm/neg-tdx-foreign-td-quote',
    'azure-tdx-vtpm/kinvolk-hcl-tdx',
    'aws-nitro/dstack-attest',
    'aws-nitro/dstack-attest-dbg',
    'nvidia/nvidia-sdk-hopper-535-vbios-rim',
    'nvidia/neg-hopper-chain-order',
    'nvidia/nvidia-sdk-switch-with-vbios-rim',
    'tpm-quote/go-tpm-tools-gce-cos-85-nonce9009',
    'tpm-quote/kinvolk-azure-vtpm-quote',
  ])('%s, in whatever order its files come', async (name) => {
    const { files, at, nonce, trustKeys } = await droppedCase(name);
    const given = files.map(({ buffer }) => named(new Uint8Array(buffer))).toReversed();
    const sent = nonce === null ? null : fromHex(nonce, 'nonce');
    expect(await pageSays(given, at, { nonce: sent, trustKeys })).toEqual(await cliSays(name));
  });

  test('a quote and its event log', async () => {
    const folder = 'corpus/tdx-ccel/gcp-cos113';
    const at = '2025-01-01T00:00:00Z';
    const log = sharedFile(`${folder}/ccel.bin`);
    const files = [named(log), named(sharedFile(`${folder}/quote.bin`))];
    const options = {
      quote: sharedPath(`${folder}/quote.bin`),
      eventLog: sharedPath(`${folder}/ccel.bin`),
      at,
    };
    expect(await pageSays(files, at)).toEqual(await saidOf(options));
    expect(sort(files).evidence).toMatchObject({ form: 'quote', eventLog: log });
  });

  describe('of files that are damaged', () => {
    let folder = '';
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'affidavit-sort-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    /** Both get the same file with one byte changed, everything else as it is. */
    async function saysOfDamaged(
      inputs: VerifyOptions,
      option: 'report' | 'vek' | 'chain' | 'crl' | 'tcbInfo' | 'tcbSigningChain' | 'pckCrl',
      damage: (bytes: Bytes) => Bytes,
    ) {
      const path = join(folder, option);
      const original = new Uint8Array(readFileSync(String(inputs[option])));
      const damaged = damage(original);
      writeFileSync(path, damaged);
      const options = { ...inputs, [option]: path };
      const { at = '', ...paths } = options;
      const files = Object.values(paths).map((one) =>
        named(new Uint8Array(readFileSync(String(one)))),
      );
      return { cli: await saidOf(options), page: await pageSays(files, at) };
    }

    const snp: VerifyOptions = {
      report: sharedPath('corpus/sev-snp/genoa-v3-vcek-openpcc-azure-sevsnp-report/report.bin'),
      vek: sharedPath('corpus/sev-snp/genoa-v3-vcek-openpcc-azure-sevsnp-report/vcek.der'),
      chain: sharedPath('corpus/collateral/amd/genoa-vcek-chain.pem'),
      crl: sharedPath('corpus/collateral/amd/genoa-ark-crl.der'),
      at: '2025-07-17T00:00:00Z',
    };
    const intel = 'corpus/collateral/intel';
    const tdx: VerifyOptions = {
      quote: sharedPath('corpus/tdx/tdx10-v4-dcap-qvl-tdx-quote/quote.bin'),
      tcbInfo: sharedPath(`${intel}/tcbinfo-tdx-b0c06f000000-2025-06-19-e17.json`),
      tcbSigningChain: sharedPath(`${intel}/tcb-signing-2025-05-06.pem`),
      qeIdentitySigningChain: sharedPath(`${intel}/tcb-signing-2025-05-06.pem`),
      qeIdentity: sharedPath(`${intel}/td-qe-identity-2025-06-19-e17.json`),
      pckCrl: sharedPath(`${intel}/pck-platform-crl-2025-06-19-e583e9.der`),
      rootCaCrl: sharedPath(`${intel}/root-ca-crl-2025-03-20.der`),
      at: '2025-07-04T10:16:31Z',
    };
    const flip = (at: number) => (bytes: Bytes) =>
      bytes.map((byte, i) => (i === at ? byte ^ 0xff : byte));
    const cut = (length: number) => (bytes: Bytes) => bytes.slice(0, length);

    test.each([
      ['a VCEK whose version is none', snp, 'vek', flip(10)],
      ['a VCEK whose serial number is none', snp, 'vek', flip(14)],
      ['a VCEK of another algorithm', snp, 'vek', flip(30)],
      ['a report that is cut off', snp, 'report', cut(1000)],
      ['a report with bytes behind it', snp, 'report', (b: Bytes) => new Uint8Array([...b, 1])],
      ['a report of an unknown version', snp, 'report', flip(0)],
      ['a list of another version', snp, 'crl', flip(10)],
      ['a TCB info that is cut off', tdx, 'tcbInfo', cut(900)],
      ['a list that is changed', tdx, 'pckCrl', flip(120)],
    ] as const)('%s', async (_, inputs, option, damage) => {
      const { cli, page } = await saysOfDamaged(inputs, option, damage);
      expect(page).toEqual(cli);
      expect(cli.decision).toBe('invalid');
    });

    test('an ASK in a file of its own', async () => {
      const chain = new Uint8Array(readFileSync(String(snp.chain)));
      const { collateral } = sort([named(new Uint8Array(1184)), named(chain)]);
      const der = collateral.find(({ kind }) => kind === 'ask')?.data as Bytes;
      const alone = join(folder, 'ask.der');
      writeFileSync(alone, der);
      const { cli, page } = await saysOfDamaged({ ...snp, chain: alone }, 'chain', flip(12));
      expect(page).toEqual(cli);
      expect(cli.checks).toContain('chain.issuer-certificate fail');
    });

    test('a chain in which one certificate cannot be read', async () => {
      const damage = (bytes: Bytes) => {
        const text = Buffer.from(bytes).toString();
        // The version of the first certificate: 2 becomes 7.
        const start = text.indexOf('-----\n') + 6;
        const body = Buffer.from(text.slice(start, text.indexOf('-----END')), 'base64');
        body[12] = 7;
        const again = `${body.toString('base64')}\n`;
        return utf8(text.slice(0, start) + again + text.slice(text.indexOf('-----END')));
      };
      const { cli, page } = await saysOfDamaged(snp, 'chain', damage);
      expect(page).toEqual(cli);
      expect(cli.checks).toContain('chain.issuer-certificate fail');
    });
  });
});

if (!hasShared) test.skip(`the page judges as the command line: ${sharedMissing}`, () => {});

describe('what a file is', () => {
  const json = (value: unknown) => utf8(JSON.stringify(value));
  const path = `/nix/store/${'a'.repeat(32)}-x`;

  test.each([
    ['tcb-info', json({ tcbInfo: {}, signature: '' })],
    ['tcb-info', utf8('{ "signature": "", "tcbInfo": {"version": ')],
    ['qe-identity', json({ enclaveIdentity: {}, signature: '' })],
    ['azure-evidence', json({ version: 1, tpm_quote: {}, hcl_report: '' })],
    ['azure-evidence', json({ platform: 'az-snp', evidence: { tpm_quote: {} } })],
    ['azure-evidence', json({ quote: {}, report: [], vcek: '' })],
    ['tpm-evidence', json({ version: 1, quotes: [], certificates: [] })],
    ['nvidia', json([{ arch: 'HOPPER', certificate: '', evidence: '' }])],
    ['nvidia', json({ nonce: '', arch: '', evidence_list: [] })],
    ['nvidia', json({ version: 1, evidence: '', certificates: [] })],
    ['event-log', json([{ imr: 0, digest: '' }])],
    ['pcrs', json({ sha256: { 0: '' }, sha1: {} })],
    ['pcrs', json([toHex(new Uint8Array(32)), toHex(new Uint8Array(32))])],
    ['pcrs', utf8('sha256:\n  0 : 0x00\n')],
    ['tree-proof', json({ version: 1, root: '', name: '', present: true, proof: '' })],
    ['proof-file', json({ version: 3, commitments: {}, key: {}, machine: {}, response: {} })],
    ['proof-file', json({ version: 1, circuit: '', artifact: '', proof: '', disclosed: null })],
    ['response', json({ version: 1, service: '', nonce: '', time: 0, signature: '' })],
    ['demands', json({ version: 1, name: '', accepted: [], levels: [], revoked: [] })],
    ['verdict', json({ decision: 'accepted', checks: [] })],
    ['policy', json(genuinePolicy)],
    ['policy', utf8('# ours\nversion: 1\nname: ours\nclosureDigest: any\n')],
    ['bundle', utf8('{"version":1,"platform":"tdx","evidence":"AA')],
    ['bundle', utf8('{"__proto__":{},"evidence":""}')],
    ['json', utf8('{"evid')],
    ['json', json({ nested: { evidence: '' } })],
    ['manifest', encodeManifest([{ path, narHash: new Uint8Array(32) }])],
    ['public-key', utf8('-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n')],
    ['private-key', utf8('-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n')],
    ['certificates', utf8('-----BEGIN CERTIFICATE-----\nAA')],
    ['revocation-lists', utf8('-----BEGIN X509 CRL-----\nAA')],
    ['event-log', encodeEventLog(makeLog(boot))],
    ['event-log', encodeEventLog(makeLog(boot, ['sha1'], 'sha1'))],
    ['token', utf8('eyJhbGciOiJFUzI1NiJ9.e30.c2ln\n')],
    ['rim', utf8('<?xml version="1.0"?>\n<SoftwareIdentity name="x">')],
    ['text', utf8('Dear auditor,\nhere it is.\n')],
    ['binary', Uint8Array.of(1, 2, 3)],
    ['empty', new Uint8Array()],
  ] as const)('%s', (kind, bytes) => {
    expect(kindOf(bytes)).toBe(kind);
  });

  test('a report and a certificate in each of their spellings', async () => {
    const { evidence, collateral } = await reportScene();
    const report = 'bytes' in evidence ? evidence.bytes : new Uint8Array();
    const vek = collateral.find(({ kind }) => kind === 'vek')?.data as Bytes;
    const list = collateral.find(({ kind }) => kind === 'ark-crl')?.data as Bytes;
    const inLines = toBase64(report).replace(/.{76}/g, '$&\r\n');
    for (const one of [
      report,
      utf8(toHex(report)),
      utf8(toHex(report).toUpperCase()),
      utf8(inLines),
    ])
      expect(fileKindOf(one)).toEqual({ kind: 'snp-report', bytes: report });
    expect(kindOf(vek)).toBe('certificates');
    expect(kindOf(utf8(toBase64(vek)))).toBe('certificates');
    expect(kindOf(list)).toBe('revocation-lists');
  });

  test('members are seen in what no parser takes', () => {
    const seen = (text: string) => [...outerMembers(text)];
    expect(seen('{"a":1,"b":{"c":2},"d":["e"],"f\\"g":0')).toEqual(['a', 'b', 'd', 'f\\"g']);
    expect(seen('[{"a":1},{"b":2}]')).toEqual(['a']);
    expect(seen('{"a":1,"a":2}{"b":3}')).toEqual(['a']);
    expect(seen(`{"deep":${'['.repeat(100_000)}`)).toEqual(['deep']);
    expect(seen('"a":1')).toEqual([]);
  });
});

describe('what belongs together', () => {
  test('a bundle, a manifest of its own and another, a tree proof, and what has no part', async () => {
    const { evidence } = await bundleScene();
    const bundle = 'bytes' in evidence ? evidence.bytes : new Uint8Array();
    const manifest = (contents: number) =>
      encodeManifest([
        { path: `/nix/store/${'a'.repeat(32)}-x`, narHash: new Uint8Array(32).fill(contents) },
      ]);
    const proof = utf8('{"version":1,"present":true,"proof":""}');
    const sorted = sort([
      named(proof, 'proof.json'),
      named(manifest(1), 'now'),
      named(bundle, 'bundle.json'),
      named(manifest(2), 'then'),
      named(utf8('{"decision":"accepted","checks":[]}'), 'verdict.json'),
    ]);
    expect(sorted.evidence).toEqual({
      form: 'bundle',
      bytes: bundle,
      nonce: null,
      connection: null,
    });
    expect(sorted.manifest).toEqual(manifest(1));
    expect(sorted.otherManifests).toEqual([manifest(2)]);
    expect(sorted.treeProofs).toEqual([proof]);
    expect(sorted.files.map(({ used }) => used)).toEqual([true, true, true, true, false]);
    expect(sorted.files.at(-1)?.note).toMatch(/judged anew/);
  });

  test('of two reports the first counts, and the other is told so', async () => {
    const { evidence } = await reportScene();
    const first = 'bytes' in evidence ? evidence.bytes : new Uint8Array();
    const second = first.map((byte, i) => (i === 0x50 ? byte ^ 1 : byte));
    const sorted = sort([named(first, 'a'), named(second, 'b')]);
    expect(sorted.evidence).toEqual({ form: 'report', bytes: first });
    expect(sorted.files.map(({ used }) => used)).toEqual([true, false]);
    expect(sorted.files[1]?.note).toMatch(/Compare/);
  });

  test('a report and its host’s table in a file of its own', async () => {
    const { evidence, collateral } = await reportScene();
    const report = 'bytes' in evidence ? evidence.bytes : new Uint8Array();
    const vek = collateral.find(({ kind }) => kind === 'vek')?.data as Bytes;
    const inTable: SnpCollateral = { kind: 'vek', data: vek, guid: snpCertificateGuids.vcek };
    const blobs = encodeTsmEvidence({ report, collateral: [inTable], extras: [] });
    const sorted = sort([
      named(blobs.auxblob as Bytes, 'auxblob'),
      named(blobs.outblob, 'outblob'),
    ]);
    expect(sorted.evidence).toEqual({ form: 'report', bytes: report, certificateTable: [] });
    expect(sorted.collateral).toEqual([{ kind: 'vek', data: vek, guid: snpCertificateGuids.vcek }]);
    expect(sorted.files.every(({ used }) => used)).toBe(true);
  });

  test('of one object given twice one is used', async () => {
    const { evidence, collateral } = await reportScene();
    const report = 'bytes' in evidence ? evidence.bytes : new Uint8Array();
    const certificates = collateral.map(({ data }) => named(data));
    const sorted = sort([named(report), ...certificates, ...certificates]);
    expect(sorted.collateral).toHaveLength(collateral.length);
    expect(new Set(sorted.collateral.map(({ kind }) => kind))).toEqual(
      new Set(['vek', 'ask', 'ark', 'ark-crl']),
    );
  });

  test('evidence of an agent answers the nonce of its question, over a connection that is not seen', async () => {
    const { evidence } = await bundleScene();
    const bundle = 'bytes' in evidence ? evidence.bytes : new Uint8Array();
    const from = (url: string) =>
      sortFiles([named(bundle)], { kind: 'agent', url, nonce: sampleNonce }).evidence;
    expect(from('https://host/attestation')).toMatchObject({
      nonce: sampleNonce,
      connection: { channel: 'unknown' },
    });
    expect(from('http://host/attestation')).toMatchObject({ connection: { channel: null } });
  });

  test('a bundle is saved with what stood beside it, once', async () => {
    const scene = await bundleScene({ edit: () => ({ collateral: [] }) });
    const bundle = 'bytes' in scene.evidence ? scene.evidence.bytes : new Uint8Array();
    const { ark, ask } = await hierarchyOf('Milan');
    const { collateral } = sort([named(bundle), named(ask.der), named(ark.der)]);
    const saved = bundleWith(bundle, collateral, scene.now);
    const kinds = JSON.parse(Buffer.from(saved).toString()).collateral.map(
      ({ kind }: { kind: string }) => kind,
    );
    expect(kinds).toEqual(['ask', 'ark']);
    expect(bundleWith(saved, collateral, scene.now)).toEqual(saved);
  });
});

describe('a TPM’s key', () => {
  const key = '-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n';
  const files = [
    named(Uint8Array.of(0xff, 0x54, 0x43, 0x47), 'message'),
    named(new Uint8Array(256).fill(0xab), 'signature'),
    named(utf8('{"sha256":{"0":"00"}}'), 'pcrs.json'),
    named(utf8(key), 'ak.pem'),
  ];

  test.runIf(hasShared)('is trusted when the reader says so, and never by itself', async () => {
    const dropped = await droppedCase('tpm-quote/kinvolk-azure-vtpm-quote');
    const given = dropped.files.map(({ name, buffer }) => named(new Uint8Array(buffer), name));
    const keysOf = (options: SortOptions) => {
      const { evidence } = sort(given, options);
      return evidence.form === 'tpm-quote' ? evidence.trustedKeys.length : null;
    };
    expect(keysOf({})).toBe(0);
    expect(keysOf({ trustKeys: true })).toBe(1);
    const note = sort(given).files.find(({ kind }) => kind === 'public-key')?.note;
    expect(note).toMatch(/^Not trusted/);
  });

  test('a message without its signature is refused, with what is missing', () => {
    const [message, , pcrs] = files as [GivenFile, GivenFile, GivenFile];
    expect(() => sort([message, pcrs])).toThrow('1 TPM quotes, 0 signatures and 1 files');
    expect(codeOf(() => sort([message, pcrs]))).toBe('form-unknown');
  });
});

describe('what is refused', () => {
  const raw = () =>
    reportScene().then(({ evidence }) => ('bytes' in evidence ? evidence.bytes : new Uint8Array()));

  test('files of which none is evidence: by name where it is one', () => {
    expect(codeOf(() => sort([]))).toBe('form-unknown');
    expect(() => sort([named(utf8('hello there'), 'a.txt')])).toThrow(
      'a.txt: no evidence: Unknown text',
    );
    expect(() => sort([named(utf8('x'), 'a'), named(utf8('y'), 'b')])).toThrow(
      'none of these 2 files is evidence',
    );
  });

  test('JSON that no parser takes, in the parser’s words', () => {
    const deep = `{"a":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`;
    expect(() => sort([named(utf8(deep), 'deep.json')])).toThrow(
      /^deep\.json: .*nested more than 32/,
    );
    expect(codeOf(() => sort([named(utf8(deep))]))).toBe('json-malformed');
    expect(codeOf(() => sort([named(utf8('{"a":1}'))]))).toBe('form-unknown');
  });

  test('evidence with a member that is no one’s gets a verdict that says so', async () => {
    const hostile = named(utf8('{"__proto__":{"version":1},"evidence":"AA=="}'));
    const said = await pageSays([hostile], '2026-01-01T00:00:00Z');
    expect(said.decision).toBe('invalid');
    expect(said.checks[0]).toBe('parse.bundle fail');
  });

  test('a nonce that raw evidence cannot answer', async () => {
    const report = named(await raw());
    expect(codeOf(() => sort([report]))).toBeNull();
    expect(codeOf(() => sort([report], { nonce: sampleNonce }))).toBe('value-out-of-range');
  });

  test('a device’s report without its certificates', async () => {
    const dropped = Uint8Array.of(0x11, 0xe0, 0x01, 0xff, ...new Uint8Array(60));
    if (kindOf(dropped) !== 'nvidia-report') throw new Error('the sample is no device’s report');
    expect(() => sort([named(dropped, 'gpu.bin')])).toThrow('gpu.bin: a device’s report alone');
    const { ask, vcek } = await hierarchyOf('Milan');
    const chain = named(new Uint8Array([...vcek.der, ...ask.der]));
    expect(sort([named(dropped), chain]).evidence).toMatchObject({ form: 'gpu' });
  });

  test('of rubbish: nothing worse than a refusal', () => {
    const starts = [
      '',
      '{',
      '[{',
      '0\x82',
      '\xffTCG',
      'HCLA',
      '\x04\x00\x02\x00\x81\x00\x00\x00',
      '\x02\x00\x00\x00',
      '\x0a\x40',
      '-----BEGIN ',
      '<SoftwareIdentity',
    ];
    const file = fc
      .tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 1400 }))
      .map(([start, rest]) => named(new Uint8Array([...Buffer.from(start, 'latin1'), ...rest])));
    const text = fc.string({ maxLength: 300 }).map((one) => named(utf8(one.toWellFormed())));
    const members = fc.json().map((one) => named(utf8(one)));
    fc.assert(
      fc.property(fc.array(fc.oneof(file, text, members), { maxLength: 5 }), (files) => {
        try {
          const sorted = sort(files, { trustKeys: true });
          expect(sorted.files).toHaveLength(files.length);
        } catch (error) {
          if (!(error instanceof AttestationError)) throw error;
          expect(error.remedy).not.toBe('');
        }
      }),
      { numRuns: 100 },
    );
  });
});
