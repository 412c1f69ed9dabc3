/** What an agent on a simulated machine serves: a bundle, its closure's manifest and the proof of a service. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fakeNow } from '#test/fake/amd.ts';
import { createInsecureAgent, createInsecureTdxAgent } from '#test/fake/insecure-agent.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import type { DroppedFile } from './corpus-cases.ts';

export type Simulated = {
  bundle: DroppedFile;
  /** The simulator's, without which nothing of it counts. */
  root: DroppedFile;
  at: string;
};

export async function agentEvidence(
  platform: 'sev-snp' | 'tdx' = 'sev-snp',
): Promise<Simulated & { beside: DroppedFile[] }> {
  const { app, rootsPem } = await agentOn(platform);
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const get = async (path: string, name: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return fileOf(name, new Uint8Array(await answer.arrayBuffer()));
  };
  try {
    return {
      bundle: await get(`/attestation?nonce=${'6e'.repeat(32)}`, 'bundle.json'),
      beside: [
        await get('/closure', 'closure.txt'),
        await get('/proofs/echo-node', 'echo-node.json'),
      ],
      root: fileOf('root.pem', rootsPem()),
      at: formatTime(fakeNow),
    };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const silent = { info: () => {}, warn: () => {}, error: () => {} };

async function agentOn(platform: 'sev-snp' | 'tdx') {
  const options = { now: () => fakeNow, logger: silent };
  if (platform === 'tdx') {
    const { app, intel } = createInsecureTdxAgent(options);
    return { app, rootsPem: intel.rootsPem };
  }
  const { app, hierarchy } = await createInsecureAgent(options);
  return { app, rootsPem: hierarchy.rootsPem };
}

export function fileOf(name: string, content: Bytes | string): DroppedFile {
  return { name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) };
}
