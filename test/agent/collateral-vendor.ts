/** A simulated AMD and Intel as an HTTP service, for the refresher to ask: what it has of a hierarchy, and what it was asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { collateralOf, type Intel } from '#test/fake/intel.ts';
import type { IntelCollateralKind } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { answerOf, objectOf } from '#verifier/collateral/endpoints.ts';
import { type Content, itemKinds } from '#verifier/collateral/facts.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';

export type Vendor = {
  readonly url: string;
  readonly asked: VendorObject['kind'][];
  /** From then on nobody listens. */
  die(): Promise<void>;
};

/** @param contentOf null: 404 */
export async function startVendor(
  contentOf: (object: VendorObject) => Content | null,
): Promise<Vendor> {
  const asked: VendorObject['kind'][] = [];
  const server = createServer((request, response) => {
    const object = objectOf(request.url ?? '');
    const content = object === null ? null : contentOf(object);
    if (object === null || content === null) {
      response.writeHead(404).end();
      return;
    }
    asked.push(object.kind);
    const { body, headers } = answerOf(object, content);
    response.writeHead(200, headers).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    die: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

export function amdContents({ vcek, ask, ark, crl }: AmdHierarchy) {
  return ({ kind }: VendorObject): Content | null => {
    if (kind === 'vcek') return { items: [{ kind: 'vek', data: vcek.der }], signers: [] };
    if (kind === 'amd-crl') return { items: [{ kind: 'ark-crl', data: crl.der }], signers: [] };
    if (kind !== 'amd-chain') return null;
    const items = [
      { kind: 'ask', data: ask.der },
      { kind: 'ark', data: ark.der },
    ] as const;
    return { items, signers: [] };
  };
}

export function intelContents(intel: Intel) {
  const data = new Map(collateralOf(intel).map((item) => [item.kind, item.data]));
  const dataOf = (kind: IntelCollateralKind): Bytes => data.get(kind) ?? new Uint8Array();
  return (object: VendorObject): Content | null => {
    const { kind } = object;
    if (kind === 'vcek' || kind === 'amd-chain' || kind === 'amd-crl') return null;
    if (kind === 'pck-crl') {
      // The root's list is verified by the platform CA's answer, of whichever CA the machine is.
      const { ca } = object;
      const own = ca === 'platform' ? intel.platformCa : intel.processorCa;
      const list = ca === 'platform' ? intel.platformCrl : intel.processorCrl;
      return { items: [{ kind, data: list.der }], signers: [own.der, intel.root.der] };
    }
    return { items: itemKinds[kind].map((one) => ({ kind: one, data: dataOf(one) })), signers: [] };
  };
}
