/** Preloaded with --import: writes the address of each module that a process loads, a line each, to $LOADED_MODULES. */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const list = process.env['LOADED_MODULES'] ?? '';

registerHooks({
  load(url, context, next) {
    appendFileSync(list, `${url}\n`);
    return next(url, context);
  },
});
