import { defineConfig } from 'vitest/config';

/**
 * `*.slow.test.ts` holds what takes minutes; `npm run test:slow` (or SLOW=1) runs those too. `*.guest.test.ts` boots
 * machines, each of which takes a core: `npm run guest` runs those. `*.nixpkgs.test.ts` evaluates NixOS systems: `npm run nix:eval`.
 */
export default defineConfig(({ mode }) => {
  const slow = mode === 'slow' || process.env['SLOW'] === '1';
  const guest = mode === 'guest';
  const nixpkgs = mode === 'nixpkgs';
  const patient = slow || guest || nixpkgs;
  const apart = ['test/**/*.guest.test.ts', 'test/**/*.nixpkgs.test.ts'];
  const own = guest ? apart[0] : nixpkgs ? apart[1] : undefined;
  return {
    test: {
      include: [own ?? 'test/**/*.test.ts'],
      globalSetup: ['test/fake/global-setup.ts'],
      // No test asks a vendor: those about collateral say where to ask.
      env: { AFFIDAVIT_COLLATERAL: 'off' },
      exclude: own ? [] : [...apart, ...(slow ? [] : ['test/**/*.slow.test.ts'])],
      testTimeout: patient ? 600_000 : 20_000,
      hookTimeout: patient ? 600_000 : 60_000,
      pool: 'forks',
      maxWorkers: 2,
      allowOnly: false,
    },
  };
});
