/** What `affidavit token` takes. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';

const file = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export function tokenVerifyOptions(command: Argv) {
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'JWT or CWT | -' })
    .options({
      jwks: { ...file('keys of the verifier that you trust (JWKS)'), demandOption: true },
      nonce: file('the nonce that the token must answer (8 to 64 bytes, hex)'),
      at: file('check for this time (RFC 3339 with zone; default: now)'),
    })
    .epilogue(
      'Exit codes: 0 the token is genuine and holds, whatever it says; 20 it is not, 2 wrong usage, 1 fault.',
    );
}

export function tokenJwksOptions(command: Argv) {
  return command.options({
    'ear-key': { ...file('private key, PKCS#8 PEM, P-256'), demandOption: true },
  });
}
