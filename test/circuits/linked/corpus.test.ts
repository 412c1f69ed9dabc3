/** Real machines' quotes: tdx-pck whole, and of tdx-quote what the vendor signed. */
import { createHash, sign } from 'node:crypto';
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput, limbsInput } from '#prover/circuit-inputs.ts';
import { issuerTdx } from '#prover/linked/formulas.ts';
import { paddedInput, signatureInput, signedRoom } from '#prover/linked/tdx-inputs.ts';
import { type Circuit, forTests, refusalOf, shipped } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { p256KeyOf, rawPoint } from '#test/fake/keys.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { p2 } from '#verifier/field.ts';
import { quoteIds, type RealQuote, realQuote } from './corpus.ts';
import { flipped, outOfRange } from './inputs.ts';

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const notSigned = 'the signature does not verify under the key';
const wrongS = 's is not in the lower half';
const wrongR = 'r is not between 0 and the order';
const wrongBlocks = 'the number of blocks is out of range';
const otherKey = 'C_key is not of this certificate';
const otherPck = 'C_key is of another PCK';
const otherIssuer = "the issuer's key is another";
const notCertified = 'the attestation key is not the one certified';

/** Refused on purpose, by the constants that the protocol asserts. */
const ve = 'the TD does not set SEPT_VE_DISABLE';
const refused: Readonly<Record<string, string>> = {
  'tdx10-v4-go-tdx-guest-tdx-prod-quote-spr-e4': ve,
  'tdx10-v4-teekit-tdx-v4-azure-7462cb': ve,
  'tdx10-v4-trustauthority-client-for-go-aztdx-adapter-test-f51db4': ve,
  'tdx10-v4-trustee-td-quote': ve,
  'tdx10-v4-trustee-tdx-quote-4': 'the TD is to be debugged',
};

describe.skipIf(!hasShared)(`real quotes (or: ${sharedMissing})`, () => {
  let pck: Circuit;
  let vendor: Circuit;
  beforeAll(async () => {
    pck = await shipped('tdx-pck');
    vendor = await forTests('tdx_vendor');
  }, 300_000);

  test('of versions 4 and 5 are accepted, but for those of a kind that is not', {
    timeout: 300_000,
  }, async () => {
    const ids = quoteIds();
    const versions = { 4: 0, 5: 0 };
    const found: Record<string, string> = {};
    const pcks = new Set<bigint>();
    for (const id of ids) {
      const { facts, ...inputs } = realQuote(id);
      expect(await refusalOf(pck, inputs.pck), id).toBeUndefined();
      const refusal = await refusalOf(vendor, inputs.vendor);
      if (refusal !== undefined) {
        found[id] = refusal;
        continue;
      }
      versions[facts.signed[0] as 4 | 5] += 1;
      pcks.add(facts.pck.chip);
    }
    expect(found).toEqual(refused);
    expect(versions).toEqual({ 4: 24, 5: 5 });
    expect(pcks.size).toBe(24);
  });

  describe('changed', () => {
    let a: RealQuote;
    let b: RealQuote;
    beforeAll(() => {
      a = realQuote('tdx10-v4-dcap-qvl-tdx-quote');
      b = realQuote('tdx15-v5-trustee-tdx-quote-5');
    });

    const byteAt = (at: string, i: number) => (inputs: InputMap) => flipped(inputs, `${at}.${i}`);
    const flip = (at: string) => (inputs: InputMap) => flipped(inputs, at);
    const put = (at: string, value: bigint) => (inputs: InputMap) => changed(inputs, at, value);
    const more = (at: string, by: bigint) => (inputs: InputMap) =>
      changed(inputs, at, valueAt(inputs, at) + by);
    const highS = (at: string) => (inputs: InputMap) => {
      const s = (valueAt(inputs, `${at}.s.hi`) << 128n) + valueAt(inputs, `${at}.s.lo`);
      const other = changed(inputs, `${at}.s.hi`, (order - s) >> 128n);
      return changed(other, `${at}.s.lo`, (order - s) & ((1n << 128n) - 1n));
    };
    const zero = (at: string) => (inputs: InputMap) =>
      changed(changed(inputs, `${at}.hi`, 0n), `${at}.lo`, 0n);

    /** Place of some bytes in the certificate's signed part. */
    const placeOf = (bytes: readonly number[]) =>
      Buffer.from(a.facts.certificate.tbs).indexOf(Uint8Array.from(bytes));
    const oid = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01];
    const behind = (arcs: readonly number[], distance: number) => (inputs: InputMap) =>
      byteAt(
        'certificate',
        placeOf([...oid, ...arcs]) + oid.length + arcs.length + distance,
      )(inputs);

    /** As the issuer whose key the inputs name: then nothing but the key itself is wrong. */
    const ownIssuer = (inputs: InputMap) => {
      const limbs = ['x.hi', 'x.lo', 'y.hi', 'y.lo'].map((at) =>
        valueAt(inputs, `issuer_key.${at}`),
      );
      return { ...inputs, issuer: fieldInput(p2('issuer-tdx', ...limbs)) };
    };
    /** As C_key of the PCK that the inputs name. */
    const ownKey = (inputs: InputMap) => {
      const at = (name: string) => valueAt(inputs, `certified.pck.${name}`);
      const limbs = ['x.hi', 'x.lo', 'y.hi', 'y.lo'].map(at);
      const rest = ['chip', 'serial', 'fmspc', 'cpu_svn', 'pce_svn'].map(at);
      const salt = valueAt(inputs, 'certified.pck_salt');
      const vek = p2('vek-tdx', ...limbs, ...rest);
      return { ...inputs, key_commitment: fieldInput(p2('vek-commitment', vek, salt)) };
    };

    const ofPck: [string, (inputs: InputMap) => InputMap, string | RegExp][] = [
      ['r of the signature', flip('signature.r.lo'), notSigned],
      ['s of the signature', flip('signature.s.lo'), notSigned],
      ['a high s', highS('signature'), wrongS],
      ['r = 0', zero('signature.r'), wrongR],
      ['s = 0', zero('signature.s'), wrongS],
      ['a limb of r of 2^128', put('signature.r.hi', 1n << 128n), outOfRange],
      ['another issuer', flip('issuer'), otherIssuer],
      ['another key of the issuer', flip('issuer_key.x.lo'), otherIssuer],
      [
        'a key of the issuer off the curve',
        (inputs) => ownIssuer(flipped(inputs, 'issuer_key.y.lo')),
        notSigned,
      ],
      [
        'a key of the issuer in other limbs',
        (inputs) => {
          const less = changed(inputs, 'issuer_key.x.hi', valueAt(inputs, 'issuer_key.x.hi') - 1n);
          const x = valueAt(inputs, 'issuer_key.x.lo') + (1n << 128n);
          return ownIssuer(changed(less, 'issuer_key.x.lo', x));
        },
        outOfRange,
      ],
      [
        'the PCK as its own issuer',
        (inputs) => {
          const { publicKey } = a.facts.pck;
          const [x, y] = [publicKey.subarray(0, 32), publicKey.subarray(32)];
          const issuer_key = { x: limbsInput(x), y: limbsInput(y) };
          return { ...inputs, issuer_key, issuer: fieldInput(issuerTdx(publicKey)) };
        },
        notSigned,
      ],
      ['another C_key', flip('key_commitment'), otherKey],
      ['another salt', flip('salt'), otherKey],
      ['a time before the certificate', put('at', 20_150_101_000_000n), outOfRange],
      ['a time after the certificate', put('at', 20_491_231_235_959n), outOfRange],
      ['a time of 2^64', put('at', 1n << 64n), outOfRange],
      ['a bit of the serial number', byteAt('certificate', 20), notSigned],
      ['a bit of the PPID', behind([0x01, 0x04, 0x10], 3), notSigned],
      ['a bit of a component’s SVN', behind([0x02, 0x01, 0x02, 0x01], 0), notSigned],
      ['a bit of the FMSPC', behind([0x04, 0x04, 0x06], 2), notSigned],
      ['a block less', more('blocks', -1n), notSigned],
      ['no block', put('blocks', 0n), wrongBlocks],
      ['20 blocks', put('blocks', 20n), wrongBlocks],
      [
        'the first bit of the padding',
        (inputs) => byteAt('certificate', a.facts.certificate.tbs.length)(inputs),
        notSigned,
      ],
      [
        'the last bit of the padding',
        (inputs) => byteAt('certificate', 64 * Number(inputs['blocks']) - 1)(inputs),
        notSigned,
      ],
      [
        'another chip’s certificate',
        (inputs) => ({ ...inputs, certificate: b.pck['certificate'] as number[] }),
        notSigned,
      ],
      [
        'another chip’s certificate, rightly signed',
        (inputs) => ({ ...b.pck, key_commitment: inputs['key_commitment'] as string }),
        otherKey,
      ],
    ];

    /** The report signed anew with another key. */
    const resigned = (inputs: InputMap): InputMap => {
      const { privateKey, publicKey } = p256KeyOf('of nobody');
      const signature = sign('sha256', a.facts.signed, {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      const signed = {
        ...paddedInput(a.facts.signed, signedRoom),
        signature: signatureInput(signature),
      };
      const certified = {
        ...(inputs['certified'] as InputMap),
        attestation_key: [...rawPoint(publicKey)],
      };
      return { ...inputs, signed, certified };
    };
    const withCertified = (inputs: InputMap, changes: InputMap): InputMap => ({
      ...inputs,
      certified: { ...(inputs['certified'] as InputMap), ...changes },
    });
    const ofB = (...names: string[]): InputMap => {
      const { certified } = b.vendor as { certified: InputMap };
      return Object.fromEntries(names.map((name) => [name, certified[name] as string]));
    };
    const attested = 'certified.attestation_key';

    const ofVendor: typeof ofPck = [
      ['a bit of MRTD', byteAt('signed.bytes', 48 + 136), notSigned],
      ['a bit of RTMR3', byteAt('signed.bytes', 48 + 519), notSigned],
      ['the DEBUG bit', byteAt('signed.bytes', 48 + 120), notSigned],
      ['a bit of REPORTDATA', byteAt('signed.bytes', 48 + 583), notSigned],
      ['the version', byteAt('signed.bytes', 0), notSigned],
      ['r of the signature', flip('signed.signature.r.lo'), notSigned],
      ['a high s', highS('signed.signature'), wrongS],
      ['a block more', more('signed.blocks', 1n), notSigned],
      ['13 blocks', put('signed.blocks', 13n), wrongBlocks],
      ['the first bit of the padding', byteAt('signed.bytes', 632), notSigned],
      ['a bit of the attestation key', byteAt(attested, 5), notSigned],
      ['another attestation key, which signed the same', resigned, notCertified],
      ['the authentication data', byteAt('certified.authentication_data', 31), notCertified],
      ['a bit of the enclave’s MRSIGNER', byteAt('certified.qe_report', 128), notSigned],
      ['a bit of the enclave’s ISVSVN', byteAt('certified.qe_report', 258), notSigned],
      ['a bit of the enclave’s REPORTDATA', byteAt('certified.qe_report', 320), notSigned],
      ['s of the enclave’s signature', flip('certified.qe_signature.s.lo'), notSigned],
      ['a high s of the enclave’s signature', highS('certified.qe_signature'), wrongS],
      ['another C_key', flip('key_commitment'), otherPck],
      ['another salt', flip('certified.pck_salt'), otherPck],
      ['another chip', flip('certified.pck.chip'), otherPck],
      ['another CPUSVN', flip('certified.pck.cpu_svn'), otherPck],
      ['another PCESVN', flip('certified.pck.pce_svn'), otherPck],
      ['another serial number', flip('certified.pck.serial'), otherPck],
      ['another chip’s PCK', (inputs) => withCertified(inputs, ofB('pck', 'pck_salt')), otherPck],
      [
        'another chip’s PCK and C_key',
        (inputs) => ownKey(withCertified(inputs, ofB('pck', 'pck_salt'))),
        notSigned,
      ],
      [
        'another machine’s enclave, PCK and C_key',
        (inputs) =>
          ownKey(withCertified(inputs, ofB('pck', 'pck_salt', 'qe_report', 'qe_signature'))),
        notCertified,
      ],
      [
        'another machine’s report, signed by its own key',
        (inputs) =>
          withCertified(
            { ...inputs, signed: b.vendor['signed'] as InputMap },
            ofB('attestation_key'),
          ),
        notCertified,
      ],
      [
        'the two signatures exchanged',
        (inputs) => {
          const { signed, certified } = inputs as Record<string, InputMap>;
          const signature = certified?.['qe_signature'] as InputMap;
          const qe_signature = signed?.['signature'] as InputMap;
          return withCertified({ ...inputs, signed: { ...signed, signature } }, { qe_signature });
        },
        notSigned,
      ],
      [
        'a limb of the PCK of 2^128',
        (inputs) => ownKey(changed(inputs, 'certified.pck.x.hi', 1n << 128n)),
        outOfRange,
      ],
      [
        'the PCK in other limbs',
        (inputs) => {
          const { x } = (inputs['certified'] as never)['pck'] as { x: { hi: string; lo: string } };
          const less = changed(inputs, 'certified.pck.x.hi', BigInt(x.hi) - 1n);
          return ownKey(changed(less, 'certified.pck.x.lo', BigInt(x.lo) + (1n << 128n)));
        },
        outOfRange,
      ],
      ['a PCK off the curve', (inputs) => ownKey(flipped(inputs, 'certified.pck.y.lo')), notSigned],
    ];

    test('in nothing, both are accepted', async () => {
      for (const one of [a, b]) {
        expect(await refusalOf(pck, one.pck)).toBeUndefined();
        expect(await refusalOf(vendor, one.vendor)).toBeUndefined();
      }
      expect(a.facts.pck.chip).not.toBe(b.facts.pck.chip);
      const digest = createHash('sha256').update(a.facts.attestationKey).digest();
      expect(digest).not.toEqual(createHash('sha256').update(b.facts.attestationKey).digest());
      expect(ofPck.length + ofVendor.length).toBeGreaterThanOrEqual(40);
    });

    test.each(ofPck)('tdx-pck: %s', { timeout: 60_000 }, async (_, change, message) => {
      expect(await refusalOf(pck, change(a.pck))).toMatch(message);
    });

    test.each(ofVendor)('tdx-quote: %s', { timeout: 60_000 }, async (_, change, message) => {
      expect(await refusalOf(vendor, change(a.vendor))).toMatch(message);
    });

    test('behind the last block: nothing there was signed, nor is read', async () => {
      const vendorInputs = changed(a.vendor, 'signed.bytes.767', 0x55n);
      expect(await refusalOf(vendor, vendorInputs)).toBeUndefined();
    });
  });
});
