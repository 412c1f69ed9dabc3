import { describe, expect, test } from 'vitest';
import { hasShared } from '#test/shared.ts';
import { provedLine } from '#verifier/abi/event-log/describe.ts';
import { parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { proofOf } from '#verifier/abi/event-log/preimage.ts';
import { secureBootOf } from '#verifier/abi/event-log/secure-boot.ts';
import type { LogEvent } from '#verifier/abi/event-log/types.ts';
import { viewEvent } from '#verifier/abi/event-log/view.ts';
import { type Bytes, concat, utf8, Writer } from '#verifier/bytes.ts';
import { guidBytes } from '#verifier/measure/guid.ts';
import {
  databaseGuid,
  hex,
  type Made,
  makeLog,
  realLogs,
  secureBoot,
  separator,
  startupLocality,
  variable,
  wide,
} from './samples.ts';

const eventOf = (made: Made) => makeLog([made], ['sha256']).events[0] as LogEvent;
const line = (type: number, data: Bytes, register = 1, measured: Bytes = data) =>
  provedLine(eventOf({ register, type, data, measured }), 'sha256');
const u16 = (value: number) => new Writer(2).u16le(value).finish();
const u32 = (value: number) => new Writer(4).u32le(value).finish();
const u64 = (value: number) => new Writer(8).u64le(BigInt(value)).finish();
const node = (type: number, subtype: number, ...data: Bytes[]) =>
  concat(Uint8Array.of(type, subtype), u16(4 + concat(...data).length), ...data);
const end = node(0x7f, 0xff);

/** A certificate as far as names are read: version, serial, algorithm, issuer, validity, subject. */
function certificate(commonName: string): Bytes {
  const tlv = (tag: number, ...parts: Bytes[]) => {
    const content = concat(...parts);
    return concat(Uint8Array.of(tag, 0x82), u16(content.length).reverse(), content);
  };
  const name = tlv(
    0x30,
    tlv(0x31, tlv(0x30, tlv(0x06, hex('550406')), tlv(0x13, utf8('XX')))),
    tlv(0x31, tlv(0x30, tlv(0x06, hex('550403')), tlv(0x0c, utf8(commonName)))),
  );
  const empty = tlv(0x30);
  const version = tlv(0xa0, tlv(0x02, Uint8Array.of(2)));
  return tlv(0x30, tlv(0x30, version, tlv(0x02, Uint8Array.of(1)), empty, empty, empty, name));
}
const owner = guidBytes('77fa9abd-0359-4d32-bd60-28f4e78f784b');
const list = (type: string, ...each: Bytes[]) => {
  const size = 16 + (each[0]?.length ?? 0);
  const body = concat(...each.flatMap((one) => [owner, one]));
  return concat(guidBytes(type), u32(28 + body.length), u32(0), u32(size), body);
};
const x509 = 'a5c059a1-94e4-4aa7-87b5-ab155c2bf072';
const sha256Type = 'c1c41626-504c-4092-aca9-41f936934328';

describe('in words', () => {
  test.each<[string, string]>([
    ['SecureBoot: on', line(0x80000001, variable('SecureBoot', hex('01')), 7)],
    ['SecureBoot: off', line(0x80000001, variable('SecureBoot', hex('00')), 7)],
    ['SecureBoot: off, it is empty', line(0x80000001, variable('SecureBoot', hex('')), 7)],
    ['PK: empty', line(0x80000001, variable('PK', hex('')), 7)],
    [
      'db: 1 certificate, 2 hashes',
      line(
        0x80000001,
        variable(
          'db',
          concat(
            list(x509, certificate('A Key')),
            list(sha256Type, new Uint8Array(32), new Uint8Array(32)),
          ),
          databaseGuid,
        ),
        7,
      ),
    ],
    [
      'started by word of db: certificate A Key',
      line(0x800000e0, variable('db', concat(owner, certificate('A Key')), databaseGuid), 7),
    ],
    [
      'SbatLevel: sbat,1,2021030218',
      line(0x800000e0, variable('SbatLevel', utf8('sbat,1,2021030218\n')), 7),
    ],
    ['BootOrder: 0001, 00ff', line(0x80000002, variable('BootOrder', hex('0100ff00')))],
    [
      'Boot0001: “Linux” HD(1,GPT,0fc63daf-8483-4772-8e79-3d69d8477de4)/\\EFI\\a.efi',
      line(
        0x80000002,
        variable(
          'Boot0001',
          (() => {
            const drive = node(
              4,
              1,
              u32(1),
              new Uint8Array(16),
              guidBytes('0fc63daf-8483-4772-8e79-3d69d8477de4'),
              hex('0202'),
            );
            const path = concat(drive, node(4, 4, wide('\\EFI\\a.efi\0')), end);
            return concat(u32(1), u16(path.length), wide('Linux\0'), path);
          })(),
        ),
      ),
    ],
    ['separator', line(4, hex('00000000'))],
    ['separator', line(4, hex('ffffffff'))],
    ['separator that says an error: 01000000', line(4, hex('01000000'))],
    ['“Exit Boot Services Invocation”', line(0x80000007, utf8('Exit Boot Services Invocation'))],
    ['“firmware 1”', line(8, wide('firmware 1\0'))],
    ['GRUB command: linux /k', line(0x0d, utf8('grub_cmd: linux /k\0'), 8, utf8('linux /k'))],
    ['GRUB command: linux /k', line(0x0d, utf8('grub_cmd linux /k\0x'), 8, utf8('linux /k\0'))],
    ['kernel command line: /k ro', line(0x0d, utf8('kernel_cmdline: /k ro\0'), 8, utf8('/k ro'))],
    ['kernel command line: quiet', line(0x0d, wide('quiet\0'), 12, wide('quiet'))],
    ['UKI section .linux: its name', line(0x0d, wide('.linux\0'), 11, utf8('.linux\0'))],
    [
      'unproved: UKI section .linux: its contents',
      line(0x0d, wide('.linux\0'), 11, utf8('a kernel')),
    ],
    [
      'unproved: systemd-stub: System extension initrd',
      line(0x0d, wide('System extension initrd\0'), 13, utf8('cpio')),
    ],
    ['unproved: shim’s MokList', line(0x0d, utf8('MokList\0'), 14, utf8('list'))],
    [
      'unproved: file that GRUB read: (hd0,gpt1)/grub.cfg',
      line(0x0d, utf8('(hd0,gpt1)/grub.cfg\0'), 9, utf8('x')),
    ],
    [
      'unproved: initrd, by Linux’ EFI stub: Linux initrd',
      line(6, concat(u32(0x8f3b22ec), u32(13), utf8('Linux initrd\0')), 9, utf8('cpio')),
    ],
    [
      'Confidential Containers: domain operation content',
      line(6, concat(u32(0x4141454c), u32(24), utf8('domain operation content')), 4),
    ],
    [
      'unproved: loader.conf of systemd-boot: loader.conf',
      line(6, concat(u32(0xf5bc582a), u32(24), wide('loader.conf\0')), 5, utf8('x')),
    ],
    [
      'unproved: application PciRoot(0x0)/Pci(0x4,0x0)/NVMe(1)',
      line(
        0x80000003,
        (() => {
          const path = concat(
            node(2, 1, hex('d041030a'), u32(0)),
            node(1, 1, hex('0004')),
            node(3, 0x17, u32(1), new Uint8Array(8)),
            end,
          );
          return concat(new Uint8Array(24), u64(path.length), path);
        })(),
        4,
        utf8('image'),
      ),
    ],
    [
      'unproved: firmware Fv(X) at 0x100, 32 bytes',
      line(0x8000000a, concat(hex('05'), utf8('Fv(X)'), u64(256), u64(32)), 0, utf8('x')),
    ],
    [
      'unproved: configuration TdxTable: 1 table',
      line(0x8000000b, concat(hex('09'), utf8('TdxTable\0'), u64(1)), 0, utf8('x')),
    ],
    ['unproved: configuration “ACPI DATA”', line(0x0a, utf8('ACPI DATA'), 0, utf8('x'))],
    [
      'Google’s host: AMD SEV-SNP',
      line(0x11, concat(utf8('GCE NonHostInfo\0'), hex(`04${'00'.repeat(15)}`)), 0),
    ],
    [
      'dstack app-id: 0102',
      line(0x08000001, concat(hex('01000008'), utf8(':app-id:'), hex('0102')), 4),
    ],
    [
      'unproved: the TPM was started from locality 3',
      provedLine(eventOf(startupLocality(3)), 'sha256'),
    ],
    ['00ff00', line(0x0c, hex('00ff00'))],
    ['unproved: 40 bytes', line(0x0c, new Uint8Array(40), 1, utf8('x'))],
  ])('%s', (expected, actual) => expect(actual).toBe(expected));

  test('a partition table, partition by partition', () => {
    const partition = concat(
      guidBytes('c12a7328-f81f-11d2-ba4b-00a0c93ec93b'),
      guidBytes('0fc63daf-8483-4772-8e79-3d69d8477de4'),
      u64(2048),
      u64(4095),
      u64(0),
      wide('esp'.padEnd(36, '\0')),
    );
    const header = concat(
      utf8('EFI PART'),
      new Uint8Array(48),
      guidBytes('e0c6c56e-5ef7-8e4a-ace6-3c31a7f75a29'),
      new Uint8Array(12),
      u32(128),
      u32(0),
    );
    const data = concat(header, u64(1), partition);
    expect(viewEvent(eventOf({ register: 5, type: 0x80000006, data }))).toEqual({
      what: 'partition table of disk e0c6c56e-5ef7-8e4a-ace6-3c31a7f75a29: 1 partition',
      parts: [
        {
          name: 'partition 1',
          value:
            '“esp” EFI system partition 0fc63daf-8483-4772-8e79-3d69d8477de4, blocks 2048 to 4095',
        },
      ],
    });
    const cut = eventOf({ register: 5, type: 0x80000006, data: data.subarray(0, 150) });
    expect(viewEvent(cut).parts).toEqual([]);
  });

  test('entries of a database, each with whom it is of', () => {
    const data = variable('db', list(x509, certificate('A Key')), databaseGuid);
    expect(viewEvent(eventOf({ register: 7, type: 0x80000001, data })).parts).toEqual([
      { name: 'of', value: 'image security database' },
      { name: 'certificate', value: 'A Key' },
    ]);
  });

  test('nothing that a terminal obeys, and no endless line', () => {
    const shown = line(5, utf8(`\u001b[2Jhello\u202e${'x'.repeat(900)}`));
    expect([...shown].filter((one) => one === '\u001b' || one === '\u202e')).toEqual([]);
    expect(shown.length).toBeLessThan(200);
  });

  test('a long command line stands whole beside its beginning', () => {
    const command = `linux /k ${'a=b '.repeat(100)}`.trim();
    const data = utf8(`grub_cmd: ${command}\0`);
    expect(viewEvent(eventOf({ register: 8, type: 0x0d, data })).parts).toEqual([
      { name: 'whole', value: command },
    ]);
  });
});

describe('what the digest proves', () => {
  test('data is proved, false, or not told by the type', () => {
    const proof = (made: Made) => proofOf(eventOf(made), 'sha256');
    expect(proof(secureBoot(true))).toBe('proved');
    expect(proof({ ...secureBoot(true), measured: secureBoot(false).data })).toBe('false');
    expect(proof({ register: 4, type: 0x80000003, data: utf8('x'), measured: utf8('y') })).toBe(
      'untold',
    );
    expect(proof({ ...separator(1), measured: utf8('y') })).toBe('false');
    expect(proof({ ...separator(1), data: hex(''), measured: utf8('y') })).toBe('untold');
    expect(proof(startupLocality(3))).toBe('untold');
    const boot1 = variable('Boot0001', hex('0102'));
    expect(proof({ register: 1, type: 0x80000002, data: boot1, measured: hex('0102') })).toBe(
      'in-part',
    );
    expect(proof({ register: 1, type: 0x80000001, data: boot1, measured: hex('0102') })).toBe(
      'false',
    );
  });

  test('what is not what was measured is not said as a fact', () => {
    const lie = { ...secureBoot(true), measured: secureBoot(false).data };
    expect(provedLine(eventOf(lie), 'sha256')).toBe('not what was measured: SecureBoot: on');
  });

  if (hasShared) {
    test('no event of a real log says what was not measured, most prove what they say', () => {
      for (const { name, bytes } of realLogs()) {
        const log = parseEventLog(bytes);
        const proofs = log.events.flatMap((event) =>
          event.type === 3 ? [] : log.algorithms.map((algorithm) => proofOf(event, algorithm)),
        );
        expect(proofs, name).not.toContain('false');
        const proved = proofs.filter((proof) => proof === 'proved' || proof === 'in-part').length;
        expect(proved / proofs.length, name).toBeGreaterThan(0.39);
      }
    });
  }
});

describe('Secure Boot, by digests', () => {
  const state = (...made: Made[]) => secureBootOf(makeLog(made, ['sha256']).events, 'sha256');
  test('on, off, or not told', () => {
    expect(state(secureBoot(true), separator(7))).toBe(true);
    expect(state(secureBoot(false), separator(7))).toBe(false);
    expect(state({ ...secureBoot(true), data: variable('SecureBoot', hex('')) })).toBe(false);
    expect(state(separator(7))).toBe(null);
    expect(state()).toBe(null);
  });

  test('what comes after the separator is not the firmware’s word', () => {
    expect(state(separator(7), secureBoot(true))).toBe(null);
    expect(state(secureBoot(false), separator(7), secureBoot(true))).toBe(false);
  });

  test('off when it was measured as both, and what the data says counts for nothing', () => {
    expect(state(secureBoot(true), secureBoot(false))).toBe(false);
    expect(state({ ...secureBoot(true), measured: secureBoot(false).data })).toBe(false);
  });
});
