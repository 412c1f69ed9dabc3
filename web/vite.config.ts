/** How the page is built: `npm run web`. Nothing is fetched from anywhere else, and no script or style stands in the HTML. */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin, type UserConfig } from 'vite';
import { circuitsPlugin } from './circuits-plugin.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The page may ask only what its reader typed in; Barretenberg is compiled in it, and nothing is evaluated. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self' http: https: data:",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const withContentPolicy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: contentPolicy },
      injectTo: 'head-prepend',
    },
  ],
};

/** @param circuits what the copy comes with; default: what is at hand on this machine */
export function pageConfig(circuits: Plugin = circuitsPlugin()): UserConfig {
  return {
    root: here,
    base: './',
    publicDir: false,
    plugins: [withContentPolicy, circuits],
    // Of its own accord a test's build would hold this machine's paths.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
    worker: { format: 'es', rolldownOptions: { checks: { pluginTimings: false } } },
    build: {
      outDir: process.env['AFFIDAVIT_WEB_OUT'] ?? 'dist',
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
      rolldownOptions: {
        checks: { pluginTimings: false },
        input: [`${here}index.html`, `${here}live.html`],
      },
    },
  };
}

export default defineConfig(pageConfig());
