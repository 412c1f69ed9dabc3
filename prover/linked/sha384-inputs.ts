/** Messages as the circuits' SHA-384 takes them. Checks nothing: the circuit refuses what does not hold. */
import { type Bytes, bigEndian } from '#verifier/bytes.ts';
import { fieldInput } from '../circuit-inputs.ts';

/**
 * message ‖ 0x80 ‖ zeros ‖ length in bits, 16 bytes (FIPS 180-4, 5.1.2), then zeros to `room` bytes.
 * @throws RangeError for a message that has no room
 */
export function paddedInput384(message: Bytes, room: number): { bytes: number[]; blocks: string } {
  const blocks = Math.ceil((message.length + 17) / 128);
  if (128 * blocks > room) {
    throw new RangeError(`${message.length} bytes do not fit into ${room / 128} blocks of SHA-384`);
  }
  const bytes = new Uint8Array(room);
  bytes.set(message);
  bytes[message.length] = 0x80;
  bytes.set(bigEndian(BigInt(8 * message.length), 16), 128 * blocks - 16);
  return { bytes: [...bytes], blocks: fieldInput(BigInt(blocks)) };
}
