/** Computed events beside the logs of real trust domains, whose quotes vouch for them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { debianMissing, debianTree } from '#test/tools/debian.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { sha384 } from '#verifier/measure/tdx/digest.ts';
import { eventTypes, parseEventLog } from '#verifier/measure/tdx/event-log.ts';
import { tdHob } from '#verifier/measure/tdx/hob.ts';
import { measureTdx, type TdxInput } from '#verifier/measure/tdx/measure.ts';
import { parseTdvf } from '#verifier/measure/tdx/tdvf.ts';
import { makeFlash, makeKernel, ovmfSections } from './images.ts';

const corpus = (name: string, file = 'ccel.bin') => sharedFile(`corpus/tdx-ccel/${name}/${file}`);
const logOf = (name: string) => parseEventLog(corpus(name));
const gibibyte = 2 ** 30;

/** Where OVMF keeps its temporary memory: the full build with SEV, and the others (OVMF.inteltdx.fd). */
const layouts = {
  inteltdx: parseTdvf(makeFlash()),
  ovmf: parseTdvf(
    makeFlash({
      sections: ovmfSections.map((section) =>
        section.address === 0x810000n ? { ...section, address: 0x811000n, size: 0xf000n } : section,
      ),
    }),
  ),
};

const input: TdxInput = {
  firmware: makeFlash(),
  pageAddOrder: 'single-pass',
  profile: 'edk2-202502',
  memory: 2 * gibibyte,
  acpi: { loader: null, rsdp: null, tables: null },
  smbiosDigest: null,
  variables: new Map(),
  bootOrder: null,
  bootOptions: new Map(),
  boot: { kind: 'kernel', kernel: makeKernel(), initrd: null, append: '' },
  kernelHeader: null,
  stubEvents: false,
  log: null,
};

describe('the TD HOB', () => {
  // The first says its size of memory (vm_config of evidence.json); the others are those at which the digest is met.
  test.for([
    ['dstack-quote-report', 'inteltdx', 64],
    ['trustee-ccel-data-ovmf', 'inteltdx', 2],
    ['attestation-rs-tdx-ccel-live-bin', 'ovmf', 2],
    ['dstack-ccel', 'ovmf', 1],
  ] as const)('%s: firmware %s, %i GiB', ([name, layout, memory], { skip }) => {
    if (!hasShared) skip(sharedMissing);
    const first =
      name === 'dstack-quote-report'
        ? JSON.parse(fromUtf8(corpus(name, 'event-log.json'), 'JSON'))[0].digest
        : toHex(logOf(name).events[0]?.digest ?? new Uint8Array());
    expect(toHex(sha384(tdHob(layouts[layout], memory * gibibyte)))).toBe(first);
    expect(toHex(sha384(tdHob(layouts[layout], (memory + 1) * gibibyte)))).not.toBe(first);
  });
});

describe('events that are computed from constants alone', () => {
  const constant = (profile: TdxInput['profile']) =>
    measureTdx({ ...input, profile })
      .events.filter(({ what, digest }) => digest !== null && !/^(?:TD HOB|CFV|kernel)/.test(what))
      .map(
        ({ register, type, digest }) => `${register} ${type} ${toHex(digest ?? new Uint8Array())}`,
      );

  test.for([
    ['attestation-rs-tdx-ccel-live-bin', 'edk2-202502'],
    ['dstack-ccel', 'edk2-202502'],
    ['trustee-ccel-data-ovmf', 'edk2-202402'],
  ] as const)('%s: %s, each in its register and order', ([name, profile], { skip }) => {
    if (!hasShared) skip(sharedMissing);
    const others = [
      eventTypes.handoffTables2,
      eventTypes.platformFirmwareBlob2,
      eventTypes.platformConfigFlags,
      eventTypes.bootServicesApplication,
      eventTypes.eventTag,
    ] as readonly number[];
    const logged = logOf(name)
      .events.filter(({ type }) => !others.includes(type))
      .map(({ register, type, digest }) => `${register} ${type} ${toHex(digest)}`);
    expect(constant(profile)).toEqual(logged);
    expect(logged).toHaveLength(12);
  });

  test('trustee-ccel-data-grub-gke: names of the sections of a unified kernel image', ({
    skip,
  }) => {
    if (!hasShared) skip(sharedMissing);
    const names = logOf('trustee-ccel-data-grub-gke').events.filter(
      ({ type }, i, all) =>
        type === eventTypes.ipl &&
        i % 2 === all.findIndex((event) => event.type === eventTypes.ipl) % 2,
    );
    const expected = ['.linux', '.osrel', '.cmdline', '.initrd', '.uname', '.sbat'];
    expect(names.map(({ digest }) => toHex(digest))).toEqual(
      expected.map((name) => toHex(sha384(utf8(`${name}\0`)))),
    );
  });
});

test('RTMR0 of a real quote, from Debian’s firmware, 2 GiB and the ACPI digests of its log', async ({
  skip,
}) => {
  const missing = hasShared ? debianMissing() : sharedMissing;
  if (missing !== null) skip(missing);
  const tree = await debianTree({ suite: 'trixie', packages: ['ovmf'], alone: true });
  const firmware = new Uint8Array(readFileSync(join(tree, 'usr/share/ovmf/OVMF.fd')));
  const name = 'attestation-rs-tdx-ccel-live-bin';
  const { body } = parseQuote(corpus(name, 'quote.bin'));
  const measured = measureTdx({ ...input, firmware, boot: null, log: logOf(name) });
  expect(measured.differences).toEqual([]);
  expect(measured.rtmr[0]).toMatchObject({ fromLog: 3, needs: [] });
  expect(measured.rtmr[0]?.value).toEqual(body.kind === 'tdx' ? body.report.rtmr[0] : null);

  const wrong = measureTdx({ ...input, firmware, memory: gibibyte, boot: null, log: logOf(name) });
  expect(wrong.differences).toMatchObject([{ register: 0, number: 1 }]);
}, 120_000);
