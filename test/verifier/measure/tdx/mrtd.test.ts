import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { cacheFolder, debianMissing, debianTree } from '#test/tools/debian.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { computeMrtd, type PageAddOrder, pageAddOrders } from '#verifier/measure/tdx/mrtd.ts';
import { parseTdvf, type Tdvf } from '#verifier/measure/tdx/tdvf.ts';
import { cfvLength, makeFlash, ovmfSections } from './images.ts';

/** The definition once more, plainly, with another SHA-384: a list of calls, and each call as its bytes. */
function plainly({ sections }: Tdvf, order: PageAddOrder): string {
  const hash = createHash('sha384');
  const call = (name: string, address: number) => {
    const block = Buffer.alloc(128);
    block.write(name, 'latin1');
    block.writeBigUInt64LE(BigInt(address), 16);
    hash.update(block);
  };
  for (const { address, size, data, measured, augmented } of sections) {
    const memory = Buffer.alloc(size);
    memory.set(data);
    const pages = Array.from({ length: size / 4096 }, (_, i) => i * 4096);
    const add = (page: number) => augmented || call('MEM.PAGE.ADD', address + page);
    const measure = (page: number) => {
      for (let at = page; measured && at < page + 4096; at += 256) {
        call('MR.EXTEND', address + at);
        hash.update(memory.subarray(at, at + 256));
      }
    };
    if (order === 'two-pass') {
      pages.forEach(add);
      pages.forEach(measure);
    } else {
      for (const page of pages) {
        add(page);
        measure(page);
      }
    }
  }
  return hash.digest('hex');
}

const mrtdOf = (flash: Bytes, order: PageAddOrder = 'single-pass') =>
  toHex(computeMrtd(parseTdvf(flash), order));

describe('MRTD', () => {
  test.each(pageAddOrders)('is what the definition says, %s', (order) => {
    const tdvf = parseTdvf(makeFlash());
    expect(toHex(computeMrtd(tdvf, order))).toBe(plainly(tdvf, order));
  });

  test('depends on the order of the host', () => {
    expect(mrtdOf(makeFlash(), 'single-pass')).not.toBe(mrtdOf(makeFlash(), 'two-pass'));
  });

  test('memory that the flash does not fill is measured as zeros', () => {
    const sections = ovmfSections.map((section, i) =>
      i === 0 ? { ...section, address: 0xffff0000n, size: 0x4000n } : section,
    );
    const tdvf = parseTdvf(makeFlash({ sections }));
    expect(toHex(computeMrtd(tdvf, 'single-pass'))).toBe(plainly(tdvf, 'single-pass'));
  });

  test('pages that are added later count for nothing', () => {
    const later = { offset: 0, rawSize: 0, address: 0x1000000n, size: 0x2000n, type: 4 };
    const withIt = (attributes: number) =>
      parseTdvf(makeFlash({ sections: [...ovmfSections, { ...later, attributes }] }));
    const without = withIt(2).sections.slice(0, 6);
    expect(computeMrtd(withIt(2), 'two-pass')).toEqual(
      computeMrtd({ sections: without }, 'two-pass'),
    );
    expect(computeMrtd(withIt(0), 'two-pass')).not.toEqual(computeMrtd(withIt(2), 'two-pass'));
  });

  test('a changed byte counts where the section is measured, and there alone', () => {
    const before = mrtdOf(makeFlash());
    fc.assert(
      // Up to the metadata itself, which lies in the measured part.
      fc.property(fc.nat(0x2fff), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const flash = makeFlash();
        flash[at] = (flash[at] as number) ^ difference;
        expect(mrtdOf(flash) !== before).toBe(at >= cfvLength);
      }),
      { numRuns: 30 },
    );
  });
});

/**
 * Firmware of which an MRTD was published, by SHA-256 of the flash. Its distributions keep it no longer than a release lives, so
 * it is taken from `node_modules/.cache/affidavit/firmware/<SHA-256>.fd`, where somebody put it.
 */
const published = [
  {
    firmware: 'ovmf 2025.02-3ubuntu2, OVMF.fd',
    source: 'virtee/tdx-measure, tests/fixtures/canonical-defaults/expected.json',
    sha256: '9e807cb2cd4313406a3aa4becc0836671a5c64ca7bdc08a45e15260184b446bf',
    mrtd: '7357a10d2e2724dffe68813e3cc4cfcde6814d749f2fb62e3953e54f6e0b50a219786afe2cd478f684b52c61837e1114',
    quote: null,
  },
  {
    firmware: 'ovmf-inteltdx 2025.02-8ubuntu3, OVMF.inteltdx.fd',
    source: 'the quote of a real trust domain, google/go-tdx-guest',
    sha256: 'ae577ac531f6d7ecf7aee3203bfbd3d40db5eb8f79ce3e1ba69894a4711bc118',
    mrtd: '7348651a34b2d2d3462822e3a750ec6110125f36757c78480bbfc69cc0d21fb001a1ced3ee19747dda8f750c3bc8f876',
    quote: 'corpus/tdx/tdx15-v5-go-tdx-guest-quote-v5-sample/quote.bin',
  },
];

describe('published values', () => {
  const fileOf = ({ sha256 }: { sha256: string }) => join(cacheFolder, 'firmware', `${sha256}.fd`);
  const here = published.filter((one) => existsSync(fileOf(one)));
  test.for(here)('$firmware: $source', ({ sha256, mrtd }) => {
    const flash = new Uint8Array(readFileSync(fileOf({ sha256 })));
    expect(createHash('sha256').update(flash).digest('hex')).toBe(sha256);
    expect(mrtdOf(flash)).toBe(mrtd);
  });

  test('the quote has the MRTD that is named for it', ({ skip }) => {
    if (!hasShared) skip(sharedMissing);
    for (const { quote, mrtd } of published) {
      if (quote === null) continue;
      const { body } = parseQuote(sharedFile(quote));
      expect(body.kind === 'tdx' && toHex(body.report.mrTd)).toBe(mrtd);
    }
    expect.hasAssertions();
  });
});

describe('Debian’s ovmf', () => {
  test('is measured as the definition says, and its variable store is that of real logs', async ({
    skip,
  }) => {
    const missing = debianMissing();
    if (missing !== null) skip(missing);
    const tree = await debianTree({ suite: 'trixie', packages: ['ovmf'], alone: true });
    const flash = new Uint8Array(readFileSync(join(tree, 'usr/share/ovmf/OVMF.fd')));
    const tdvf = parseTdvf(flash);
    for (const order of pageAddOrders) {
      expect(toHex(computeMrtd(tdvf, order))).toBe(plainly(tdvf, order));
    }
    const store = tdvf.sections.find(({ type }) => type === 'CFV');
    const digest = createHash('sha384')
      .update(store?.data ?? '')
      .digest('hex');
    // Published as a constant by Dstack-TEE/dstack (dstack-mr), and in four real logs of the corpus.
    expect(digest).toBe(
      '344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d473155875ffd561d6790',
    );
    const code = new Uint8Array(readFileSync(join(tree, 'usr/share/OVMF/OVMF_CODE_4M.fd')));
    expect(() => parseTdvf(code)).toThrow(/whole flash/);
  }, 120_000);
});
