/**
 * Commands of a TPM and their answers, byte for byte (TPM 2.0 Library Part 1, 18, and Part 3 by name): Quote, PCR_Read,
 * NV_ReadPublic, NV_Read, ReadPublic, and nothing else. All authorizations are the empty password.
 */
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import {
  encodeSelections,
  type PcrSelection,
  readSelections,
} from '#verifier/abi/tpm/selection.ts';
import { readSized, readU32, sized, u16, u32 } from '#verifier/abi/tpm/wire.ts';
import { type Bytes, concat, Reader } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { isRetry, tpmCodeName } from './tpm-codes.ts';

/** TPM_ST_NO_SESSIONS, TPM_ST_SESSIONS */
const noSessions = 0x8001;
const withSessions = 0x8002;
/** TPM_RS_PW: authorization by password. */
const passwordSession = 0x40000009;
/** TPM_RH_OWNER */
const owner = 0x40000001;
/** TPM_ALG_NULL: the key's own scheme. */
const ownScheme = 0x0010;

/** Bytes of a command or an answer: the kernel's buffer. */
export const maxFrameLength = 4096;

export const commandCodes = {
  NV_Read: 0x14e,
  Quote: 0x158,
  NV_ReadPublic: 0x169,
  ReadPublic: 0x173,
  PCR_Read: 0x17e,
} as const;

/** One command, and how its answer is read. */
export type TpmCommand<T> = {
  readonly name: keyof typeof commandCodes;
  readonly frame: Bytes;
  /** @throws AttestationError for an answer that is none of this command */
  readonly read: (parameters: Reader) => T;
  readonly sessions: boolean;
};

/** What a TPM says in place of an answer. */
export class TpmRefusal extends Error {
  readonly responseCode: number;

  constructor(command: string, responseCode: number) {
    super(`TPM2_${command} was answered ${tpmCodeName(responseCode)}`);
    this.name = 'TpmRefusal';
    this.responseCode = responseCode;
  }

  /** Whether the same command may be sent again. */
  get again(): boolean {
    return isRetry(this.responseCode);
  }
}

/** header = u16 tag ‖ u32 size ‖ u32 code */
const headerLength = 10;

function command<T>(
  name: keyof typeof commandCodes,
  handles: readonly number[],
  parameters: Bytes,
  options: { sessions: boolean; read: (parameters: Reader) => T },
): TpmCommand<T> {
  const { sessions, read } = options;
  const body = concat(
    ...handles.map(u32),
    sessions ? emptyPassword() : new Uint8Array(),
    parameters,
  );
  const tag = u16(sessions ? withSessions : noSessions);
  const frame = concat(tag, u32(headerLength + body.length), u32(commandCodes[name]), body);
  return { name, frame, read, sessions };
}

/** u32 size ‖ TPMS_AUTH_COMMAND: handle, nonce (empty), attributes (continueSession), password (empty) */
function emptyPassword(): Bytes {
  const area = concat(u32(passwordSession), sized(new Uint8Array()), Uint8Array.of(1));
  const whole = concat(area, sized(new Uint8Array()));
  return concat(u32(whole.length), whole);
}

/**
 * The parameters of a good answer, read to their end.
 * @throws TpmRefusal for a response code that is not 0; AttestationError `length-wrong`, `value-out-of-range` for anything that
 *   is no answer to this command
 */
export function readAnswer<T>({ name, read, sessions }: TpmCommand<T>, answer: Bytes): T {
  const reader = new Reader(answer, `TPM2_${name}'s answer`);
  const tag = reader.u16be('tag');
  const size = readU32(reader, 'size');
  const code = readU32(reader, 'response code');
  if (size !== answer.length) throw wrong(`${name}: size ${size} of ${answer.length} bytes`);
  if (code !== 0) {
    if (tag !== noSessions) throw wrong(`${name}: an error with tag ${tag}`);
    reader.end();
    throw new TpmRefusal(name, code);
  }
  if (tag !== (sessions ? withSessions : noSessions)) throw wrong(`${name}: tag ${tag}`);
  if (!sessions) return readWhole(name, reader.bytes(reader.left, 'parameters'), read);
  const length = readU32(reader, 'size of the parameters');
  const parameters = reader.bytes(length, 'parameters');
  // TPMS_AUTH_RESPONSE of a password: no nonce, the attributes, no HMAC.
  readSized(reader, 'nonce of the session', { max: 0 });
  reader.u8('attributes of the session');
  readSized(reader, 'HMAC of the session', { max: 0 });
  reader.end();
  return readWhole(name, parameters, read);
}

function readWhole<T>(name: string, parameters: Bytes, read: (reader: Reader) => T): T {
  const reader = new Reader(parameters, `TPM2_${name}'s answer`);
  const found = read(reader);
  reader.end();
  return found;
}

function wrong(problem: string): AttestationError {
  return new AttestationError('value-out-of-range', `TPM: answer to TPM2_${problem}`);
}

export type PcrAnswer = {
  /** Counts every change of a PCR. */
  readonly updateCounter: number;
  /** Which PCRs the values are of: eight at most, in ascending order. */
  readonly selections: readonly PcrSelection[];
  readonly values: readonly Bytes[];
};

/** The TPM answers as many PCRs as it likes, eight at most. */
export function pcrRead(algorithm: TpmHash, indices: readonly number[]): TpmCommand<PcrAnswer> {
  return command('PCR_Read', [], encodeSelections([{ algorithm, indices }]), {
    sessions: false,
    read(reader) {
      const updateCounter = readU32(reader, 'pcrUpdateCounter');
      const selections = readSelections(reader);
      const count = readU32(reader, 'number of PCR values');
      if (count > 8) throw wrong(`PCR_Read: ${count} values, at most 8 are allowed`);
      const values = Array.from({ length: count }, () =>
        readSized(reader, 'PCR value', { max: 64 }),
      );
      return { updateCounter, selections, values };
    },
  });
}

export type QuoteAnswer = {
  /** TPMS_ATTEST */
  readonly message: Bytes;
  /** TPMT_SIGNATURE */
  readonly signature: Bytes;
};

export function quoteOver(
  key: number,
  nonce: Bytes,
  selection: PcrSelection,
): TpmCommand<QuoteAnswer> {
  const parameters = concat(sized(nonce), u16(ownScheme), encodeSelections([selection]));
  return command('Quote', [key], parameters, {
    sessions: true,
    read(reader) {
      const message = readSized(reader, 'quoted', { min: 1, max: maxFrameLength });
      return { message, signature: reader.bytes(reader.left, 'signature') };
    },
  });
}

/** TPMT_PUBLIC of a loaded key. */
export function readPublic(key: number): TpmCommand<Bytes> {
  return command('ReadPublic', [key], new Uint8Array(), {
    sessions: false,
    read(reader) {
      const found = readSized(reader, 'outPublic', { min: 1, max: maxFrameLength });
      readSized(reader, 'name', { max: 68 });
      readSized(reader, 'qualifiedName', { max: 68 });
      return found;
    },
  });
}

/** TPMS_NV_PUBLIC, as far as reading needs it. */
export type NvPublic = { readonly attributes: number; readonly size: number };

export function nvReadPublic(index: number): TpmCommand<NvPublic> {
  return command('NV_ReadPublic', [index], new Uint8Array(), {
    sessions: false,
    read(reader) {
      const found = new Reader(readSized(reader, 'nvPublic', { max: 512 }), 'NV index');
      readSized(reader, 'nvName', { max: 68 });
      if (readU32(found, 'nvIndex') !== index) throw wrong('NV_ReadPublic: another index');
      found.u16be('nameAlg');
      const attributes = readU32(found, 'attributes');
      readSized(found, 'authPolicy', { max: 64 });
      const size = found.u16be('dataSize');
      found.end();
      return { attributes, size };
    },
  });
}

/** @param authorizedBy the index itself, or the owner: whoever may read it */
export function nvRead(
  index: number,
  authorizedBy: 'index' | 'owner',
  { size, offset }: { size: number; offset: number },
): TpmCommand<Bytes> {
  const by = authorizedBy === 'owner' ? owner : index;
  return command('NV_Read', [by, index], concat(u16(size), u16(offset)), {
    sessions: true,
    read: (reader) => readSized(reader, 'data', { min: size, max: size }),
  });
}
