/** The verdict on a terminal: complete, narrow, harmless, and the same without colour. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { entryOf, stages } from '#verifier/checks.ts';
import { coloured, columnsFor, paintFor } from '#verifier/cli/colour.ts';
import { withSpinner } from '#verifier/cli/spinner.ts';
import { decisionLine } from '#verifier/words/decision-line.ts';
import { cut, harmless, shortHex } from '#verifier/words/lines.ts';
import { renderVerdict } from '#verifier/words/verdict.ts';
import { quoteScene, strictIntelPolicy } from '../intel-scene.ts';
import { bundleScene, reportScene, strictPolicy, verdictOf, without } from '../scene.ts';

const lengths = (text: string) => text.split('\n').map((line) => [...line].length);
const last = (text: string) => text.trimEnd().split('\n').at(-1);

let verdicts: [Verdict, typeof genuinePolicy][];
beforeAll(async () => {
  const strict = await strictPolicy();
  verdicts = [
    [await verdictOf(await bundleScene()), genuinePolicy],
    [await verdictOf(await bundleScene(), strict), strict],
    [await verdictOf(await bundleScene({ fields: { guestSvn: 9 } }), strict), strict],
    [await verdictOf(without(await reportScene(), 'vek')), genuinePolicy],
    [await verdictOf(without(await reportScene(), 'ark-crl')), genuinePolicy],
    [await verdictOf(quoteScene({ now: 4_000_000_000 })), genuinePolicy],
    [await verdictOf(quoteScene(), strictIntelPolicy()), strictIntelPolicy()],
  ];
});

test.each([60, 80, 100])('fits %i columns, one line a check, the decision last', (columns) => {
  for (const [verdict, policy] of verdicts) {
    const text = renderVerdict(verdict, policy, { columns });
    expect(Math.max(...lengths(text))).toBeLessThanOrEqual(columns);
    const shown = text
      .split('\n')
      .filter((line) => /^ {2}(?:pass|FAIL|skip|waived) +\S/.test(line));
    expect(shown.map((line) => line.trim().split(/ +/)[1])).toEqual(
      stages.flatMap((stage) =>
        verdict.checks.filter((check) => check.stage === stage).map(({ id }) => id),
      ),
    );
    expect(last(text)).toBe(decisionLine(verdict, policy, columns));
    expect(last(text)).toMatch(new RegExp(`^${verdict.decision.toUpperCase()}\\b`));
  }
});

test('every failure comes with why, expected, actual and what to do', () => {
  const flat = (text: string) => text.replace(/\s+/g, '');
  for (const [verdict, policy] of verdicts) {
    const text = flat(renderVerdict(verdict, policy));
    for (const { id, status, reason, expected, actual } of verdict.checks) {
      if (status !== 'fail') continue;
      const wanted = `${id}why${reason}expected${expected}actual${actual}do${entryOf(id).remedy}`;
      expect(text).toContain(flat(wanted));
    }
  }
});

test('an acceptance says how much of the software is named', async () => {
  const partly = toPolicy({
    ...genuinePolicy,
    tdx: { ...genuinePolicy.tdx, mrTd: ['4d'.repeat(48)] },
  });
  expect(decisionLine(await verdictOf(quoteScene()), genuinePolicy)).toBe(
    'ACCEPTED under policy "genuine", which names no software',
  );
  expect(decisionLine(await verdictOf(quoteScene(), partly), partly)).toBe(
    'ACCEPTED under policy "genuine", which does not name all of the software',
  );
  const strict = await strictPolicy();
  expect(decisionLine(await verdictOf(await bundleScene(), strict), strict)).toBe(
    'ACCEPTED under policy "strict"',
  );
});

describe('colour', () => {
  const shows = (isTTY: boolean | undefined, env: Record<string, string>) =>
    paintFor({ isTTY }, env)('bad', 'x') !== 'x';

  test('is for terminals that can, and stays away where it is not wanted', () => {
    expect(shows(true, {})).toBe(true);
    expect(shows(true, { NO_COLOR: '', TERM: 'xterm' })).toBe(true);
    expect(shows(undefined, {})).toBe(false);
    expect(shows(true, { NO_COLOR: '1' })).toBe(false);
    expect(shows(true, { TERM: 'dumb' })).toBe(false);
  });

  test('changes no character of the text', () => {
    for (const [verdict, policy] of verdicts) {
      const painted = renderVerdict(verdict, policy, { paint: coloured });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(renderVerdict(verdict, policy));
      expect(painted).not.toBe(renderVerdict(verdict, policy));
    }
  });

  test('a terminal’s width counts within bounds', () => {
    expect([20, 80, 300, 0].map((columns) => columnsFor({ isTTY: true, columns }))).toEqual([
      60, 80, 100, 100,
    ]);
    expect(columnsFor({ columns: 80 })).toBe(100);
  });
});

describe('untrusted text', () => {
  test('moves no cursor and turns no direction', () => {
    expect(harmless('a\u001b[2Jb\u202ec\nd')).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{a}d');
    expect(harmless('the chip’s key ← ARK')).toBe('the chip’s key ← ARK');
    const [[verdict, policy]] = verdicts as [[Verdict, typeof genuinePolicy]];
    const checks = verdict.checks.map((check) => ({ ...check, actual: '\u001b]0;owned\u0007' }));
    const text = renderVerdict({ ...verdict, checks }, policy);
    expect(text).not.toMatch(/[^\P{C}\n]/u);
  });

  test('is cut to its room, never beyond', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 40 }),
        (text, room) => {
          const shown = cut(text, room);
          expect([...shown].length).toBeLessThanOrEqual(room);
          if ([...text].length <= room) expect(shown).toBe(text);
          else expect(shown.endsWith('…')).toBe(true);
        },
      ),
    );
  });

  test('digests are shown by their ends', () => {
    expect(shortHex(`ID key ${'4d'.repeat(48)}`)).toBe('ID key 4d4d4d4d…4d4d4d4d, 48 bytes');
    expect(shortHex('00'.repeat(32))).toBe('32 zero bytes');
    expect(shortHex('4d'.repeat(16))).toBe('4d'.repeat(16));
  });
});

describe('the spinner', () => {
  const wait = () => new Promise((resolve) => setTimeout(resolve, 400, 'done'));
  const stream = (isTTY: boolean) => {
    const written: string[] = [];
    return { isTTY, columns: 30, written, write: (text: string) => written.push(text) };
  };

  test('turns on a terminal and leaves nothing behind', async () => {
    const terminal = stream(true);
    expect(await withSpinner('asking\u001b[2J', wait, terminal, {})).toBe('done');
    expect(terminal.written.length).toBeGreaterThan(1);
    expect(terminal.written.join('')).not.toContain('\u001b[2J');
    expect(terminal.written.at(-1)).toBe('\r\u001b[K');
  });

  test('is silent elsewhere, and when the answer is quick', async () => {
    const [file, dumb, quick] = [stream(false), stream(true), stream(true)];
    await withSpinner('asking', wait, file, {});
    await withSpinner('asking', wait, dumb, { TERM: 'dumb' });
    await expect(
      withSpinner('asking', () => Promise.reject(new Error('no')), quick, {}),
    ).rejects.toThrow('no');
    expect([file.written, dumb.written, quick.written]).toEqual([[], [], []]);
  });
});
