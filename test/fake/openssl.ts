/** OpenSSL's command as a second opinion on certificates and CRLs; never a part of the product. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bytes } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';

export const hasOpenssl: boolean = spawnSync('openssl', ['version']).status === 0;
/** The reason to print when a test skips. */
export const opensslMissing = 'the openssl command is not on the PATH';

export type Opinion = { accepted: boolean; said: string };

/** Chain of one intermediate; with a CRL also whether the intermediate is revoked. */
export function opensslVerify(
  pems: { root: string; intermediate: string; leaf: string; crl?: string },
  at: UnixTime,
): Opinion {
  return withFiles(pems, (path) =>
    run([
      'verify',
      '-attime',
      String(at),
      ...['-CAfile', path('root'), '-untrusted', path('intermediate')],
      ...(pems.crl === undefined ? [] : ['-CRLfile', path('crl'), '-crl_check_all']),
      path('leaf'),
    ]),
  );
}

/** Whether the root signed the CRL. */
export function opensslCrl(root: string, crl: Bytes): Opinion {
  return withFiles({ root, crl }, (path) => {
    const opinion = run([
      ...['crl', '-inform', 'DER', '-in', path('crl')],
      ...['-CAfile', path('root'), '-noout'],
    ]);
    return { ...opinion, accepted: opinion.accepted && opinion.said.includes('verify OK') };
  });
}

function run(args: string[]): Opinion {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  return { accepted: status === 0, said: stdout + stderr };
}

function withFiles<Name extends string>(
  files: Partial<Record<Name, string | Bytes>>,
  use: (path: (name: Name) => string) => Opinion,
): Opinion {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-openssl-'));
  try {
    for (const [name, content] of Object.entries<string | Bytes | undefined>(files)) {
      if (content !== undefined) writeFileSync(join(folder, name), content);
    }
    return use((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
