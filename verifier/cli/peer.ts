/**
 * This verifier's own end of a TLS connection (protocol, channel). Who presents which certificate is not
 * judged here: nobody vouches for it, and what may be believed is in the evidence, which must name this
 * very connection.
 */
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import {
  type BoundChannel,
  tlsExporterChannel,
  tlsExporterLabel,
  tlsKeyChannel,
} from '#verifier/abi/report-data.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { context, DerReader, derTag } from '#verifier/chain/der.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Connection } from '#verifier/evidence.ts';

export type OwnChannel = NonNullable<Connection>['channel'];

/** For one request: makes its connection and keeps what that one is. */
export class PeerAgent extends Agent {
  #channel: OwnChannel = 'unknown';

  constructor() {
    // A session that is taken up again shows no certificate.
    super({ keepAlive: false, maxCachedSessions: 0, rejectUnauthorized: false });
  }

  /** `unknown` until a connection stands, and for one whose certificate cannot be read. */
  get channel(): OwnChannel {
    return this.#channel;
  }

  override createConnection(
    options: AgentOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback);
    if (socket instanceof TLSSocket) {
      socket.once('secureConnect', () => {
        this.#channel = channelOf(socket);
      });
    }
    return socket;
  }
}

/** Of a connection that stands. */
function channelOf(socket: TLSSocket): OwnChannel {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'unknown';
  let spki: Bytes;
  try {
    spki = spkiOf(new Uint8Array(certificate.raw));
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return 'unknown';
  }
  const channels: BoundChannel[] = [tlsKeyChannel(spki)];
  if (socket.getProtocol() === 'TLSv1.3') {
    const exporter = socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0));
    channels.unshift(tlsExporterChannel(spki, new Uint8Array(exporter)));
  }
  return channels;
}

/**
 * SubjectPublicKeyInfo as it stands in the certificate (RFC 5280, 4.1), of any X.509 certificate.
 * @throws AttestationError `der-malformed`
 */
export function spkiOf(certificate: Bytes): Bytes {
  const what = 'certificate of the TLS peer';
  const file = new DerReader(certificate, what);
  const body = file.enter(derTag.sequence, 'certificate').enter(derTag.sequence, 'signed part');
  if (body.peek === context(0)) body.expect(context(0), 'version');
  body.expect(derTag.integer, 'serial number');
  for (const field of ['signature algorithm', 'issuer', 'validity', 'subject']) {
    body.expect(derTag.sequence, field);
  }
  return body.expect(derTag.sequence, 'subject public key').raw;
}
