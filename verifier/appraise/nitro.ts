/** What the policy says of a document of AWS Nitro, one check a question. */
import type { NitroDocument, NitroKind } from '../abi/nitro.ts';
import { type Bytes, isZero, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import { checkMember } from './member.ts';
import { type NitroPolicy, nitroPcrRule } from './nitro-policy.ts';

/**
 * What must be named for the software to be named. An enclave: the image. An instance: its boot binary and the command line that
 * it was given, which together decide all that is loaded after them.
 */
const software: Record<NitroKind, readonly number[]> = { enclave: [0], tpm: [4, 12] };
const pcrCount = 32;

/** Makes every check of stage policy that is about a Nitro document. */
export function checkNitro(list: Checklist, document: NitroDocument, policy: NitroPolicy): void {
  checkDebug(list, document, policy);
  checkPcrs(list, document, policy);
  checkModule(list, document, policy);
  const { userData, publicKey } = document;
  checkMember(
    list,
    'policy.nitro-user-data',
    hexOrNone(userData),
    policy.userData,
    'the application had other data signed',
  );
  checkMember(
    list,
    'policy.nitro-public-key',
    hexOrNone(publicKey),
    policy.publicKey,
    'the document is of another key',
  );
}

/** Nothing was measured: PCR0, of the image or the firmware, is all zero, or left out. An enclave in debug mode says it so. */
export function isDebugNitro({ pcrs }: NitroDocument): boolean {
  const image = pcrs.get(0);
  return image === undefined || isZero(image);
}

/** Whether the policy names the software that was measured, for each kind of document that it takes. */
export function namesNitroSoftware(policy: NitroPolicy): boolean {
  return policy.kind.every((kind) =>
    software[kind].every((index) => nitroPcrRule(policy, index) !== 'any'),
  );
}

function checkDebug(list: Checklist, document: NitroDocument, { debug }: NitroPolicy): void {
  const isDebug = isDebugNitro(document);
  const image = document.pcrs.get(0);
  list.decide('policy.nitro-debug', !isDebug || debug === 'dangerously-allowed', {
    expected: debug === 'refused' ? 'debug off' : 'any (debug dangerously allowed)',
    actual: isDebug
      ? `debug on: PCR0 is ${image === undefined ? 'left out' : 'zero'}`
      : 'debug off',
    reason: 'the host can read the console of this enclave, and nothing of it was measured',
  });
}

function checkPcrs(list: Checklist, document: NitroDocument, policy: NitroPolicy): void {
  const faults: string[] = [];
  const asked: string[] = [];
  const found: string[] = [];
  for (let index = 0; index < pcrCount; index++) {
    const rule = nitroPcrRule(policy, index);
    if (rule === 'any') continue;
    const value = document.pcrs.get(index);
    const fits = rule === 'unused' ? isUnused(document, value) : isOneOf(rule, value);
    if (!fits) faults.push(`PCR${index}`);
    if (rule === 'unused') continue;
    asked.push(`PCR${index} ${rule.join(' or ')}`);
    found.push(`PCR${index} ${hexOrNone(value ?? null)}`);
  }
  if (policy.pcrs !== 'any' && policy.pcrs.others === 'unused') asked.push('the others unused');
  list.decide('policy.nitro-pcrs', faults.length === 0, {
    expected: asked.join(', ') || 'any',
    actual: found.join(', ') || `${document.pcrs.size} registers`,
    reason: `something else was measured than the policy names: ${faults.join(', ')}`,
  });
}

function isOneOf(accepted: readonly string[], value: Bytes | undefined): boolean {
  return value !== undefined && accepted.includes(toHex(value));
}

/** As a register is at the start. TPMs start those of a late launch, 17 to 22, with ones. */
function isUnused({ kind }: NitroDocument, value: Bytes | undefined): boolean {
  if (value === undefined || isZero(value)) return true;
  return kind === 'tpm' && value.every((byte) => byte === 0xff);
}

function checkModule(list: Checklist, document: NitroDocument, policy: NitroPolicy): void {
  const { kind, moduleId } = document;
  const names = policy.moduleId === 'any' ? 'any' : policy.moduleId.join(' or ');
  const isKind = policy.kind.includes(kind);
  const isNamed = policy.moduleId === 'any' || policy.moduleId.includes(moduleId);
  list.decide('policy.nitro-module', isKind && isNamed, {
    expected: `${policy.kind.join(' or ')}, ${names}`,
    actual: `${kind}, ${moduleId}`,
    reason: isKind
      ? 'the document is of another module'
      : `the policy takes no documents of this kind (${kind})`,
  });
}

function hexOrNone(value: Bytes | null): string {
  return value === null ? 'none' : toHex(value);
}
