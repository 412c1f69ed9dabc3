/** What lint can find about TPMs, AWS Nitro and devices; part of the catalogue in finding.ts. */

export const severities = ['error', 'warning', 'note'] as const;
export type Severity = (typeof severities)[number];

export type LintEntry = { severity: Severity; means: string; remedy: string };

export const deviceFindings = {
  'no-architecture-left': {
    severity: 'error',
    means: 'no accepted architecture has a version floor: each device is refused',
    remedy: 'Write a floor for each accepted architecture, or "any".',
  },
  'count-contradiction': {
    severity: 'error',
    means: 'more devices are asked for than are allowed',
    remedy: 'Write a minimum that is not above the maximum.',
  },
  'device-without-rules': {
    severity: 'error',
    means: 'devices lets in what the policy has no member for: each is refused',
    remedy: 'Add the member (tpm, or nitro for nitroTpm), or write "refused".',
  },
  'no-key-left': {
    severity: 'error',
    means: 'providers are named, and only keys accepted that no provider certifies',
    remedy: 'Add certificate to tpm.key, or write provider "any".',
  },
  'provider-without-certificate': {
    severity: 'warning',
    means: 'providers are named: keys that the verifier was given have none, and are refused',
    remedy: 'Take trusted out of tpm.key, or write provider "any".',
  },
  'architecture-without-floor': {
    severity: 'warning',
    means: 'an accepted architecture has no version floor where others have one: it is refused',
    remedy: 'Write a floor for it, or take it out of architectures.',
  },
  'floor-for-refused-architecture': {
    severity: 'warning',
    means: 'a version floor is of an architecture that is not accepted',
    remedy: 'Remove the floor, or add the architecture.',
  },
  'tpm-not-required': {
    severity: 'warning',
    means: 'there are rules for a TPM beside a machine, but a machine without one is accepted too',
    remedy: 'Write tpm (nitroTpm) "required" in devices.',
  },
  'sha1-pcrs': {
    severity: 'warning',
    means: 'PCRs are named by SHA-1 alone, for which others can be made that give the same value',
    remedy: 'Name the PCRs of the sha256 or sha384 bank.',
  },
  'confidential-mode-any': {
    severity: 'warning',
    means: 'GPUs are accepted whose memory the host can read',
    remedy: 'Write "required".',
  },
  'device-software-unnamed': {
    severity: 'warning',
    means: 'devices are accepted that were compared with no reference values: with any firmware',
    remedy: 'Write references "required", and give the manifests with --rim.',
  },
  'waiver-of-manifests': {
    severity: 'note',
    means: 'where no reference manifest is given, a device’s changed software goes unseen',
    remedy: 'Give the manifests, then remove the waiver.',
  },
} as const satisfies Record<string, LintEntry>;
