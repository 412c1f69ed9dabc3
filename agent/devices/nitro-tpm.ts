/** AWS' NitroTPM, asked through a command that prints its attestation document: `nitro-tpm-attest --nonce {nonceFile}`. */
import { parseNitro } from '#verifier/abi/nitro.ts';
import { equalBytes } from '#verifier/bytes.ts';
import { AgentError } from '../errors.ts';
import type { DeviceSource } from './devices.ts';
import type { RunCommand } from './nvidia.ts';

export function nitroTpmSource(options: {
  readonly name: string;
  readonly timeoutMs: number;
  readonly run: RunCommand;
}): DeviceSource {
  const { name, timeoutMs, run } = options;
  return {
    kind: 'nitro-tpm',
    name,
    count: 1,
    timeoutMs,
    abandoned: 2,
    async evidence(nonce, place) {
      const document = await run(nonce, place);
      const parsed = parseNitro(document);
      if (parsed.kind !== 'tpm') {
        throw new AgentError('device-failed', `${name} printed a document of an enclave`);
      }
      if (parsed.nonce === null || !equalBytes(parsed.nonce, nonce)) {
        throw new AgentError(
          'device-failed',
          `${name} printed a document over another nonce than was asked for`,
        );
      }
      return { evidence: document, identity: null };
    },
  };
}
