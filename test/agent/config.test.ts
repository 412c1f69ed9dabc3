import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { parseConfig, toServices } from '#agent/config.ts';
import { readServiceKeys } from '#agent/keys.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

const a = `/nix/store/${'0'.repeat(32)}-a`;
const b = `/nix/store/${'1'.repeat(32)}-b`;
const newKey = () => toHex(secp256k1.getPublicKey(secp256k1.keygen().secretKey, false).slice(1));
const keys = [newKey(), newKey()] as const;
const offCurve = keys[0].replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));

function good() {
  return {
    version: 1 as unknown,
    listen: { host: '127.0.0.1', port: 8080 } as Record<string, unknown>,
    closure: { registration: 'registration' } as Record<string, unknown>,
    services: [
      { name: 'echo-node', storePath: a, publicKey: keys[0] },
      { name: 'echo-cpp', storePath: b, publicKey: keys[1] },
    ] as Record<string, unknown>[],
    collateral: { vek: null, ask: 'ask.pem', ark: null, arkCrl: null } as Record<string, unknown>,
  };
}

type Config = ReturnType<typeof good>;
const parse = (config: unknown) => parseConfig(utf8(JSON.stringify(config)));

function changed(change: (config: Config) => void): Config {
  const config = good();
  change(config);
  return config;
}

const service = (config: Config, index: number) =>
  config.services[index] as Record<string, unknown>;

test('a configuration is read', () => {
  const config = parse(good());
  expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080 });
  expect(config.services.map(({ key }) => 'publicKey' in key && toHex(key.publicKey))).toEqual(
    keys,
  );
  expect(config.collateral).toEqual({ vek: null, ask: 'ask.pem', ark: null, arkCrl: null });
});

test('files for TDX may be left out, null or named', () => {
  const files = { tcbInfo: 'tcb.json', qeIdentity: null, intelRoot: 'root.pem' };
  const config = parse(changed((c) => Object.assign(c.collateral, files)));
  expect(config.collateral).toEqual({ ...good().collateral, ...files });
});

describe('a configuration is refused for', () => {
  test.each<[string, (config: Config) => void, string, string]>([
    [
      'another version',
      (c) => {
        c.version = 2;
      },
      'version-unknown',
      'version',
    ],
    [
      'an unknown member',
      (c) => {
        Object.assign(c, { simulator: true });
      },
      'json-shape',
      'simulator',
    ],
    [
      'an unknown member inside',
      (c) => {
        c.listen['tls'] = 1;
      },
      'json-shape',
      'tls',
    ],
    [
      'a missing member',
      (c) => {
        delete c.collateral['vek'];
      },
      'json-shape',
      'vek',
    ],
    [
      'a file for TDX that is no name',
      (c) => {
        c.collateral['pckCrl'] = '';
      },
      'json-shape',
      'collateral.pckCrl',
    ],
    [
      'a port that is none',
      (c) => {
        c.listen['port'] = 65536;
      },
      'json-shape',
      'listen.port',
    ],
    [
      'a host that is none',
      (c) => {
        c.listen['host'] = 'a b';
      },
      'json-shape',
      'listen.host',
    ],
    [
      'an empty file name',
      (c) => {
        c.closure['registration'] = '';
      },
      'json-shape',
      'registration',
    ],
    [
      'a bad service name',
      (c) => {
        service(c, 0)['name'] = 'Echo';
      },
      'json-shape',
      'services[0].name',
    ],
    [
      'a bad store path',
      (c) => {
        service(c, 1)['storePath'] = '/bin/sh';
      },
      'json-shape',
      'services[1].storePath',
    ],
    [
      'a name twice',
      (c) => {
        service(c, 1)['name'] = 'echo-node';
      },
      'config-invalid',
      'services[1].name',
    ],
    [
      'a key twice',
      (c) => {
        service(c, 1)['publicKey'] = keys[0];
      },
      'config-invalid',
      'services[1].publicKey',
    ],
    [
      'an off-curve key',
      (c) => {
        service(c, 0)['publicKey'] = offCurve;
      },
      'config-invalid',
      'services[0].publicKey',
    ],
    [
      'a compressed key',
      (c) => {
        service(c, 0)['publicKey'] = keys[0].slice(0, 66);
      },
      'hex-malformed',
      'services[0].publicKey',
    ],
  ])('%s', async (_, change, code, where) => {
    const config = changed(change);
    expect(await codeOf(() => parse(config))).toBe(code);
    expect(() => parse(config)).toThrow(where);
  });

  test('text that is not JSON, or holds a member twice', async () => {
    expect(await codeOf(() => parseConfig(utf8('{')))).toBe('json-malformed');
    const twice = JSON.stringify(good()).replace('{', '{"version":1,');
    expect(await codeOf(() => parseConfig(utf8(twice)))).toBe('json-malformed');
  });
});

test('a service takes its NAR hash from the closure, and must be in it', async () => {
  const services = await readServiceKeys(parse(good()).services, () => Promise.reject());
  const closure = [
    { path: a, narHash: new Uint8Array(32).fill(1) },
    { path: b, narHash: new Uint8Array(32).fill(2) },
  ];
  expect(toServices(services, closure).map(({ narHash }) => narHash[0])).toEqual([1, 2]);
  expect(await codeOf(() => toServices(services, closure.slice(0, 1)))).toBe('config-invalid');
  expect(() => toServices(services, closure.slice(0, 1))).toThrow('services[1].storePath');
});
