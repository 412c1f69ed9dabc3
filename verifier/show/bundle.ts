/**
 * An evidence bundle for `affidavit show`: its members, its log, its collateral, and the report in
 * it.
 */
import type { Bundle } from '#verifier/abi/bundle.ts';
import { parseLogEntry } from '#verifier/abi/log.ts';
import { readSnpEvidence } from '#verifier/abi/snp-forms.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { formatTime } from '#verifier/time.ts';
import { certificateSection } from './certificate.ts';
import type { ShowField, ShowSection } from './document.ts';
import { intelDocumentSection } from './intel-json.ts';
import { quoteSections } from './quote.ts';
import { reportSection } from './snp.ts';

/** @throws AttestationError for a report or certificate in it that cannot be read */
export function bundleSections(bundle: Bundle): ShowSection[] {
  const { platform, evidence, collateral } = bundle;
  return [
    ...memberSections(bundle),
    ...(platform === 'sev-snp'
      ? [reportSection(readSnpEvidence(evidence).report, collateral, 'the report')]
      : quoteSections(evidence, 'the quote')),
    ...collateral.map(({ kind, data, source, fetched }, i) => {
      const title = `collateral[${i}] ${kind}, ${formatTime(fetched)}, from ${source}`;
      return kind === 'tcb-info' || kind === 'qe-identity'
        ? intelDocumentSection(kind, data, title)
        : certificateSection(data, title);
    }),
  ].filter(({ fields }) => fields.length > 0);
}

/** What the bundle says by itself: its members and its log. */
export function memberSections(bundle: Bundle): ShowSection[] {
  return [
    { title: 'Evidence bundle', offsetsFrom: null, fields: memberFields(bundle) },
    { title: 'Log', offsetsFrom: null, fields: bundle.log.map(logField) },
  ].filter(({ fields }) => fields.length > 0);
}

function memberFields(bundle: Bundle): ShowField[] {
  const { channel, bound, devices, eventLog } = bundle;
  const field = (name: string, value: string): ShowField => ({ name, value });
  return [
    field('version', String(bundle.version)),
    field('platform', bundle.platform),
    field('evidence', size(bundle.evidence)),
    field('nonce', toHex(bundle.nonce)),
    field('freshness', `${bundle.freshness} drew the nonce`),
    field('epoch', formatTime(bundle.epoch)),
    field('channel', channel === null ? 'none' : `${channel.kind} ${toHex(channel.hash)}`),
    field('bound.closureDigest', toHex(bound.closureDigest)),
    field('bound.treeRoot', toHex(fieldToBytes(bound.treeRoot))),
    field('bound.deviceDigest', toHex(bound.deviceDigest)),
    field('bound.logDigest', toHex(bound.logDigest)),
    ...devices.map(({ kind, evidence }, i) => field(`devices[${i}]`, `${kind}, ${size(evidence)}`)),
    field('log', counted(bundle.log.length, 'entry', 'entries')),
    field('collateral', counted(bundle.collateral.length, 'item', 'items')),
    ...(eventLog === undefined ? [] : [field('eventLog', size(eventLog))]),
  ];
}

/** An entry that cannot be read is shown as its bytes: the bundle around it can. */
function logField(bytes: Bytes, i: number): ShowField {
  const name = `log[${i}]`;
  try {
    const entry = parseLogEntry(bytes);
    const time = formatTime(entry.time);
    return entry.kind === 'tree'
      ? { name, value: `${time} tree ${toHex(fieldToBytes(entry.treeRoot))}: ${entry.reason}` }
      : { name, value: `${time} event ${entry.name} ${toHex(entry.digest)}` };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { name, value: `${toHex(bytes)} (${error.message})` };
  }
}

function size(bytes: Bytes): string {
  return `${bytes.length} bytes`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
