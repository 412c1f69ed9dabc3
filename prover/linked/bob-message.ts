/** What was signed, as far as the checker knows it: all of it from the response, or what the proof shows of it. */
import { parseResponse, responseHash } from '#verifier/abi/response.ts';
import { serviceId } from '#verifier/abi/service.ts';
import { type Bytes, fromUtf8, isZero, toHex } from '#verifier/bytes.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { attempt, type Finding, fail, pass, skip } from './linked-checks.ts';
import type { Disclosure, LinkedProofFile } from './proof-file.ts';
import {
  type Asked,
  type ResponseStatement,
  responseInputs,
  type TextStatement,
  textInputs,
} from './public-inputs.ts';

export type Message = {
  readonly service: string;
  /** Public inputs of the proof about it. */
  inputs(attestation: bigint, asked: Asked): Uint8Array[];
  /** The client's, 32 bytes; null where it is hidden. */
  readonly clientNonce: Bytes | null;
  /** The service's clock; null where it is hidden. */
  readonly time: UnixTime | null;
  readonly isRequestShown: boolean;
  /** Null where the whole response is known. */
  readonly disclosure: Disclosure | null;
  /** The response came with a signature. */
  readonly isSigned: boolean;
};

type Read = { finding: Finding; message: Message | null };

/** @param response bytes of its JSON; null when none was given */
export function readMessage(part: LinkedProofFile['response'], response: Bytes | null): Read {
  return part.kind === 'hash' ? fromResponse(response) : fromDisclosure(part, response);
}

function fromResponse(bytes: Bytes | null): Read {
  if (bytes === null) return { finding: skip('the response (--response)'), message: null };
  const read = attempt(() => parseResponse(fromUtf8(bytes, 'response')), 'a response');
  if ('failure' in read) return { finding: read.failure, message: null };
  const response = read.value;
  const { service, nonce, time, signature } = response;
  const hash = responseHash(response);
  const message: Message = {
    service,
    inputs(attestation, asked) {
      const statement: ResponseStatement = {
        ...asked,
        attestation,
        serviceId: serviceId(service),
        responseHash: hash,
      };
      return responseInputs(statement);
    },
    clientNonce: nonce,
    time,
    isRequestShown: true,
    disclosure: null,
    isSigned: !isZero(signature),
  };
  const actual = `${service}, signed at ${formatTime(time)} by the service's clock`;
  return { finding: pass({ actual }), message };
}

function fromDisclosure(
  { service, disclosure }: LinkedProofFile['response'] & { kind: 'text' },
  response: Bytes | null,
): Read {
  const { clientNonce, time, requestHash } = disclosure;
  if (response !== null) {
    const finding = fail({
      expected: 'a proof about the response that was given',
      actual: 'a proof that shows parts of a response',
      reason: 'whether it is the response that was given cannot be seen from the parts',
    });
    return { finding, message: null };
  }
  const zero = zeroIn(disclosure);
  if (zero !== null) {
    // The circuit takes 0 for hidden: as a value it would be shown without being proved.
    const finding = fail({
      expected: 'null for what is hidden',
      actual: `${zero} of zeros`,
      reason: 'zero stands for hidden: the proof does not say that this is the value',
    });
    return { finding, message: null };
  }
  const message: Message = {
    service,
    inputs: (attestation, asked) =>
      textInputs({ ...asked, attestation, serviceId: serviceId(service), ...textOf(disclosure) }),
    clientNonce,
    time,
    isRequestShown: requestHash !== null,
    disclosure,
    isSigned: false,
  };
  return { finding: pass({ actual: `${service}: ${shownText(disclosure)}` }), message };
}

function zeroIn({ clientNonce, time, requestHash }: Disclosure): string | null {
  if (clientNonce !== null && isZero(clientNonce)) return 'a nonce';
  if (time === 0) return 'a time';
  return requestHash !== null && isZero(requestHash) ? 'a request hash' : null;
}

type TextParts = Pick<
  TextStatement,
  'clientNonce' | 'time' | 'requestHash' | 'length' | 'mask' | 'shown'
>;

/** The parser has seen that every part lies within the body. */
function textOf({ clientNonce, time, requestHash, length, shown }: Disclosure): TextParts {
  const mask = new Array<boolean>(length).fill(false);
  const body = new Uint8Array(length);
  for (const { at, bytes } of shown) {
    mask.fill(true, at, at + bytes.length);
    body.set(bytes, at);
  }
  return { clientNonce, time, requestHash, length, mask, shown: body };
}

/** In words: what is shown and how much is hidden. */
export function shownText({ clientNonce, time, requestHash, length, shown }: Disclosure): string {
  const part = (name: string, value: string | null) =>
    value === null ? `${name} hidden` : `${name} ${value}`;
  const count = shown.reduce((total, { bytes }) => total + bytes.length, 0);
  return [
    part('nonce', clientNonce && toHex(clientNonce)),
    part('time', time === null ? null : formatTime(time)),
    part('request', requestHash && `of SHA-256 ${toHex(requestHash)}`),
    `${count} of the body's ${length} bytes shown`,
  ].join(', ');
}
