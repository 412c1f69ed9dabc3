/** `1,023 paths, 2.1 GB` */
export function describeAmount(paths: number, bytes: number): string {
  return `${grouped(paths)} path${paths === 1 ? '' : 's'}, ${describeBytes(bytes)}`;
}

/** Powers of ten, two digits at least. */
export function describeBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : grouped(Math.round(value))} ${units[unit]}`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A path for one line of text, whole: control characters, which could forge a line, are escaped. */
export function describePath(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return /[\u0000-\u001f]/.test(path) ? JSON.stringify(path) : path;
}
