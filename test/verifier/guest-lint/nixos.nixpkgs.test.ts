/**
 * What the NixOS module says of two systems. `NIXPKGS` names a nixpkgs tree and `NIX` the command of Nix 2.18 or newer
 * (default: nix); without the tree the test skips.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { utf8 } from '#verifier/bytes.ts';
import { lintGuest, parseDescription } from '#verifier/guest-lint/lint.ts';

const { NIXPKGS: nixpkgs, NIX: nix = 'nix' } = process.env;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** @throws Error with Nix's own words */
function evaluate(): Record<string, unknown> {
  const folders = `nixpkgs = "${nixpkgs}"; description = ${here('../../../nixos/modules/description.nix')};`;
  const expression = `import ${here('systems.nix')} { ${folders} }`;
  const features = ['--extra-experimental-features', 'nix-command'];
  const args = [...features, 'eval', '--impure', '--offline', '--json', '--expr', expression];
  const { status, stdout, stderr } = spawnSync(nix, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`does not evaluate: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const reason = nixpkgs === undefined ? ' (skipped: NIXPKGS names no nixpkgs tree)' : '';

describe.skipIf(nixpkgs === undefined)(`the NixOS module${reason}`, () => {
  test('describes a careful system and a careless one', { timeout: 300_000 }, () => {
    const found = evaluate();
    const lint = (name: string) => {
      const { findings } = lintGuest(parseDescription(utf8(JSON.stringify(found[name]))));
      return [...new Set(findings.map(({ rule }) => rule))];
    };
    expect(lint('careful')).toEqual(['acpi-from-host', 'clock-from-host']);
    expect(lint('careless').toSorted()).toEqual([
      'acpi-from-host',
      'autologin',
      'clock-from-host',
      'console-login',
      'core-dumps',
      'credentials-imported',
      'emergency-shell',
      'entropy-from-host',
      'gpt-auto',
      'guest-agent',
      'hibernation',
      'kexec',
      'launch-unmeasured',
      'modules-loadable',
      'mutable-users',
      'network-from-host',
      'not-seen',
      'ntp-unauthenticated',
      'password',
      'provisioning-agent',
      'root-unmeasured',
      'shared-folder',
      'ssh',
      'store-unmeasured',
      'swap-unencrypted',
      'tpm-of-host',
      'unit-reads-open-path',
      'unit-reads-sealed-environment',
      'unit-runs-open-path',
      'unit-runs-sealed-path',
    ]);
  });
});
