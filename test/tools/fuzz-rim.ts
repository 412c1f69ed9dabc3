/** Every parser that NVIDIA's manifests and OCSP responses pass through, with seeds for each. */
import { readdirSync } from 'node:fs';
import {
  createRimSigner,
  driverRim,
  firmwareRim,
  issueRim,
  rimNow,
  rimSubject,
} from '#test/fake/nvidia-rim.ts';
import { answerPlan, issueDelegate, issueOcsp, ocspError, ocspPlan } from '#test/fake/ocsp.ts';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import { looksLikeRim, parseRim } from '#verifier/abi/nvidia/rim.ts';
import { canonicalXml } from '#verifier/abi/xml/canonical.ts';
import { parseXml } from '#verifier/abi/xml/parse.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import { parseOcsp } from '#verifier/chain/ocsp.ts';
import { ocspSections, rimSections } from '#verifier/show/rim.ts';
import type { Parser } from './fuzz-run.ts';

export async function rimParsers(): Promise<Parser[]> {
  const signer = await createRimSigner();
  const gpu = rimSubject();
  const rims = [driverRim(gpu, [7]), firmwareRim(gpu, [1])]
    .map((plan) => issueRim(signer, { ...plan, resources: 8 }))
    .concat(realRims());
  const responses = simulatedResponses(signer);
  return [
    { name: 'XML', parse: canonicalTwice, seeds: rims },
    { name: 'RIM', parse: recognised, seeds: rims },
    { name: 'OCSP', parse: (bytes) => parseOcsp(bytes, 'OCSP response'), seeds: responses },
    { name: 'show RIM', parse: rimSections, seeds: rims },
    { name: 'show OCSP', parse: ocspSections, seeds: responses },
  ];
}

/** What is read has one canonical form, which is read again as the same. */
function canonicalTwice(bytes: Bytes): void {
  const once = canonicalXml(parseXml(bytes, 'document'));
  if (!equalBytes(canonicalXml(parseXml(once, 'canonical')), once)) throw new Error('another form');
}

function recognised(bytes: Bytes): void {
  parseRim(bytes);
  if (!looksLikeRim(bytes)) throw new Error('read, but not recognised');
}

function simulatedResponses({
  certificates,
  keys,
}: Awaited<ReturnType<typeof createRimSigner>>): Bytes[] {
  const { ca, level3, signer } = certificates;
  const revoked = { revokedAt: rimNow - 100, reason: 6 };
  const answers = [
    answerPlan(signer, level3, rimNow),
    answerPlan(signer, level3, rimNow, { status: revoked, hash: 'sha1', nextUpdate: null }),
    answerPlan(level3, ca, rimNow, { status: 'unknown', hash: 'sha256', parameters: false }),
  ];
  const delegate = issueDelegate(level3, keys.level3, keys.ca, rimNow);
  return [
    ...answers.map((answer) => issueOcsp(ocspPlan([answer], keys.level3))),
    issueOcsp(ocspPlan(answers, keys.level3, { byKey: true, nonce: new Uint8Array(32) })),
    issueOcsp(ocspPlan(answers, keys.ca, { responder: delegate, certificates: [delegate.der] })),
    ocspError(3),
  ];
}

function realRims(): Bytes[] {
  if (!hasShared) return [];
  const folder = 'corpus/collateral/nvidia/rim';
  return readdirSync(sharedPath(folder))
    .filter((file) => /^(?:1010_.*PROD|NV_GPU_DRIVER_GH100_550)/.test(file))
    .toSorted()
    .map((file) => sharedFile(`${folder}/${file}`));
}
