/** Cases of the corpus in the page, one after another, beside what the command line says of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { inputStrings } from '#web/strings/input.ts';
import { giveFiles, openPage, pageSays, type Site } from './browser.ts';
import { cliSays, droppedCase, type Said } from './corpus-cases.ts';

/** Of every kind of evidence: accepted, rejected, invalid, undecided, and some without a verdict. */
export const defaultCases: [string, string[]][] = [
  [
    'AMD SEV-SNP',
    [
      'sev-snp/genoa-v3-vcek-openpcc-azure-sevsnp-report',
      'sev-snp/milan-v2-vcek-sev-report-milan',
      'sev-snp/milan-v3-vlek-trustee-test-vlek-report',
      'sev-snp/turin-v5-vcek-oak-turin-oc-evidence',
      'sev-snp/milan-v4-noek-openpcc-gce-sevsnp-report',
      'sev-snp/neg-milan5-policy-debug-bit',
      'sev-snp/neg-genoa5-other-chip-vcek',
      'sev-snp/neg-turin-sig-r-flip',
      'sev-snp/neg-vlek-expired',
    ],
  ],
  [
    'Intel TDX and SGX',
    [
      'tdx/tdx10-v4-dcap-qvl-tdx-quote',
      'tdx/tdx15-v5-trustee-tdx-quote-5',
      'tdx/tdx15-v5-dcap-qvl-tdx-quote-outdated',
      'tdx/neg-v4-debug-bit',
      'tdx/neg-v4-processor-crl',
      'tdx/neg-v4-tcbinfo-status-edited',
      'tdx/neg-v4-truncated-sig',
      'tdx/neg-v5-collateral-expired',
      'sgx/sgx-v3-dcap-qvl-sgx-quote',
      'sgx/sgx-v3-cmc-sgx-test-a51386',
    ],
  ],
  [
    'Azure, TPM, AWS Nitro and NVIDIA',
    [
      'azure-snp-vtpm/trustee-az-snp-evidence-genoa',
      'azure-snp-vtpm/neg-genoa-foreign-tpm-quote',
      'azure-snp-vtpm/neg-genoa-nonce',
      'azure-tdx-vtpm/trustee-az-tdx-evidence-v1',
      'azure-tdx-vtpm/neg-tdx-foreign-td-quote',
      'nvidia/nvidia-sdk-hopper-535-vbios-rim',
      'nvidia/nvidia-sdk-multi-switch-0',
      'nvidia/neg-hopper-measurement-flip',
      'aws-nitro/dstack-attest',
      'aws-nitro/dstack-attest-dbg',
      'tpm-quote/go-tpm-tools-gce-cos-85-nonce9009',
      'tpm-quote/kinvolk-azure-vtpm-quote',
    ],
  ],
];

export type Compared = {
  /** Of the command line, one for each case. */
  decisions: string[];
  /** Of each case where they disagree: the name and what each says. */
  differences: { name: string; page: Said; commandLine: Said }[];
  /** What was asked for besides the page's own files. */
  requests: string[];
  complaints: string[];
};

/** In one page, started over before each case. */
export async function comparedInPage(
  browser: Browser,
  site: Site,
  names: readonly string[],
): Promise<Compared> {
  const { page, requests, complaints } = await openPage(browser, site.address);
  const differences: Compared['differences'] = [];
  const decisions: string[] = [];
  for (const name of names) {
    const commandLine = await cliSays(name);
    decisions.push(commandLine.decision);
    const found = await droppedCase(name);
    await giveFiles(page, found);
    if (found.trustKeys) await page.click(button(inputStrings.keyTrust));
    let said = await pageSays(page);
    // A change is judged behind the verdict that still stands.
    for (let i = 0; i < 20 && !same(said, commandLine); i++) {
      await sleep(100);
      said = await pageSays(page);
    }
    if (!same(said, commandLine)) differences.push({ name, page: said, commandLine });
    await page.click(button(inputStrings.startOver));
  }
  await page.context().close();
  const foreign = requests.filter((url) => !url.startsWith(site.address));
  return { decisions, differences, requests: foreign, complaints };
}

const button = (label: string) => `button:text-is("${label}")`;

function same(a: Said, b: Said): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
