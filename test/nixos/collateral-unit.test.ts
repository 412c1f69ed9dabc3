/** The refresher's unit: what it has, and what it gave up. */
import { describe, expect, test } from 'vitest';
import { parseConfig } from '#agent/config.ts';
import { utf8 } from '#verifier/bytes.ts';
import { evaluate, hasNix, nixMissing } from './nix-command.ts';

if (!hasNix) console.warn(`test/nixos/collateral-unit.test.ts skips: ${nixMissing}`);

const unit = `import ./nixos/units/collateral.nix {
  node = "/nix/store/n/bin/node"; refresher = "/nix/store/a/affidavit-collateral.mjs";
  from = "http://127.0.0.1:8080"; arguments = [ "--kds" "https://mirror.example" "--early" ];
}`;
const textOf = (name: string) =>
  evaluate(`import ./nixos/lib/unit-text.nix (${unit}).${name}`) as string;

const has = [
  'Type=exec',
  'ExecStart=/nix/store/n/bin/node /nix/store/a/affidavit-collateral.mjs --from http://127.0.0.1:8080 --folder /var/lib/affidavit-collateral --cache /var/cache/affidavit-collateral --kds https://mirror.example --early',
  'DynamicUser=true',
  'StateDirectory=affidavit-collateral',
  'StateDirectoryMode=0755',
  'CacheDirectoryMode=0700',
  'SuccessExitStatus=30',
  'InaccessiblePaths=-/sys/kernel/config',
  'InaccessiblePaths=-/run/affidavit',
  'CapabilityBoundingSet=',
  'NoNewPrivileges=true',
  'PrivateDevices=true',
  'ProtectSystem=strict',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged',
  'UMask=0077',
];
const lacks = ['AmbientCapabilities', 'ReadWritePaths', 'LoadCredential', 'User=', 'Requires='];

describe.skipIf(!hasNix)('affidavit-collateral', () => {
  test('is hardened, after the agent, without a way to the report interface', () => {
    const lines = textOf('affidavit-collateral').split('\n');
    expect(has.filter((line) => !lines.includes(line))).toEqual([]);
    expect(lines.filter((line) => lacks.some((start) => line.startsWith(start)))).toEqual([]);
    expect(lines).toContain('After=affidavit-agent.service network-online.target');
  });

  test('is started again by its timer, and is never asked for by the agent', () => {
    expect(evaluate('(import ./nixos/units/collateral-timer.nix).affidavit-collateral')).toEqual({
      description: "Looks for collateral of the agent's evidence",
      wantedBy: ['timers.target'],
      timerConfig: { OnUnitInactiveSec: '1h', RandomizedDelaySec: '10min' },
    });
    const agent = `import ./nixos/units/agent.nix { node = "n"; agent = "a"; configFile = "c"; }`;
    expect(JSON.stringify(evaluate(agent))).not.toContain('collateral');
  });

  test('writes where the agent of the same guest reads', () => {
    const config = evaluate(`import ./nixos/lib/agent-config.nix {
      host = "127.0.0.1"; port = 8080; closure = { scan = "/run/current-system"; }; services = { };
      collateral = { folder = (import ./nixos/units/folders.nix).collateral; };
    }`);
    const { collateral } = parseConfig(utf8(JSON.stringify(config)));
    expect(collateral.folder).toBe('/var/lib/affidavit-collateral');
  });
});
