/** How the corpus' cases of TPMs, event logs, AWS Nitro, Azure and NVIDIA are handed to the command line. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseGoTpmAttestation } from '#verifier/abi/tpm/go-tpm.ts';
import { exitCodes } from '#verifier/cli/cli-error.ts';
import { runReplay } from '#verifier/cli/replay-command.ts';
import { parseTime } from '#verifier/time.ts';
import type { Case, Inputs } from './corpus.ts';

/** Members that only these cases have. */
export type DeviceCase = Case & {
  nonce_hex?: string;
  /** Where it is not the one in the evidence. */
  expected_nonce_hex?: string;
  notes?: string;
  fmspc?: string;
};

/** The nonce that the verifier is to have sent. */
function nonceOf({ nonce_hex, expected_nonce_hex, notes }: DeviceCase): string | undefined {
  if (expected_nonce_hex !== undefined) return expected_nonce_hex;
  // One case says it in words.
  if (/expected nonce is all-zero/.test(notes ?? '')) return '00'.repeat(32);
  return nonce_hex === '' ? undefined : nonce_hex;
}

const azure: Inputs = (file, found) => ({
  hclReport: file('hcl_report'),
  quote: file('td_quote'),
  tpmQuote: file('tpm_quote_msg'),
  tpmSignature: file('tpm_quote_sig'),
  pcrs: file('pcrs'),
  akChain: file('ak_cert'),
  vek: file('vcek'),
  chain: file('ask_ark_chain'),
  nonce: nonceOf(found as DeviceCase),
});

export const deviceInputs: Record<string, Inputs> = {
  'azure-snp-vtpm': azure,
  'azure-tdx-vtpm': azure,
  'aws-nitro': (file) => ({ nitro: file('attestation') }),
  nvidia: (file, found) => ({
    gpu: file('evidence'),
    gpuChain: file('cert_chain'),
    rim: Object.keys(found.files)
      .filter((role) => role.startsWith('rim_'))
      .map((role) => file(role) as string),
    nonce: nonceOf(found as DeviceCase),
  }),
  'tpm-quote': (file, found) => ({
    tpmQuote: file('attestation') ?? file('tpm_quote_msg'),
    tpmSignature: file('tpm_quote_sig'),
    pcrs: file('pcrs'),
    ak: file('ak_public'),
    nonce: nonceOf(found as DeviceCase),
  }),
};

/**
 * go-tpm-tools' own tests trust the very key that the attestation names: so is it here, out of the file.
 * @returns inputs with that key as `ak`
 */
export async function withNamedKey<T>(
  inputs: Awaited<ReturnType<Inputs>>,
  run: (inputs: Awaited<ReturnType<Inputs>>) => Promise<T>,
): Promise<T> {
  const path = inputs['tpmQuote'];
  if (typeof path !== 'string' || !path.endsWith('.pb')) return run(inputs);
  const { publicKey } = parseGoTpmAttestation(new Uint8Array(readFileSync(path)));
  const folder = await mkdtemp(join(tmpdir(), 'affidavit-corpus-'));
  try {
    const ak = join(folder, 'ak.pem');
    const text = Buffer.from(publicKey).toString('base64').replace(/.{64}/g, '$&\n');
    await writeFile(ak, `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----\n`);
    return await run({ ...inputs, ak });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Logs are replayed: to what a quote says, or to registers that are known. */
export const replayed: Record<
  string,
  (file: (role: string) => string | undefined) => Record<string, string | undefined>
> = {
  // The registers beside a CC log were computed from it: nothing vouches for them.
  'tdx-ccel': (file) => ({ quote: file('quote') }),
  'tpm-eventlog': (file) => ({ registers: file('replayed') }),
};

export async function replayCase(
  found: Case,
  file: (role: string) => string | undefined,
): Promise<{ code: number; why: string }> {
  const inputs = replayed[found.tee]?.(file) ?? {};
  const { exitCode, stdout } = await runReplay({
    log: file('event_log') as string,
    ...inputs,
    ...(found.verify_at !== null && { at: found.verify_at }),
  });
  const line =
    exitCode === exitCodes.accepted ? '' : (stdout.split('\n').find((one) => one !== '') ?? '');
  return { code: exitCode, why: line };
}

/**
 * The verdict that a case must get, where it is another than the case's word: what the case leaves out, or cannot decide.
 * @returns the exit code, and why
 */
export function exceptionOf(found: Case, folder: string): { code: number; why: string } | null {
  const { fmspc } = found as DeviceCase;
  if (found.tee === 'azure-tdx-vtpm' && found.expected.verdict === 'valid' && fmspc !== undefined) {
    if (hasTcbInfo(found, fmspc, folder)) return null;
    // As the TDX cases call it valid-no-collateral: all but Intel's word on the platform's TCB.
    return { code: exitCodes.undecided, why: 'no TCB info for this FMSPC and time' };
  }
  if (/not decidable offline/.test(found.expected.reason)) {
    return { code: exitCodes.accepted, why: 'no OCSP answer; "genuine" waives it' };
  }
  return null;
}

/** Files are named tcbinfo-tdx-FMSPC-YYYY-MM-DD-…: of at most 30 days before. */
function hasTcbInfo({ verify_at }: Case, fmspc: string, folder: string): boolean {
  const at = verify_at === null ? null : parseTime(verify_at);
  if (at === null) return false;
  const names = readdirSync(join(dirname(dirname(folder)), 'collateral', 'intel'));
  const current = (prefix: string) =>
    names.some((name) => {
      const date = new RegExp(`^${prefix}-(\\d{4}-\\d\\d-\\d\\d)-`).exec(basename(name))?.[1];
      const issued = date === undefined ? null : parseTime(`${date}T00:00:00Z`);
      return issued !== null && issued <= at && at <= issued + 30 * 86_400;
    });
  return current(`tcbinfo-tdx-${fmspc}`) && current('qe-identity');
}
