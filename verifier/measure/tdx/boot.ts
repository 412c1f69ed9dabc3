/** Events of what QEMU's -kernel boots, a Linux kernel or a unified kernel image: after edk2, systemd-stub and Linux' EFI stub. */
import { type Bytes, concat, utf8 } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { eventTypes } from './event-log.ts';
import { bootProtocol, patchedKernel } from './kernel.ts';
import { type PeImage, type PeSection, parsePe, peDigest, sectionInMemory } from './pe.ts';
import { measured, type PlannedEvent, unknown } from './planned.ts';
import type { KernelHeader } from './profiles.ts';
import { utf16le } from './uefi.ts';

export type Boot =
  /** QEMU's -kernel, -initrd and -append. */
  | {
      readonly kind: 'kernel';
      readonly kernel: Bytes;
      readonly initrd: Bytes | null;
      readonly append: string;
    }
  /** A unified kernel image by -kernel, without -initrd and -append. */
  | { readonly kind: 'uki'; readonly image: Bytes };

export type StartOptions = {
  /** Bytes; null where it is not known. */
  readonly memory: number | null;
  readonly header: KernelHeader;
  /** Whether Linux' EFI stub measures its command line and initrd. */
  readonly stubEvents: boolean;
};

export type Start = { readonly image: PlannedEvent; readonly later: readonly PlannedEvent[] };

/** @throws AttestationError for a kernel or image that is malformed or of a kind that is not computed */
export function startOf(boot: Boot, options: StartOptions): Start {
  return boot.kind === 'kernel' ? startOfKernel(boot, options) : startOfUki(boot.image, options);
}

function application(what: string, image: PeImage): PlannedEvent {
  return {
    register: 1,
    type: eventTypes.bootServicesApplication,
    what,
    digest: peDigest(image),
    needs: null,
  };
}

function startOfKernel(
  { kernel, initrd, append }: Boot & { kind: 'kernel' },
  { memory, header, stubEvents }: StartOptions,
): Start {
  // The firmware's loader adds it so that the stub finds the initrd that the firmware offers as a file.
  const line = initrd === null ? append : `${append} initrd=initrd`;
  const later = stubEvents ? linuxStub(line, initrd) : [];
  if (header === 'as-is') {
    // A UKI is a PE image too, and has other events.
    bootProtocol(kernel);
    return { image: application('kernel, as it is', parsePe(kernel, 'kernel')), later };
  }
  const what = 'kernel, with QEMU’s changes to its header';
  if (initrd !== null && memory === null) {
    const { bootServicesApplication } = eventTypes;
    return { image: unknown(1, bootServicesApplication, what, '--memory'), later };
  }
  const patched = patchedKernel(kernel, initrd?.length ?? null, memory, append);
  return { image: application(what, parsePe(patched, 'kernel')), later };
}

/** LOADED_IMAGE::LoadOptions, the command line as UTF-16 with its NUL, and the initrd: both into PCR 9, which is RTMR2. */
function linuxStub(line: string, initrd: Bytes | null): PlannedEvent[] {
  const text = concat(utf16le(line, 'the command line'), new Uint8Array(2));
  return [
    ...(line === ''
      ? []
      : [measured(2, eventTypes.eventTag, `command line: ${JSON.stringify(line)}`, text)]),
    ...(initrd === null
      ? []
      : [measured(2, eventTypes.eventTag, `initrd: ${initrd.length} bytes`, initrd)]),
  ];
}

/** In the order in which systemd-stub measures them into PCR 11, which is RTMR2; `.pcrsig` is left out by design. */
const ukiSections = [
  '.linux',
  '.osrel',
  '.cmdline',
  '.initrd',
  '.ucode',
  '.splash',
  '.dtb',
  '.uname',
  '.sbat',
  '.pcrpkey',
];
/** Sections of newer stubs whose choice depends on the machine. */
const ukiUnsupported = ['.profile', '.dtbauto', '.hwids', '.efifw'];

function startOfUki(image: Bytes, { header, stubEvents }: StartOptions): Start {
  if (header === 'patched') {
    throw new AttestationError(
      'value-out-of-range',
      'what QEMU before 9.2 writes into the header of a unified kernel image is not computed: pass --kernel-header as-is for a later one',
    );
  }
  const unified = parsePe(image, 'unified kernel image');
  const found = new Map<string, PeSection>();
  for (const section of unified.sections) {
    if (ukiUnsupported.includes(section.name) || found.has(section.name)) {
      throw new AttestationError(
        'value-out-of-range',
        `the unified kernel image has section ${section.name} ${found.has(section.name) ? 'twice' : '(of several profiles or devices)'}: which one is used is not known here`,
      );
    }
    found.set(section.name, section);
  }
  const linux = found.get('.linux');
  if (linux === undefined) {
    throw new AttestationError('form-unknown', 'the image has no section .linux: it is no UKI');
  }
  const inner = parsePe(sectionInMemory(linux), 'section .linux');
  return {
    image: application('unified kernel image', unified),
    later: [
      ...(measuresSections(found) ? sectionEvents(found) : []),
      application('kernel inside of the image', inner),
      ...(stubEvents ? linuxStub(...stubArguments(found)) : []),
    ],
  };
}

function sectionEvents(found: ReadonlyMap<string, PeSection>): PlannedEvent[] {
  return ukiSections.flatMap((name) => {
    const section = found.get(name);
    if (section === undefined) return [];
    const contents = sectionInMemory(section);
    return [
      measured(2, eventTypes.ipl, `section ${name}: its name`, utf8(`${name}\0`)),
      measured(2, eventTypes.ipl, `section ${name}: ${contents.length} bytes`, contents),
    ];
  });
}

/** Stubs that are known: from 256 on they measure by the firmware's protocol for confidential guests, before by a TPM alone. */
const firstMeasuring = 256;
const lastKnown = 260;

function measuresSections(found: ReadonlyMap<string, PeSection>): boolean {
  const magic = found.get('.sdmagic');
  const text = magic === undefined ? '' : latin1(sectionInMemory(magic).subarray(0, 256));
  const version = /^#### LoaderInfo: systemd-stub (\d{3,4})\b/.exec(text)?.[1];
  if (version === undefined) {
    throw new AttestationError(
      'form-unknown',
      'the unified kernel image does not say in .sdmagic that its stub is systemd’s: what others measure is not known',
    );
  }
  if (Number(version) > lastKnown) {
    throw new AttestationError(
      'version-unknown',
      `the image has systemd-stub ${version}, known are those up to ${lastKnown}: later ones measure more`,
    );
  }
  return Number(version) >= firstMeasuring;
}

function latin1(bytes: Bytes): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function stubArguments(found: ReadonlyMap<string, PeSection>): [string, Bytes | null] {
  const cmdline = found.get('.cmdline');
  const initrd = found.get('.initrd');
  const text = cmdline === undefined ? '' : latin1(sectionInMemory(cmdline));
  // The stub takes the line up to a NUL, without white space at its ends.
  const line = (text.split('\0')[0] ?? '').trim();
  return [line, initrd === undefined ? null : sectionInMemory(initrd)];
}
