/** Tools to collect with: a simulated vendor that counts requests, and a cache in memory. */
import type { Replies } from '#test/fake/vendor-server.ts';
import { utf8 } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { CollateralError } from '#verifier/collateral/collateral-error.ts';
import type { CollectTools, Found } from '#verifier/collateral/collect.ts';
import { memoryStore } from '#verifier/collateral/host/memory.ts';
import type { Source } from '#verifier/collateral/ports.ts';
import { objectName, type VendorObject } from '#verifier/collateral/vendor-object.ts';
import type { UnixTime } from '#verifier/time.ts';

export type Scene = {
  tools: CollectTools;
  /** Paths that were asked for. */
  requests: string[];
  /** Names that were handed to be asked for anew. */
  revalidated: string[][];
  reply(replies: Replies): void;
  /** The same at another time. */
  at(now: UnixTime): CollectTools;
};

export const deadReplies: Replies = () => {
  throw new CollateralError('vendor-unreachable', 'http://vendor.example: nothing listens there');
};

/** @param rootPems PEM of each trusted root */
export function scene(first: Replies, rootDers: readonly Uint8Array[], now: UnixTime): Scene {
  let replies = first;
  const requests: string[] = [];
  const revalidated: string[][] = [];
  const source: Source = {
    async get(address) {
      const path = address.replace('http://vendor.example', '');
      requests.push(path);
      const found = replies(path);
      if (found === null) throw new CollateralError('vendor-unknown', `${address}: status 404`);
      const { body, headers = {} } = found;
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      return {
        body: typeof body === 'string' ? utf8(body) : body,
        headers: Object.fromEntries(lower),
        date: null,
      };
    },
  };
  const url = 'http://vendor.example';
  const tools: CollectTools = {
    store: memoryStore(),
    source,
    endpoints: { amd: url, intel: url, intelRoot: null },
    roots: rootDers.map((der) => insecureRoot(parseCertificate(der, 'root'))),
    now,
    crypto: nodeCrypto,
    revalidate: (objects: readonly VendorObject[]) => revalidated.push(objects.map(objectName)),
  };
  return {
    tools,
    requests,
    revalidated,
    reply: (next) => {
      replies = next;
    },
    at: (later) => ({ ...tools, now: later }),
  };
}

/** Names with states, to compare. */
export function states(found: readonly Found[]): Record<string, string> {
  return Object.fromEntries(found.map(({ name, state }) => [name, state]));
}

export function problems(found: readonly Found[]): (string | null)[] {
  return found.map(({ problem }) => problem?.code ?? null);
}
