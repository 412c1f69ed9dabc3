/** What `affidavit prove attestation` and `prove response` take, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { file, needed } from './option-parts.ts';

/** Of the commands that use a proving backend. */
const backendOptions = {
  crs: file('folder of the ceremony’s points (bn254_g1.dat, bn254_g2.dat)'),
  backend: {
    choices: ['native', 'wasm'] as const,
    requiresArg: true,
    describe: 'proving backend (default: native where there is one)',
  },
  offline: { type: 'boolean', describe: 'never use the network' },
} as const;

const endings =
  'Exit codes: 0 proved, 20 refused, 30 something needed is missing, 2 wrong usage, 1 fault.';

export function proveAttestationOptions(command: Argv) {
  return command
    .options({
      bundle: file('evidence bundle that the machine’s agent gave'),
      agent: file('URL of the agent, to ask now in place of --bundle'),
      'attestation-nonce': file('the nonce that the checker drew for the machine (32 bytes, hex)'),
      accepted: file('set of what the checker accepts (affidavit set)'),
      levels: file('set of the TCB levels that the checker accepts'),
      revoked: file('set of chips and certificates that the checker does not believe'),
      key: {
        choices: ['certified', 'member', 'shown'] as const,
        requiresArg: true,
        describe:
          'how the key is vouched for: proved by its certificate, proved one of --veks, or shown, and with it the chip (default: certified; with --veks member)',
      },
      veks: file('set of keys that the checker believes, in place of the certificate'),
      'epoch-min': file('the machine answered no earlier (RFC 3339 with zone)'),
      'epoch-max': file('the machine answered no later (RFC 3339 with zone)'),
      at: file('prove the certificate valid at this time (RFC 3339 with zone; default: now)'),
      'out-secret': needed('file for the proofs and their secrets: keep it to yourself'),
      resume: { type: 'boolean', describe: 'go on with what that file holds' },
      'insecure-root': file('trust this root certificate in place of the vendor’s: tests only'),
      ...backendOptions,
    })
    .example(
      '$0 prove attestation --agent https://guest.example --accepted a.json --levels l.json --revoked r.json --epoch-min 2026-01-31T00:00:00Z --epoch-max 2026-02-01T00:00:00Z --out-secret mine.json',
      'prove once what the machine is',
    )
    .example('$0 prove attestation --resume --out-secret mine.json', 'go on after a kill')
    .epilogue(endings);
}

export function proveResponseOptions(command: Argv) {
  return command
    .options({
      attestation: needed('file that prove attestation wrote (--out-secret)'),
      response: needed('the signed response'),
      service: needed('file of the agent’s /proofs/NAME; with --agent, the name'),
      agent: file('URL of the agent, to ask for that proof now'),
      audience: needed('name of who will check the proof, as that one spells it'),
      nonce: needed('the nonce that the checker drew for you (32 bytes, hex)'),
      out: needed('where to write the proof'),
      show: file('bytes of the body to show, by name: all, none, or ranges such as 0-9,20-29'),
      'show-nonce': { type: 'boolean', describe: 'show the client’s nonce' },
      'show-time': { type: 'boolean', describe: 'show when the service says it answered' },
      'show-request': { type: 'boolean', describe: 'show the hash of the request' },
      'save-response': file('where to write the response without its signature, for the checker'),
      ...backendOptions,
    })
    .example(
      '$0 prove response --attestation mine.json --response r.json --service tree.json --audience bob.example --nonce … --out proof.json',
      'prove it to one who may see the response',
    )
    .epilogue(
      `With any --show… the checker needs no response: he sees that much of it. ${endings}`,
    );
}
