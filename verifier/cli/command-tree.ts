/**
 * What the command line takes, read from the one place that declares it: `main` is run with a stand-in for yargs that
 * records. Completions, the man page and docs/cli.md are written from this, so that none of them can say anything else.
 */
import type { Argv, Options, PositionalOptions } from 'yargs';

/** What a value is, as far as a reader or a shell can be told; null for a switch. */
export type Placeholder = 'FILE' | 'DIR' | 'HEX' | 'URL' | 'TIME' | 'NAME' | 'VALUE';

export type OptionEntry = {
  /** Without its dashes. */
  name: string;
  describe: string;
  placeholder: Placeholder | null;
  /** Null where any text goes. */
  choices: readonly string[] | null;
  default: string | null;
  needed: boolean;
};

export type PositionalEntry = Pick<OptionEntry, 'describe' | 'choices' | 'needed'> & {
  name: string;
  /** Takes all that is left. */
  many: boolean;
};

export type CommandEntry = {
  /** `verify`; of the tree's root `affidavit`. */
  name: string;
  summary: string;
  positionals: readonly PositionalEntry[];
  options: readonly OptionEntry[];
  examples: readonly { command: string; summary: string }[];
  epilogue: string | null;
  commands: readonly CommandEntry[];
};

/** The function that yargs exports, as `main` uses it. */
export type YargsLike = (args: readonly string[]) => Argv;

/**
 * @param declare declares every command to the function that it is given, and parses nothing of its own
 * @throws Error when it declared nothing
 */
export async function commandTree(
  declare: (yargs: YargsLike) => Promise<unknown>,
): Promise<CommandEntry> {
  const found = recorded('affidavit', '');
  await declare(() => found.recorder);
  const { entry } = found;
  if (entry.commands.length === 0) throw new Error('the command line declared no command');
  return entry;
}

type Builder = ((argv: Argv) => unknown) | Readonly<Record<string, Options>> | undefined;

type Recording = {
  -readonly [K in keyof CommandEntry]: CommandEntry[K] extends readonly (infer T)[]
    ? T[]
    : CommandEntry[K];
};

/** A stand-in whose methods all return it, as yargs' do; those below also write down what they were told. */
function recorded(spelling: string, summary: string): { entry: CommandEntry; recorder: Argv } {
  const [name = '', ...places] = spelling.split(' ');
  const entry: Recording = {
    name,
    summary,
    positionals: places.map(toPositional),
    options: [],
    examples: [],
    epilogue: null,
    commands: [],
  };
  const option = (key: string, options: Options) => {
    if (options.hidden !== true) entry.options.push(toOption(key, options));
  };
  const options = (all: Readonly<Record<string, Options>>) => {
    for (const [key, one] of Object.entries(all)) option(key, one);
  };
  const epilogue = (text: string) => {
    entry.epilogue = text;
  };
  const told: Record<string, (...args: never[]) => void> = {
    option: (key: string | Readonly<Record<string, Options>>, one: Options = {}) =>
      typeof key === 'string' ? option(key, one) : options(key),
    options,
    epilogue,
    epilog: epilogue,
    usage: (text: string) => {
      entry.summary ||= text.split('\n').at(-1) ?? '';
    },
    example: (command: string, text: string) => {
      entry.examples.push({ command: command.replace('$0', 'affidavit'), summary: text });
    },
    positional: (key: string, one: PositionalOptions) => {
      const place = entry.positionals.find((known) => known.name === key);
      if (place === undefined) throw new Error(`${spelling} has no place ${key}`);
      Object.assign(place, {
        describe: one.describe ?? one.description ?? '',
        choices: one.choices?.map(String) ?? null,
      });
    },
    command: (command: string, text: string | false, build: Builder) => {
      if (text === false) return;
      const inner = recorded(command, text);
      if (typeof build === 'function') build(inner.recorder);
      else if (build !== undefined) inner.recorder.options(build);
      entry.commands.push(inner.entry);
    },
  };
  const recorder: Argv = new Proxy({} as Argv, {
    get: (_, property) => {
      // A promise is what has `then`, and a parse that finds nothing is all that is left to do.
      if (property === 'then') return undefined;
      if (property === 'parseAsync') return async () => ({});
      return (...args: never[]) => {
        told[String(property)]?.(...args);
        return recorder;
      };
    },
  });
  return { entry, recorder };
}

/** `<file>`, `[target]`, `<evidence..>` */
function toPositional(place: string): PositionalEntry {
  const bare = place.slice(1, -1);
  return {
    name: bare.replace(/\.\.$/, ''),
    describe: '',
    choices: null,
    needed: place.startsWith('<'),
    many: bare.endsWith('..'),
  };
}

function toOption(name: string, options: Options): OptionEntry {
  const describe = options.describe ?? options.description ?? options.desc ?? '';
  const choices = options.choices?.map(String) ?? null;
  const isSwitch = options.type === 'boolean' || options.type === 'count';
  return {
    name,
    describe,
    placeholder: isSwitch ? null : placeholderOf(describe),
    choices,
    default: options.default === undefined ? null : String(options.default),
    needed: options.demandOption !== undefined && options.demandOption !== false,
  };
}

/** Read from the words that describe it, for yargs knows only that it is text. The first line that fits decides. */
const placeholders: readonly (readonly [RegExp, Placeholder])[] = [
  [/^(?:the )?files?\b/, 'FILE'],
  [/\bbytes, hex\b|^the nonce\b|\bdigest\b/, 'HEX'],
  [/^URL\b/, 'URL'],
  [/\bRFC 3339\b/, 'TIME'],
  [/^(?:the )?folder\b|\bof this folder\b/, 'DIR'],
  [/\bname\b|\bthis (?:policy|one check)\b|^address\b/, 'NAME'],
  [/^(?:port|seconds|number)\b|^how (?:many|often|long)\b|\bevery\b/, 'VALUE'],
];

function placeholderOf(describe: string): Placeholder {
  return placeholders.find(([words]) => words.test(describe))?.[1] ?? 'FILE';
}
