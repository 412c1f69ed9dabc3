/**
 * TPM_RC by name (TPM 2.0 Library Part 2, 6.6.3), of the codes that a guest may meet. A code about an argument says which:
 * parameter, handle or session, from 1.
 */

/** Format 1: bit 7 set, the number in bits 0 to 5. */
const ofArguments: Readonly<Record<number, string>> = {
  1: 'ASYMMETRIC',
  2: 'ATTRIBUTES',
  3: 'HASH',
  4: 'VALUE',
  5: 'HIERARCHY',
  10: 'TYPE',
  11: 'HANDLE',
  13: 'RANGE',
  14: 'AUTH_FAIL',
  15: 'NONCE',
  18: 'SCHEME',
  21: 'SIZE',
  23: 'TAG',
  24: 'SELECTOR',
  26: 'INSUFFICIENT',
  28: 'KEY',
  29: 'POLICY_FAIL',
  33: 'RESERVED_BITS',
  34: 'BAD_AUTH',
};

/** Format 0, from 0x100 on: errors. */
const errors: Readonly<Record<number, string>> = {
  0: 'INITIALIZE',
  1: 'FAILURE',
  3: 'SEQUENCE',
  32: 'DISABLED',
  33: 'EXCLUSIVE',
  36: 'AUTH_TYPE',
  37: 'AUTH_MISSING',
  39: 'PCR',
  40: 'PCR_CHANGED',
  45: 'UPGRADE',
  47: 'AUTH_UNAVAILABLE',
  48: 'REBOOT',
  66: 'COMMAND_SIZE',
  67: 'COMMAND_CODE',
  68: 'AUTHSIZE',
  69: 'AUTH_CONTEXT',
  70: 'NV_RANGE',
  71: 'NV_SIZE',
  72: 'NV_LOCKED',
  73: 'NV_AUTHORIZATION',
  74: 'NV_UNINITIALIZED',
};

/** Format 0, from 0x900 on: warnings. */
const warnings: Readonly<Record<number, string>> = {
  2: 'OBJECT_MEMORY',
  3: 'SESSION_MEMORY',
  4: 'MEMORY',
  6: 'OBJECT_HANDLES',
  7: 'LOCALITY',
  8: 'YIELDED',
  9: 'CANCELED',
  10: 'TESTING',
  32: 'NV_RATE',
  33: 'LOCKOUT',
  34: 'RETRY',
  35: 'NV_UNAVAILABLE',
};

/** The TPM asks for the same command once more: it gave way, tests itself, or limits writing. */
const again: ReadonlySet<number> = new Set([0x908, 0x90a, 0x922]);

export function isRetry(code: number): boolean {
  return again.has(code);
}

/** `TPM_RC_HANDLE (handle 1)`; `TPM_RC 0x1ff` for one that has no name here. */
export function tpmCodeName(code: number): string {
  const layer = code >>> 16;
  if (layer !== 0) return `${nameOf(code & 0xffff)} of layer ${layer} (resource manager or driver)`;
  return nameOf(code);
}

function nameOf(code: number): string {
  if ((code & 0x80) !== 0) {
    const name = ofArguments[code & 0x3f];
    return name === undefined ? numbered(code) : `TPM_RC_${name} (${argumentOf(code)})`;
  }
  const table = code >= 0x900 ? warnings : errors;
  const name = code < 0x100 ? undefined : table[code & 0x7f];
  return name === undefined ? numbered(code) : `TPM_RC_${name}`;
}

const numbered = (code: number) => `TPM_RC 0x${code.toString(16)}`;

/** Bit 6: a parameter; else bit 11: a session, or a handle. */
function argumentOf(code: number): string {
  const number = (code >> 8) & 0xf;
  if ((code & 0x40) !== 0) return `parameter ${number}`;
  return number >= 8 ? `session ${number - 8}` : `handle ${number}`;
}
