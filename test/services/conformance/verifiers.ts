/** Other libraries' word on the signatures: lines `<x‖y> <hash> <r‖s>` in hex, answered `ok` or `refused`. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { launch } from '#test/services/process.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, toHex } from '#verifier/bytes.ts';
import type { Sample, SampleName } from './samples.ts';
import type { Signed } from './stage.ts';

export type Library = 'noble' | 'libsecp256k1' | 'k256';

export type Verifier = {
  readonly library: Library;
  /** Whether each signature is good; anything malformed is not. */
  readonly verify: (signed: readonly Signed[]) => Promise<readonly boolean[]>;
};

export const noble: Verifier = {
  library: 'noble',
  verify: async (signed) => signed.map(verifyWithNoble),
};

function verifyWithNoble({ publicKey, hash, signature }: Signed): boolean {
  try {
    const key = concat(Uint8Array.of(4), publicKey);
    return secp256k1.verify(signature, hash, key, { prehash: false, lowS: true });
  } catch {
    // A key that is no point, or r or s out of range.
    return false;
  }
}

/** @param program reads and writes such lines */
export function programVerifier(library: Library, program: string): Verifier {
  return {
    library,
    async verify(signed) {
      const lines = signed.map(({ publicKey, hash, signature }) =>
        [publicKey, hash, signature].map(toHex).join(' '),
      );
      const answers = await runVerifier(program, `${lines.join('\n')}\n`);
      if (answers.length !== signed.length || !answers.every((one) => /^(ok|refused)$/.test(one))) {
        throw new Error(`${program}: ${answers.length} answers to ${signed.length} lines`);
      }
      return answers.map((one) => one === 'ok');
    },
  };
}

async function runVerifier(program: string, input: string): Promise<string[]> {
  const { ended } = launch([program], {}, input);
  const { code, stdout, stderr } = await ended;
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
  return stdout.split('\n').slice(0, -1);
}

const libraries: Readonly<Record<SampleName, Library>> = {
  'echo-node': 'noble',
  'echo-cpp': 'libsecp256k1',
  'echo-cpp-sanitized': 'libsecp256k1',
  'echo-rust': 'k256',
};

/** Whose word is asked for first, by the library that signed. */
const others: Readonly<Record<Library, readonly Library[]>> = {
  noble: ['libsecp256k1', 'k256'],
  libsecp256k1: ['k256', 'noble'],
  k256: ['noble', 'libsecp256k1'],
};

/** @returns another library than the sample's own, or null where none is here */
export function verifierFor(sample: SampleName, built: readonly Sample[]): Verifier | null {
  const known = [noble, ...built.flatMap(verifierOf)];
  for (const library of others[libraries[sample]]) {
    const found = known.find((one) => one.library === library);
    if (found !== undefined) return found;
  }
  return null;
}

/** The verifier that a sample was built with. */
export function verifierOf({ name, verifier }: Sample): Verifier[] {
  return verifier === null ? [] : [programVerifier(libraries[name], verifier)];
}

const order = secp256k1.Point.Fn.ORDER;

const flipped = (bytes: Bytes, bit: number): Bytes =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

/** Wrong versions of a good signature, none of which may be accepted. */
export function forgeries(signed: Signed, seed: number): { what: string; signed: Signed }[] {
  const { publicKey, hash, signature } = signed;
  const r = signature.subarray(0, 32);
  const s = signature.subarray(32);
  const number = (value: bigint) => bigEndian(value, 32);
  const highS = number(order - fromBigEndian(s));
  const other = secp256k1.getPublicKey(number(BigInt(seed) + 1_000n), false).slice(1);
  return [
    { what: 'a high s', signed: { ...signed, signature: concat(r, highS) } },
    {
      what: 'a flipped bit of r',
      signed: { ...signed, signature: flipped(signature, seed % 256) },
    },
    {
      what: 'a flipped bit of s',
      signed: { ...signed, signature: flipped(signature, 256 + (seed % 255)) },
    },
    { what: 'a flipped bit of the hash', signed: { ...signed, hash: flipped(hash, seed % 256) } },
    {
      what: 'a flipped bit of the key',
      signed: { ...signed, publicKey: flipped(publicKey, seed % 512) },
    },
    { what: 'another key', signed: { ...signed, publicKey: other } },
    { what: 'r = 0', signed: { ...signed, signature: concat(new Uint8Array(32), s) } },
    { what: 's = 0', signed: { ...signed, signature: concat(r, new Uint8Array(32)) } },
    { what: 'r = order', signed: { ...signed, signature: concat(number(order), s) } },
    { what: 's = order', signed: { ...signed, signature: concat(r, number(order)) } },
  ];
}

/** @throws Error when one good signature is refused, or one forgery accepted */
export async function crossVerify(verifier: Verifier, signed: readonly Signed[]): Promise<void> {
  const good = await verifier.verify(signed);
  const refused = good.indexOf(false);
  if (refused !== -1) throw new Error(`${verifier.library} refuses signature ${refused}`);
  await refuseForgeries(verifier, signed);
}

/** @throws Error when a forgery of the first twenty is accepted, or the signature itself is not */
export async function refuseForgeries(
  verifier: Verifier,
  signed: readonly Signed[],
): Promise<void> {
  const some = signed.slice(0, 20);
  const genuine = await verifier.verify(some);
  if (some.length === 0 || genuine.includes(false)) {
    throw new Error(`${verifier.library} accepts none of ${some.length} signatures as they are`);
  }
  const forged = some.flatMap((one, i) => forgeries(one, 37 * i + 5));
  const accepted = (await verifier.verify(forged.map((one) => one.signed))).indexOf(true);
  if (accepted !== -1) throw new Error(`${verifier.library} accepts ${forged[accepted]?.what}`);
}
