/** Every parser that documents of AWS Nitro pass through, with seeds for each. */
import { readdirSync } from 'node:fs';
import { createNitro, type FakeNitro } from '#test/fake/nitro.ts';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import { encodeCbor, parseCbor } from '#verifier/abi/cbor.ts';
import { parseCoseSign1, sigStructure } from '#verifier/abi/cose.ts';
import { looksLikeNitro, parseNitro } from '#verifier/abi/nitro.ts';
import { type Bytes, concat, equalBytes, utf8 } from '#verifier/bytes.ts';
import { asNitroCa, asNitroLeaf, asNitroRoot } from '#verifier/chain/nitro.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { nitroSections } from '#verifier/show/nitro.ts';
import type { Parser } from './fuzz-run.ts';

export async function nitroParsers(): Promise<Parser[]> {
  const fakes = [createNitro(), createNitro({ kind: 'tpm' })];
  const documents = [...fakes.flatMap(simulatedDocuments), ...corpusDocuments()];
  const parsed = documents.map((bytes) => parseNitro(bytes));
  const certificates = parsed.flatMap(({ certificate, cabundle }) => [...cabundle, certificate]);
  return [
    { name: 'COSE_Sign1', parse: canonicalFrame, seeds: documents },
    {
      name: 'CBOR maps in any order',
      parse: anyOrderRoundTrip,
      seeds: parsed.map(({ cose }) => cose.payload),
    },
    { name: 'Nitro document', parse: recognisedDocument, seeds: documents },
    { name: 'Nitro certificate', parse: nitroCertificate, seeds: certificates },
    { name: 'show Nitro', parse: show, seeds: documents },
  ];
}

function simulatedDocuments({ document }: FakeNitro): Bytes[] {
  const filled = { nonce: new Uint8Array(32), userData: utf8('data'), publicKey: utf8('key') };
  const plain = document();
  return [plain, concat(Uint8Array.of(0xd2), plain), document(filled)];
}

function corpusDocuments(): Bytes[] {
  const folder = 'corpus/aws-nitro';
  if (!hasShared) return [];
  return readdirSync(sharedPath(folder)).map((name) =>
    sharedFile(`${folder}/${name}/attestation.bin`),
  );
}

/** What is accepted has one way to be written, but for its tag. */
function canonicalFrame(bytes: Bytes): void {
  const { protectedHeader, payload, signature } = parseCoseSign1(bytes, 'COSE');
  const frame = encodeCbor([protectedHeader, new Map(), payload, signature]);
  const again = bytes[0] === 0xd2 ? concat(Uint8Array.of(0xd2), frame) : frame;
  if (!equalBytes(again, bytes)) throw new Error('not canonical');
  sigStructure({ protectedHeader, payload });
}

/** Written again, sorted, it is the same value for both readers. */
function anyOrderRoundTrip(bytes: Bytes): void {
  const sorted = encodeCbor(parseCbor(bytes, 'CBOR', 'any-order'));
  if (!equalBytes(encodeCbor(parseCbor(sorted, 'CBOR')), sorted)) throw new Error('another value');
}

function recognisedDocument(bytes: Bytes): void {
  const looks = looksLikeNitro(bytes);
  parseNitro(bytes);
  if (!looks) throw new Error('read, but not recognised');
}

/** In each place, of which it fits one. */
function nitroCertificate(bytes: Bytes): void {
  const certificate = parseCertificate(bytes, 'certificate');
  const { commonName } = certificate;
  if (commonName === 'aws.nitro-enclaves') asNitroRoot(certificate, 'root');
  else if (commonName.endsWith('.nitro-enclaves')) asNitroCa(certificate, 'CA');
  else asNitroLeaf(certificate, 'leaf');
}

function show(bytes: Bytes): void {
  const document = { form: 'Nitro', length: bytes.length, sections: nitroSections(bytes) };
  renderShow(document, true);
  showJson(document, false);
}
