/** AMD's signatures in the circuit: Wycheproof's vectors, AMD's own certificates, and encodings that nobody should sign. */
import { existsSync, readdirSync } from 'node:fs';
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { generateRsaKey, type KeyPair } from '#test/fake/keys.ts';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { type Bytes, bigEndian, fromBigEndian, fromHex, fromUtf8, utf8 } from '#verifier/bytes.ts';
import { type Certificate, parseCertificate } from '#verifier/chain/x509.ts';
import { flipped, outOfRange } from './inputs.ts';
import {
  type Encoding,
  encode,
  modulusOf,
  type PowerInputs,
  paddingInputs,
  powerUnder,
  sha384,
  signedInputs,
  signPss,
  signRaw,
  withInteger,
  wordsOf,
} from './rsa-scene.ts';

const wrongTrailer = 'the trailer is not 0xbc';
const wrongHash = 'the digest and the salt have another hash';
const notZero = 'the padding is not zero';
const noSalt = 'the salt does not stand behind zeros and 0x01';

let circuit: Circuit;
let key: KeyPair;
beforeAll(async () => {
  circuit = await forTests('rsa_vectors');
  key = await generateRsaKey();
});
const refusal = (inputs: InputMap) => refusalOf(circuit, inputs);

type Signature = { encoded: number[]; salt: number[]; power: PowerInputs['power'] };

/** Of a signature that is not below the modulus: its remainder's, with the signature itself in its place. */
function unreducedInputs(digest: Bytes, modulus: Bytes, signature: bigint): InputMap {
  const m = fromBigEndian(modulus);
  const inputs = signedInputs(digest, modulus, bigEndian(signature % m, 512));
  const { power, ...rest } = inputs['signature'] as Signature;
  const room = (m - 1n - signature) & ((1n << 4096n) - 1n);
  const raised = withInteger(
    withInteger({ modulus: [], encoded: [], power }, 'powers.0', signature),
    'room',
    room,
  );
  return { ...inputs, signature: { ...rest, power: raised.power } };
}

type Group = {
  publicKey: { modulus: string };
  tests: { tcId: number; comment: string; msg: string; sig: string; result: string }[];
};

const vectors = 'vectors/wycheproof/rsa_pss_4096_sha384_mgf1_48_test.json';

describe.skipIf(!existsSync(sharedPath(vectors)))(
  `Wycheproof (expected in ../shared/${vectors})`,
  () => {
    test('every vector', { timeout: 1_800_000 }, async () => {
      const { testGroups }: { testGroups: Group[] } = JSON.parse(
        fromUtf8(sharedFile(vectors), vectors),
      );
      const counts = { accepted: 0, refused: 0, excluded: 0 };
      const wrong: string[] = [];
      for (const { publicKey, tests } of testGroups) {
        const modulus = fromHex(publicKey.modulus, 'modulus').subarray(-512);
        for (const { tcId, comment, msg, sig, result } of tests) {
          const [digest, signature] = [sha384(fromHex(msg, 'msg')), fromHex(sig, 'sig')];
          const isValid = result === 'valid';
          // A signature in the circuit has 512 bytes: who reads the certificate refuses another.
          if (signature.length !== 512) {
            counts.excluded += 1;
            if (isValid) wrong.push(`${tcId} ${comment}: valid, yet not handed over`);
            continue;
          }
          const s = fromBigEndian(signature);
          const isBelow = s < fromBigEndian(modulus);
          const inputs = isBelow
            ? signedInputs(digest, modulus, signature)
            : unreducedInputs(digest, modulus, s);
          const answer = await refusal(inputs);
          if ((answer === undefined) !== isValid)
            wrong.push(`${tcId} ${comment}: got ${answer ?? 'accepted'}`);
          counts[answer === undefined ? 'accepted' : 'refused'] += 1;
        }
      }
      expect(wrong).toEqual([]);
      expect(counts).toEqual({ accepted: 95, refused: 41, excluded: 5 });
    });
  },
);

describe.skipIf(!hasShared)(`AMD's own (${sharedMissing})`, () => {
  const chains = ['milan', 'genoa', 'turin'].flatMap((product) =>
    ['vcek', 'vlek'].map((kind) => `${product}-${kind}`),
  );

  function chainOf(name: string): [ask: Certificate, ark: Certificate] {
    const [ask, ark] = readPemChain(sharedFile(`corpus/collateral/amd/${name}-chain.pem`), name);
    return [ask, ark].map((der) => parseCertificate(der as Bytes, name)) as [
      Certificate,
      Certificate,
    ];
  }

  function inputsOf(certificate: Certificate, issuer: Certificate): InputMap {
    if (issuer.publicKey.kind !== 'rsa') throw new RangeError('the issuer has no RSA key');
    return signedInputs(sha384(certificate.tbs), issuer.publicKey.modulus, certificate.signature);
  }

  test.each(chains)('%s: ASK or ASVK by ARK, and ARK by itself', async (name) => {
    const [ask, ark] = chainOf(name);
    expect(await refusal(inputsOf(ask, ark))).toBeUndefined();
    expect(await refusal(inputsOf(ark, ark))).toBeUndefined();
    const inputs = inputsOf(ask, ark);
    for (const at of ['digest.0', 'digest.5'])
      expect(await refusal(flipped(inputs, at))).toBe(wrongHash);
  });

  const machines = hasShared
    ? readdirSync(sharedPath('corpus/sev-snp')).flatMap((id) => {
        const [, product, kind] = /^(milan|genoa|turin)-v\d-(vcek|vlek)-/.exec(id) ?? [];
        const path = `corpus/sev-snp/${id}/${kind}.der`;
        return kind !== undefined && existsSync(sharedPath(path))
          ? [[id, `${product}-${kind}`, path] as const]
          : [];
      })
    : [];

  test('has machines', () => expect(machines.length).toBeGreaterThan(15));

  test.each(machines)('%s', async (id, chain, path) => {
    const certificate = parseCertificate(sharedFile(path), id);
    const [ask, ark] = chainOf(chain);
    expect(await refusal(inputsOf(certificate, ask))).toBeUndefined();
    expect(await refusal(inputsOf(certificate, ark))).toBeDefined();
  });
});

describe('a signature', () => {
  const message = utf8('message');
  const digest = sha384(message);
  const salt = Uint8Array.from({ length: 48 }, (_, i) => 3 * i + 1);
  const modulus = () => modulusOf(key.publicKey);
  const byNode = (saltLength?: number) =>
    signedInputs(digest, modulus(), signPss(message, key.privateKey, saltLength));

  /** Below the modulus, as half of all salts make it where the first bit is 1. */
  function encodedBelow(modulus: Bytes, change?: (right: Encoding) => Partial<Encoding>) {
    for (let i = 0; i < 256; i++) {
      const used = salt.with(0, i);
      const encoded = encode(digest, used, change);
      if (fromBigEndian(encoded) < fromBigEndian(modulus)) return { encoded, salt: used };
    }
    throw new RangeError('no salt makes an encoding below the modulus');
  }

  /** The encoding signed as it is. */
  function byHand(change?: (right: Encoding) => Partial<Encoding>): InputMap {
    const { encoded } = encodedBelow(modulus(), change);
    return signedInputs(digest, modulus(), signRaw(encoded, key.privateKey));
  }

  test('is accepted from another implementation, and from the one here', async () => {
    for (let i = 0; i < 3; i++) expect(await refusal(byNode())).toBeUndefined();
    expect(await refusal(byHand())).toBeUndefined();
  });

  test.each([0, 1, 32, 47, 49, 64])('with a salt of %i bytes is refused', async (length) => {
    expect(await refusal(byNode(length))).toBe(wrongHash);
  });

  const withDb = (at: number, value: number) => byHand(({ db }) => ({ db: db.with(at, value) }));

  test.each<[string, () => InputMap, string | RegExp]>([
    ['trailer 0xbd', () => byHand(() => ({ trailer: 0xbd })), wrongTrailer],
    ['trailer 0xcc', () => byHand(() => ({ trailer: 0xcc })), wrongTrailer],
    ['first bit 1', () => byHand(() => ({ firstBit: 1 })), outOfRange],
    ['first octet not zero', () => withDb(0, 1), notZero],
    ['second octet not zero', () => withDb(1, 1), notZero],
    ['octet 407 not zero', () => withDb(407, 1), notZero],
    ['octet 408 not zero', () => withDb(408, 1), noSalt],
    ['last octet not zero', () => withDb(413, 1), noSalt],
    ['no 0x01', () => withDb(414, 0), noSalt],
    [
      '0x01 an octet too early',
      () => byHand(({ db }) => ({ db: db.with(414, 0).with(413, 1) })),
      noSalt,
    ],
    [
      'another hash',
      () => byHand(({ hash }) => ({ hash: hash.with(0, (hash[0] as number) ^ 1) })),
      wrongHash,
    ],
    ['another salt', () => withDb(462, 0), wrongHash],
    [
      'its hash of another digest',
      () => byHand(() => ({ hash: sha384(new Uint8Array(8), sha384(), salt) })),
      wrongHash,
    ],
  ])('with %s is refused', async (_, make, answer) => {
    const found = await refusal(make());
    if (typeof answer === 'string') expect(found).toBe(answer);
    else expect(found).toMatch(answer);
  });

  test('of another message, or under another key, is refused', async () => {
    const inputs = byNode();
    for (let i = 0; i < 6; i++)
      expect(await refusal(flipped(inputs, `digest.${i}`))).toBe(wrongHash);
    const other = modulusOf((await generateRsaKey()).publicKey);
    expect(await refusal({ ...inputs, modulus: [...other] })).toBeDefined();
  });

  test('under a modulus of 4095 bits is refused, where all else is right', async () => {
    const inputsOf = ({ publicKey, privateKey }: KeyPair): InputMap => {
      const modulus = modulusOf(publicKey);
      const { encoded, salt } = encodedBelow(modulus);
      const signature = fromBigEndian(signRaw(encoded, privateKey));
      const power = powerUnder(fromBigEndian(modulus), signature);
      return {
        digest: wordsOf(digest, 6),
        modulus: [...modulus],
        signature: { power, encoded: [...encoded], salt: [...salt] },
      };
    };
    expect(await refusal(inputsOf(key))).toBeUndefined();
    expect(await refusal(inputsOf(await generateRsaKey(4095)))).toMatch(outOfRange);
  });

  test.each(['salt.0', 'salt.47', 'encoded.0', 'encoded.200', 'encoded.463', 'encoded.511'])(
    'with another %s is refused',
    async (at) => {
      expect(await refusal(flipped(byNode(), `signature.${at}`))).toBeDefined();
    },
  );
});

test('each octet of padding that is not zero is refused', async () => {
  const padding = await forTests('rsa_padding');
  const salt = new Uint8Array(48).fill(7);
  const digest = sha384();
  const right = encode(digest, salt);
  const hinted = paddingInputs(right, salt)['hinted'] as InputMap;
  expect(await refusalOf(padding, paddingInputs(right, salt))).toBeUndefined();
  const found: unknown[] = [];
  for (let at = 0; at < 414; at++) {
    const wrong = encode(digest, salt, ({ db }) => ({ db: db.with(at, 1) }));
    found.push(await refusalOf(padding, { ...paddingInputs(wrong, salt), hinted }));
  }
  expect(found).toEqual(found.map((_, at) => (at < 408 ? notZero : noSalt)));
});
