/** The units of nixos/units, as nixos/lib/unit-text.nix writes them. */
import { describe, expect, test } from 'vitest';
import { evaluate, hasNix, nixMissing } from './nix-command.ts';
import { missingLines } from './unit-lines.ts';

if (!hasNix) console.warn(`test/nixos/units.test.ts skips: ${nixMissing}`);

const program = 'node = "/nix/store/n/bin/node"; agent = "/nix/store/a/agent.mjs";';
const expressions = {
  'affidavit-keys': `import ./nixos/units/keys.nix { ${program} names = [ "one" "two" ]; }`,
  'affidavit-agent': `import ./nixos/units/agent.nix { ${program} configFile = "/nix/store/c-agent.json"; }`,
  native: `import ./nixos/units/service.nix {
    name = "native"; description = "Native"; command = "/nix/store/s/bin/s --key \${"$"}{CREDENTIALS_DIRECTORY}/key";
  }`,
  jit: `import ./nixos/units/service.nix {
    name = "jit"; description = "Makes code"; command = "/nix/store/s/bin/s"; nativeCode = false;
  }`,
};
type Name = keyof typeof expressions;

function textOf(name: Name): string {
  return evaluate(`import ./nixos/lib/unit-text.nix (${expressions[name]}).${name}`) as string;
}

/** Of every unit of ours. */
const hardening = [
  'CapabilityBoundingSet=',
  'LockPersonality=true',
  'NoNewPrivileges=true',
  'PrivateDevices=true',
  'PrivateTmp=true',
  'ProtectClock=true',
  'ProtectControlGroups=true',
  'ProtectHome=true',
  'ProtectHostname=true',
  'ProtectKernelLogs=true',
  'ProtectKernelModules=true',
  'ProtectKernelTunables=true',
  'ProtectProc=invisible',
  'ProtectSystem=strict',
  'RestrictNamespaces=true',
  'RestrictRealtime=true',
  'RestrictSUIDSGID=true',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged',
  'UMask=0077',
];

/** Of one unit: lines that it has, and beginnings of lines that it must not have. */
const own: Record<Name, { has: readonly string[]; lacks: readonly string[] }> = {
  'affidavit-keys': {
    has: [
      'Type=oneshot',
      'RuntimeDirectory=affidavit/keys',
      'RuntimeDirectory=affidavit/public',
      'RuntimeDirectoryMode=0700',
      'PrivateNetwork=true',
      'RestrictAddressFamilies=none',
      'Before=affidavit-agent.service',
    ],
    lacks: ['AmbientCapabilities', 'RestrictAddressFamilies=AF_', 'Environment'],
  },
  'affidavit-agent': {
    has: [
      'Type=notify',
      'Wants=affidavit-keys.service',
      'ReadWritePaths=-/sys/kernel/config/tsm/report',
      'InaccessiblePaths=/run/affidavit/keys',
      'RestartPreventExitStatus=30',
    ],
    lacks: ['AmbientCapabilities', 'LoadCredential', 'Environment', 'Requires=affidavit-keys'],
  },
  native: {
    has: [
      'Requires=affidavit-keys.service',
      'LoadCredential=key:/run/affidavit/keys/native.key',
      'DynamicUser=true',
      'InaccessiblePaths=-/run/affidavit',
      'InaccessiblePaths=-/sys/kernel/config',
      'MemoryDenyWriteExecute=true',
      `ExecStart=/nix/store/s/bin/s --key ${'$'}{CREDENTIALS_DIRECTORY}/key`,
    ],
    lacks: ['AmbientCapabilities', 'ReadWritePaths', 'Environment'],
  },
  jit: {
    has: ['MemoryDenyWriteExecute=false', 'LoadCredential=key:/run/affidavit/keys/jit.key'],
    lacks: ['AmbientCapabilities', 'ReadWritePaths', 'Environment'],
  },
};

describe.skipIf(!hasNix)('units', () => {
  test.each(Object.keys(own) as Name[])('%s keeps its hardening', (name) => {
    const lines = textOf(name).split('\n');
    const { has, lacks } = own[name];
    expect([...hardening, ...has].filter((line) => !lines.includes(line))).toEqual([]);
    expect(lines.filter((line) => lacks.some((start) => line.startsWith(start)))).toEqual([]);
  });

  test('the agent reaches the devices of its configuration, and without any none', () => {
    const textWith = (deviceAllow: string) => {
      const arguments_ = `${program} configFile = "c"; deviceAllow = [ ${deviceAllow} ];`;
      const unit = `(import ./nixos/units/agent.nix { ${arguments_} }).affidavit-agent`;
      return evaluate(`import ./nixos/lib/unit-text.nix (${unit})`) as string;
    };
    const lines = textWith('"/dev/tpmrm0 rw" "char-nvidia* rw"').split('\n');
    const { has } = own['affidavit-agent'];
    const kept = [...hardening, ...has].filter((line) => line !== 'PrivateDevices=true');
    expect(kept.filter((line) => !lines.includes(line))).toEqual([]);
    expect(lines.filter((line) => /Device/.test(line))).toEqual([
      'DeviceAllow=/dev/tpmrm0 rw',
      'DeviceAllow=char-nvidia* rw',
      'DevicePolicy=closed',
      'PrivateDevices=false',
    ]);
    expect(textWith('')).toBe(textOf('affidavit-agent').replace('/nix/store/c-agent.json', 'c'));
  });

  test('sections come in order, and a list is a line for each item', () => {
    const unit = `{
      description = "D"; after = [ "a.service" "b.service" ]; unitConfig.OnFailure = "f.target";
      serviceConfig = { ExecStart = "/bin/x"; Limit = 3; Flag = false; Many = [ "1" "2" ]; None = [ ]; };
    }`;
    expect(evaluate(`import ./nixos/lib/unit-text.nix ${unit}`)).toBe(
      [
        '[Unit]',
        'After=a.service b.service',
        'Description=D',
        'OnFailure=f.target',
        '',
        '[Service]',
        'ExecStart=/bin/x',
        'Flag=false',
        'Limit=3',
        'Many=1',
        'Many=2',
        '',
      ].join('\n'),
    );
  });

  test('a typo in a member is refused, and the right word is not', () => {
    const unit = (member: string) =>
      `import ./nixos/lib/unit-text.nix { description = "D"; serviceConfig = { }; ${member} = [ "a.service" ]; }`;
    expect(() => evaluate(unit('aftre'))).toThrow('unknown members aftre');
    expect(evaluate(unit('after'))).toContain('After=a.service');
  });
});

describe('the comparison with units of NixOS', () => {
  const ours = '[Unit]\nAfter=a b\n\n[Service]\nExecStart=/x\nFilter=one\nFilter=two\n';

  test('more lines and other words of an order are no difference', () => {
    const evaluated =
      '[Unit]\nAfter=c b a\n\n[Service]\nEnvironment=A\nFilter=one\nFilter=two\nExecStart=/x\n';
    expect(missingLines(ours, evaluated)).toEqual([]);
  });

  test.each([
    ['a line less', '[Unit]\nAfter=a b\n\n[Service]\nFilter=one\nFilter=two\n'],
    ['another value', '[Unit]\nAfter=a b\n\n[Service]\nExecStart=/y\nFilter=one\nFilter=two\n'],
    ['another order', '[Unit]\nAfter=a b\n\n[Service]\nExecStart=/x\nFilter=two\nFilter=one\n'],
    [
      'a value more',
      '[Unit]\nAfter=a b\n\n[Service]\nExecStart=/x\nFilter=one\nFilter=two\nFilter=\n',
    ],
    ['another section', '[Unit]\nAfter=a b\nExecStart=/x\n\n[Service]\nFilter=one\nFilter=two\n'],
    ['a word less', '[Unit]\nAfter=a\n\n[Service]\nExecStart=/x\nFilter=one\nFilter=two\n'],
  ])('%s is one', (_, evaluated) => {
    expect(missingLines(ours, evaluated)).toHaveLength(1);
  });
});
