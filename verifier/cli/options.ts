/** What each command takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { linkedCheckOptions } from './check-linked-options.ts';
import { collateralOptions, file, needed, sourceOptions } from './option-parts.ts';

const formats = ['text', 'json'] as const;
export type Format = (typeof formats)[number];

const verdictFormats = ['text', 'json', 'markdown', 'ear'] as const;
export type VerdictFormat = (typeof verdictFormats)[number];

const formatOption = {
  choices: formats,
  default: 'text' as Format,
  requiresArg: true,
  describe: 'output format',
} as const;

const endings =
  'Exit codes: 0 accepted, 10 rejected by policy, 20 evidence invalid, 30 undecided, 2 wrong usage, 1 fault.';

/** Of every command with a verdict. */
const verdictOptions = {
  ...collateralOptions,
  policy: file('policy file (default: the built-in policy "genuine")'),
  rim: file(
    'NVIDIA: reference manifest (RIM) of a driver or firmware; may be given more than once',
  ),
  ocsp: file('NVIDIA: OCSP answer, DER; may be given more than once'),
  reference: file('reference file for the policy’s member references; may be given more than once'),
  at: file('verify for this time (RFC 3339 with zone; default: now)'),
  closure: file('require this closure digest (32 bytes, hex)'),
  'tree-root': file('require this service tree (32 bytes, hex)'),
  measurement: file('require this launch measurement: MEASUREMENT or MRTD (48 bytes, hex)'),
  'report-data': file('require this REPORT_DATA (64 bytes, hex)'),
  offline: { type: 'boolean', describe: 'never use the network' },
  format: {
    choices: verdictFormats,
    default: 'text' as VerdictFormat,
    requiresArg: true,
    describe: 'output format; ear is a signed token (docs/tokens.md)',
  },
  'ear-key': file('sign the token with this key (P-256, PKCS#8 PEM; default: one made for it)'),
  quiet: { type: 'boolean', describe: 'print the decision’s line only' },
  explain: { type: 'string', requiresArg: true, describe: 'print this one check, explained' },
} as const;

/** Of the commands that use a proving backend. */
const backendOptions = {
  crs: file('folder of the ceremony’s points (bn254_g1.dat, bn254_g2.dat)'),
  backend: {
    choices: ['native', 'wasm'] as const,
    requiresArg: true,
    describe: 'proving backend (default: native where there is one)',
  },
} as const;

export function verifyOptions(command: Argv) {
  return command
    .positional('target', { type: 'string', describe: 'URL | bundle file | -' })
    .options({
      report: file('SEV-SNP report: raw, extended, protobuf, hex or base64'),
      quote: file('TDX or SGX quote: raw, hex or base64'),
      auxblob: file('certificate table of configfs-tsm, beside its outblob in --report'),
      nonce: file('the nonce that you sent (hex; of a bundle 32 bytes)'),
      'hcl-report': file(
        'Azure: HCL report of a confidential VM, or JSON evidence with its quotes',
      ),
      'tpm-quote': file(
        'TPM quote: TPMS_ATTEST; or JSON, or go-tpm-tools’ protobuf, with the rest',
      ),
      'tpm-signature': file('the signature of --tpm-quote: TPMT_SIGNATURE, or RSA’s alone'),
      pcrs: file('the PCR values that --tpm-quote is of'),
      ak: file('trust this TPM attestation key: PEM, or TPMT_PUBLIC'),
      'ak-chain': file('certificates of the attestation key, its own first; PEM or DER'),
      'event-log': file('event log (TCG, CCEL) beside --quote, --tpm-quote or --hcl-report'),
      nitro: file('attestation document of an AWS Nitro enclave or NitroTPM'),
      gpu: file('evidence of NVIDIA GPUs or switches: JSON of NVIDIA’s tools, or one report'),
      'gpu-chain': file('certificates of a report alone in --gpu, its own first; PEM or DER'),
      save: file('write the bundle here, with the collateral given: it verifies alone, offline'),
      force: { type: 'boolean', describe: 'write over the file of --save' },
      batch: file('verify every file of this folder; one line of JSON each'),
      watch: file('ask the agent again every so often (60s, 5m, 1h) and say what changed'),
      log: file('add the decision to this log before it is given (docs/decision-log.md)'),
      ...sourceOptions,
      ...verdictOptions,
    })
    .example('$0 verify https://guest.example', 'ask an agent and verify its answer')
    .example(
      '$0 verify --report r.bin --vek vcek.der --chain cert_chain.pem',
      'verify a raw report',
    )
    .example('$0 verify --quote q.bin --tcb-info tcb.json …', 'verify a raw quote')
    .example('$0 verify --gpu evidence.json --rim driver.xml', 'verify GPUs, and their driver')
    .epilogue(endings);
}

export function proveOptions(command: Argv) {
  return command
    .options({
      bundle: file('evidence bundle that the service’s agent gave'),
      agent: file('URL of the agent, to ask now in place of --bundle'),
      'save-bundle': file('where to write the bundle of --agent: the checker needs it'),
      response: needed('the signed response'),
      service: needed('file of the agent’s /proofs/NAME; with --agent, the name'),
      audience: needed('name of who will check the proof, as that one spells it'),
      nonce: needed('the nonce that the checker drew for you (32 bytes, hex)'),
      out: needed('where to write the proof'),
      disclose: {
        choices: ['service-key'] as const,
        requiresArg: true,
        describe: 'show the service’s key: a smaller circuit, fewer points',
      },
      'save-response': file('where to write the response without its signature, for the checker'),
      offline: { type: 'boolean', describe: 'never use the network' },
      ...backendOptions,
    })
    .epilogue(
      'Exit codes: 0 proved, 20 refused, 30 something needed is missing, 2 wrong usage, 1 fault.',
    );
}

export function checkOptions(command: Argv) {
  return command
    .positional('proof', { type: 'string', demandOption: true, describe: 'proof file' })
    .options({
      bundle: file('the evidence bundle that an open proof is about'),
      response: file('the response; none for linked proofs that show parts of it'),
      ...linkedCheckOptions,
      audience: needed('your own name, as you gave it to the prover'),
      nonce: needed('the nonce that you drew for this proof (32 bytes, hex)'),
      'bundle-nonce': file('the nonce that you sent to the agent, if the bundle answers one'),
      ...verdictOptions,
      ...backendOptions,
    })
    .epilogue(endings);
}

export function explainOptions(command: Argv) {
  return command
    .positional('check', { type: 'string', demandOption: true, describe: 'id of a check' })
    .example('$0 explain policy.tcb-status', 'what it protects from, and what to do');
}

export function showOptions(command: Argv) {
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'file | -' })
    .options({
      offsets: { type: 'boolean', describe: 'with byte offsets' },
      format: formatOption,
    });
}

/** As `circuitNames` in prover/artifact.ts, which must not be loaded to read a command line. */
const circuits = ['response-open', 'response-open-key'] as const;

export function solidityOptions(command: Argv) {
  return command
    .positional('circuit', { choices: circuits, demandOption: true, describe: 'circuit' })
    .options({
      out: file('where to write the contract (default: standard output)'),
      offline: { type: 'boolean', describe: 'never use the network' },
      crs: backendOptions.crs,
    });
}

export function doctorOptions(command: Argv) {
  return command
    .options({
      config: file('the agent’s configuration, to check it too (docs/agent.md)'),
      format: formatOption,
    })
    .epilogue(
      'Exit codes: 0 serves evidence, 30 does not, 2 configuration or usage is wrong, 1 fault.',
    );
}

export function checkConfigOptions(command: Argv) {
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'configuration file' })
    .options({
      form: {
        type: 'boolean',
        describe: 'look at the form alone: keys, closure and collateral are on another machine',
      },
      format: formatOption,
    })
    .epilogue('Exit codes: 0 the agent would start with it, 2 it would not, 1 fault.');
}
