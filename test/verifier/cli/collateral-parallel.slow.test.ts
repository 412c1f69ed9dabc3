import { test } from 'vitest';
import { verifyAtOnce } from './collateral-parallel.ts';

test('100 processes ask once for each object', () => verifyAtOnce(100));
