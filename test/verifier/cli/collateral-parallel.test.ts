import { test } from 'vitest';
import { verifyAtOnce } from './collateral-parallel.ts';

test('20 processes ask once for each object', () => verifyAtOnce(20), 300_000);
