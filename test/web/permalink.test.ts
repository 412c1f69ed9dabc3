import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bundleScene } from '#test/verifier/scene.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import {
  decodeLink,
  encodeLink,
  type Linked,
  maxLinkedFiles,
  maxLinkedLength,
} from '#web/model/permalink.ts';

const file = (name: string, ...bytes: number[]) => ({ name, bytes: Uint8Array.of(...bytes) });
const plain: Linked = { files: [file('a', 1, 2)], policy: null, insecureRoot: null, at: null };

/** As a link holds it, of whatever content. */
const linkOf = (content: Bytes) => deflateRawSync(content).toString('base64url');

async function codeOf(run: Promise<unknown>): Promise<string | null> {
  try {
    await run;
    return null;
  } catch (error) {
    if (error instanceof AttestationError) return error.code;
    throw error;
  }
}

describe('a link', () => {
  const name = fc.string({ maxLength: 40, unit: 'binary' }).map((one) => one.toWellFormed());
  const files = fc.record({ name, bytes: fc.uint8Array({ maxLength: 400 }) });
  const linked = fc.record({
    files: fc.array(files, { minLength: 1, maxLength: 5 }),
    policy: fc.option(files),
    insecureRoot: fc.option(files),
    at: fc.option(fc.nat()),
  });

  test('gives back what went into it', async () => {
    await fc.assert(
      fc.asyncProperty(linked, async (one) => {
        const data = await encodeLink(one);
        expect(data).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(await decodeLink(data)).toEqual(one);
      }),
      { numRuns: 50 },
    );
  });

  test('holds a bundle in less than its own length, in letters that an address may hold', async () => {
    const { evidence, now } = await bundleScene();
    const bytes = 'bytes' in evidence ? evidence.bytes : new Uint8Array();
    const data = await encodeLink({ ...plain, files: [{ name: 'b', bytes }], at: now });
    expect(data.length).toBeLessThan(bytes.length);
    expect(data).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test('cuts a name that is too long, at a whole character', async () => {
    const long = { name: '⚖'.repeat(200), bytes: Uint8Array.of(1) };
    const { files: found } = await decodeLink(await encodeLink({ ...plain, files: [long] }));
    expect(found[0]?.name).toBe('⚖'.repeat(85));
  });

  test('is refused where it is changed, never misread into an exception', async () => {
    const data = await encodeLink({ ...plain, policy: file('p', 3), at: 5 });
    for (let i = 0; i < data.length; i++) {
      const other = data[i] === 'A' ? 'B' : 'A';
      await codeOf(decodeLink(data.slice(0, i) + other + data.slice(i + 1)));
      expect(await codeOf(decodeLink(data.slice(0, i)))).not.toBeNull();
    }
  });
});

describe('a link is refused', () => {
  const whole = [1, 0, 1, 0, 1, 0x61, 2, 0, 0, 0, 7, 8];

  test('twin: this content is taken', async () => {
    const found = await decodeLink(linkOf(Uint8Array.of(...whole)));
    expect(found).toEqual({ ...plain, files: [file('a', 7, 8)] });
  });

  test.each([
    ['of another version', 'version-unknown', [2, ...whole.slice(1)]],
    ['with an unknown flag', 'value-out-of-range', [1, 8, ...whole.slice(2)]],
    ['with a byte behind its end', 'length-wrong', [...whole, 0]],
    ['that ends early', 'length-wrong', whole.slice(0, -1)],
    ['without a file', 'value-out-of-range', [1, 0, 0, 0]],
    ['with too many files', 'value-out-of-range', [1, 0, 1, 1, ...whole.slice(4)]],
    ['with a name that is no UTF-8', 'utf8-malformed', [1, 0, 1, 0, 1, 0xff, 0, 0, 0, 0]],
    [
      'with a time that is none',
      'value-out-of-range',
      [1, 1, 0, 0, 0, 0, 0, 0, 0, 0xff, ...whole.slice(2)],
    ],
    ['that is empty inside', 'length-wrong', []],
  ])('%s', async (_, code, content) => {
    expect(await codeOf(decodeLink(linkOf(Uint8Array.of(...content))))).toBe(code);
  });

  test('that is no base64url, or nothing', async () => {
    const data = linkOf(Uint8Array.of(...whole));
    expect(await codeOf(decodeLink(`${data}=`))).toBe('base64-malformed');
    expect(await codeOf(decodeLink(`${data} `))).toBe('base64-malformed');
    expect(await codeOf(decodeLink(''))).toBe('length-wrong');
  });

  test('with bytes behind the packed ones', async () => {
    const packed = deflateRawSync(Uint8Array.of(...whole));
    const more = Buffer.concat([packed, Buffer.of(0)]).toString('base64url');
    expect(await codeOf(decodeLink(more))).toBe('length-wrong');
  });

  test('that unpacks to more than 16 MiB', async () => {
    // Flushed so that it can be repeated: 17 of them are one too many.
    const mebibyte = deflateRawSync(new Uint8Array(1 << 20), {
      finishFlush: constants.Z_FULL_FLUSH,
    });
    const bomb = (times: number) =>
      Buffer.concat([...Array.from({ length: times }, () => mebibyte), deflateRawSync('')]);
    expect(await codeOf(decodeLink(bomb(17).toString('base64url')))).toBe('too-large');
    expect(await codeOf(decodeLink(bomb(60).toString('base64url')))).toBe('too-large');
    expect(await codeOf(decodeLink(bomb(15).toString('base64url')))).toBe('version-unknown');
  });

  test('that would hold more than a link may', async () => {
    const large = { name: 'x', bytes: new Uint8Array(maxLinkedLength) };
    expect(await codeOf(encodeLink({ ...plain, files: [large] }))).toBe('too-large');
    const many = Array.from({ length: maxLinkedFiles + 1 }, (_, i) => file(String(i), i & 255));
    expect(await codeOf(encodeLink({ ...plain, files: many }))).toBe('too-large');
    expect(await codeOf(encodeLink({ ...plain, files: many.slice(1) }))).toBeNull();
  });

  test('every refusal says what to do', async () => {
    const error = await decodeLink(linkOf(utf8('no link'))).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(AttestationError);
    expect((error as AttestationError).remedy).toMatch(/whole link/);
  });
});
