import { defineConfig } from 'vitest/config';

/** `*.slow.test.ts` holds what takes minutes; `npm run test:slow` (or SLOW=1) runs those too. */
export default defineConfig(({ mode }) => {
  const slow = mode === 'slow' || process.env['SLOW'] === '1';
  return {
    test: {
      include: ['test/**/*.test.ts'],
      globalSetup: ['test/fake/global-setup.ts'],
      exclude: slow ? [] : ['test/**/*.slow.test.ts'],
      testTimeout: slow ? 600_000 : 20_000,
      hookTimeout: slow ? 600_000 : 60_000,
      pool: 'forks',
      maxWorkers: 2,
      allowOnly: false,
    },
  };
});
