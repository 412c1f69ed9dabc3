/**
 * GPUs and switches of NVIDIA's, asked through a command that prints their evidence: `nvattest collect-evidence`, or one that
 * prints any form that `affidavit` reads.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  encodeNvidiaEvidence,
  type NvidiaEvidence,
  readNvidiaFile,
} from '#verifier/abi/nvidia/evidence.ts';
import { looksLikeSpdm, parseSpdm } from '#verifier/abi/nvidia/spdm.ts';
import { type Bytes, equalBytes, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { parseJson } from '#verifier/json.ts';
import { AgentError } from '../errors.ts';
import type { DeviceSource } from './devices.ts';

/** Runs the device's command. @throws AgentError `device-failed`, `device-timeout` */
export type RunCommand = (nonce: Bytes, index: number) => Promise<Bytes>;

export type NvidiaOptions = {
  readonly name: string;
  readonly count: number;
  readonly timeoutMs: number;
  readonly run: RunCommand;
};

/**
 * The command runs once for each device, for each has a nonce of its own. It prints the evidence of that device alone, or that
 * of all `count` of them in an order that stays: then the one at the device's place is taken.
 */
export function nvidiaSource(options: NvidiaOptions): DeviceSource {
  const { name, count, timeoutMs, run } = options;
  return {
    kind: 'nvidia',
    name,
    count,
    timeoutMs,
    abandoned: 2,
    async evidence(nonce, place) {
      const printed = readNvidiaFile(unwrapped(await run(nonce, place)));
      const { length } = printed;
      if (length !== 1 && length !== count) {
        throw failed(`${name} printed evidence of ${length} devices, expected 1 or ${count}`);
      }
      const found = printed[length === 1 ? 0 : place] as NvidiaEvidence;
      const [leaf] = found.certificates;
      if (leaf === undefined) throw failed(`${name} printed no certificates`);
      if (!equalBytes(parseSpdm(found.evidence).nonce, nonce)) {
        throw failed(`${name} printed a report over another nonce than was asked for`);
      }
      return { evidence: utf8(encodeNvidiaEvidence(found)), identity: toHex(sha256(leaf)) };
    },
  };
}

/** nvattest puts its list into an object with its own verdict on the collecting; every other form is left as it is. */
function unwrapped(printed: Bytes): Bytes {
  const opening = 0x7b;
  if (looksLikeSpdm(printed) || printed.find((byte) => byte > 0x20) !== opening) return printed;
  const value = parseJson(fromUtf8(printed, 'what was printed'), 'what was printed') as {
    evidences?: unknown;
    result_code?: unknown;
  };
  if (!('evidences' in value)) return printed;
  if (value.result_code !== 0) {
    throw failed(`the command says result_code ${String(value.result_code)}, expected 0`);
  }
  return utf8(JSON.stringify(value.evidences));
}

function failed(message: string): AgentError {
  return new AgentError('device-failed', message);
}
