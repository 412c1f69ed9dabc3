/** Words of the parts that lists share: pages, long values, files picked beside. */
export const listStrings = {
  pages: (what: string) => `Pages of ${what}`,
  first: 'First page',
  previous: 'Previous page',
  next: 'Next page',
  last: 'Last page',
  page: 'Page',
  ofPages: (pages: number) => `of ${count(pages)}`,
  shown: (from: number, to: number, total: number) =>
    total === 0 ? 'None' : `${count(from)} to ${count(to)} of ${count(total)}`,
  copy: 'Copy',
  copied: 'Copied',
  notCopied: 'Cannot copy here: select it',
  copyLabel: (what: string) => `Copy ${what}`,
  hex: (what: string, bytes: number) => `${what}, ${bytes} bytes:`,
  tooLarge: (name: string, mebibytes: number) =>
    `${name} is larger than ${mebibytes} MiB: not read.`,
  unreadable: (name: string, problem: string) => `${name}: ${problem}`,
  remove: (name: string) => `Remove ${name}`,
} as const;

/** Thousands apart, as in `20 000`: a thin space means the same in every country. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `1 path`, `2 paths` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
