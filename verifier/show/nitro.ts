/** Attestation documents of AWS Nitro for `affidavit show`: what they say, their registers, signature and certificates. */
import { type NitroDocument, type NitroKind, parseNitro } from '#verifier/abi/nitro.ts';
import { isDebugNitro } from '#verifier/appraise/nitro.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { certificateSection } from './certificate.ts';
import type { ShowField, ShowSection } from './document.ts';

const titles: Record<NitroKind, string> = {
  enclave: 'AWS Nitro Enclaves attestation document',
  tpm: 'AWS NitroTPM attestation document',
};

/** What AWS says that a register measures; the others are the application's. */
const registerNames: Record<NitroKind, Readonly<Record<number, string>>> = {
  enclave: {
    0: 'enclave image',
    1: 'kernel, first programs',
    2: 'application',
    3: 'IAM role',
    4: 'id of the instance',
    8: 'image certificate',
  },
  tpm: {
    0: 'firmware code',
    1: 'firmware data',
    2: 'code of other firmware',
    3: 'data of other firmware',
    4: 'boot binaries',
    5: 'boot configuration',
    6: 'host platform',
    7: 'Secure Boot policy',
    12: 'boot command line',
    16: 'debug',
    23: 'application',
  },
};

/**
 * @throws AttestationError what `parseNitro` throws; a certificate in the document that cannot be read is shown as such
 */
export function nitroSections(bytes: Bytes): ShowSection[] {
  const document = parseNitro(bytes);
  const { kind, pcrs, cose, cabundle, certificate } = document;
  const names = registerNames[kind];
  return [
    section(titles[kind], documentFields(document)),
    section(
      'Registers (PCRs)',
      [...pcrs].map(([index, value]) => {
        const name = names[index];
        return {
          name: name === undefined ? `PCR${index}` : `PCR${index}, ${name}`,
          key: `pcrs.${index}`,
          value: toHex(value),
        };
      }),
    ),
    section('Signature', [
      { name: 'algorithm', value: 'ES384 (ECDSA P-384 with SHA-384)' },
      { name: 'signature', value: toHex(cose.signature) },
    ]),
    ...cabundle.map((der, place) =>
      shownCertificate(der, place === 0 ? 'Nitro root' : `Nitro CA ${place}`),
    ),
    shownCertificate(certificate, 'Nitro leaf'),
  ];
}

function documentFields(document: NitroDocument): ShowField[] {
  const { kind, moduleId, digest, timestamp, userData, nonce, publicKey } = document;
  return [
    { name: 'module_id', key: 'moduleId', value: moduleId },
    { name: 'digest', key: 'digest', value: digest },
    { name: 'timestamp', key: 'timestamp', value: new Date(timestamp).toISOString() },
    ...(kind === 'enclave'
      ? [{ name: 'debug mode', value: isDebugNitro(document) ? 'yes: PCR0 is zero' : 'no' }]
      : []),
    { name: 'nonce', key: 'nonce', value: bytesText(nonce) },
    { name: 'user_data', key: 'userData', value: bytesText(userData) },
    { name: 'public_key', key: 'publicKey', value: bytesText(publicKey) },
  ];
}

function bytesText(value: Bytes | null): string {
  if (value === null) return 'none';
  return value.length === 0 ? 'empty' : toHex(value);
}

/** The document around it can be read all the same. */
function shownCertificate(der: Bytes, title: string): ShowSection {
  try {
    return certificateSection(der, title);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return section(title, [{ name: 'unreadable', value: error.message }]);
  }
}

function section(title: string, fields: ShowField[]): ShowSection {
  return { title, offsetsFrom: null, fields };
}
