/** A bit changed in sampled bytes of manifests, simulated and real: none is accepted with another meaning. */
import { expect, test } from 'vitest';
import { createRimSigner, driverRim, issueRim, rimNow, rimSubject } from '#test/fake/nvidia-rim.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { parseRim } from '#verifier/abi/nvidia/rim.ts';
import { canonicalXml } from '#verifier/abi/xml/canonical.ts';
import { parseXml } from '#verifier/abi/xml/parse.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import { runRims } from './rim-scene.ts';

const gpu = rimSubject();
// A prime, so that no field is always hit at the same place.
const step = 127;

async function believed(
  rim: Bytes,
  roots: readonly TrustedRoot[],
  now: UnixTime,
): Promise<boolean> {
  const { of } = await runRims({ devices: [gpu], rims: [rim], roots, now });
  return of.signature.status === 'pass';
}

/** What the document says, whatever its spelling, and by whom. */
function meaning(rim: Bytes): Bytes[] {
  const { signature } = parseRim(rim);
  const root = parseXml(rim, 'manifest');
  const place = root.children.findIndex(
    (child) => typeof child !== 'string' && child.local === 'Signature',
  );
  const element = root.children[place];
  if (element === undefined || typeof element === 'string') throw new RangeError('no signature');
  return [
    canonicalXml(root, element),
    signature.signedInfo,
    signature.value,
    ...signature.certificates,
  ];
}

async function expectNoneBelieved(rim: Bytes, roots: readonly TrustedRoot[], now: UnixTime) {
  expect(await believed(rim, roots, now)).toBe(true);
  const original = meaning(rim);
  const others: number[] = [];
  let cases = 0;
  for (let at = 0; at < rim.length; at += step) {
    const changed = rim.with(at, (rim[at] as number) ^ (1 << ((at / step) % 8)));
    cases += 1;
    if (!(await believed(changed, roots, now))) continue;
    const same = meaning(changed).every((part, i) => equalBytes(part, original[i] as Bytes));
    if (!same) others.push(at);
  }
  expect(others).toEqual([]);
  expect(cases).toBeGreaterThan(150);
}

test('a simulated manifest', async () => {
  const signer = await createRimSigner();
  await expectNoneBelieved(issueRim(signer, driverRim(gpu)), [signer.trusted], rimNow);
});

test('a real manifest', async ({ skip }) => {
  skip(!hasShared, sharedMissing);
  const rim = sharedFile('corpus/collateral/nvidia/rim/NV_GPU_DRIVER_GH100_550.144.03.xml');
  await expectNoneBelieved(rim, vendorRoots, parseTime('2026-01-01T00:00:00Z') as UnixTime);
});
