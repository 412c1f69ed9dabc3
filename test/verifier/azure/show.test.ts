import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { renderShow, type ShowSection, showJson } from '#verifier/show/document.ts';
import { azureEvidenceSections, hclSections } from '#verifier/show/hcl.ts';
import { azureCases } from './cases.ts';
import { azureOf } from './samples.ts';

const shownOf = (sections: readonly ShowSection[], name: string) =>
  sections.flatMap(({ fields }) => fields).find((field) => field.name === name)?.value;

/** Offset and length of each field that has a place, which leave no gap and no overlap. */
function covered({ fields }: ShowSection): number {
  let end = 0;
  for (const { offset, length } of fields) {
    expect(offset).toBe(end);
    end += length ?? Number.NaN;
  }
  return end;
}

test.for(['sev-snp', 'tdx'] as const)('an HCL report of %s', async (tee) => {
  const { report, tpm } = await azureOf(tee);
  const { hcl } = report({ userData: new Uint8Array(64).fill(0xab) });
  const sections = hclSections(hcl);
  const [header, hardware] = sections;
  expect(covered(header as ShowSection)).toBe(hcl.length);
  expect(covered(hardware as ShowSection)).toBe(tee === 'tdx' ? 1024 : 1184);
  expect(shownOf(sections, 'HCLAkPub, to sign')).toBe(toHex(tpm.publicKey));
  expect(shownOf(sections, 'secure-boot')).toBe('true');
  expect(shownOf(sections, 'hash of the claims')).toMatch(/: as in the hardware report$/);
  expect(shownOf(sections, 'user-data')).toMatch(/^(ab){64}: the word of whoever/);
  const document = { form: 'HCL report', length: hcl.length, sections };
  expect(renderShow(document, true)).toContain('Nothing was verified');
  expect(JSON.parse(showJson(document, true))).toMatchObject({ verified: false });
});

test('claims that are not those of the hardware report are said to be others', async () => {
  const { report } = await azureOf('sev-snp');
  const { hcl } = report({ reportData: () => new Uint8Array(64).fill(1) });
  expect(shownOf(hclSections(hcl), 'hash of the claims')).toMatch(/: NOT as in/);
});

test('a hardware report that cannot be read is shown as such', async () => {
  const { report } = await azureOf('sev-snp');
  const { hcl } = report({ afterwards: (bytes) => bytes.set([9], 32) });
  expect(shownOf(hclSections(hcl), 'unreadable')).toMatch(/version 9 is not known/);
  expect(shownOf(hclSections(hcl), 'hash of the claims')).toMatch(/cannot be read$/);
});

test('names in the claims cannot steer a terminal', async () => {
  const { report } = await azureOf('sev-snp');
  const { hcl } = report({ configuration: { 'a\u202eb': '"\\u001b[2J"' } });
  const text = renderShow({ form: 'x', length: 0, sections: hclSections(hcl) }, false);
  expect(text).toContain('a?b');
  for (const unwanted of ['\u202e', '\u001b']) expect(text).not.toContain(unwanted);
});

if (hasShared) {
  test('the corpus: every HCL report and every document', () => {
    for (const one of azureCases()) {
      const sections = hclSections(one.read('hcl_report') as Bytes);
      expect(shownOf(sections, 'hash of the claims'), one.id).toMatch(/: as in the hardware/);
      const evidence = one.read('evidence');
      if (evidence?.[0] !== 0x7b) continue;
      const shown = azureEvidenceSections(evidence);
      const pcrs = JSON.parse(fromUtf8(one.read('pcrs') as Bytes, 'pcrs'));
      expect(shownOf(shown, 'PCR 4, sha256'), one.id).toBe(pcrs[4]);
      expect(shown.length).toBeGreaterThan(4);
    }
  });
} else test.skip(sharedMissing, () => undefined);
