/**
 * Everything that lint can find in a policy. Ids are API; texts are not. `error`: what the policy says can never be accepted.
 * `warning`: a rule without effect, or one that lets in more than a careful user wants. `note`: worth knowing.
 */

import { deviceFindings, type LintEntry, type Severity } from './finding-devices.ts';

export { type LintEntry, type Severity, severities } from './finding-devices.ts';

/** `docs/policy-tools.md` names each. */
export const lintCatalogue = {
  'accepts-nothing': {
    severity: 'error',
    means:
      'the policy has none of sevSnp, tdx, sgx, tpm and nitro, and takes no devices: all evidence is refused',
    remedy: 'Add the member of each kind of machine that you accept.',
  },
  'empty-set': {
    severity: 'error',
    means: 'a set has no value left, after it was narrowed to one that it does not hold',
    remedy: 'Ask for a value that the policy accepts, or add it to the policy.',
  },
  'unnamed-software-claims': {
    severity: 'error',
    means: 'closure or services are named, but not the software whose word they are',
    remedy:
      'Name measurement (SEV-SNP), or all of mrTd, rtmr0, rtmr1 and rtmr2 (TDX); or write "any" for closure and tree.',
  },
  'never-bundled': {
    severity: 'error',
    means: 'SGX quotes come in no bundle, and the policy asks for what only a bundle has',
    remedy: 'Give SGX a policy of its own, without closureDigest, treeRoot, freshness and channel.',
  },
  'never-referenced': {
    severity: 'error',
    means: 'no reference file is of such evidence, and the policy asks for such files',
    remedy: 'Give it a policy of its own, without references.',
  },
  'no-product-left': {
    severity: 'error',
    means: 'no accepted product has a TCB floor: each of them is refused',
    remedy: 'Write a floor for each accepted product, or "any".',
  },
  'fmc-floor': {
    severity: 'error',
    means: 'a floor asks Milan or Genoa for an FMC, which only Turin has',
    remedy: 'Write 0 for fmc.',
  },
  'no-author-key': {
    severity: 'error',
    means: 'an author key is required, and none is trusted',
    remedy: 'Name it in trustedAuthorKeys, or write authorKey "any".',
  },
  'debug-contradiction': {
    severity: 'error',
    means: 'SGX attributes must have DEBUG set, and debug is refused',
    remedy: 'Clear bit 1 of the first byte of attributes.value.',
  },
  'product-without-floor': {
    severity: 'warning',
    means: 'an accepted product has no TCB floor where others have one: it is refused',
    remedy: 'Write a floor for it, or take it out of product.',
  },
  'floor-for-refused-product': {
    severity: 'warning',
    means: 'a TCB floor is of a product that is not accepted',
    remedy: 'Remove the floor, or add the product.',
  },
  'provider-without-vlek': {
    severity: 'warning',
    means: 'providers are named, but no VLEK is accepted: a VCEK names no provider',
    remedy: 'Add vlek to signingKey, or write provider "any".',
  },
  'id-keys-unused': {
    severity: 'warning',
    means: 'ID keys are trusted, but an author key is required: only author keys count',
    remedy: 'Remove trustedIdKeys, or write authorKey "any".',
  },
  'masked-chip': {
    severity: 'warning',
    means: 'a chip id is all zeros: so is that of every chip whose host masks it',
    remedy: 'Name the chip ids of your machines.',
  },
  'report-data-and-nonce': {
    severity: 'warning',
    means: 'REPORT_DATA is named, but in a bundle it changes with every nonce of yours',
    remedy: 'Write reportData "any": the nonce and what is bound are verified anyway.',
  },
  'xfam-illegal': {
    severity: 'warning',
    means: 'an XFAM is named that no TDX module allows: it fits no TD',
    remedy: 'Remove it, or correct it: least significant byte first, x87 and SSE on.',
  },
  'mask-ignores-value': {
    severity: 'warning',
    means: 'bits of value lie outside of mask: they are not compared',
    remedy: 'Set these bits in mask, or clear them in value.',
  },
  'status-never-occurs': {
    severity: 'warning',
    means: 'a TCB status is accepted that this kind of evidence never has',
    remedy: 'Remove it.',
  },
  'grace-without-effect': {
    severity: 'warning',
    means: 'the statuses that platformGracePeriod would forgive are accepted anyway',
    remedy: 'Write 0, or take the OutOfDate statuses out of acceptedStatuses.',
  },
  'advisory-twice': {
    severity: 'warning',
    means: 'an advisory is refused twice, in two spellings',
    remedy: 'Keep the spelling that Intel uses: five digits.',
  },
  'advisory-spelling': {
    severity: 'warning',
    means: 'the advisory is not written as Intel does, and so is never found',
    remedy: 'Write INTEL-SA- and five digits.',
  },
  'date-in-future': {
    severity: 'warning',
    means: 'the TCB is to be newer than now: no level can be',
    remedy: 'Write a date that has passed; it is in seconds, not milliseconds.',
  },
  'waiver-expired': {
    severity: 'warning',
    means: 'a waiver has expired: it no longer counts',
    remedy: 'Remove it, or renew it if its reason still holds.',
  },
  'waiver-without-expiry': {
    severity: 'warning',
    means: 'a waiver never expires',
    remedy: 'Give it a date by which what is lacking should be there.',
  },
  'waiver-without-platform': {
    severity: 'warning',
    means: 'a waiver is of a check that no accepted kind of evidence has',
    remedy: 'Remove it.',
  },
  'waiver-without-effect': {
    severity: 'warning',
    means:
      'a waiver is of a check that is never skipped, or only with others that nobody can waive',
    remedy: 'Remove it: a waiver never turns a failure into a pass.',
  },
  'waiver-undoes-rule': {
    severity: 'warning',
    means: 'a waiver lets in what the rule asks for and cannot be checked',
    remedy: 'Remove the waiver, or write "any" where the rule is, so that it says what it does.',
  },
  'debug-allowed': {
    severity: 'warning',
    means: 'debug is allowed: the host reads and writes all memory',
    remedy: 'Write "refused", except where nothing is secret.',
  },
  'software-unnamed': {
    severity: 'warning',
    means: 'no software is named: whatever runs is accepted',
    remedy:
      'Name measurement (SEV-SNP), mrTd and rtmr0 to rtmr2 (TDX), mrEnclave (SGX) or pcrs (TPM, Nitro).',
  },
  'software-partly-named': {
    severity: 'warning',
    means: 'not all of the software is named: what runs in the rest is free',
    remedy:
      'Name all of mrTd, rtmr0, rtmr1 and rtmr2; of Nitro PCR 0 (enclaves), PCRs 4 and 12 (instances).',
  },
  'no-tcb-floor': {
    severity: 'warning',
    means: 'firmware of any age is accepted',
    remedy: 'Write a floor in minimumTcb.reported for each product.',
  },
  'out-of-date-accepted': {
    severity: 'warning',
    means: 'platforms that Intel calls out of date are accepted',
    remedy: 'Remove the status, and update the platforms; or use platformGracePeriod.',
  },
  'long-grace': {
    severity: 'warning',
    means: 'a grace period is longer than 30 days',
    remedy: 'Shorten it: what was found out since is not looked at.',
  },
  'unknown-bits-allowed': {
    severity: 'warning',
    means: 'bits without a known meaning may be set',
    remedy: 'Write "refused", unless your machines set such bits and you know them.',
  },
  'migration-allowed': {
    severity: 'warning',
    means: 'the guest may be migrated to a machine that nobody verified',
    remedy: 'Write "refused".',
  },
  'provisional-firmware': {
    severity: 'warning',
    means: 'firmware that the host can roll back is accepted',
    remedy: 'Write "refused", and have hosts commit their firmware.',
  },
  'foreign-qe-vendor': {
    severity: 'warning',
    means: 'quoting enclaves of another vendor than Intel are accepted',
    remedy: 'Keep 939a7233f79c4ca9940a0db3957f0607 alone.',
  },
  'devices-unverified': {
    severity: 'warning',
    means: 'any device is accepted, and nothing is asked of it',
    remedy: 'Write "none", or what you ask of each kind.',
  },
  'freshness-any': {
    severity: 'warning',
    means: 'evidence of any age is accepted',
    remedy: 'Write "verifier-nonce", unless you can only have evidence that was saved.',
  },
  'any-release-name': {
    severity: 'warning',
    means: 'whatever the builders signed is accepted, of any name',
    remedy: 'Name what you run in references.name: builders may build other things too.',
  },
  'channel-any': {
    severity: 'note',
    means: 'evidence of a machine that you do not talk to is accepted',
    remedy: 'Name the kind of channel that your agents bind.',
  },
  'software-by-signer': {
    severity: 'note',
    means: 'software is named by who signed it: all that this key signs is accepted',
    remedy: 'Keep the signer’s key safe, and set a floor for the version.',
  },
  'one-builder-decides': {
    severity: 'note',
    means: 'one signature is enough: each of the builders decides alone what a release is',
    remedy: 'Ask for two or more builders that do not share machines or keys.',
  },
  'any-release': {
    severity: 'note',
    means: 'every release that has not run out is accepted, an older one too',
    remedy: 'Name the releases that you accept, or have builders sign short validities.',
  },
  'configuration-accepted': {
    severity: 'note',
    means: 'platforms that need another configuration, or TDs that need a restart, are accepted',
    remedy: 'Read the advisories of these platforms.',
  },
  'grace-period': {
    severity: 'note',
    means: 'lateness is forgiven',
    remedy: 'Verdicts that used it warn.',
  },
  'host-may-ask': {
    severity: 'note',
    means:
      'all four privilege levels are accepted: less privileged software may speak for the guest',
    remedy: 'Name the level of the agent alone, usually 0.',
  },
  'sept-ve': {
    severity: 'note',
    means: 'SEPT_VE_DISABLE is not required: the host can make the TD take a #VE at will',
    remedy: 'Write "required": Linux needs it.',
  },
  'alias-check': {
    severity: 'note',
    means: 'ALIAS_CHECK_COMPLETE is not required: memory with a false size (BadRAM) goes unseen',
    remedy: 'Write "required", where firmware is new enough to report it.',
  },
  'empty-mask': {
    severity: 'note',
    means: 'a mask asks for no bit',
    remedy: 'Write "any", or the bits that you mean.',
  },
  'waiver-of-revocation': {
    severity: 'note',
    means: 'where no revocation list or OCSP answer is given, revoked keys go unseen',
    remedy: 'Give them, then remove the waiver.',
  },
  ...deviceFindings,
} as const satisfies Record<string, LintEntry>;

export type LintId = keyof typeof lintCatalogue;

export type Finding = {
  id: LintId;
  severity: Severity;
  /** The member, such as `sevSnp.minimumTcb.reported.Turin` or `waivers[0]`; `policy` is the whole. */
  path: string;
  /** One line: what is so, here. */
  text: string;
  /** What a person does next. */
  remedy: string;
};

/** Takes a finding; without `detail` its text is what the catalogue says. */
export type Report = (id: LintId, path: string, detail?: string) => void;

export function findingOf(id: LintId, path: string, detail?: string): Finding {
  const { severity, means, remedy } = lintCatalogue[id];
  return {
    id,
    severity,
    path,
    text: detail === undefined ? means : `${means} (${detail})`,
    remedy,
  };
}
