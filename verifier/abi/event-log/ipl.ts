/** EV_IPL: what boot loaders measure. shim, GRUB (PCR 8 and 9), systemd-boot and systemd-stub (PCR 11 to 13). */
import { toHex } from '../../bytes.ts';
import { hashOf } from '../tpm/hash.ts';
import type { EventView } from './event-view.ts';
import { asciiOf, printable, textTo0, utf16To0 } from './text.ts';
import type { LogEvent } from './types.ts';

const labels: readonly (readonly [prefix: string, label: string])[] = [
  ['grub_cmd: ', 'GRUB command'],
  ['grub_cmd ', 'GRUB command'],
  ['kernel_cmdline: ', 'kernel command line'],
  ['grub_kernel_cmdline ', 'kernel command line'],
  ['module_cmdline: ', 'command line of a module'],
  ['grub_linuxefi ', 'image that GRUB loaded'],
];

const wholeText = 8192;

/** Where systemd’s command lines go: PCR 12, 8 before systemd 251, and RTMR2 as a CC log numbers it. */
const commandLineRegisters = [3, 8, 12];

export function viewIpl(event: LogEvent): EventView | null {
  if (event.data.length > 64 * 1024) return null;
  const wide = utf16To0(event.data);
  if (wide !== null) return viewWide(event, wide);
  const text = textTo0(event.data);
  if (text === null || text === '') return null;
  for (const [prefix, label] of labels) {
    if (text.startsWith(prefix)) {
      return withWhole(label, text.slice(prefix.length));
    }
  }
  if (/^Mok[A-Za-z]+$/.test(text)) return { what: `shim’s ${text}`, parts: [] };
  if (/^(?:\([^)]*\))?\//.test(text))
    return { what: `file that GRUB read: ${printable(text)}`, parts: [] };
  return { what: `“${printable(text)}”`, parts: [] };
}

function viewWide(event: LogEvent, text: string): EventView {
  const line = printable(text);
  if (/^\.[a-z]+$/.test(text)) {
    const part = isSectionName(event, text) ? 'name' : 'contents';
    return { what: `UKI section ${line}: its ${part}`, parts: [] };
  }
  if (/ initrd$/i.test(text) && text.length < 40) {
    return { what: `systemd-stub: ${line}`, parts: [] };
  }
  if (commandLineRegisters.includes(event.register)) return withWhole('kernel command line', text);
  return { what: `“${line}”`, parts: [] };
}

/** Of no command line is a part enough, where there is room for all of it. */
function withWhole(label: string, text: string): EventView {
  const line = printable(text);
  const whole = printable(text, wholeText);
  return {
    what: `${label}: ${line}`,
    parts: whole === line ? [] : [{ name: 'whole', value: whole }],
  };
}

/** Name and contents are logged alike; the name is measured as ASCII with its NUL. */
function isSectionName({ digests }: LogEvent, name: string): boolean {
  const bytes = asciiOf(`${name}\0`);
  const [first] = digests;
  if (bytes === null || first === undefined) return false;
  const [algorithm, digest] = first;
  return toHex(hashOf(algorithm, bytes)) === toHex(digest);
}
