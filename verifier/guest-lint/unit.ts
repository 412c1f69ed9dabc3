/** The text of a systemd unit (systemd.syntax(7)), as far as its settings name files. */

export type Setting = { section: string; key: string; value: string };

/** Comments are left out, also between the lines of one value; lines that end with a backslash go on. */
export function parseUnit(text: string): Setting[] {
  const settings: Setting[] = [];
  let section = '';
  let begun = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue;
    if (line.endsWith('\\')) {
      begun += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = `${begun}${line}`.trim();
    begun = '';
    const heading = /^\[([^\]]*)\]$/.exec(whole)?.[1];
    const at = whole.indexOf('=');
    if (heading !== undefined) section = heading;
    else if (at > 0) {
      settings.push({ section, key: whole.slice(0, at).trim(), value: whole.slice(at + 1).trim() });
    }
  }
  return settings;
}

/** Values of the settings of that name, in any section; an empty one takes back those before it. */
export function valuesOf(settings: readonly Setting[], key: string): string[] {
  const values: string[] = [];
  for (const setting of settings) {
    if (setting.key !== key) continue;
    if (setting.value === '') values.length = 0;
    else values.push(setting.value);
  }
  return values;
}

/** Words of a value, with the quotes around and inside of them removed. */
export function wordsOf(value: string): string[] {
  const found = value.match(/(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s"'])+/g) ?? [];
  return found.map((quoted) => quoted.replace(/["']/g, ''));
}

/** The program of a command line of Exec…=, without the marks before it (systemd.service(5)). */
export function programOf(command: string): string {
  return (wordsOf(command)[0] ?? '').replace(/^[-@:+!|]+/, '');
}
