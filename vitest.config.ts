import { defineConfig } from 'vitest/config';

/**
 * `*.slow.test.ts` holds what takes minutes; `npm run test:slow` (or SLOW=1) runs those too. `*.guest.test.ts` boots
 * machines: `npm run guest` runs those, one at a time.
 */
export default defineConfig(({ mode }) => {
  const slow = mode === 'slow' || process.env['SLOW'] === '1';
  const guest = mode === 'guest';
  const patient = slow || guest;
  return {
    test: {
      include: guest ? ['test/**/*.guest.test.ts'] : ['test/**/*.test.ts'],
      globalSetup: ['test/fake/global-setup.ts'],
      exclude: guest
        ? []
        : ['test/**/*.guest.test.ts', ...(slow ? [] : ['test/**/*.slow.test.ts'])],
      testTimeout: patient ? 600_000 : 20_000,
      hookTimeout: patient ? 600_000 : 60_000,
      pool: 'forks',
      maxWorkers: guest ? 1 : 2,
      allowOnly: false,
    },
  };
});
