/** Completion scripts. Each knows every command and option, asks nobody, and falls back on file names. */
import type { CommandEntry, OptionEntry, PositionalEntry } from './command-tree.ts';

/** A command with the words that lead to it: `log verify`; the root's are none. */
type Place = { path: string; command: CommandEntry };

function placesOf(command: CommandEntry, path = ''): Place[] {
  const below = command.commands.flatMap((inner) =>
    placesOf(inner, path === '' ? inner.name : `${path} ${inner.name}`),
  );
  return [{ path, command }, ...below];
}

const takesValue = ({ placeholder }: OptionEntry): boolean => placeholder !== null;

/** In single quotes, for every shell here: a quote inside ends the text, is quoted itself, and the text goes on. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const heading = (shell: string): string =>
  `# affidavit in ${shell}. Written by "affidavit completions ${shell}"; write it again after an update.`;

/** `case` patterns: `' verify --vek' | ' verify --crl'` */
const patterns = (texts: readonly string[]): string => texts.map(quoted).join(' | ');

/** For bash 3.2 and newer, with or without the bash-completion package. */
export function bashCompletions(tree: CommandEntry): string {
  const places = placesOf(tree);
  const commands = places.slice(1).map(({ path }) => path);
  const valued = places.flatMap(({ path, command }) =>
    command.options.filter(takesValue).map(({ name }) => `${path} --${name}`),
  );
  const chosen = places.flatMap(({ path, command }) =>
    command.options.flatMap(({ name, choices }) =>
      choices === null ? [] : [{ at: `${path} --${name}`, words: choices }],
    ),
  );
  const wordsOf = ({ commands: inner, positionals, options }: CommandEntry) => ({
    plain: [
      ...inner.map(({ name }) => name),
      ...positionals.flatMap(({ choices }) => choices ?? []),
    ],
    dashed: [...options.map(({ name }) => `--${name}`), '--help'],
  });
  return `${heading('bash')}
_affidavit() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' waiting='' word words='' i
  # bash makes three words of --option=value.
  if [[ $current == '=' ]]; then current=''; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $waiting ]]; then
      if [[ $word != '=' ]]; then waiting=''; fi
      continue
    fi
    case "$path $word" in
      ${patterns(valued.map((name) => (name.startsWith(' ') ? name : ` ${name}`)))})
        waiting=$word ;;
      ${patterns(commands.map((path) => ` ${path}`))})
        path="$path $word" ;;
    esac
  done
  if [[ -n $waiting ]]; then
    case "$path $waiting" in
${chosen.map(({ at, words }) => `      ${quoted(` ${at.trimStart()}`)}) words=${quoted(words.join(' '))} ;;`).join('\n')}
    esac
  else
    case "$path,$current" in
${places
  .flatMap(({ path, command }) => {
    const { plain, dashed } = wordsOf(command);
    const at = quoted(path === '' ? '' : ` ${path}`);
    return [
      `      ${at},-*) words=${quoted(dashed.join(' '))} ;;`,
      `      ${at},*) words=${quoted(plain.join(' '))} ;;`,
    ];
  })
  .join('\n')}
    esac
  fi
  # Without a word to offer, readline offers file names.
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _affidavit affidavit
`;
}

/** Text of a zsh specification, where colons and brackets have a meaning. */
const zshText = (text: string): string => text.replace(/[\\:[\]]/g, String.raw`\$&`);

/** What a value is completed with: one of the choices, or a file or folder. */
function zshAction({ choices, placeholder }: Pick<OptionEntry, 'choices' | 'placeholder'>): string {
  if (choices !== null) return `(${choices.join(' ')})`;
  return { FILE: '_files', DIR: '_files -/' }[String(placeholder)] ?? ' ';
}

function zshOption(option: OptionEntry): string {
  const { name, describe, placeholder } = option;
  const text = `[${zshText(describe)}]`;
  if (placeholder === null) return quoted(`--${name}${text}`);
  // An option may come again (several --chain): whether it may is for the command to say.
  return quoted(`*--${name}=${text}:${placeholder}:${zshAction(option)}`);
}

function zshPositional({ name, choices, many }: PositionalEntry, index: number): string {
  const action = zshAction({ choices, placeholder: 'FILE' });
  return quoted(`${many ? '*' : index + 1}:${zshText(name)}:${action}`);
}

/** To be sourced, or kept as _affidavit in a folder of fpath. */
export function zshCompletions(tree: CommandEntry): string {
  const nameOf = (path: string) => ['_affidavit', ...path.split(' ')].filter(Boolean).join('_');
  const functions = placesOf(tree).map(({ path, command }) => {
    const { commands, options, positionals } = command;
    const specs = [quoted('--help[show help]'), ...options.map(zshOption)];
    if (commands.length === 0) {
      const all = [...specs, ...positionals.map(zshPositional)];
      return `${nameOf(path)}() {\n  _arguments ${all.join(' \\\n    ')}\n}\n`;
    }
    const inner = commands.map(({ name, summary }) => quoted(`${name}:${zshText(summary)}`));
    const below = (name: string) => nameOf(path === '' ? name : `${path} ${name}`);
    return `${nameOf(path)}() {
  local context state state_descr line
  local -A opt_args
  local -a commands=(
    ${inner.join('\n    ')}
  )
  _arguments -C ${specs.join(' ')} '1:command:->command' '*::argument:->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${commands.map(({ name }) => `        ${name}) ${below(name)} ;;`).join('\n')}
      esac ;;
  esac
}
`;
  });
  return `#compdef affidavit
${heading('zsh')}
${functions.join('\n')}
# As a file of fpath this is the body of _affidavit itself; sourced, it is registered.
if [[ $funcstack[1] == _affidavit ]]; then
  _affidavit "$@"
else
  compdef _affidavit affidavit
fi
`;
}

/** As fish quotes: a backslash before a quote or a backslash. */
const fishQuoted = (text: string): string => `'${text.replace(/[\\']/g, String.raw`\$&`)}'`;

export function fishCompletions(tree: CommandEntry): string {
  const places = placesOf(tree);
  const valued = places.flatMap(({ path, command }) =>
    command.options.filter(takesValue).map(({ name }) => `${path} --${name}`.trimStart()),
  );
  const line = (path: string, ...rest: string[]) =>
    `complete -c affidavit -n ${fishQuoted(`__affidavit_at ${path === '' ? "''" : `"${path}"`}`)} ${rest.join(' ')}`;
  const lines = places.flatMap(({ path, command }) => [
    ...command.commands.map(({ name, summary }) =>
      line(path, '-f', '-a', name, '-d', fishQuoted(summary)),
    ),
    ...command.positionals
      .filter(({ choices }) => choices !== null)
      .map(({ choices }) => line(path, '-f', '-a', fishQuoted((choices ?? []).join(' ')))),
    ...command.options.map((option) => line(path, ...fishOption(option))),
    line(path, '-l', 'help', '-d', fishQuoted('show help')),
  ]);
  return `${heading('fish')}
set -g __affidavit_commands ${places
    .slice(1)
    .map(({ path }) => fishQuoted(path))
    .join(' ')}
set -g __affidavit_valued ${valued.map(fishQuoted).join(' ')}

function __affidavit_at --description 'whether the words before the cursor lead to this command'
    set -l path ''
    set -l waiting no
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        set -l longer (string trim -- "$path $word")
        if test $waiting = yes
            set waiting no
        else if contains -- "$longer" $__affidavit_valued
            set waiting yes
        else if contains -- "$longer" $__affidavit_commands
            set path $longer
        end
    end
    test "$path" = "$argv[1]"
end

${lines.join('\n')}
`;
}

function fishOption(option: OptionEntry): string[] {
  const { name, describe, placeholder, choices } = option;
  const said = ['-l', name, '-d', fishQuoted(describe)];
  if (placeholder === null) return said;
  if (choices !== null) return [...said, '-x', '-a', fishQuoted(choices.join(' '))];
  const files = placeholder === 'FILE' || placeholder === 'DIR';
  return [...said, files ? '-r -F' : '-x'];
}
