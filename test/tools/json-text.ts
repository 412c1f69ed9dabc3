/** JSON as the repository's formatter writes it, so that what is generated is also formatted. */

const columns = 100;

/** @returns text that ends in a line feed */
export function jsonText(value: unknown): string {
  return `${print(value, '', 0)}\n`;
}

/** @param before how many characters stand before the value on its line, beside the indent */
function print(value: unknown, indent: string, before: number): string {
  const flat = flatText(value);
  // One column is for the comma that may follow.
  if (flat !== null && indent.length + before + flat.length < columns) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const lines = value.map((element) => `${inner}${print(element, inner, 0)}`);
    return `[\n${lines.join(',\n')}\n${indent}]`;
  }
  const lines = Object.entries(value as object).map(([name, member]) => {
    const start = `${JSON.stringify(name)}: `;
    return `${inner}${start}${print(member, inner, start.length)}`;
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

/** On one line; null for several objects of more than one member in a row, which always get lines of their own. */
function flatText(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    const elements = value.map(flatText);
    if (elements.includes(null) || isRowOfObjects(value)) return null;
    return `[${elements.join(', ')}]`;
  }
  const members = Object.entries(value).map(([name, member]) => [name, flatText(member)] as const);
  if (members.length === 0) return '{}';
  if (members.some(([, text]) => text === null)) return null;
  return `{ ${members.map(([name, text]) => `${JSON.stringify(name)}: ${text}`).join(', ')} }`;
}

function isRowOfObjects(values: readonly unknown[]): boolean {
  const isWide = (value: unknown) =>
    typeof value === 'object' && value !== null && Object.keys(value).length > 1;
  return values.length > 1 && values.every(isWide);
}
