/** Lint of a guest: which inputs lie outside of what is measured. Pure; the readers are parseDescription and folder.ts. */
import { type Bytes, fromUtf8, quote } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { decodeDescription, type GuestDescription } from './description.ts';
import { type Severity, severities } from './rule.ts';
import { findAll, ruleOf } from './rules.ts';

export type { GuestDescription } from './description.ts';
export type { Severity } from './rule.ts';

export type GuestFinding = {
  rule: string;
  severity: Severity;
  title: string;
  /** The member of the description, with the name of the element where it is one of a list. */
  at: string;
  /** What is there. */
  what: string;
  why: string;
  close: string;
  spec: string;
  /** Why it may stay, where somebody said so; null where it counts. */
  accepted: string | null;
};

export type GuestReport = {
  /** In the order of the rules. */
  findings: GuestFinding[];
  /** Rules that are accepted and found nothing: the acceptance can go. */
  unusedAcceptances: string[];
};

/** NixOS systems with all their units have some 300 KB. */
export const maxDescriptionLength = 16 * 1024 * 1024;

/**
 * @param bytes UTF-8 JSON, as `affidavit.description` of a NixOS configuration is printed (docs/guest-lint.md)
 * @throws AttestationError `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `too-large`
 */
export function parseDescription(bytes: Bytes): GuestDescription {
  if (bytes.length > maxDescriptionLength) {
    throw new AttestationError('too-large', `guest description: ${bytes.length} bytes`);
  }
  const what = 'guest description';
  const description = decodeDescription(parseJson(fromUtf8(bytes, what), what), what);
  checkAcceptances(description);
  return description;
}

/** A misspelt acceptance would accept nothing and be believed; two of one rule have two reasons. */
function checkAcceptances({ accepted = [] }: GuestDescription): void {
  const seen = new Set<string>();
  for (const [index, { rule }] of accepted.entries()) {
    const path = `guest description.accepted[${index}].rule`;
    if (ruleOf(rule) === null) {
      throw new AttestationError('json-shape', `${path}: no rule is called ${quote(rule)}`);
    }
    if (seen.has(rule)) {
      throw new AttestationError('json-shape', `${path}: ${quote(rule)} is accepted twice`);
    }
    seen.add(rule);
  }
}

/** Acceptances hide nothing: their findings are in the report, with the reason. */
export function lintGuest(description: GuestDescription): GuestReport {
  const reasons = new Map(
    (description.accepted ?? []).map(({ rule, reason }) => [rule, reason] as const),
  );
  const findings = findAll(description).map(({ rule, hit }) => ({
    rule: rule.id,
    severity: rule.severity,
    title: rule.title,
    at: hit.at,
    what: hit.what,
    why: rule.why,
    close: rule.close,
    spec: rule.spec,
    accepted: reasons.get(rule.id) ?? null,
  }));
  const found = new Set(findings.map(({ rule }) => rule));
  return { findings, unusedAcceptances: [...reasons.keys()].filter((id) => !found.has(id)) };
}

/** Whether any finding that nobody accepted is of that severity or a worse one. */
export function fails({ findings }: GuestReport, failOn: Severity): boolean {
  const limit = severities.indexOf(failOn);
  return findings.some(
    ({ severity, accepted }) => accepted === null && severities.indexOf(severity) <= limit,
  );
}
