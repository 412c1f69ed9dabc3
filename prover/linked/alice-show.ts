/** What of a response Alice shows, when the proof is about its text. */
import type { SignedResponse } from '#verifier/abi/response.ts';
import { type Bytes, isZero } from '#verifier/bytes.ts';
import { AliceError } from './alice-errors.ts';
import type { Disclosure, ShownPart } from './proof-file.ts';
import { maxTextLength } from './public-inputs.ts';

/** Bytes of the body, the last one included. */
export type ByteRange = { readonly first: number; readonly last: number };

export type Show = {
  readonly body: 'all' | 'none' | readonly ByteRange[];
  readonly nonce: boolean;
  readonly time: boolean;
  readonly request: boolean;
};

/**
 * `0-9,20-29`, or one byte `5`; in order, not overlapping. Null for any other text.
 */
export function parseRanges(text: string): readonly ByteRange[] | null {
  const ranges: ByteRange[] = [];
  for (const part of text.split(',')) {
    const found = /^(0|[1-9]\d{0,5})(?:-(0|[1-9]\d{0,5}))?$/.exec(part);
    if (found === null) return null;
    const first = Number(found[1]);
    const last = Number(found[2] ?? found[1]);
    if (last < first || first <= (ranges.at(-1)?.last ?? -1)) return null;
    ranges.push({ first, last });
  }
  return ranges;
}

/**
 * @throws AliceError `body-too-long`, `disclosure-impossible` for bytes behind the body, or a part that is shown as 0 and so would
 *   pass for hidden
 */
export function discloseOf(response: SignedResponse, requestHash: Bytes, show: Show): Disclosure {
  const { body, nonce, time } = response;
  if (body.length > maxTextLength) {
    throw new AliceError(
      'body-too-long',
      `the body has ${body.length} bytes, a proof about its text takes ${maxTextLength}`,
    );
  }
  if (show.nonce && isZero(nonce)) {
    throw impossible('the response answers no client’s nonce: there is none to show');
  }
  if (show.time && time === 0) throw impossible('the response has no time to show');
  return {
    clientNonce: show.nonce ? nonce : null,
    time: show.time ? time : null,
    requestHash: show.request ? requestHash : null,
    length: body.length,
    shown: partsOf(body, show.body),
  };
}

function partsOf(body: Bytes, wanted: Show['body']): ShownPart[] {
  if (wanted === 'none' || body.length === 0) {
    if (typeof wanted === 'object') throw impossible('the body is empty');
    return [];
  }
  if (wanted === 'all') return [{ at: 0, bytes: body }];
  const parts: { first: number; last: number }[] = [];
  for (const { first, last } of wanted) {
    if (last >= body.length) {
      throw impossible(`the body has ${body.length} bytes: byte ${last} is behind its end`);
    }
    const before = parts.at(-1);
    // Two that touch are one: a disclosure has one form.
    if (before?.last === first - 1) before.last = last;
    else parts.push({ first, last });
  }
  return parts.map(({ first, last }) => ({ at: first, bytes: body.slice(first, last + 1) }));
}

function impossible(problem: string): AliceError {
  return new AliceError('disclosure-impossible', problem);
}

/** As the circuit takes it: which bytes are shown, and the body with every other byte 0. */
export function maskOf({ length, shown }: Disclosure): { mask: boolean[]; shown: Bytes } {
  const mask = new Array<boolean>(length).fill(false);
  const visible = new Uint8Array(length);
  for (const { at, bytes } of shown) {
    visible.set(bytes, at);
    mask.fill(true, at, at + bytes.length);
  }
  return { mask, shown: visible };
}
