/** Stage binding: every digest of a bundle recomputed, and both halves of REPORT_DATA (protocol, "What is bound"). */
import type { Bundle } from './abi/bundle.ts';
import { logDigest, parseLog } from './abi/log.ts';
import { bindingOf, type Channel, deviceDigest, freshnessOf } from './abi/report-data.ts';
import { type Bytes, equalBytes, toHex } from './bytes.ts';
import type { Checklist } from './checklist.ts';
import { AttestationError } from './errors.ts';
import type { Connection } from './evidence.ts';
import { fieldToBytes } from './field.ts';

/** Makes every check of stage binding. @param reportData the signed 64 bytes, null when no report could be read */
export function verifyBinding(
  list: Checklist,
  bundle: Bundle,
  reportData: Bytes | null,
  nonce: Bytes | null,
  connection: Connection,
): void {
  const { bound, devices } = bundle;
  compare(
    list,
    'binding.devices',
    bound.deviceDigest,
    deviceDigest(devices),
    'the devices given are not those bound',
  );
  checkLog(list, bundle);

  if (reportData === null) {
    list.skip('binding.report-data', 'a readable report');
    list.skip('binding.freshness', 'a readable report');
  } else {
    const first = reportData.subarray(0, 32);
    compare(
      list,
      'binding.report-data',
      first,
      bindingOf(bound),
      'the report signed other digests than these',
    );
    const fresh = freshnessOf(bundle.nonce, bundle.channel, bundle.epoch);
    const second = reportData.subarray(32);
    compare(
      list,
      'binding.freshness',
      second,
      fresh,
      'the report signed another nonce, channel or epoch than these',
    );
  }

  if (nonce !== null) {
    compare(
      list,
      'binding.nonce',
      bundle.nonce,
      nonce,
      'the evidence was made for another nonce: a replay',
    );
  }
  if (connection !== null) checkChannel(list, bundle.channel, connection.channel);
}

function checkLog(list: Checklist, { bound, log }: Bundle): void {
  try {
    const { treeRoot } = parseLog(log);
    const digest = logDigest(log);
    if (equalBytes(digest, bound.logDigest) && treeRoot !== bound.treeRoot) {
      return list.fail('binding.log', {
        expected: `last tree ${toHex(fieldToBytes(bound.treeRoot))}`,
        actual: `last tree ${toHex(fieldToBytes(treeRoot))}`,
        reason: 'the last tree of the log is not the tree that is bound',
      });
    }
    compare(list, 'binding.log', bound.logDigest, digest, 'the log given is not the one bound');
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail('binding.log', { reason: error.message });
  }
}

function checkChannel(list: Checklist, claimed: Channel, own: Channel | 'unknown'): void {
  const id = 'binding.channel';
  const show = (channel: Channel) =>
    channel === null ? 'none' : `${channel.kind} ${toHex(channel.hash)}`;
  if (own === 'unknown') {
    if (claimed === null) return list.pass(id, { actual: 'none: this evidence can be relayed' });
    return list.skip(id, `this verifier's own end of the ${claimed.kind} channel`);
  }
  list.decide(id, show(claimed) === show(own), {
    expected: show(own),
    actual: show(claimed),
    reason: 'the evidence was made for another connection than this one',
  });
}

function compare(
  list: Checklist,
  id:
    | 'binding.devices'
    | 'binding.log'
    | 'binding.report-data'
    | 'binding.freshness'
    | 'binding.nonce',
  actual: Bytes,
  expected: Bytes,
  reason: string,
): void {
  list.decide(id, equalBytes(actual, expected), {
    expected: toHex(expected),
    actual: toHex(actual),
    reason,
  });
}
