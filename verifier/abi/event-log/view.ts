/** An event in words, by its type. All of it is what the log says; `proofOf` tells whether it is what was measured. */
import { type Bytes, Reader, toHex } from '../../bytes.ts';
import { devicePathText } from './device-path.ts';
import { readRuntimeData } from './dstack.ts';
import type { EventView } from './event-view.ts';
import { viewGpt } from './gpt.ts';
import { viewIpl } from './ipl.ts';
import { viewNoAction } from './no-action.ts';
import { viewConfiguration, viewNonhost } from './platform.ts';
import { viewTag } from './tag.ts';
import { printable, textTo0, utf16To0 } from './text.ts';
import { eventTypes, type LogEvent } from './types.ts';
import { bytesText, readVariable, viewAuthority, viewVariable } from './variable.ts';

export function viewEvent(event: LogEvent): EventView {
  return viewOf(event) ?? { what: plainText(event.data), parts: [] };
}

function viewOf(event: LogEvent): EventView | null {
  const { type, data } = event;
  switch (type) {
    case eventTypes.noAction:
      return viewNoAction(event);
    case eventTypes.separator:
      return viewSeparator(data);
    case eventTypes.variableDriverConfig:
    case eventTypes.variableBoot:
    case eventTypes.variableBoot2:
      return variableView(data, viewVariable);
    case eventTypes.variableAuthority:
      return variableView(data, viewAuthority);
    case eventTypes.bootServicesApplication:
    case eventTypes.bootServicesDriver:
    case eventTypes.runtimeServicesDriver:
      return viewImage(event);
    case eventTypes.gpt:
    case eventTypes.gpt2:
      return viewGpt(data);
    case eventTypes.ipl:
      return viewIpl(event);
    case eventTypes.eventTag:
      return viewTag(data);
    case eventTypes.dstackRuntime:
      return viewRuntime(event);
    case eventTypes.platformFirmwareBlob:
    case eventTypes.platformFirmwareBlob2:
    case eventTypes.handoffTables2:
    case eventTypes.platformConfigFlags:
      return viewConfiguration(event);
    case eventTypes.nonhostInfo:
      return viewNonhost(data);
    default:
      return null;
  }
}

function variableView(
  data: Bytes,
  view: (variable: NonNullable<ReturnType<typeof readVariable>>) => EventView,
): EventView | null {
  const variable = readVariable(data);
  return variable === null ? null : view(variable);
}

/** PFP 1.06, 10.4.1: zeros or ones when all went well, anything else is an error. */
function viewSeparator(data: Bytes): EventView {
  const value = toHex(data);
  if (value === '00000000' || value === 'ffffffff') return { what: 'separator', parts: [] };
  return { what: `separator that says an error: ${bytesText(data)}`, parts: [] };
}

const imageKinds: Readonly<Record<number, string>> = {
  [eventTypes.bootServicesApplication]: 'application',
  [eventTypes.bootServicesDriver]: 'driver',
  [eventTypes.runtimeServicesDriver]: 'runtime driver',
};

/** UEFI_IMAGE_LOAD_EVENT: place (8), length (8), link-time address (8), length of the path (8), path. */
function viewImage({ type, data }: LogEvent): EventView | null {
  if (data.length < 32) return null;
  const reader = new Reader(data, 'image');
  reader.bytes(8, 'place');
  const length = reader.u64le('length');
  reader.bytes(8, 'link-time address');
  const pathLength = reader.u64le('length of the path');
  if (pathLength > BigInt(reader.left)) return null;
  const path = devicePathText(reader.bytes(Number(pathLength), 'path'));
  const place = pathLength === 0n ? 'from memory' : path;
  return {
    what: `${imageKinds[type]} ${place}`,
    parts: [{ name: 'length', value: `${length} bytes in memory` }],
  };
}

function viewRuntime(event: LogEvent): EventView | null {
  const found = readRuntimeData(event);
  if (found === null) return null;
  const value = found.payload.length === 0 ? '' : `: ${plainText(found.payload)}`;
  return { what: `dstack ${printable(found.name)}${value}`, parts: [] };
}

/** Text as it stands where it is text, else hex or a length. */
export function plainText(data: Bytes): string {
  if (data.length > 64 * 1024) return bytesText(data);
  const text = utf16To0(data) ?? textTo0(data);
  const clean = text === null ? '' : printable(text);
  return clean !== '' && !clean.includes('?') && clean.length >= 3 ? `“${clean}”` : bytesText(data);
}
