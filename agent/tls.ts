/**
 * TLS with a key of this boot: it is made in memory, and nobody signs it but itself. What a client may
 * believe of the connection is in the evidence, which names the key's hash and this very session.
 */
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { TLSSocket } from 'node:tls';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { tlsExporterChannel, tlsExporterLabel } from '#verifier/abi/report-data.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Logger } from './errors.ts';
import type { AgentTls } from './listen.ts';

export type TlsOptions = {
  /** Days. */
  readonly certificateLifetime: number;
  /** The guest's clock, Unix seconds. */
  readonly now: () => UnixTime;
  /** Random bytes that nobody can foresee. */
  readonly random: (length: number) => Bytes;
  readonly logger: Logger;
};

const day = 86_400;
/** A client's clock may be behind. */
const backdate = 3600;
const renewalCheckMs = 3_600_000;
const handshakeMs = 10_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export async function openTls(options: TlsOptions): Promise<AgentTls> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  let current = await certify(keys, options);

  async function renew(server: Server): Promise<void> {
    if (options.now() < current.renewAt) return;
    current = await certify(keys, options);
    server.setSecureContext({ key, cert: current.pem, minVersion: 'TLSv1.3' });
    options.logger.info('the certificate was made anew, of the same key');
  }

  return {
    spki,
    channelOf(socket) {
      if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') {
        throw new TypeError('the connection is none of TLS 1.3');
      }
      const exporter = socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0));
      return tlsExporterChannel(spki, new Uint8Array(exporter));
    },
    createServer(more, listener) {
      const own = { key, cert: current.pem, minVersion: 'TLSv1.3', handshakeTimeout: handshakeMs };
      const server = createServer({ ...more, ...own } as ServerOptions, listener);
      const timer = setInterval(() => {
        renew(server).catch((error: unknown) =>
          options.logger.error('the certificate cannot be made anew', error),
        );
      }, renewalCheckMs);
      timer.unref();
      return server.on('close', () => clearInterval(timer));
    },
  };
}

async function certify(
  keys: webcrypto.CryptoKeyPair,
  { certificateLifetime, now, random }: TlsOptions,
): Promise<{ pem: string; renewAt: UnixTime }> {
  const start = now();
  const lifetime = certificateLifetime * day;
  // Positive and without a leading zero, as DER wants it.
  const serial = random(16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: toHex(serial),
      name: 'CN=affidavit-agent',
      notBefore: new Date((start - backdate) * 1000),
      notAfter: new Date((start + lifetime) * 1000),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ],
    },
    webcrypto,
  );
  return { pem: certificate.toString('pem'), renewAt: start + Math.floor(lifetime / 2) };
}
