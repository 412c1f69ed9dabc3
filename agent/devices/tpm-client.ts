/** What the agent asks a TPM, in as many commands as it takes. */
import { parseAttest } from '#verifier/abi/tpm/attest.ts';
import type { TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { hashOf, pcrCount, type TpmHash, tpmHashes } from '#verifier/abi/tpm/hash.ts';
import { parseTpmSignature } from '#verifier/abi/tpm/signature.ts';
import { type Bytes, concat, equalBytes } from '#verifier/bytes.ts';
import { AgentError } from '../errors.ts';
import {
  nvRead,
  nvReadPublic,
  pcrRead,
  quoteOver,
  readAnswer,
  readPublic,
  type TpmCommand,
  TpmRefusal,
} from './tpm-frames.ts';

/** A way to a TPM: one command, one answer. */
export type TpmPort = {
  /** For people: its file. */
  readonly name: string;
  transmit(command: Bytes): Promise<Bytes>;
};

export type TpmClient = {
  /** TPMT_PUBLIC of a persistent key. */
  readPublic(key: number): Promise<Bytes>;
  /** The whole of an NV index. */
  readNv(index: number): Promise<Bytes>;
  /** A quote of all 24 PCRs of a bank, with the values that it is of. */
  quote(key: number, nonce: Bytes, algorithm: TpmHash): Promise<TpmQuote>;
};

/** Tries of one command, and of a quote whose PCRs change meanwhile. */
const maxTries = 5;
const firstWaitMs = 20;

/**
 * All methods throw TpmRefusal for what the TPM refuses, AttestationError for an answer that is none, AgentError `device-failed`,
 * and the port's own errors.
 * @param wait milliseconds
 */
export function tpmClient(port: TpmPort, wait: (ms: number) => Promise<void>): TpmClient {
  async function send<T>(command: TpmCommand<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const answer = await port.transmit(command.frame);
      try {
        return readAnswer(command, answer);
      } catch (error) {
        if (!(error instanceof TpmRefusal) || !error.again || tries === maxTries) throw error;
      }
      await wait(firstWaitMs * 2 ** (tries - 1));
    }
  }

  /** Null when a PCR changed between two answers. */
  async function readBank(algorithm: TpmHash): Promise<Map<number, Bytes> | null> {
    const found = new Map<number, Bytes>();
    let counter: number | null = null;
    while (found.size < pcrCount) {
      const left = allPcrs.filter((index) => !found.has(index));
      const answer = await send(pcrRead(algorithm, left));
      if (counter !== null && counter !== answer.updateCounter) return null;
      counter = answer.updateCounter;
      const { indices = [] } = answer.selections.find((one) => one.algorithm === algorithm) ?? {};
      if (indices.length === 0) throw failed(`${port.name} has no bank ${algorithm}`);
      if (indices.length !== answer.values.length || !indices.every((one) => left.includes(one)))
        throw failed(`${port.name} answered other PCRs than were asked for`);
      indices.forEach((index, place) => {
        const value = answer.values[place] as Bytes;
        if (value.length !== tpmHashes[algorithm].length)
          throw failed(`${port.name}: PCR ${index} of ${algorithm} has ${value.length} bytes`);
        found.set(index, value);
      });
    }
    return found;
  }

  async function quoteOnce(
    key: number,
    nonce: Bytes,
    algorithm: TpmHash,
  ): Promise<TpmQuote | null> {
    const values = await readBank(algorithm);
    if (values === null) return null;
    const selection = { algorithm, indices: allPcrs };
    const { message, signature } = await send(quoteOver(key, nonce, selection));
    const attest = parseAttest(message);
    if (!equalBytes(attest.nonce, nonce)) {
      throw failed(`${port.name} gave a quote over another nonce than was asked for`);
    }
    const ordered = allPcrs.map((index) => values.get(index) as Bytes);
    const digest = hashOf(parseTpmSignature(signature).hash, concat(...ordered));
    if (!equalBytes(digest, attest.pcrDigest)) return null;
    return { message, signature, pcrs: new Map([[algorithm, values]]) };
  }

  return {
    readPublic: (key) => send(readPublic(key)),
    async readNv(index) {
      const { attributes, size } = await send(nvReadPublic(index));
      const by = readerOf(attributes, index);
      const parts: Bytes[] = [];
      for (let offset = 0; offset < size; offset += nvPiece) {
        const piece = { size: Math.min(nvPiece, size - offset), offset };
        parts.push(await send(nvRead(index, by, piece)));
      }
      return concat(...parts);
    },
    async quote(key, nonce, algorithm) {
      for (let tries = 1; tries <= maxTries; tries++) {
        const found = await quoteOnce(key, nonce, algorithm);
        if (found !== null) return found;
      }
      throw failed(`${port.name}: PCRs changed between reading and quote, ${maxTries} times`);
    },
  };
}

const allPcrs: readonly number[] = Array.from({ length: pcrCount }, (_, index) => index);

/** Bytes of one NV_Read: every TPM has a buffer of so many. */
const nvPiece = 512;

/** TPMA_NV: OWNERREAD, AUTHREAD, WRITTEN (TPM 2.0 Library Part 2, 13.4). */
const ownerRead = 1 << 17;
const authRead = 1 << 18;
const written = 1 << 29;

function readerOf(attributes: number, index: number): 'index' | 'owner' {
  const shown = `NV index ${index.toString(16).padStart(8, '0')}`;
  if ((attributes & written) === 0) throw failed(`${shown} holds nothing`);
  if ((attributes & authRead) !== 0) return 'index';
  if ((attributes & ownerRead) !== 0) return 'owner';
  throw failed(`${shown} cannot be read with an empty password`);
}

function failed(message: string): AgentError {
  return new AgentError('device-failed', message);
}
