/** yargs without the emoji tables: every command pays for what is loaded here. */
import nodeModule from 'node:module';

/** The package that yargs, cliui and wrap-ansi each measure text with. */
const measured = 'string-width';

export async function loadYargs(): Promise<typeof import('yargs').default> {
  const width = import.meta.resolve('../words/text-width.ts');
  // Node without hooks loads the package itself: slower, and the same help.
  const hooks = nodeModule.registerHooks?.({
    resolve: (specifier, context, next) =>
      specifier === measured ? { url: width, shortCircuit: true } : next(specifier, context),
  });
  try {
    return (await import('yargs')).default;
  } finally {
    hooks?.deregister();
  }
}
