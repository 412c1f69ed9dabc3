import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { encodeLogEntry, logDigest } from '#verifier/abi/log.ts';
import {
  type Bound,
  bindingOf,
  type Channel,
  type Device,
  deviceDigest,
  deviceNonce,
  freshnessOf,
  reportDataOf,
  tlsKeyChannel,
} from '#verifier/abi/report-data.ts';
import { bigEndian, concat, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';

const r3 = 0x1ac8eb85e26770e8b32858180c3d738dc313ea6458dab413c13e793a9fc36f3en;
const fill = (value: number) => new Uint8Array(32).fill(value);
const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);
const time = 1700000001;
const fake: Device = { kind: 'fake', evidence: utf8('x') };

const bound: Bound = {
  closureDigest: closureDigest(
    encodeManifest([
      { path: `/nix/store/${'0'.repeat(32)}-a`, narHash: fill(0x11) },
      { path: `/nix/store/${'1'.repeat(32)}-b`, narHash: fill(0x22) },
    ]),
  ),
  treeRoot: r3,
  deviceDigest: deviceDigest([]),
  logDigest: logDigest([
    encodeLogEntry({ kind: 'tree', time: 1700000000, treeRoot: r3, reason: 'boot' }),
  ]),
};

describe('the protocol’s vectors', () => {
  test('device digest', () => {
    expect(toHex(deviceDigest([fake]))).toBe(
      '32e662f4307d3def7ed16425998d975b33cccb168d7e372762f04f48034415d4',
    );
  });

  test('binding', () => {
    expect(toHex(bindingOf(bound))).toBe(
      'd1f0750a1357f14b7f03e4b85e25cd919bf6f8d943bba480aca79c0ba11dd947',
    );
  });

  test('freshness and device nonce', () => {
    const freshness = freshnessOf(nonce, null, time);
    expect(toHex(freshness)).toBe(
      '23afba0f12cc2c335c067c60b6ba860c268ad48915a341728330aaa3b9a63e8c',
    );
    expect(toHex(deviceNonce(freshness, r3, 0))).toBe(
      'a502cb0792bda9132dd65685b24a09ab148ee025cf893b40b83dcc468232e5c3',
    );
  });
});

/** The results of a function over inputs that all differ must all differ. */
function allDiffer(results: readonly Uint8Array[]): void {
  expect(new Set(results.map(toHex)).size).toBe(results.length);
}

describe('binding', () => {
  test('depends on each of its parts, and on which is which', () => {
    const flat = {
      closureDigest: fill(1),
      treeRoot: 2n,
      deviceDigest: fill(3),
      logDigest: fill(4),
    };
    allDiffer([
      bindingOf(flat),
      bindingOf({ ...flat, closureDigest: fill(5) }),
      bindingOf({ ...flat, treeRoot: 5n }),
      bindingOf({ ...flat, deviceDigest: fill(5) }),
      bindingOf({ ...flat, logDigest: fill(5) }),
      bindingOf({ ...flat, deviceDigest: fill(4), logDigest: fill(3) }),
    ]);
  });

  test('a part of another length or a root that is no field is the caller’s mistake', () => {
    for (const part of ['closureDigest', 'deviceDigest', 'logDigest'] as const) {
      expect(() => bindingOf({ ...bound, [part]: new Uint8Array(31) })).toThrow(RangeError);
      expect(() => bindingOf({ ...bound, [part]: new Uint8Array(33) })).toThrow(RangeError);
    }
    expect(() => bindingOf({ ...bound, treeRoot: fieldOrder })).toThrow(RangeError);
    expect(bindingOf({ ...bound, treeRoot: fieldOrder - 1n }).length).toBe(32);
  });
});

describe('devices', () => {
  test('none is 32 zero bytes, and one of empty evidence is not', () => {
    expect(deviceDigest([])).toEqual(new Uint8Array(32));
    expect(deviceDigest([{ kind: 'a', evidence: new Uint8Array(0) }])).not.toEqual(fill(0));
  });

  test('kind, evidence, order and number count, and so does where a kind ends', () => {
    const other: Device = { kind: 'other', evidence: utf8('y') };
    allDiffer([
      deviceDigest([fake]),
      deviceDigest([other]),
      deviceDigest([fake, other]),
      deviceDigest([other, fake]),
      deviceDigest([fake, fake]),
      deviceDigest([{ kind: 'fak', evidence: utf8('ex') }]),
      deviceDigest([{ kind: 'fakex', evidence: utf8('') }]),
    ]);
  });

  test('a kind has at most 255 bytes', () => {
    expect(deviceDigest([{ ...fake, kind: 'k'.repeat(255) }]).length).toBe(32);
    expect(() => deviceDigest([{ ...fake, kind: 'k'.repeat(256) }])).toThrow(RangeError);
  });

  test('a device nonce depends on freshness, tree root and index', () => {
    allDiffer([
      deviceNonce(fill(1), 2n, 3),
      deviceNonce(fill(9), 2n, 3),
      deviceNonce(fill(1), 9n, 3),
      deviceNonce(fill(1), 2n, 9),
    ]);
    expect(deviceNonce(fill(1), 2n, 255).length).toBe(32);
    expect(() => deviceNonce(fill(1), 2n, 256)).toThrow(RangeError);
    expect(() => deviceNonce(new Uint8Array(31), 2n, 0)).toThrow(RangeError);
  });
});

describe('freshness', () => {
  const channel: Channel = { kind: 'noise', hash: fill(7) };

  test('depends on nonce, channel and epoch', () => {
    allDiffer([
      freshnessOf(nonce, null, time),
      freshnessOf(fill(1), null, time),
      freshnessOf(nonce, channel, time),
      freshnessOf(nonce, { ...channel, hash: fill(8) }, time),
      freshnessOf(nonce, null, time + 1),
    ]);
  });

  test('the channel’s kind is in its hash, so its label does not count', () => {
    const relabelled: Channel = { kind: 'tls-key', hash: fill(7) };
    expect(freshnessOf(nonce, relabelled, time)).toEqual(freshnessOf(nonce, channel, time));
  });

  test('the epoch is eight bytes, big-endian', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (epoch) => {
        const parts = [utf8('affidavit/freshness/v1\0'), nonce, fill(0), bigEndian(epoch, 8)];
        expect(freshnessOf(nonce, null, epoch)).toEqual(sha256(concat(...parts)));
      }),
    );
  });

  test('a nonce or channel of another length, or a time that is none, is the caller’s mistake', () => {
    expect(() => freshnessOf(new Uint8Array(31), null, time)).toThrow(RangeError);
    expect(() => freshnessOf(nonce, { ...channel, hash: new Uint8Array(33) }, time)).toThrow(
      RangeError,
    );
    expect(() => freshnessOf(nonce, null, -1)).toThrow(RangeError);
    expect(() => freshnessOf(nonce, null, 0.5)).toThrow(RangeError);
  });
});

test('a TLS key’s channel is SHA-256(tag ‖ SPKI DER)', () => {
  const spki = fromHex('3059', 'test');
  const hash = sha256(concat(utf8('affidavit/channel-tls-key/v1\0'), spki));
  expect(tlsKeyChannel(spki)).toEqual({ kind: 'tls-key', hash });
});

test('REPORT_DATA = binding ‖ freshness', () => {
  expect(reportDataOf(fill(1), fill(2))).toEqual(concat(fill(1), fill(2)));
  expect(() => reportDataOf(fill(1), new Uint8Array(31))).toThrow(RangeError);
  expect(() => reportDataOf(new Uint8Array(64), new Uint8Array(0))).toThrow(RangeError);
});
