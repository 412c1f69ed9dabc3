/** Listening and stopping: the part of the HTTP face that has a socket. */
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import type { Server as HttpsServer, ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type Koa from 'koa';
import type { BoundChannel } from '#verifier/abi/report-data.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AgentError } from './errors.ts';
import { rawProblem } from './http/problem.ts';
import { maxHeaderBytes } from './http/routes.ts';

export type Server = {
  /** With the port that was bound. */
  url: string;
  /**
   * Takes no new connection, ends when the requests under way are answered or the grace is over.
   */
  close(): Promise<void>;
};

/** What tls.ts makes. */
export type AgentTls = {
  /** DER of the certificate's SubjectPublicKeyInfo: the same as long as the agent runs. */
  readonly spki: Bytes;
  /** Of a connection that this server took. @throws TypeError for another */
  channelOf(socket: Socket): BoundChannel;
  /** TLS 1.3 alone. Its certificate is made anew, of the same key, before it ends. */
  createServer(options: ServerOptions, listener: RequestListener): HttpsServer;
};

const stopGraceMs = 5000;

/** @throws AgentError `config-invalid` when the address cannot be bound */
export async function serve(
  app: Koa,
  listen: { host: string; port: number },
  tls: Pick<AgentTls, 'createServer'> | null = null,
): Promise<Server> {
  const server = (tls?.createServer ?? createServer)(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: 5000,
    },
    app.callback(),
  );
  server.maxConnections = 1024;
  answerMalformed(server);
  await new Promise<void>((done, fail) => {
    server.once('error', (cause) => {
      fail(new AgentError('config-invalid', `cannot listen on ${show(listen)}`, { cause }));
    });
    server.listen(listen.port, listen.host, done);
  });
  // A failed accept (out of file descriptors) is for the log; unheard, it would end the process.
  server.on('error', (error) => app.emit('error', error));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === null ? 'http' : 'https'}://${show({ ...listen, port })}`,
    close: () =>
      new Promise((done) => {
        // A connection under way becomes an idle one later, and would be kept alive.
        const sweep = setInterval(() => server.closeIdleConnections(), 50);
        const grace = setTimeout(() => server.closeAllConnections(), stopGraceMs);
        server.close(() => {
          clearInterval(sweep);
          clearTimeout(grace);
          done();
        });
      }),
  };
}

/** What the parser refuses gets a problem like any other, and the connection's end. */
function answerMalformed(server: HttpServer | HttpsServer): void {
  server.on('clientError', (error, socket) => {
    // A part of another answer may already be on its way; then only the end is left to say.
    const { bytesWritten = 0 } = socket as { bytesWritten?: number };
    if (socket.writable && bytesWritten === 0) socket.end(rawProblem(error));
    else socket.destroy();
  });
}

/** An IPv6 address in brackets, as a URL has it. */
function show({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Resolves at the first SIGTERM or SIGINT. A second one finds no handler and ends the process. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
