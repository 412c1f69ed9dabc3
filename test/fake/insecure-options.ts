/** The command line of the insecure agent. */
import yargs from 'yargs';
import {
  type AmdCollateralKind,
  amdCollateralKinds,
  type CollateralKind,
  collateralKinds,
  type IntelCollateralKind,
  intelCollateralKinds,
  type Platform,
  platforms,
} from '#verifier/abi/bundle.ts';
import { type ReportVersion, reportVersions } from '#verifier/abi/snp.ts';
import { type SnpProduct, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type TdxQuoteVersion, tdxQuoteVersions } from './tdx-device.ts';

export type InsecureOptions = {
  port: number;
  host: string;
  outRoots: string;
  config: string | undefined;
  tls: boolean;
  /** What is simulated. */
  machine:
    | {
        platform: 'sev-snp';
        product: SnpProduct;
        version: ReportVersion;
        noCollateral: AmdCollateralKind[];
      }
    | { platform: 'tdx'; version: TdxQuoteVersion; noCollateral: IntelCollateralKind[] };
};

/** Ends the process with code 2 and one line for what it cannot be asked. */
export async function readOptions(args: readonly string[]): Promise<InsecureOptions> {
  const { port, host, outRoots, config, tls, ...machine } = await yargs(args)
    .scriptName('insecure-agent')
    .usage('$0 --port N --out-roots FILE [options]')
    .parserConfiguration({ 'boolean-negation': false, 'duplicate-arguments-array': false })
    .options({
      port: { type: 'number', demandOption: true, describe: 'port to listen on, 0 for any' },
      host: { type: 'string', default: '127.0.0.1', describe: 'address to listen on' },
      'out-roots': {
        type: 'string',
        demandOption: true,
        describe: "file to write the simulator's root (ARK or Intel's root, PEM) to",
      },
      config: { type: 'string', describe: 'agent configuration; without it, a built-in demo' },
      tls: { type: 'boolean', default: false, describe: 'TLS with a key of its own' },
      platform: {
        choices: platforms,
        default: 'sev-snp' as Platform,
        describe: 'sev-snp for an AMD processor, tdx for one of Intel',
      },
      product: { choices: snpProducts, describe: 'sev-snp: AMD product [Milan]' },
      'report-version': {
        type: 'number',
        choices: reportVersions,
        describe: 'sev-snp: version of the attestation report [5]',
      },
      'quote-version': {
        type: 'number',
        choices: tdxQuoteVersions,
        describe: 'tdx: version of the quote, 4 of TDX 1.0 or 5 of TDX 1.5 [5]',
      },
      'no-collateral': {
        array: true,
        choices: collateralKinds,
        default: [] as CollateralKind[],
        describe: 'kinds that the bundle leaves out',
      },
    })
    .check((options) => {
      if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65535) {
        throw new Error('--port: expected a number from 0 to 65535');
      }
      return true;
    })
    .strict()
    .version(false)
    .fail((message, error) => refuse(message ?? error.message))
    .parse();
  return { port, host, outRoots, config, tls, machine: machineOf(machine) };
}

function refuse(message: string): never {
  process.stderr.write(`insecure-agent: ${message} (see --help)\n`);
  process.exit(2);
}

type MachineOptions = {
  platform: Platform;
  product: SnpProduct | undefined;
  reportVersion: ReportVersion | undefined;
  quoteVersion: TdxQuoteVersion | undefined;
  noCollateral: CollateralKind[];
};

function machineOf(options: MachineOptions): InsecureOptions['machine'] {
  const { platform, noCollateral: kinds } = options;
  if (platform === 'sev-snp') {
    refuseWith(platform, '--quote-version', options.quoteVersion);
    const { product = 'Milan', reportVersion: version = 5 } = options;
    return { platform, product, version, noCollateral: kindsOf(kinds, amdCollateralKinds) };
  }
  refuseWith(platform, '--product', options.product);
  refuseWith(platform, '--report-version', options.reportVersion);
  const { quoteVersion: version = 5 } = options;
  return { platform, version, noCollateral: kindsOf(kinds, intelCollateralKinds) };
}

function refuseWith(platform: Platform, name: string, value: unknown): void {
  if (value !== undefined) refuse(`${name}: not with --platform ${platform}`);
}

function kindsOf<Kind extends CollateralKind>(
  wanted: readonly CollateralKind[],
  known: readonly Kind[],
): Kind[] {
  return wanted.map((kind) => {
    const found = known.find((name) => name === kind);
    return found ?? refuse(`--no-collateral: ${kind} is none of ${known.join(', ')}`);
  });
}
