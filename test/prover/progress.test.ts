import { describe, expect, test } from 'vitest';
import { createProgress } from '#prover/progress.ts';

function recorder(isTTY: boolean) {
  let text = '';
  let now = 0;
  const output = {
    isTTY,
    write(part: string) {
      text += part;
    },
  };
  const progress = createProgress(output, () => now);
  return { progress, text: () => text, pass: (ms: number) => (now += ms) };
}

describe('progress', () => {
  test('a pipe gets one line a stage', async () => {
    const { progress, text, pass } = recorder(false);
    progress.note('about 40 MB');
    expect(await progress.stage('proving', 0.6, async () => pass(740))).toBe(740);
    await progress.stage('deriving', null, async () => pass(100));
    expect(text()).toBe(
      `about 40 MB\n${'proving'.padEnd(28)} 0.7 s (expected about 0.6 s)\n${'deriving'.padEnd(28)} 0.1 s\n`,
    );
  });

  test('a terminal sees the stage from its start', async () => {
    const { progress, text } = recorder(true);
    let during = '';
    await progress.stage('proving', 0.6, async () => {
      during = text();
    });
    expect(during).toMatch(/^\r.*proving +0\.0 s \(expected about 0\.6 s\)$/);
    expect(text().split('\n')).toHaveLength(2);
  });

  test('a stage that fails ends its line', async () => {
    const { progress, text } = recorder(false);
    const failing = progress.stage('proving', null, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(text()).toMatch(/^proving.*\n$/);
  });
});
