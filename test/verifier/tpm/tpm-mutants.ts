/** A TPM's evidence with one bit changed, part by part: nothing of another meaning is believed. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { FakeKeyKind } from '#test/fake/tpm.ts';
import { sharedFile } from '#test/shared.ts';
import {
  encodeTpmEvidence,
  parseTpmEvidence,
  readTpm2Quote,
  type TpmEvidence,
  type TpmQuote,
} from '#verifier/abi/tpm/evidence.ts';
import { parseGoTpmAttestation } from '#verifier/abi/tpm/go-tpm.ts';
import { readAkPublic } from '#verifier/abi/tpm/public.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { judge, type TpmScene, tpmScene } from './tpm-scene.ts';

/** Every `step`-th byte with one bit changed; all eight bits have their turn. */
function* flips(bytes: Bytes, step: number): Generator<[at: number, Bytes]> {
  for (let at = 0; at < bytes.length; at += step) {
    yield [at, bytes.with(at, (bytes[at] as number) ^ (1 << ((at / step) % 8)))];
  }
}

/** What a mutant is to be judged as, unless it says the same or cannot be read. */
type Outcome = TpmScene | 'same' | 'refused';

async function expectNoneAccepted(
  name: string,
  bytes: Bytes,
  step: number,
  sceneOf: (changed: Bytes) => Outcome,
): Promise<void> {
  const good = sceneOf(bytes);
  if (typeof good === 'string') throw new Error(`${name} is ${good}`);
  expect((await judge(good)).wrong, name).toEqual([]);
  const accepted: string[] = [];
  let count = 0;
  for (const [at, changed] of flips(bytes, step)) {
    count += 1;
    const scene = sceneOf(changed);
    if (typeof scene === 'string') continue;
    if ((await judge(scene)).wrong.length === 0) accepted.push(`${name}, byte ${at}`);
  }
  expect(accepted).toEqual([]);
  expect(count, name).toBeGreaterThan(3);
}

/** @param steps of what is short (quote, signature, a PCR), and of each certificate */
export async function simulatedQuote(
  key: FakeKeyKind,
  steps: { short: number; certificate: number },
): Promise<void> {
  const { certified } = await tpmScene({ key });
  const { quotes, key: source } = certified.given;
  const [quote] = quotes as [TpmQuote];
  const { certificates } = source as { certificates: readonly Bytes[] };
  const withQuote = (change: Partial<TpmQuote>): TpmScene => ({
    ...certified,
    given: { quotes: [{ ...quote, ...change }], key: source },
  });
  const { message, signature } = quote;
  await expectNoneAccepted('message', message, steps.short, (changed) =>
    withQuote({ message: changed }),
  );
  await expectNoneAccepted('signature', signature, steps.short, (changed) =>
    withQuote({ signature: changed }),
  );
  const values = quote.pcrs.get('sha256') as ReadonlyMap<number, Bytes>;
  await expectNoneAccepted('PCR 4', values.get(4) as Bytes, steps.short, (value) =>
    withQuote({ pcrs: new Map([['sha256', new Map(values).set(4, value)]]) }),
  );
  for (const [place, certificate] of certificates.entries()) {
    const name = `certificate ${place}`;
    await expectNoneAccepted(name, certificate, steps.certificate, (changed) => ({
      ...certified,
      given: {
        quotes,
        key: { kind: 'certificate', certificates: certificates.with(place, changed) },
      },
    }));
  }
}

/** The JSON of a bundle's device: another spelling at most. */
export async function deviceEvidence(step: number): Promise<void> {
  const { certified } = await tpmScene({ key: 'p256' });
  const { quotes, key } = certified.given;
  const { certificates } = key as { certificates: readonly Bytes[] };
  const evidence: TpmEvidence = { quotes, certificates };
  const original = encodeTpmEvidence(evidence);
  await expectNoneAccepted('evidence', original, step, (bytes) =>
    orRefused(() => {
      const found = parseTpmEvidence(bytes);
      const isSame = isDeepStrictEqual(found, evidence);
      if (isSame && !isDeepStrictEqual(bytes, original)) return 'same';
      const { quotes: read, certificates: chain } = found;
      const given = {
        quotes: read,
        key: { kind: 'certificate', certificates: chain },
      } as const;
      return { ...certified, given };
    }),
  );
}

/** Of a real machine; needs the corpus. */
export async function azureQuote(step: number): Promise<void> {
  const file = (name: string) => sharedFile(`corpus/tpm-quote/kinvolk-azure-vtpm-quote/${name}`);
  const quote = readTpm2Quote({
    message: file('tpm-quote-msg.bin'),
    signature: file('tpm-quote-sig.bin'),
    pcrs: file('pcrs-sha256.json'),
  });
  const publicKey = readAkPublic(file('akpub.pem'));
  const scene = (change: Partial<TpmQuote>): TpmScene => ({
    given: {
      quotes: [{ ...quote, ...change }],
      key: { kind: 'hcl', publicKey, certificate: null },
    },
    roots: [],
  });
  await expectNoneAccepted('message', quote.message, step, (message) => scene({ message }));
  await expectNoneAccepted('signature', quote.signature, step, (signature) => scene({ signature }));
}

/** Its key is trusted; the event log and the certificate after the quotes are judged elsewhere. Needs the corpus. */
export async function gceAttestation(step: number): Promise<void> {
  const file = sharedFile('corpus/tpm-quote/go-tpm-tools-gce-cos-85-nonce9009/attestation.pb');
  const good = parseGoTpmAttestation(file);
  const before = file.subarray(0, file.length - 23970 - 1340);
  await expectNoneAccepted('attestation', before, step, (start) =>
    orRefused(() => {
      const bytes = file.slice();
      bytes.set(start);
      const { quotes, publicKey } = parseGoTpmAttestation(bytes);
      // Attributes of the public area that are no attestation key's business may differ.
      const isSame = isDeepStrictEqual([quotes, publicKey], [good.quotes, good.publicKey]);
      if (isSame && !isDeepStrictEqual(bytes, file)) return 'same';
      const trusted = [good.publicKey];
      const key = { kind: 'trusted', claimed: publicKey, trusted } as const;
      return { given: { quotes, key }, roots: [] };
    }),
  );
}

function orRefused(read: () => Outcome): Outcome {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) return 'refused';
    throw error;
  }
}
