/** What `affidavit show` prints, before it is text or JSON. */
import { wrap } from '#verifier/words/lines.ts';

export type ShowPart = { name: string; value: string };
export type ShowField = ShowPart & {
  /** In the protocol's and the policy's spelling. */
  key?: string;
  /** Bytes, from where the section says. */
  offset?: number;
  length?: number;
  parts?: ShowPart[];
};
export type ShowSection = {
  title: string;
  /** From where offsets count; null where there are none. */
  offsetsFrom: string | null;
  fields: ShowField[];
};
export type ShowDocument = { form: string; length: number; sections: ShowSection[] };

const warning =
  'Nothing was verified: this is what the bytes say, not whether it is true (affidavit verify decides that).';

/** At most 100 columns, unless a name alone is longer. */
export function renderShow({ form, length, sections }: ShowDocument, offsets: boolean): string {
  const lines = [...wrap(`${form}, ${length} bytes`, '', ''), ...wrap(warning, '', ''), ''];
  for (const { title, offsetsFrom, fields } of sections) {
    const from =
      offsets && offsetsFrom !== null ? `, offsets from the start of ${offsetsFrom}` : '';
    lines.push(...wrap(clean(title + from), '', '  '));
    const width = Math.max(...fields.map(({ name }) => clean(name).length), 8);
    for (const field of fields) lines.push(...renderField(field, Math.min(width, 28), offsets));
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

export function showJson({ form, length, sections }: ShowDocument, offsets: boolean): string {
  const fieldJson = ({ name, key, value, parts, ...place }: ShowField) => ({
    name: clean(name),
    ...(key && { key }),
    value: clean(value),
    ...(offsets && place),
    ...(parts && parts.length > 0 && { parts: parts.map((part) => cleanPart(part)) }),
  });
  const document = {
    form,
    length,
    verified: false,
    warning,
    sections: sections.map(({ title, offsetsFrom, fields }) => ({
      title: clean(title),
      ...(offsets && { offsetsFrom }),
      fields: fields.map(fieldJson),
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function renderField(field: ShowField, width: number, offsets: boolean): string[] {
  const { offset, length } = field;
  const hex = offset === undefined ? '' : `0x${offset.toString(16).padStart(3, '0')}`;
  const place = offsets ? `${hex.padEnd(6)} ${String(length ?? '').padStart(4)}  ` : '';
  const name = clean(field.name).padEnd(width);
  const indent = ' '.repeat(2 + place.length + width + 2);
  const inner = Math.max(...(field.parts ?? []).map((part) => clean(part.name).length), 0);
  return [
    ...wrap(shorten(clean(field.value)), `  ${place}${name}  `, indent),
    ...(field.parts ?? []).flatMap((part) => {
      const { name, value } = cleanPart(part);
      return wrap(value, `${indent}${name.padEnd(inner)}  `, `${indent}  `);
    }),
  ];
}

function cleanPart({ name, value }: ShowPart): ShowPart {
  return { name: clean(name), value: clean(value) };
}

/** Zero bytes are counted, not printed. */
function shorten(value: string): string {
  if (!/^(00)+$/.test(value)) return value;
  return value.length === 2 ? 'zero, 1 byte' : `zero, ${value.length / 2} bytes`;
}

/**
 * Untrusted text for a terminal: no control, format (text direction), unassigned or separator
 * characters.
 */
function clean(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
