/** Servers and proxies on this machine, that misbehave on demand. All are closed when the test file ends. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { afterAll } from 'vitest';
import { issueCertificate, unedited } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { basicConstraints } from '#test/fake/extensions.ts';

const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** @returns `127.0.0.1:port` */
export async function httpServer(listener: RequestListener): Promise<string> {
  return `127.0.0.1:${await listening(createServer(listener))}`;
}

/** For what no HTTP server would say. */
export async function rawServer(talk: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    talk(socket);
  });
  return `127.0.0.1:${await listening(server)}`;
}

/** A port that nothing listens at. */
export async function nobody(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

type Credentials = { readonly ca: string; readonly cert: string; readonly key: string };

let authorities = 0;

/** An authority and a certificate of it for `localhost`. Seconds from now to its begin and its end. */
export function credentials(times: { from?: number; to?: number } = {}): Credentials {
  const now = Math.floor(Date.now() / 1000);
  const name = (value: string) => [{ type: 'CN', value, string: 'utf8' } as const];
  const [authority, server] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  if (authority === undefined || server === undefined) throw new RangeError('no keys');
  const common = {
    ...unedited,
    version: 3,
    algorithm: { name: 'ecdsa', hash: 'sha256' },
    signer: authority.privateKey,
    // Each its own: of two of one name OpenSSL tries the first alone.
    issuer: name(`authority ${authorities++}`),
  } as const;
  const ca = issueCertificate({
    ...common,
    serial: 1n,
    notBefore: now - 86_400,
    notAfter: now + 86_400,
    subject: common.issuer,
    publicKey: authority.publicKey,
    extensions: [basicConstraints(true, null)],
  });
  // dNSName, RFC 5280, 4.2.1.6.
  const names = der.sequence(der.contextPrimitive(2, new TextEncoder().encode('localhost')));
  const cert = issueCertificate({
    ...common,
    serial: 2n,
    notBefore: now + (times.from ?? -3600),
    notAfter: now + (times.to ?? 3600),
    subject: name('localhost'),
    publicKey: server.publicKey,
    extensions: [
      basicConstraints(false, null),
      { oid: '2.5.29.17', critical: false, value: names },
    ],
  });
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { ca: ca.pem, cert: cert.pem, key };
}

/** @returns its port, for `localhost` */
export async function tlsServer(
  { cert, key }: Credentials,
  listener: RequestListener,
): Promise<number> {
  return listening(createTlsServer({ cert, key }, listener));
}

export type TestProxy = {
  readonly host: string;
  /** What it was asked for: `CONNECT host:port` or `GET address`. */
  readonly asked: string[];
};

/** @param answer null: go on as a proxy does; else the status line that CONNECT is refused with, empty for no answer at all */
export async function proxyServer(answer: string | null = null): Promise<TestProxy> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('from the proxy');
  });
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    if (answer === '') return;
    if (answer !== null) return socket.end(`HTTP/1.1 ${answer}\r\n\r\n`);
    const port = Number(request.url?.split(':').at(-1));
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  return { host: `127.0.0.1:${await listening(server)}`, asked };
}
