/** What `affidavit serve` takes, as yargs reads it. */
import type { Argv } from 'yargs';

const value = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export function serveOptions(command: Argv) {
  return command
    .options({
      policies: { ...value('folder of policies: NAME.json, NAME.yaml'), demandOption: true },
      port: { ...value('port to listen on; 0 for any that is free'), default: '8787' },
      host: { ...value('address to listen on'), default: '127.0.0.1' },
      observe: value('only observe the decisions of this policy; may be repeated'),
      key: value('P-256 key that signs tokens, PKCS#8 PEM (default: a new one)'),
      log: value('decision log to append to'),
      ui: { type: 'boolean', describe: 'serve the live page at /ui/' },
      watch: value('URL of an agent to ask again and again; may be repeated'),
      'watch-policy': value('name of the policy for the agents that are watched'),
      'watch-interval': {
        ...value('how often the agents that are watched are asked, as 60s, 5m or 1h'),
        default: '60s',
      },
      'challenge-lifetime': { ...value('seconds that a challenge is good for'), default: '120' },
      offline: { type: 'boolean', describe: 'never use the network for proofs’ points' },
      crs: value('folder of the ceremony’s points (bn254_g1.dat, bn254_g2.dat)'),
      backend: {
        choices: ['native', 'wasm'] as const,
        requiresArg: true,
        describe: 'proving backend for checking proofs (default: native where there is one)',
      },
      'insecure-root': value('trust this root certificate in place of the vendor’s: tests only'),
    })
    .epilogue('Ends at SIGTERM or SIGINT. Exit codes: 0 stopped, 2 wrong usage, 1 fault.');
}
