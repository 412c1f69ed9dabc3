/** The member `nitro` that one document of AWS Nitro fits. */
import type { NitroDocument } from '../abi/nitro.ts';
import type { NitroPcrPolicy, NitroPolicy } from '../appraise/nitro-policy.ts';
import { type Bytes, isZero, toHex } from '../bytes.ts';
import { any, type PinnedPart, type Remark } from './pin-parts.ts';

/** SHA-384: registers of other lengths cannot be named. */
const pcrLength = 48;

export function pinNitro(document: NitroDocument, pinMachine: boolean): PinnedPart<NitroPolicy> {
  const used = [...document.pcrs].filter(([, value]) => !isUnused(document, value));
  const named = used.filter(([, value]) => value.length === pcrLength);
  const pcrs = {
    ...Object.fromEntries(
      used.map(([index, value]) => [index, value.length === pcrLength ? [toHex(value)] : 'any']),
    ),
    others: 'unused',
  } as NitroPcrPolicy;
  const rules: NitroPolicy = {
    kind: [document.kind],
    debug: 'refused',
    moduleId: pinMachine ? [document.moduleId] : 'any',
    pcrs,
    // What an application says is new with every document; that it says nothing is not.
    userData: document.userData === null ? ['none'] : 'any',
    publicKey: document.publicKey === null ? ['none'] : 'any',
  };
  const believed: Remark[] = named.map(([index, value]) => ({
    path: `nitro.pcrs.${index}`,
    value: toHex(value),
    about: aboutPcr(document, index),
  }));
  if (pinMachine) {
    const value = document.moduleId;
    believed.push({ path: 'nitro.moduleId', value, about: 'is it your machine?' });
  }
  return { rules, believed, open: openOf(rules) };
}

/** As a register is at the start. TPMs start those of a late launch, 17 to 22, with ones. */
function isUnused({ kind }: NitroDocument, value: Bytes): boolean {
  return isZero(value) || (kind === 'tpm' && value.every((byte) => byte === 0xff));
}

function aboutPcr({ kind }: NitroDocument, index: number): string {
  if (kind === 'enclave' && index <= 2) return 'compare with what nitro-cli build-enclave printed';
  if (kind === 'enclave' && index === 8) return 'the certificate that signed the image';
  return 'what was measured into it';
}

function openOf({ moduleId, userData, publicKey }: NitroPolicy): Remark[] {
  const open: Remark[] = [];
  if (moduleId === 'any') open.push(any('nitro.moduleId', 'any instance or enclave (--pin-chip)'));
  if (userData === 'any') open.push(any('nitro.userData', 'what the application says'));
  if (publicKey === 'any') open.push(any('nitro.publicKey', 'new at every start'));
  return open;
}
