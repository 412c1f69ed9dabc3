/** One check over several devices: each has its finding, and a failure names the devices that made it. */
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';

export type DeviceFinding = {
  /** `GPU 3` */
  label: string;
  status: 'pass' | 'fail' | 'skip';
  /** Of a pass what was found, of a failure the reason, of a skip what is lacking, as a noun phrase. */
  text: string;
};

/** The worst finding is the check's; those that are the same of several devices are said once. */
export function decideDevices(
  list: Checklist,
  id: CheckId,
  expected: string,
  findings: readonly DeviceFinding[],
): void {
  const of = (status: DeviceFinding['status']) =>
    findings.filter((finding) => finding.status === status);
  const [failed, skipped] = [of('fail'), of('skip')];
  if (failed.length > 0) {
    const reason = said(failed);
    list.fail(id, { expected, actual: `${failed.length} of ${findings.length} fail`, reason });
  } else if (skipped.length > 0) list.skip(id, skipped.map(({ text }) => text).join('; '));
  else list.pass(id, { expected, actual: said(findings) });
}

function said(findings: readonly DeviceFinding[]): string {
  const byText = new Map<string, string[]>();
  for (const { label, text } of findings) byText.set(text, [...(byText.get(text) ?? []), label]);
  return [...byText].map(([text, labels]) => `${labels.join(', ')}: ${text}`).join('; ');
}
