/** From a nonce to a bundle (protocol, "What is bound"). */
import type { Bundle } from '#verifier/abi/bundle.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import {
  type Bound,
  bindingOf,
  type Channel,
  deviceDigest,
  deviceNonce,
  freshnessOf,
  reportDataOf,
} from '#verifier/abi/report-data.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type Devices, noDevices } from './devices/devices.ts';
import { AgentError } from './errors.ts';
import { type EventLog, noEventLog } from './event-log.ts';
import type { Evidence, EvidenceSource } from './source.ts';
import type { AgentState } from './state.ts';

export type EvidenceRequest = {
  readonly state: AgentState;
  readonly source: EvidenceSource;
  /** Default: none. */
  readonly devices?: Devices;
  /** Default: none. */
  readonly eventLog?: EventLog;
  /** The verifier's 32 bytes; null: the agent draws them. */
  readonly nonce: Bytes | null;
  /** Taken from the agent's own end of the connection. */
  readonly channel: Channel;
  /** The guest's clock, Unix seconds. */
  readonly now: () => UnixTime;
  /** Random bytes that nobody can foresee. */
  readonly random: (length: number) => Bytes;
};

/**
 * Evidence of each device over a nonce of this request, then a report over all of it: freshness → device nonces → device
 * evidence → device digest → binding → report. Whatever of it is missing, there is no bundle.
 * @throws AgentError `device-failed`, `device-busy`, `device-timeout`, `device-hanging`, `event-log-failed`, `log-full`
 */
export async function makeBundle(request: EvidenceRequest): Promise<Bundle> {
  const { state, source, channel, devices = noDevices, eventLog = noEventLog } = request;
  refuseFullLog(state);
  const nonce = request.nonce ?? request.random(32);
  const epoch = request.now();
  const freshness = freshnessOf(nonce, channel, epoch);
  const treeRoot = state.tree.root;
  const collected = await devices.collect((index) => deviceNonce(freshness, treeRoot, index));
  const bound: Bound = {
    closureDigest: state.closureDigest,
    treeRoot,
    deviceDigest: deviceDigest(collected),
    logDigest: state.logDigest,
  };
  const reportData = reportDataOf(bindingOf(bound), freshness);
  const { evidence, collateral } = await reportOf(source, reportData);
  // Last, so that it holds whatever the reports before it are of.
  const log = await eventLog.read();
  return {
    version: 1,
    platform: source.platform,
    evidence,
    nonce,
    freshness: request.nonce === null ? 'agent' : 'verifier',
    epoch,
    channel,
    bound,
    devices: collected,
    log: [...state.log],
    collateral: [...collateral],
    ...(log !== null && { eventLog: log.bytes }),
  };
}

/** @throws AgentError `log-full` when the evidence would leave something out */
export function refuseFullLog({ logFull }: AgentState): void {
  if (logFull) throw new AgentError('log-full', 'the log has no room for what happened');
}

/**
 * Another's report would bind nothing of ours: a faulty or racing device is found here, not by the
 * verifier.
 * @throws AgentError `device-failed`, `device-busy`, `device-timeout`, `device-hanging`
 */
export async function reportOf(source: EvidenceSource, reportData: Bytes): Promise<Evidence> {
  const found = await source.report(reportData).catch((cause: unknown) => {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('device-failed', `${source.name} gave no report`, { cause });
  });
  if (!equalBytes(reportDataIn(source, found.evidence), reportData)) {
    throw new AgentError(
      'device-failed',
      `${source.name} gave a report with other REPORT_DATA than was asked for`,
    );
  }
  return found;
}

function reportDataIn(source: EvidenceSource, evidence: Bytes): Bytes {
  const what = source.platform === 'tdx' ? 'no quote' : 'no report';
  try {
    return source.platform === 'tdx' ? tdReportData(evidence) : parseReport(evidence).reportData;
  } catch (cause) {
    throw new AgentError('device-failed', `${source.name} gave what is ${what}`, { cause });
  }
}

/** @throws RangeError for the quote of an SGX enclave, whose REPORTDATA no TD has asked for */
function tdReportData(evidence: Bytes): Bytes {
  const { body } = parseQuote(evidence);
  if (body.kind !== 'tdx') throw new RangeError('the quote is of an SGX enclave, not of a TD');
  return body.report.reportData;
}
