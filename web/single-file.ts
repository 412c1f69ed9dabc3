/**
 * The page as one HTML file for a disk, a mail or a USB stick: it opens from `file:`, asks for nothing and needs nothing
 * beside it. Script and style stand in it under a policy that allows these two by their hashes and no other. Proofs need
 * workers and files beside the page, which no browser gives to a page from a disk: their view says where they can be checked.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, type Rollup } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

const proofsElsewhere: Plugin = {
  name: 'proofs-elsewhere',
  enforce: 'pre',
  resolveId: (source) =>
    /(^|\/)proofs-view\.tsx$/.test(source) ? join(here, 'proofs/proofs-elsewhere.tsx') : null,
};

/** @throws Error when the build holds more than one page, one script and one style: nothing could be put inline for it */
export async function singleFile(): Promise<string> {
  const built = (await build({
    configFile: false,
    root: here,
    base: './',
    publicDir: false,
    logLevel: 'warn',
    plugins: [proofsElsewhere],
    // Of its own accord a test's build would hold this machine's paths.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      cssCodeSplit: false,
      rolldownOptions: {
        checks: { pluginTimings: false },
        input: [join(here, 'index.html')],
        output: { codeSplitting: false },
      },
    },
  })) as Rollup.RollupOutput;
  const { html, script, style } = partsOf(built.output);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    'connect-src http: https:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  // Replacements are functions: a `$&` in a script is no instruction.
  return html
    .replace(/\s*<script\b[^>]*\bsrc=[^>]*><\/script>/g, '')
    .replace(/\s*<link rel="(?:stylesheet|modulepreload)"[^>]*>/g, '')
    .replace(
      '<head>',
      () => `<head>\n    <meta http-equiv="Content-Security-Policy" content="${policy}">`,
    )
    .replace('</head>', () => `<style>${style}</style>\n  </head>`)
    .replace('</body>', () => `<script type="module">${script}</script>\n  </body>`);
}

function partsOf(output: Rollup.RollupOutput['output']) {
  const named = (end: string) =>
    output.filter(({ fileName }) => fileName.endsWith(end)).map((one) => contentOf(one));
  const [html, ...pages] = named('.html');
  const [script, ...scripts] = named('.js');
  const [style, ...styles] = named('.css');
  if (html === undefined || script === undefined || style === undefined) {
    throw new Error('the single file lacks a page, a script or a style');
  }
  if (pages.length + scripts.length + styles.length > 0 || output.length !== 3) {
    const names = output.map(({ fileName }) => fileName).join(', ');
    throw new Error(`the single file is one page, one script and one style, not ${names}`);
  }
  return { html, script: insideHtml(script), style };
}

function contentOf(one: Rollup.OutputChunk | Rollup.OutputAsset): string {
  if (one.type === 'chunk') return one.code;
  return typeof one.source === 'string' ? one.source : new TextDecoder().decode(one.source);
}

/** What would end or swallow the element is spelt so that strings, templates and patterns read the same. */
function insideHtml(script: string): string {
  return script.trim().replace(/<(?=\/script|!--|script)/gi, '\\x3c');
}

function hashOf(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
