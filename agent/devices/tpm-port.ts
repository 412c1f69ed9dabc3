/** The kernel's TPM device, or a Unix socket that takes the same bytes. */
import { open, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { type Bytes, concat } from '#verifier/bytes.ts';
import { AgentError } from '../errors.ts';
import type { TpmPort } from './tpm-client.ts';
import { maxFrameLength } from './tpm-frames.ts';

/** The kernel's resource manager, which several programs may use. */
export const defaultTpmDevice = '/dev/tpmrm0';

/** Opened for each command: what a call that was given up leaves there is nobody else's answer. */
export function tpmPort(path: string, timeoutMs: number): TpmPort {
  return {
    name: path,
    async transmit(command) {
      try {
        const isSocket = (await stat(path)).isSocket();
        return await (isSocket ? overSocket(path, command, timeoutMs) : overFile(path, command));
      } catch (cause) {
        if (cause instanceof AgentError) throw cause;
        throw new AgentError('device-failed', `${path} cannot be asked`, { cause });
      }
    },
  };
}

/** A write is a command, the read after it the answer; each waits in the kernel (drivers/char/tpm/tpm-dev-common.c). */
async function overFile(path: string, command: Bytes): Promise<Bytes> {
  const file = await open(path, 'r+');
  try {
    const { bytesWritten } = await file.write(command);
    if (bytesWritten !== command.length) {
      throw new AgentError('device-failed', `${path} took ${bytesWritten} bytes of a command`);
    }
    const { buffer, bytesRead } = await file.read(new Uint8Array(maxFrameLength));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Offset of the answer's length, which tells where it ends. */
const sizeOffset = 2;

function overSocket(path: string, command: Bytes, timeoutMs: number): Promise<Bytes> {
  return new Promise((done, fail) => {
    const socket = connect(path);
    let answer: Bytes = new Uint8Array();
    const end = (error: Error | null) => {
      clearTimeout(timer);
      socket.destroy();
      if (error === null) done(answer);
      else fail(error);
    };
    const timer = setTimeout(() => {
      end(new AgentError('device-timeout', `${path} did not answer within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.on('connect', () => socket.write(command));
    socket.on('error', end);
    socket.on('end', () => end(new Error('the connection ended before the answer')));
    socket.on('data', (part: Bytes) => {
      answer = concat(answer, part);
      if (answer.length > maxFrameLength) end(new Error('the answer is too long'));
      else if (isWhole(answer)) end(null);
    });
  });
}

function isWhole(answer: Bytes): boolean {
  if (answer.length < sizeOffset + 4) return false;
  const size = new DataView(answer.buffer, answer.byteOffset).getUint32(sizeOffset);
  return answer.length >= size;
}
