/**
 * The socket at which the guest's root adds runtime events to the log. Its file's mode is the whole
 * permission: the agent's own user and root can write to it, and nothing of HTTP leads here.
 *
 *     {"version":1,"name":"…","digest":"<64 hex digits>"}   one line to LF, then the end
 *     {"ok":true,"logDigest":"<64 hex digits>"}             the log's digest with the event
 *     {"ok":false,"code":"…","reason":"…"}
 */
import { lstat, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { type Bytes, concat, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Decoder, hexBytes, object, parseJson, shapeError, version } from '#verifier/json.ts';
import { AgentError, type Logger } from './errors.ts';
import { type History, isEventName } from './history.ts';

export type EventSocket = { close(): Promise<void> };

/** Of a line, its LF not counted: a name of 255 bytes may be escaped six-fold. */
const maxLineLength = 2048;
const idleMs = 5000;
const maxConnections = 16;
const lineFeed = 0x0a;

const eventName: Decoder<string> = (value, path) => {
  if (typeof value === 'string' && isEventName(value)) return value;
  throw shapeError(path, '1 to 255 bytes of text without control characters', value);
};
const eventMembers = object({ version: version(1), name: eventName, digest: hexBytes(32) });

/** @throws AttestationError, AgentError `log-full` */
function addLine(line: Bytes, history: History): Bytes {
  const { name, digest } = eventMembers(parseJson(fromUtf8(line, 'event'), 'event'), 'event');
  return history.addEvent(name, digest);
}

/** The answer to one line, without its LF. */
export function answerEvent(line: Bytes, history: History, logger: Logger): string {
  try {
    return JSON.stringify({ ok: true, logDigest: toHex(addLine(line, history)) });
  } catch (error) {
    if (error instanceof AgentError || error instanceof AttestationError) {
      return JSON.stringify({ ok: false, code: error.code, reason: error.message });
    }
    logger.error('an event could not be added', error);
    return refusal('internal', 'a fault of the agent');
  }
}

function refusal(code: string, reason: string): string {
  return JSON.stringify({ ok: false, code, reason });
}

/**
 * Listens at `path`, which it makes with mode 0600; what a killed agent left there is removed.
 * @throws AgentError `config-invalid` when it cannot, or when others may write to the path's folder
 */
export async function serveEvents(
  path: string,
  history: History,
  logger: Logger,
): Promise<EventSocket> {
  try {
    await refuseOpenFolder(dirname(path));
    await removeOld(path);
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      serve(socket, history, logger),
    );
    server.maxConnections = maxConnections;
    await listenPrivately(server, path);
    server.on('error', (error) => logger.error('the socket of events failed', error));
    await refuseOpenSocket(path, server);
    logger.info(`events are taken at ${path}`);
    return { close: () => new Promise((done) => server.close(() => done())) };
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('config-invalid', `events.socket: cannot listen at ${path}`, { cause });
  }
}

/** There another user could put a socket of his own in place of ours. */
async function refuseOpenFolder(folder: string): Promise<void> {
  const { mode, uid } = await stat(folder);
  if (uid !== 0 && uid !== process.getuid?.()) {
    const problem = `${folder} belongs to user ${uid}, expected root or the agent's own`;
    throw new AgentError('config-invalid', `events.socket: ${problem}`);
  }
  if ((mode & 0o022) === 0) return;
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  const problem = `others may write to ${folder} (mode ${shown})`;
  throw new AgentError('config-invalid', `events.socket: ${problem}, expected 0755 or less`);
}

async function removeOld(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) {
    throw new AgentError('config-invalid', `events.socket: ${path} exists and is no socket`);
  }
  await rm(path);
}

/** The mask holds while the file is made, which listen() does before it returns: no moment is open. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    const mask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', fail);
        done();
      });
    } finally {
      process.umask(mask);
    }
  });
}

async function refuseOpenSocket(path: string, server: Server): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o777) === 0o600) return;
  server.close();
  throw new AgentError('config-invalid', `events.socket: ${path} did not get mode 0600`);
}

/** One line, one answer. */
function serve(socket: Socket, history: History, logger: Logger): void {
  let line: Bytes = new Uint8Array();
  const end = (answer: string) => {
    socket.off('data', onData);
    socket.resume().end(utf8(`${answer}\n`), () => socket.destroy());
  };
  const onData = (part: Bytes) => {
    line = concat(line, part);
    const at = line.indexOf(lineFeed);
    if (at > maxLineLength || (at < 0 && line.length > maxLineLength)) {
      end(refusal('too-large', `more than ${maxLineLength} bytes in a line`));
    } else if (at >= 0 && at < line.length - 1) {
      end(refusal('event-malformed', 'bytes after the line'));
    } else if (at >= 0) end(answerEvent(line.subarray(0, at), history, logger));
  };
  socket.on('data', onData);
  socket.on('end', () => {
    if (!socket.writableEnded) end(refusal('event-malformed', 'no line feed'));
  });
  socket.on('error', () => socket.destroy());
  // From the start on, not from the last byte: who sends slowly has no more time.
  const timer = setTimeout(() => socket.destroy(), idleMs);
  socket.on('close', () => clearTimeout(timer));
}
