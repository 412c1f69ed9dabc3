/** The service on a socket: how long a client may take, how many there may be, and how it ends. */
import { createServer, type Server as HttpServer, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type Koa from 'koa';
import { ServeError, type ServeErrorCode, toProblem } from '../errors.ts';

export type Limits = {
  /** For the header of a request, and for a connection's first byte. */
  headersTimeoutMs: number;
  /** For a whole request. */
  requestTimeoutMs: number;
  /** How often the two above are looked at. */
  checkingIntervalMs: number;
  keepAliveTimeoutMs: number;
  /** Without a byte in either direction. */
  idleTimeoutMs: number;
  maxConnections: number;
  /** For requests under way when the service is to end. */
  stopGraceMs: number;
};

export const defaultLimits: Limits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  checkingIntervalMs: 1000,
  keepAliveTimeoutMs: 10_000,
  idleTimeoutMs: 120_000,
  maxConnections: 8192,
  stopGraceMs: 10_000,
};

export type Listening = {
  /** With the port that was bound. */
  url: string;
  /** Takes no new connection, ends when the requests under way are answered or the grace is over. */
  close(): Promise<void>;
};

/**
 * @param onClientError told of requests that never became one
 * @throws the system's error when the address cannot be bound
 */
export async function listen(
  app: Koa,
  { host, port }: { host: string; port: number },
  onClientError: (code: ServeErrorCode) => void,
  limits: Limits = defaultLimits,
): Promise<Listening> {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkingIntervalMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
    },
    app.callback(),
  );
  server.maxConnections = limits.maxConnections;
  server.timeout = limits.idleTimeoutMs;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuse(error, socket, onClientError),
  );
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', fail);
      done();
    });
  });
  // A failed accept (out of file descriptors) is for the log; unheard, it would end the process.
  server.on('error', (error) => app.emit('error', error));
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`,
    close: () => stop(server, limits.stopGraceMs),
  };
}

const clientErrors: Record<string, ServeErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'header-too-large',
};

/** Answers what Node could not make a request of, unless an answer is on its way already. */
function refuse(
  error: NodeJS.ErrnoException & { bytesParsed?: number },
  socket: Duplex & { bytesWritten?: number },
  onClientError: (code: ServeErrorCode) => void,
): void {
  // A peer that hung up has refused us, not we it.
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
    socket.destroy();
    return;
  }
  const code = clientErrors[error.code ?? ''] ?? 'http-malformed';
  onClientError(code);
  if (!socket.writable || socket.bytesWritten !== 0) {
    socket.destroy();
    return;
  }
  const problem = toProblem(new ServeError(code, 'no request'));
  const body = JSON.stringify(problem);
  socket.on('error', () => {});
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  );
}

function stop(server: HttpServer, graceMs: number): Promise<void> {
  return new Promise((done) => {
    // A connection under way becomes an idle one later, and would be kept alive.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const grace = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(grace);
      done();
    });
    server.closeIdleConnections();
  });
}
