/** AWS Nitro's documents: what is read, and every other way to write one refused. */
import { describe, expect, test } from 'vitest';
import { encodeAsAws, type NitroDocumentOptions } from '#test/fake/nitro.ts';
import { type CborValue, encodeCbor } from '#verifier/abi/cbor.ts';
import { es384Header, parseCoseSign1, sigStructure } from '#verifier/abi/cose.ts';
import { looksLikeNitro, type NitroKind, parseNitro } from '#verifier/abi/nitro.ts';
import { type Bytes, concat, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';
import { nitro } from './nitro-scene.ts';

const fakes = { enclave: nitro(), tpm: nitro({ kind: 'tpm' }) };
const pcrsOf: Record<NitroKind, string> = { enclave: 'pcrs', tpm: 'nitrotpm_pcrs' };
const bytes = (length: number) => new Uint8Array(length).fill(7);

type Case = [name: string, options: NitroDocumentOptions, code: ErrorCode | null];
const written = (member: string, value: CborValue | undefined): NitroDocumentOptions => ({
  with: { [member]: value },
});

describe('what is read', () => {
  test('of an enclave', () => {
    const { document, moduleId, at, certificates } = fakes.enclave;
    const found = parseNitro(document({ nonce: bytes(32), userData: utf8('data') }));
    expect(found).toMatchObject({
      kind: 'enclave',
      moduleId,
      digest: 'SHA384',
      timestamp: at * 1000 + 346,
      certificate: certificates.leaf.der,
      publicKey: null,
      userData: utf8('data'),
      nonce: bytes(32),
    });
    expect(found.cabundle).toHaveLength(4);
    expect(found.cabundle[0]).toEqual(certificates.root.der);
    expect([...found.pcrs.keys()]).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(found.pcrs.get(4)).toEqual(new Uint8Array(48).fill(0xa4));
  });

  test('of an instance with NitroTPM', () => {
    const found = parseNitro(fakes.tpm.document({ publicKey: bytes(65) }));
    expect(found).toMatchObject({ kind: 'tpm', publicKey: bytes(65), userData: null, nonce: null });
    expect(found.pcrs.size).toBe(24);
    expect(found.pcrs.get(22)).toEqual(new Uint8Array(48).fill(0xff));
  });

  test('members in another order, and a map whose length is definite', () => {
    const { document } = fakes.enclave;
    const found = parseNitro(document());
    const again = document({
      editPayload: () =>
        encodeCbor(
          new Map<string, CborValue>([
            ['cabundle', found.cabundle],
            ['certificate', found.certificate],
            ['pcrs', found.pcrs],
            ['timestamp', found.timestamp],
            ['digest', found.digest],
            ['module_id', found.moduleId],
          ]),
        ),
    });
    const { cose: _, ...rest } = parseNitro(again);
    expect(found).toMatchObject(rest);
  });

  test('with tag 18 and without', () => {
    const plain = fakes.enclave.document();
    const tagged = concat(Uint8Array.of(0xd2), plain);
    expect(parseNitro(tagged)).toEqual(parseNitro(plain));
    expect(codeOf(() => parseNitro(concat(Uint8Array.of(0xd1), plain)))).toBe('cbor-malformed');
    expect(codeOf(() => parseNitro(concat(Uint8Array.of(0xd2, 0xd2), plain)))).toBe(
      'cbor-malformed',
    );
    expect([plain, tagged].map(looksLikeNitro)).toEqual([true, true]);
    expect([plain.subarray(1), plain.subarray(0, 6), utf8('{}')].map(looksLikeNitro)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('what is signed: Sig_structure of RFC 9052', () => {
    const { cose } = parseNitro(fakes.enclave.document());
    const head = `846a${toHex(utf8('Signature1'))}44a101382240`;
    const length = cose.payload.length.toString(16).padStart(4, '0');
    expect(toHex(sigStructure(cose))).toBe(`${head}59${length}${toHex(cose.payload)}`);
    expect(toHex(es384Header)).toBe('a1013822');
  });
});

describe.each(['enclave', 'tpm'] as const)('members of a document of kind %s', (kind) => {
  const { document } = fakes[kind];
  const pcrs = pcrsOf[kind];
  const other = pcrsOf[kind === 'enclave' ? 'tpm' : 'enclave'];
  const registers = (entries: readonly [number | string, CborValue][]) =>
    written(pcrs, new Map<number | string, CborValue>(entries));
  const many = (count: number) =>
    registers(Array.from({ length: count }, (_, index) => [index, bytes(48)]));
  const max = kind === 'enclave' ? 512 : 1024;

  const required = ['module_id', 'digest', 'timestamp', pcrs, 'certificate', 'cabundle'];
  test.each(required)('%s is there, and not null', (member) => {
    expect(codeOf(() => parseNitro(document()))).toBe(null);
    for (const value of [undefined, null]) {
      expect(codeOf(() => parseNitro(document(written(member, value))))).toMatch(
        /^(cbor-malformed|value-out-of-range)$/,
      );
    }
  });

  test.each(['public_key', 'user_data', 'nonce'])('%s may be left out or null', (member) => {
    expect(codeOf(() => parseNitro(document(written(member, undefined))))).toBe(null);
    expect(codeOf(() => parseNitro(document(written(member, null))))).toBe(null);
    expect(codeOf(() => parseNitro(document(written(member, 'text'))))).toBe('cbor-malformed');
  });

  const cases: Case[] = [
    ['an unknown member', written('debug', true), 'cbor-malformed'],
    ['both names of the registers', written(other, new Map([[0, bytes(48)]])), 'cbor-malformed'],
    ['a module id that is bytes', written('module_id', bytes(4)), 'cbor-malformed'],
    ['an empty module id', written('module_id', ''), 'cbor-malformed'],
    ['another digest', written('digest', 'SHA256'), 'value-out-of-range'],
    ['the first millisecond', written('timestamp', 1), null],
    ['no time', written('timestamp', 0), 'value-out-of-range'],
    ['a time before 1970', written('timestamp', -1), 'value-out-of-range'],
    ['the last time that can be shown', written('timestamp', 253_402_300_799_999), null],
    ['the next', written('timestamp', 253_402_300_800_000), 'value-out-of-range'],
    ['one register', registers([[31, bytes(32)]]), null],
    ['32 registers', many(32), null],
    ['none', registers([]), 'value-out-of-range'],
    ['33', many(33), 'value-out-of-range'],
    ['register 32', registers([[32, bytes(48)]]), 'value-out-of-range'],
    ['register -1', registers([[-1, bytes(48)]]), 'value-out-of-range'],
    ['a register by text', registers([['0', bytes(48)]]), 'value-out-of-range'],
    ['a register of 64 bytes', registers([[0, bytes(64)]]), null],
    ['a register of 47 bytes', registers([[0, bytes(47)]]), 'length-wrong'],
    ['a register that is text', registers([[0, 'x'.repeat(48)]]), 'cbor-malformed'],
    ['registers that are no map', written(pcrs, [bytes(48)]), 'cbor-malformed'],
    ['a certificate of 1024 bytes', written('certificate', bytes(1024)), null],
    ['of 1025', written('certificate', bytes(1025)), 'length-wrong'],
    ['an empty one', written('certificate', bytes(0)), 'length-wrong'],
    ['a bundle of one', written('cabundle', [bytes(1)]), null],
    ['an empty bundle', written('cabundle', []), 'value-out-of-range'],
    ['a bundle with an empty certificate', written('cabundle', [bytes(0)]), 'length-wrong'],
    ['a bundle of texts', written('cabundle', ['x']), 'cbor-malformed'],
    ['a bundle that is no array', written('cabundle', bytes(9)), 'cbor-malformed'],
    ['the longest nonce', { nonce: bytes(max) }, null],
    ['a longer one', { nonce: bytes(max + 1) }, 'length-wrong'],
    ['an empty nonce', { nonce: bytes(0) }, null],
    ['the longest user data', { userData: bytes(max) }, null],
    ['longer', { userData: bytes(max + 1) }, 'length-wrong'],
    ['the longest public key', { publicKey: bytes(1024) }, null],
    ['a longer key', { publicKey: bytes(1025) }, 'length-wrong'],
    ['an empty key', { publicKey: bytes(0) }, kind === 'enclave' ? 'length-wrong' : null],
  ];
  test.each(cases)('%s', (_, options, code) => {
    expect(codeOf(() => parseNitro(document(options)))).toBe(code);
  });
});

describe('the frame', () => {
  const frameCase = (edit: (frame: CborValue[]) => CborValue): NitroDocumentOptions => ({
    editFrame: (frame) => edit([...frame]),
  });
  const at = (place: number, value: CborValue) => frameCase((frame) => frame.with(place, value));
  const wholeMap = (payload: Bytes) => payload.subarray(1, -1);
  const cases: Case[] = [
    ['as it is', {}, null],
    ['five elements', frameCase((frame) => [...frame, 0]), 'cbor-malformed'],
    ['three', frameCase((frame) => frame.slice(0, 3)), 'cbor-malformed'],
    ['a map', frameCase(() => new Map()), 'cbor-malformed'],
    ['ES256', { protectedHeader: new Map([[1, -7]]) }, 'value-out-of-range'],
    ['no algorithm', { protectedHeader: new Map() }, 'value-out-of-range'],
    [
      'a key id beside the algorithm',
      {
        protectedHeader: new Map<number, CborValue>([
          [1, -35],
          [4, bytes(1)],
        ]),
      },
      'value-out-of-range',
    ],
    ['something unprotected', at(1, new Map([[1, -35]])), 'cbor-malformed'],
    ['a detached payload', at(2, null), 'cbor-malformed'],
    ['a short signature', at(3, bytes(95)), 'length-wrong'],
    ['a long one', at(3, bytes(97)), 'length-wrong'],
    ['a payload that is no map', { editPayload: () => encodeCbor([]) }, 'cbor-malformed'],
    ['a payload without its end', { editPayload: (all) => all.subarray(0, -1) }, 'length-wrong'],
    ['bytes after it', { editPayload: (all) => concat(all, bytes(1)) }, 'length-wrong'],
    [
      'a member twice',
      {
        editPayload: (all) =>
          concat(all.subarray(0, -1), wholeMap(encodeAsAws({ nonce: null })), Uint8Array.of(0xff)),
      },
      'cbor-malformed',
    ],
  ];
  test.each(cases)('%s', (_, options, code) => {
    expect(codeOf(() => parseNitro(fakes.enclave.document(options)))).toBe(code);
  });

  test('bytes after it, and another spelling of it', () => {
    const good = fakes.enclave.document();
    expect(codeOf(() => parseNitro(concat(good, bytes(1))))).toBe('length-wrong');
    const open = concat(Uint8Array.of(0x9f), good.subarray(1), Uint8Array.of(0xff));
    expect(codeOf(() => parseNitro(open))).toBe('cbor-malformed');
    const longHead = concat(fromHex('9804', 'head'), good.subarray(1));
    expect(codeOf(() => parseNitro(longHead))).toBe('cbor-malformed');
    expect(codeOf(() => parseCoseSign1(good, 'test'))).toBe(null);
  });
});

describe('hostile sizes', () => {
  test('a payload of 16,384 bytes at most', () => {
    const padded = (length: number) => {
      const cabundle = Array.from({ length: 14 }, () => bytes(1000));
      const short = parseNitro(fakes.enclave.document(written('cabundle', cabundle)));
      const rest = length - short.cose.payload.length;
      return fakes.enclave.document(written('cabundle', [...cabundle, bytes(rest - 3)]));
    };
    expect(parseNitro(padded(16_384)).cose.payload).toHaveLength(16_384);
    expect(codeOf(() => parseNitro(padded(16_385)))).toBe('length-wrong');
  });

  test('16 MiB end at once', () => {
    const start = fakes.enclave.document().subarray(0, 8);
    for (const fill of [0x00, 0x81, 0xa1, 0xbf, 0xff]) {
      const input = concat(start, new Uint8Array(16 * 1024 * 1024).fill(fill));
      const before = performance.now();
      expect(codeOf(() => parseNitro(input))).toBe('too-large');
      expect(performance.now() - before).toBeLessThan(1000);
    }
  });

  test('what fits and is nothing but nested maps, or keys', () => {
    const payloads = [0xbf, 0xa1, 0x81, 0xc1].map((head) => new Uint8Array(16_000).fill(head));
    const keys = Array.from({ length: 4000 }, (_, key) => encodeCbor(key + 70_000));
    const many = concat(Uint8Array.of(0xbf), ...keys.flatMap((key) => [key, key]).slice(0, 3000));
    for (const payload of [...payloads, many]) {
      const input = fakes.enclave.document({ editPayload: () => payload });
      expect(codeOf(() => parseNitro(input))).toMatch(/^(cbor-malformed|length-wrong)$/);
    }
  });
});
