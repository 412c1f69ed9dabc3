import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '#verifier/bytes.ts';
import { parseParameters, show } from '#verifier/guest-lint/command-line.ts';
import { maxDescriptionLength, parseDescription } from '#verifier/guest-lint/lint.ts';
import { parseUnit, programOf, valuesOf, wordsOf } from '#verifier/guest-lint/unit.ts';
import { codeOf } from '../code-of.ts';
import { changed, cleanGuest } from './guests.ts';
import { rows } from './mistakes.ts';

const read = (value: unknown) => parseDescription(utf8(JSON.stringify(value)));
const codeFor = (value: unknown) => codeOf(() => read(value));

describe('a description', () => {
  test('comes back as it was written', () => {
    for (const [, mistake] of rows) expect(read(changed(mistake))).toEqual(changed(mistake));
  });

  test('of another version, with other members or none, is refused', () => {
    const { name: _, ...nameless } = cleanGuest;
    const { boot } = cleanGuest;
    expect(codeFor(cleanGuest)).toBe(null);
    expect(codeFor({ ...cleanGuest, version: 2 })).toBe('version-unknown');
    expect(codeFor({ ...cleanGuest, more: 1 })).toBe('json-shape');
    expect(codeFor(nameless)).toBe('json-shape');
    expect(codeFor({ ...cleanGuest, boot: { ...boot, launch: 'disk' } })).toBe('json-shape');
    expect(codeFor({ ...cleanGuest, boot: { ...boot, parameters: ['a\nb'] } })).toBe('json-shape');
  });

  test('accepts rules that there are, each once', () => {
    const accepting = (...ids: string[]) => ({
      ...cleanGuest,
      accepted: ids.map((rule) => ({ rule, reason: 'x' })),
    });
    expect(codeFor(accepting('ssh', 'kexec'))).toBe(null);
    expect(codeFor(accepting('shh'))).toBe('json-shape');
    expect(codeFor(accepting('ssh', 'ssh'))).toBe('json-shape');
  });

  test('that is not JSON, not text or too large is refused', () => {
    const twice = `{"version":1,"version":1}`;
    expect(codeOf(() => parseDescription(utf8(twice)))).toBe('json-malformed');
    expect(codeOf(() => parseDescription(Uint8Array.of(0xff)))).toBe('utf8-malformed');
    const large = new Uint8Array(maxDescriptionLength + 1);
    expect(codeOf(() => parseDescription(large))).toBe('too-large');
  });

  test('of random bytes, or with a random member in a random place, is refused with a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(() => parseDescription(bytes))).not.toBe(null);
      }),
    );
    const members = Object.keys(cleanGuest);
    fc.assert(
      fc.property(fc.constantFrom(...members), fc.jsonValue(), (member, value) => {
        codeOf(() => read({ ...cleanGuest, [member]: value }));
      }),
    );
  });
});

describe('a command line', () => {
  test('loses its quotes, wherever they stand', () => {
    const found = parseParameters(['a="b c"', '"d"e=f', 'g', 'x-y=-=', 'ima_policy=a\tz']);
    expect(found.map(show)).toEqual(['a=b c', 'de=f', 'g', 'x_y=-=', 'ima_policy=a', 'z']);
  });

  test('hides nothing in quotes that one of its readers does not know', () => {
    const hidden = [`'systemd.run'=/x`, `'"' systemd.run=/x '"'`, 'systemd.r\\un=/x'];
    for (const line of hidden) {
      expect(parseParameters([line])).toContainEqual({ name: 'systemd.run', value: '/x' });
    }
  });

  test('of any words is read', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        for (const { name } of parseParameters(words)) expect(name).not.toMatch(/["'=\\-]/);
      }),
    );
  });
});

describe('a unit', () => {
  test('goes on after a backslash, over comments, and takes back by an empty value', () => {
    const settings = parseUnit(
      '[Service]\nExecStart=/a \\\n# note\n  b\n;c\nX=1\nX=\nX = 2\n[Install]\nAlias=y',
    );
    expect(valuesOf(settings, 'ExecStart')).toEqual(['/a    b']);
    expect(valuesOf(settings, 'X')).toEqual(['2']);
    expect(settings.at(-1)).toEqual({ section: 'Install', key: 'Alias', value: 'y' });
  });

  test('names its program behind marks and quotes', () => {
    expect(programOf('-+@/nix/a name')).toBe('/nix/a');
    expect(programOf(`"/with space/x" 'y z'`)).toBe('/with space/x');
    expect(wordsOf(`"A=1 2" B='3'`)).toEqual(['A=1 2', 'B=3']);
    expect(programOf('')).toBe('');
  });

  test('of any text is read', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const { value } of parseUnit(text)) wordsOf(value);
      }),
    );
  });
});
