/**
 * The launch digest as the processor's firmware makes it: AMD document 56860 (SEV-SNP Firmware ABI), section 8.17,
 * SNP_LAUNCH_UPDATE, table "Layout of the PAGE_INFO Structure".
 *
 *   digest' = SHA-384(digest ‖ contents ‖ 0x0070 (u16) ‖ page type (u8) ‖ IMI (u8) ‖ VMPL3, VMPL2, VMPL1 permissions (u8 each)
 *                     ‖ reserved (u8) ‖ GPA (u64))
 *   contents = SHA-384(page) for normal and VMSA pages, 48 zero bytes for the others
 */
import { sha384 } from '@noble/hashes/sha2.js';
import { type Bytes, Writer } from '../../bytes.ts';

export const pageLength = 4096;
export const launchDigestLength = 48;
const pageInfoLength = 0x70;

/** PAGE_TYPE, table "Encodings for the PAGE_TYPE Field". */
const pageTypes = { normal: 1, vmsa: 2, zero: 3, unmeasured: 4, secrets: 5, cpuid: 6 } as const;
export type PageType = keyof typeof pageTypes;
/** Those whose contents the firmware makes itself, or clears. */
export type PlainPageType = Exclude<PageType, 'normal' | 'vmsa'>;

/** VMSAs have no address of their own: all ones, of which the firmware keeps bits 12 to 51. */
const vmsaGpa = 0xffff_ffff_f000;
const none = new Uint8Array(launchDigestLength);

export type Launch = {
  /** Adds whole pages, the first at `gpa`. @throws RangeError */
  normal(gpa: number, bytes: Bytes): void;
  /** Adds whole pages without contents of the VMM's. @throws RangeError */
  plain(type: PlainPageType, gpa: number, length: number): void;
  /** @param page 4096 bytes @throws RangeError */
  vmsa(page: Bytes): void;
  /** So far. */
  digest(): Bytes;
  pages(): number;
};

/** @param seed a digest to go on from, 48 bytes; zero at the beginning of a launch @throws RangeError */
export function startLaunch(seed: Bytes = none): Launch {
  if (seed.length !== launchDigestLength) {
    throw new RangeError(`a launch digest has ${launchDigestLength} bytes, got ${seed.length}`);
  }
  let digest = seed.slice();
  let pages = 0;

  function add(type: PageType, gpa: number, contents: Bytes): void {
    digest = sha384(
      new Writer(pageInfoLength)
        .bytes(digest, launchDigestLength)
        .bytes(contents, launchDigestLength)
        .u16le(pageInfoLength)
        .u8(pageTypes[type])
        .zero(5)
        .u64le(BigInt(gpa))
        .finish(),
    );
    pages += 1;
  }

  return {
    normal(gpa, bytes) {
      requirePages(gpa, bytes.length);
      for (let at = 0; at < bytes.length; at += pageLength) {
        add('normal', gpa + at, sha384(bytes.subarray(at, at + pageLength)));
      }
    },
    plain(type, gpa, length) {
      requirePages(gpa, length);
      for (let at = 0; at < length; at += pageLength) add(type, gpa + at, none);
    },
    vmsa(page) {
      if (page.length !== pageLength) throw new RangeError('a VMSA is one page');
      add('vmsa', vmsaGpa, sha384(page));
    },
    digest: () => digest.slice(),
    pages: () => pages,
  };
}

function requirePages(gpa: number, length: number): void {
  if (gpa < 0 || gpa % pageLength !== 0 || length % pageLength !== 0) {
    throw new RangeError(`${length} bytes at ${gpa} are not whole pages`);
  }
}
