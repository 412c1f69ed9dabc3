/**
 * AMD's key service and Intel's certification service on 127.0.0.1, with what the simulated vendors publish. Paths and headers
 * are written out here as the vendors document them (AMD document 57230; Intel PCS API version 4), not taken from the client.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import type { AmdHierarchy } from './amd.ts';
import type { Intel } from './intel.ts';

export type Reply = {
  /** Default 200. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body: Bytes | string;
  /** Milliseconds. */
  delay?: number;
};

/** By path and query; null: 404. */
export type Replies = (path: string) => Reply | null;

export type VendorServer = {
  url: string;
  /** Paths and queries, in the order in which they were asked for. */
  requests: string[];
  /** From now on. */
  reply(replies: Replies): void;
  /** Nothing listens any more. */
  close(): Promise<void>;
};

export async function startVendorServer(first: Replies): Promise<VendorServer> {
  let replies = first;
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const found = replies(path) ?? { status: 404, body: 'not found' };
    if (found.delay !== undefined) await sleep(found.delay);
    response.writeHead(found.status ?? 200, { ...found.headers });
    response.end(found.body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    reply: (next) => {
      replies = next;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

export function vcekPath({ product, hardwareId, tcb }: AmdHierarchy): string {
  const { fmc, bootLoader, tee, snp, microcode } = tcb;
  const turin = product === 'Turin' ? `fmcSPL=${fmc}&` : '';
  const query = `${turin}blSPL=${bootLoader}&teeSPL=${tee}&snpSPL=${snp}&ucodeSPL=${microcode}`;
  return `/vcek/v1/${product}/${toHex(hardwareId)}?${query}`;
}

const binary = (body: Bytes): Reply => ({
  headers: { 'content-type': 'application/octet-stream' },
  body,
});

export function amdReplies(hierarchy: AmdHierarchy): Replies {
  const { product, vcek, crl } = hierarchy;
  const known = new Map<string, Reply>([[vcekPath(hierarchy), binary(vcek.der)]]);
  for (const key of ['vcek', 'vlek'] as const) {
    known.set(`/${key}/v1/${product}/cert_chain`, {
      headers: { 'content-type': 'application/x-pem-file' },
      body: hierarchy.chainPem(key),
    });
    known.set(`/${key}/v1/${product}/crl`, binary(crl.der));
  }
  return (path) => known.get(path) ?? null;
}

/** As a PCCS has them too: the root's list is at the same address. */
export function intelReplies(intel: Intel): Replies {
  const { tee, machine, root, tcbSigning, qeIdentitySigning, platformCa, processorCa } = intel;
  const chain = (...certificates: readonly { pem: string }[]) =>
    encodeURIComponent([...certificates, root].map(({ pem }) => pem).join(''));
  const json = (body: Bytes, header: string, value: string): Reply => ({
    headers: { 'content-type': 'application/json', [header]: value },
    body,
  });
  const list = (body: Bytes, signer: { pem: string }): Reply => ({
    headers: { 'content-type': 'application/pkix-crl', 'SGX-PCK-CRL-Issuer-Chain': chain(signer) },
    body,
  });
  const base = `/${tee}/certification/v4`;
  const fmspc = toHex(machine.fmspc);
  const known = new Map<string, Reply>([
    [
      '/sgx/certification/v4/pckcrl?ca=platform&encoding=der',
      list(intel.platformCrl.der, platformCa),
    ],
    [
      '/sgx/certification/v4/pckcrl?ca=processor&encoding=der',
      list(intel.processorCrl.der, processorCa),
    ],
    // Two digits a byte, as a PCCS writes it.
    [
      '/sgx/certification/v4/rootcacrl',
      { headers: { 'content-type': 'text/plain' }, body: utf8(toHex(intel.rootCrl.der)) },
    ],
  ]);
  for (const update of ['standard', 'early']) {
    known.set(
      `${base}/tcb?fmspc=${fmspc}&update=${update}`,
      json(intel.tcbInfo.bytes, 'TCB-Info-Issuer-Chain', chain(tcbSigning)),
    );
    known.set(
      `${base}/qe/identity?update=${update}`,
      json(intel.qeIdentity.bytes, 'SGX-Enclave-Identity-Issuer-Chain', chain(qeIdentitySigning)),
    );
  }
  return (path) =>
    known.get(path.replace(/(?<=fmspc=)[0-9A-Fa-f]{12}/, (hex) => hex.toLowerCase())) ?? null;
}

/** What a network's login page answers, whatever is asked for. */
export const portalReplies: Replies = () => ({
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><title>Welcome to our network</title>',
});
