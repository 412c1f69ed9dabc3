/** The kernel's command line, as the kernel and systemd read it (kernel-parameters, kernel-command-line(7)). */

/** Dashes of a name are underscores: both readers take the two for the same. */
export type Parameter = { name: string; value: string | null };

/**
 * Words without their quotes, wherever these stand. The kernel knows double quotes alone, systemd single ones and backslashes too:
 * where there are any, each word between spaces is a parameter as well, so that none is hidden from one of the two.
 */
export function parseParameters(words: readonly string[]): Parameter[] {
  const line = words.join(' ');
  const asKernel = (line.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []).map(unquoted);
  const asSystemd = /['\\]/.test(line) ? line.split(/\s+/).map(unquoted) : [];
  return [...asKernel, ...asSystemd.filter((word) => !asKernel.includes(word))]
    .filter((word) => word !== '')
    .map(toParameter);
}

function unquoted(word: string): string {
  return word.replace(/["'\\]/g, '');
}

function toParameter(word: string): Parameter {
  const at = word.indexOf('=');
  const name = (at < 0 ? word : word.slice(0, at)).replaceAll('-', '_');
  return { name, value: at < 0 ? null : word.slice(at + 1) };
}

/** As it was written. */
export function show({ name, value }: Parameter): string {
  return value === null ? name : `${name}=${value}`;
}

/** The last one counts. */
export function lastOf(
  parameters: readonly Parameter[],
  ...names: readonly string[]
): Parameter | undefined {
  return parameters.findLast(({ name }) => names.includes(name));
}

/** Whether it is there and says no. A name alone says yes. */
export function isOff(parameter: Parameter | undefined): boolean {
  const value = parameter?.value ?? null;
  return value !== null && /^(?:0|n|no|f|false|of|off)$/i.test(value);
}

/** Whether it is there and does not say no. */
export function isOn(parameter: Parameter | undefined): boolean {
  return parameter !== undefined && !isOff(parameter);
}
