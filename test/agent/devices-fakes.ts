/** Devices as the agent finds them: a TPM that answers commands, byte for byte, and sources that do what a test says. */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import type { DeviceKind, DeviceSource } from '#agent/devices/devices.ts';
import { commandCodes } from '#agent/devices/tpm-frames.ts';
import type { FakeTpm } from '#test/fake/tpm.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { encodeSelections, readSelections } from '#verifier/abi/tpm/selection.ts';
import { readSized, readU32, sized, u16, u32 } from '#verifier/abi/tpm/wire.ts';
import { type Bytes, concat, Reader } from '#verifier/bytes.ts';

export type FakeNv = {
  bytes: Bytes;
  /** TPMA_NV; default: written, read with the index' own password. */
  attributes?: number;
};

export const nvAttributes = { ownerRead: 1 << 17, authRead: 1 << 18, written: 1 << 29 };

export type ChipOptions = {
  key?: number;
  nv?: Readonly<Record<number, FakeNv>>;
  /** Response codes that come before the command is done, one each. */
  refusals?: number[];
  /** Changes an answer on its way. */
  edit?: (answer: Bytes, command: string) => Bytes;
  /** Runs before each command. */
  before?: (command: string) => void;
};

export type Chip = { readonly commands: string[]; answer(command: Bytes): Promise<Bytes> };

type Call = { handles: number[]; parameters: Reader; name: string };

const codes = Object.entries(commandCodes);
const handleCounts: Readonly<Record<string, number>> = { PCR_Read: 0, NV_Read: 2 };
const isAuthorized = (name: string) => name === 'Quote' || name === 'NV_Read';

/** TPM_RC_HANDLE about handle 1, TPM_RC_HANDLE about handle 2 for NV. */
const noSuchHandle = 0x18b;

/** A TPM's command interface before the keys and PCRs of `tpm`. */
export function chipOf(tpm: FakeTpm, options: ChipOptions = {}): Chip {
  const { key = 0x81000003, nv = {}, refusals = [] } = options;
  const commands: string[] = [];
  let updates = 0;
  let last = tpm.pcrs();

  async function perform({ name, handles, parameters }: Call): Promise<Bytes | number> {
    const handle = handles.at(-1) ?? 0;
    switch (name) {
      case 'PCR_Read': {
        const [selection] = readSelections(parameters);
        if (selection === undefined) throw new Error('nothing is selected');
        const now = tpm.pcrs();
        if (!same(now, last)) updates += 1;
        last = now;
        const bank = now.get(selection.algorithm);
        const indices = bank === undefined ? [] : selection.indices.slice(0, 8);
        const chosen = [{ algorithm: selection.algorithm, indices }];
        const values = indices.map((index) => sized(bank?.get(index) as Bytes));
        return concat(u32(updates), encodeSelections(chosen), u32(values.length), ...values);
      }
      case 'Quote': {
        if (handle !== key) return noSuchHandle;
        const nonce = readSized(parameters, 'nonce', { max: 64 });
        if (parameters.u16be('scheme') !== 0x10) throw new Error('not the key’s own scheme');
        const [selection] = readSelections(parameters);
        if (selection === undefined) throw new Error('nothing is selected');
        const { message, signature } = await tpm.quote(nonce, selection);
        return concat(sized(message), signature);
      }
      case 'ReadPublic':
        if (handle !== key) return noSuchHandle;
        return concat(sized(tpm.publicArea), sized(new Uint8Array(34)), sized(new Uint8Array(34)));
      case 'NV_ReadPublic': {
        const found = nv[handle];
        if (found === undefined) return noSuchHandle;
        const { attributes = nvAttributes.written | nvAttributes.authRead } = found;
        const area = concat(u32(handle), u16(0x0b), u32(attributes), u16(0));
        const whole = concat(area, u16(found.bytes.length));
        return concat(sized(whole), sized(new Uint8Array(34)));
      }
      case 'NV_Read': {
        const found = nv[handle]?.bytes ?? new Uint8Array();
        const [size, offset] = [parameters.u16be('size'), parameters.u16be('offset')];
        return sized(found.slice(offset, offset + size));
      }
      default:
        return 0x143;
    }
  }

  return {
    commands,
    async answer(command) {
      const call = readCall(command);
      const { edit = (answer: Bytes) => answer } = options;
      options.before?.(call.name);
      commands.push(call.name);
      const refusal = refusals.shift();
      const found = refusal ?? (await perform(call));
      return edit(
        typeof found === 'number' ? refused(found) : answered(call.name, found),
        call.name,
      );
    },
  };
}

function readCall(command: Bytes): Call {
  const reader = new Reader(command, 'command');
  const tag = reader.u16be('tag');
  const size = readU32(reader, 'size');
  const code = readU32(reader, 'code');
  const name = codes.find(([, known]) => known === code)?.[0] ?? '';
  if (size !== command.length) throw new Error(`${name}: size ${size} of ${command.length}`);
  const count = handleCounts[name] ?? 1;
  const handles = Array.from({ length: count }, () => readU32(reader, 'handle'));
  if ((tag === 0x8002) !== isAuthorized(name)) throw new Error(`${name}: tag ${tag}`);
  if (tag === 0x8002) {
    const area = new Reader(reader.bytes(readU32(reader, 'size of the area'), 'area'), 'area');
    if (readU32(area, 'session') !== 0x40000009) throw new Error('no password session');
    readSized(area, 'nonce', { max: 0 });
    area.u8('attributes');
    readSized(area, 'password', { max: 0 });
    area.end();
  }
  return { name, handles, parameters: reader };
}

const header = (tag: number, length: number, code: number) =>
  concat(u16(tag), u32(10 + length), u32(code));

export const refused = (code: number): Bytes => header(0x8001, 0, code);

function answered(name: string, parameters: Bytes): Bytes {
  if (!isAuthorized(name)) return concat(header(0x8001, parameters.length, 0), parameters);
  const area = concat(sized(new Uint8Array()), Uint8Array.of(1), sized(new Uint8Array()));
  const body = concat(u32(parameters.length), parameters, area);
  return concat(header(0x8002, body.length, 0), body);
}

function same(one: ReturnType<FakeTpm['pcrs']>, other: ReturnType<FakeTpm['pcrs']>): boolean {
  const text = (pcrs: typeof one) =>
    JSON.stringify([...pcrs].map(([bank, values]): [TpmHash, unknown[]] => [bank, [...values]]));
  return text(one) === text(other);
}

/** The same behind a Unix socket, until the test is over. */
export async function serveChip(chip: Chip, path: string): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', async (command: Bytes) => {
      const answer = await chip.answer(command);
      // In two pieces, as a stream may hand them out.
      socket.write(answer.subarray(0, 7));
      setTimeout(() => socket.write(answer.subarray(7)), 2);
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  onTestFinished(() => {
    server.close();
    rmSync(path, { force: true });
  });
}

export type Manual = DeviceSource & { readonly asked: { nonce: Bytes; place: number }[] };

/** @param answer default: the nonce itself, behind the place */
export function manualDevice(
  kind: DeviceKind,
  answer: (nonce: Bytes, place: number) => Promise<Bytes> = async (nonce, place) =>
    concat(Uint8Array.of(place), nonce),
  options: Partial<DeviceSource> = {},
): Manual {
  const asked: Manual['asked'] = [];
  return {
    kind,
    name: `simulated ${kind}`,
    count: 1,
    timeoutMs: 5000,
    abandoned: 2,
    asked,
    async evidence(nonce, place) {
      asked.push({ nonce, place });
      return { evidence: await answer(nonce, place), identity: null };
    },
    ...options,
  };
}
