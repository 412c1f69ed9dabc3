/** nixos/lib/agent-config.nix writes what the agent reads. */
import { describe, expect, test } from 'vitest';
import { parseConfig } from '#agent/config.ts';
import { utf8 } from '#verifier/bytes.ts';
import { evaluate, hasNix, nixMissing } from './nix-command.ts';

if (!hasNix) console.warn(`test/nixos/agent-config.test.ts skips: ${nixMissing}`);

const path = (digit: string) => `/nix/store/${digit.repeat(32)}-echo`;

/** @param more Nix, added to what must be given or in its place */
function configOf(more = ''): unknown {
  return evaluate(`import ./nixos/lib/agent-config.nix ({
    host = "0.0.0.0";
    port = 8080;
    closure = { registration = "/usr/affidavit/registration"; };
    services = { two = "${path('2')}"; one = "${path('1')}"; };
  } // { ${more} })`);
}

const parsed = (config: unknown) => parseConfig(utf8(JSON.stringify(config)));

describe.skipIf(!hasNix)('the configuration of a guest', () => {
  test('is accepted, services by name', () => {
    const { listen, closure, services, devices, eventLog } = parsed(configOf());
    expect({ devices, eventLog }).toEqual({ devices: [], eventLog: {} });
    expect(listen).toEqual({ host: '0.0.0.0', port: 8080 });
    expect(closure).toEqual({
      source: 'registration',
      file: '/usr/affidavit/registration',
      verify: null,
    });
    expect(services).toEqual([
      { name: 'one', storePath: path('1'), key: { file: '/run/affidavit/public/one.pub' } },
      { name: 'two', storePath: path('2'), key: { file: '/run/affidavit/public/two.pub' } },
    ]);
  });

  test('is accepted with every member', () => {
    const config = parsed(
      configOf(`
        closure = { scan = "/run/current-system"; };
        tls = { certificateLifetime = 90; };
        events = { socket = "/run/affidavit-agent/events.sock"; };
        privlevel = 1;
        accessLog = "warn";
        collateral = {
          ark = "/nix/store/${'3'.repeat(32)}-ark.pem"; intelRoot = "/etc/root.pem"; nvidiaRims = [ "/etc/rim.xml" ];
        };
        devices = [
          { kind = "nvidia"; count = 2; command = [ "/nix/store/${'4'.repeat(32)}-a/bin/nvattest" "--nonce" "{nonce}" ]; }
          { kind = "tpm"; key = "81000003"; certificate.nvIndex = "01c101d0"; }
        ];
        eventLog = { ccel = null; };
      `),
    );
    expect(config.devices?.map(({ kind }) => kind)).toEqual(['nvidia', 'tpm']);
    expect(config.eventLog).toEqual({ ccel: null });
    expect(config.collateral.nvidiaRims).toEqual(['/etc/rim.xml']);
    expect(config.closure).toEqual({ source: 'scan', system: '/run/current-system' });
    expect(config.tls).toEqual({ certificateLifetime: 90 });
    expect(config.collateral.intelRoot).toBe('/etc/root.pem');
    expect(config.collateral.vek).toBeNull();
  });

  test.each([
    ['two sources of the closure', 'closure = { scan = "/s"; registration = "/r"; };'],
    ['a package that is no store path', 'services = { one = "/usr/bin/one"; };'],
    ['a name that is none', `services = { One = "${path('1')}"; };`],
    ['a level that is none', 'privlevel = 4;'],
    ['a device that is none', 'devices = [ { kind = "amd"; } ];'],
    ['a file of the event log that is none', 'eventLog = { ccel = "CCEL"; };'],
    ['a certificate that nobody knows', 'collateral = { root = "/etc/root.pem"; };'],
  ])('with %s is refused by the agent', (_, more) => {
    const config = configOf(more);
    expect(() => parsed(config)).toThrow(/config/i);
  });

  test('a member that agent-config.nix does not know is refused there', () => {
    expect(() => configOf('accesLog = "warn";')).toThrow('accesLog');
  });
});
