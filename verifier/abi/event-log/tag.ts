/** EV_EVENT_TAG, TCG_PCClientTaggedEvent: tag (4), length (4), text. Linux' EFI stub, systemd, and guests of Confidential Containers. */
import { type Bytes, Reader } from '../../bytes.ts';
import type { EventView } from './event-view.ts';
import { printable, textTo0, utf16To0 } from './text.ts';
import { bytesText } from './variable.ts';

/** 'AAEL' read big-endian: a line `domain operation content` of the attestation agent's event log. */
const agentLine = 0x4141454c;

const labels: Readonly<Record<number, string>> = {
  2403017453: 'kernel command line, by Linux’ EFI stub',
  2403017452: 'initrd, by Linux’ EFI stub',
  [agentLine]: 'Confidential Containers',
  4122761258: 'loader.conf of systemd-boot',
  1816590161: 'device tree, by systemd-stub',
  1239416335: 'initrd add-on, by systemd-stub',
  3670052378: 'microcode add-on, by systemd-stub',
  330225371: 'profile of the UKI, by systemd-stub',
  3586882748: 'SMBIOS system information, by systemd',
  3772021704: 'SMBIOS baseboard information, by systemd',
  3233004835: 'SMBIOS OEM strings, by systemd',
};

/** @returns null for bytes that are not of this form */
export function viewTag(data: Bytes): EventView | null {
  if (data.length < 8 || data.length > 64 * 1024) return null;
  const reader = new Reader(data, 'tagged event');
  const tag = reader.u32le('tag');
  const length = reader.u32le('length');
  if (length > reader.left) return null;
  const body = reader.bytes(length, 'text');
  const text = printable(utf16To0(body) ?? textTo0(body) ?? '');
  const label = labels[tag] ?? `tag 0x${tag.toString(16)}`;
  const said = text === '' ? bytesText(body) : text;
  return { what: `${label}: ${said}`, parts: [] };
}
