/** Versions against floors. */
import { describe, expect, test } from 'vitest';
import { lowestOf, reaches } from '#verifier/appraise/version.ts';

describe('versions', () => {
  test.each([
    ['535.86.09', '535.86.09', true],
    ['535.86.9', '535.86.09', true],
    ['535.86.10', '535.86.09', true],
    ['535.104.05', '535.86.09', true],
    ['590.12', '535.86.09', true],
    ['535.86.08', '535.86.09', false],
    ['535.86', '535.86.09', false],
    ['535', '535.0.0', true],
    ['99.999.99', '535.86.09', false],
    [null, '0', false],
    ['', '0', false],
    ['535.86.09-beta', '0', false],
    ['535..09', '0', false],
    ['5E', '0', false],
  ])('driver %s reaches %s: %s', (found, floor, expected) => {
    expect(reaches('driver', found, floor)).toBe(expected);
  });

  test.each([
    ['96.00.5E.00.01', '96.00.5E.00.01', true],
    ['96.00.5e.00.01', '96.00.5E.00.01', true],
    ['96.00.A5.00.01', '96.00.9F.00.01', true],
    ['96.00.9F.00.01', '96.00.A5.00.01', false],
    ['97.00.00.00.00', '96.00.A5.00.01', true],
    // As decimals 9F would be none, and 10 less than A.
    ['96.00.10.00.00', '96.00.0A.00.00', true],
    ['96.00.9G.00.01', '00.00.00.00.00', false],
  ])('firmware %s reaches %s: %s', (found, floor, expected) => {
    expect(reaches('firmware', found, floor)).toBe(expected);
  });

  test('a floor that is none is the caller’s fault', () => {
    expect(() => reaches('driver', '1', 'x')).toThrow(RangeError);
  });

  test('the lowest of some', () => {
    expect(lowestOf('driver', ['590.12', '535.86.09', '570.1'])).toBe('535.86.09');
    expect(lowestOf('driver', ['590.12', null])).toBe(null);
    expect(lowestOf('driver', ['590.12', 'x'])).toBe(null);
    expect(lowestOf('driver', [])).toBe(null);
  });
});
