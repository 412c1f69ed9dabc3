/** Every parser that evidence of NVIDIA's devices passes through, with seeds for each. */
import { readdirSync } from 'node:fs';
import { createNvidia, type FakeNvidia } from '#test/fake/nvidia.ts';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import {
  encodeNvidiaEvidence,
  parseNvidiaEvidence,
  readNvidiaFile,
} from '#verifier/abi/nvidia/evidence.ts';
import { encodeOpaque, parseOpaque, readOpaque } from '#verifier/abi/nvidia/opaque.ts';
import { rimSubjectOf } from '#verifier/abi/nvidia/rim-subject.ts';
import { encodeSpdm, looksLikeSpdm, parseSpdm } from '#verifier/abi/nvidia/spdm.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { type Bytes, equalBytes, utf8 } from '#verifier/bytes.ts';
import {
  asNvidiaBrom,
  asNvidiaIca,
  asNvidiaIdentity,
  asNvidiaLeaf,
  asNvidiaRoot,
} from '#verifier/chain/nvidia.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { nvidiaSections } from '#verifier/show/nvidia.ts';
import type { Parser } from './fuzz-run.ts';

export async function nvidiaParsers(): Promise<Parser[]> {
  const machine = createNvidia({
    gpus: [{}, { architecture: 'BLACKWELL' }, { featureFlag: 2 }],
    switches: 1,
  });
  const nonce = new Uint8Array(32).fill(7);
  const simulated = machine.devices.map((device) => device.evidence(nonce));
  const real = corpusEvidence();
  const reports = [...simulated, ...real].map(({ evidence }) => evidence);
  const certificates = [...simulated, ...real].flatMap((one) => one.certificates);
  const opaque = reports.map((bytes) => encodeOpaque(parseSpdm(bytes).opaque));
  const documents = [...simulated, ...real].map((one) => utf8(encodeNvidiaEvidence(one)));
  const files = [...documents.slice(0, 2), ...toolFiles(machine, nonce), ...reports];
  return [
    { name: 'report', parse: canonicalReport, seeds: reports },
    { name: 'opaque data', parse: canonicalOpaque, seeds: opaque },
    { name: 'evidence', parse: evidenceRoundTrip, seeds: documents },
    { name: 'file', parse: readNvidiaFile, seeds: files },
    { name: 'certificate', parse: nvidiaCertificate, seeds: distinct(certificates) },
    { name: 'show', parse: show, seeds: files },
  ];
}

/** What is accepted has one way to be written, and is recognised before it is read. */
function canonicalReport(bytes: Bytes): void {
  const looks = looksLikeSpdm(bytes);
  const report = parseSpdm(bytes);
  if (!looks) throw new Error('read, but not recognised');
  if (!equalBytes(encodeSpdm(report), bytes)) throw new Error('not canonical');
  rimSubjectOf(report, 'device', null);
}

function canonicalOpaque(bytes: Bytes): void {
  const fields = parseOpaque(bytes);
  if (!equalBytes(encodeOpaque(fields), bytes)) throw new Error('not canonical');
  readOpaque(fields);
}

function evidenceRoundTrip(bytes: Bytes): void {
  const text = encodeNvidiaEvidence(parseNvidiaEvidence(bytes));
  if (encodeNvidiaEvidence(parseNvidiaEvidence(utf8(text))) !== text) {
    throw new Error('another evidence');
  }
}

function nvidiaCertificate(bytes: Bytes): void {
  const certificate = parseCertificate(bytes, 'certificate');
  const { commonName } = certificate;
  if (commonName.endsWith(' BROM')) asNvidiaBrom(certificate);
  else if (commonName.includes('Provisioner')) asNvidiaIca(certificate);
  else if (commonName.endsWith(' Identity')) asNvidiaIdentity(certificate);
  else if (commonName.endsWith(' CA')) asNvidiaRoot(certificate);
  else asNvidiaLeaf(certificate);
}

function show(bytes: Bytes): void {
  const sections = nvidiaSections(readNvidiaFile(bytes));
  const document = { form: 'NVIDIA evidence', length: bytes.length, sections };
  renderShow(document, true);
  showJson(document, true);
}

function toolFiles(machine: FakeNvidia, nonce: Bytes): Bytes[] {
  const printed = machine.toolOutput(nonce);
  const [{ nonce: hex, ...device }] = JSON.parse(printed);
  const { certificate, evidence, arch } = device;
  const request = { nonce: hex, arch, evidence_list: [{ certificate, evidence }] };
  return [utf8(printed), utf8(JSON.stringify(request))];
}

function distinct(all: readonly Bytes[]): Bytes[] {
  return all.filter((bytes, i) => all.findIndex((other) => equalBytes(bytes, other)) === i);
}

/** Of ../shared/corpus; none where the corpus is not. */
function corpusEvidence(): { evidence: Bytes; certificates: Bytes[] }[] {
  if (!hasShared) return [];
  const folder = 'corpus/nvidia';
  return readdirSync(sharedPath(folder))
    .toSorted()
    .map((id) => ({
      evidence: sharedFile(`${folder}/${id}/evidence.bin`),
      certificates: readPemChain(sharedFile(`${folder}/${id}/cert-chain.pem`), id),
    }));
}
